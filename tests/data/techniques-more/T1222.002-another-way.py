#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1222.002 Linux and Mac File and Directory Permissions Modification: done in another way than in tests/data/techniques, or there not at all.
import os
os.makedirs('/opt/app', exist_ok=True)
open('/opt/app/run','w').write('x')
os.chmod('/opt/app/run', 0o777)
os.chmod('/opt/app', 0o777)
os.chown('/opt/app/run', 1000, 1000)
