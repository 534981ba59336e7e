#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1529 System Shutdown/Reboot: done in another way than in tests/data/techniques, or there not at all.
sleep 1; systemctl reboot; sleep 9
