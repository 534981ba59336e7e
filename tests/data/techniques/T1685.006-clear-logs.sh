#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1685.006 Clear Linux or Mac System Logs: empties, overwrites and removes logs.
rm -rf /var/log/kern.log
cat /dev/null > /var/log/auth.log
truncate -s 0 /var/log/syslog
echo 0 > /var/log/wtmp
journalctl --vacuum-time=1s >/dev/null 2>&1
