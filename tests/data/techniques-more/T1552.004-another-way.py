#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1552.004 Private Keys: done in another way than in tests/data/techniques, or there not at all.
import glob
for f in glob.glob('/home/*/.ssh/*') + glob.glob('/root/.ssh/*') + glob.glob('/etc/ssl/private/*'): print(f, open(f).read()[:20])
