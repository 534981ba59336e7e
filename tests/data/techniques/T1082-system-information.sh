#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# T1082 System Information Discovery: writes down what machine this is.
uname -a > /tmp/system.txt
cat /etc/os-release >> /tmp/system.txt
cat /proc/version >> /tmp/system.txt
hostname >> /tmp/system.txt
uptime >> /tmp/system.txt
lscpu >> /tmp/system.txt
df -h >> /tmp/system.txt
