#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1046 Network Service Discovery: done in another way than in tests/data/techniques, or there not at all.
for p in $(seq 1 120); do (exec 3<>/dev/tcp/192.168.178.20/$p) 2>/dev/null && echo open $p; done
