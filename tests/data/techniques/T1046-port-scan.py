#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1046 Network Service Discovery: tries the well-known ports of a neighbour.
import socket

OPEN = []
for port in list(range(20, 60)) + [80, 110, 111, 135, 139, 143, 443, 445, 993, 3306, 3389, 5432, 5900, 6379, 8080, 9200]:
    s = socket.socket()
    s.settimeout(0.1)
    try:
        if s.connect_ex(("192.168.178.20", port)) == 0:
            OPEN.append(port)
    finally:
        s.close()
print(OPEN)
