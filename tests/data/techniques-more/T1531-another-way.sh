#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1531 Account Access Removal: done in another way than in tests/data/techniques, or there not at all.
chpasswd <<< 'jonas:new-Pass-1'; userdel -f jonas; exit 0
