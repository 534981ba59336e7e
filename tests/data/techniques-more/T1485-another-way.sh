#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1485 Data Destruction: done in another way than in tests/data/techniques, or there not at all.
rm -rf /home/jonas/Pictures /home/jonas/Documents; exit 0
