#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1552.001 Credentials In Files: done in another way than in tests/data/techniques, or there not at all.
import os, re
for d, _, fs in os.walk('/home/jonas'):
    for f in fs:
        if re.search('passw|credential|secret|\\.env|config', f, re.I):
            print(d, f, open(os.path.join(d, f), errors='replace').read()[:80])
