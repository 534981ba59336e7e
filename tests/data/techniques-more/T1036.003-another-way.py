#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1036.003 Rename Legitimate Utilities: done in another way than in tests/data/techniques, or there not at all.
import shutil, subprocess
shutil.copy('/usr/bin/python3.13', '/tmp/svchost')
subprocess.run(['/tmp/svchost', '-c', 'print(1)'])
