#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1489 Service Stop: done in another way than in tests/data/techniques, or there not at all.
import os, signal
for p in filter(str.isdigit, os.listdir('/proc')):
    try:
        if open(f'/proc/{p}/comm').read().strip() in ('cron', 'atd'): os.kill(int(p), signal.SIGKILL)
    except OSError: pass
