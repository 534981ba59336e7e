#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1082 System Information Discovery: done in another way than in tests/data/techniques, or there not at all.
import platform, os, socket
print(platform.uname(), os.uname(), socket.gethostname(), open('/etc/os-release').read()[:50], open('/proc/cpuinfo').read()[:90], open('/proc/meminfo').read()[:90])
