#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1003.008 /etc/passwd and /etc/shadow: done in another way than in tests/data/techniques, or there not at all.
print(len(open('/etc/shadow').read()))
