#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1003.007 Proc Filesystem: looks for passwords in the memory of another process.
import re
import subprocess
import time

victim = subprocess.Popen(["/bin/sh", "-c", "PASSWORD=Winter-2024 sleep 20"])
time.sleep(0.5)
found = 0
with open(f"/proc/{victim.pid}/maps") as maps, open(f"/proc/{victim.pid}/mem", "rb") as mem:
    for line in maps:
        m = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
        if not m:
            continue
        start, end = int(m[1], 16), int(m[2], 16)
        try:
            mem.seek(start)
            found += mem.read(min(end - start, 1 << 20)).count(b"PASSWORD")
        except (OSError, ValueError):
            pass
print("found", found)
victim.kill()
