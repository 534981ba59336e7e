#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1518.001 Security Software Discovery: done in another way than in tests/data/techniques, or there not at all.
import subprocess
for t in ('clamscan', 'rkhunter', 'chkrootkit', 'auditctl', 'falcon-sensor', 'ossec-control'):
    print(t, subprocess.run(['which', t], capture_output=True).returncode)
