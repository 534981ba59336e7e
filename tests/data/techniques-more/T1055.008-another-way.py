#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1055.008 Ptrace System Calls: done in another way than in tests/data/techniques, or there not at all.
import ctypes, subprocess, time, os
libc = ctypes.CDLL(None, use_errno=True)
p = subprocess.Popen(['sleep', '6'])
time.sleep(.5)
print(libc.ptrace(16, p.pid, None, None))
os.waitpid(p.pid, 0)
libc.ptrace.restype = ctypes.c_long
print(libc.ptrace(17, p.pid, None, None))
p.kill()
