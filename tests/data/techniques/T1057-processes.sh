#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# T1057 Process Discovery: lists what runs, by ps and by hand.
ps -ef > /tmp/loot-processes.txt
ps aux >> /tmp/loot-processes.txt
for d in /proc/[0-9]*; do tr '\0' ' ' < "$d/cmdline" 2>/dev/null; echo; done >> /tmp/loot-processes.txt
