#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1033 System Owner/User Discovery: done in another way than in tests/data/techniques, or there not at all.
import getpass, os, subprocess
print(getpass.getuser(), os.getlogin() if 0 else '', os.geteuid())
print(subprocess.run(['whoami'], capture_output=True))
