#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1614.001 System Language Discovery: done in another way than in tests/data/techniques, or there not at all.
cat /etc/default/locale; localectl status; echo $LANG; locale
