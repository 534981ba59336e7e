#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1497.001 System Checks: done in another way than in tests/data/techniques, or there not at all.
print(open('/sys/class/dmi/id/sys_vendor').read(), open('/sys/class/dmi/id/bios_vendor').read())
print('hypervisor' in open('/proc/cpuinfo').read())
