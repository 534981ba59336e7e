#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1070.004 File Deletion: done in another way than in tests/data/techniques, or there not at all.
import os
open('/tmp/a.bin','w').write('x'*99)
os.remove('/tmp/a.bin')
os.remove(__file__)
