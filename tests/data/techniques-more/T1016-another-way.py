#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1016 System Network Configuration Discovery: done in another way than in tests/data/techniques, or there not at all.
import socket
print(open('/proc/net/route').read(), open('/etc/resolv.conf').read())
print([open('/sys/class/net/%s/address' % i[1]).read() for i in socket.if_nameindex()])
