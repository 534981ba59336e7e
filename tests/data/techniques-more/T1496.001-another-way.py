#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1496.001 Compute Hijacking: done in another way than in tests/data/techniques, or there not at all.
import multiprocessing, hashlib, time
def w():
    e = time.time() + 14
    while time.time() < e: hashlib.sha256(b'x' * 4096).digest()
if __name__ == '__main__':
    ps = [multiprocessing.Process(target=w) for _ in range(2)]
    [p.start() for p in ps]; [p.join() for p in ps]
