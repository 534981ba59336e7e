#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Log rotation by hand for a program of one's own.
log=/var/log/myapp.log
for i in $(seq 1 200); do echo "$(date '+%F %T') request $i took $((RANDOM % 90)) ms"; done > "$log"
for n in 3 2 1; do [ -f "$log.$n.gz" ] && mv "$log.$n.gz" "$log.$((n + 1)).gz"; done
mv "$log" "$log.1"
gzip "$log.1"
: > "$log"
ls -l "$log"*
