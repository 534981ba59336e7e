#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1548.001 Setuid and Setgid: done in another way than in tests/data/techniques, or there not at all.
import os, shutil
shutil.copy('/bin/bash', '/tmp/.b')
os.chmod('/tmp/.b', 0o4755)
