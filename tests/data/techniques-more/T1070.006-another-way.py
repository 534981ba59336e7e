#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1070.006 Timestomp: done in another way than in tests/data/techniques, or there not at all.
import os
open('/usr/local/lib/libz.so','w').write('x')
s = os.stat('/etc/hostname')
os.utime('/usr/local/lib/libz.so', (s.st_atime, s.st_mtime))
