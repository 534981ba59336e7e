#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1140 Deobfuscate/Decode Files or Information: done in another way than in tests/data/techniques, or there not at all.
import base64, subprocess, os
open('/tmp/stage','wb').write(base64.b64decode('IyEvYmluL3NoCmVjaG8gaGkK'))
os.chmod('/tmp/stage', 0o755)
subprocess.run(['/tmp/stage'])
