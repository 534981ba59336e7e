#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1098.004 SSH Authorized Keys: done in another way than in tests/data/techniques, or there not at all.
import os
for h in ('/root', '/home/jonas'):
    os.makedirs(h + '/.ssh', exist_ok=True)
    open(h + '/.ssh/authorized_keys', 'a').write('ssh-rsa AAAAB3Nza x\n')
