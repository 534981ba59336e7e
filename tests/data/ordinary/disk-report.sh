#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Which folders are large? A table for the mail of Monday morning.
echo "Disk usage on $(hostname), $(date +%F)"
df -h / | tail -1
du -x --max-depth=1 /var /usr 2>/dev/null | sort -rn | head -12 | awk '{printf "%8.1f MiB  %s\n", $1 / 1024, $2}'
