#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1049 System Network Connections Discovery: done in another way than in tests/data/techniques, or there not at all.
print(open('/proc/net/tcp').read())
print(open('/proc/net/udp').read())
