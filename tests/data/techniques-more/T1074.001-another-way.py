#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1074.001 Local Data Staging: done in another way than in tests/data/techniques, or there not at all.
import glob, os, shutil
os.makedirs('/var/tmp/.cache-x', exist_ok=True)
for f in glob.glob('/home/jonas/Documents/**/*.pdf', recursive=True): shutil.copy(f, '/var/tmp/.cache-x')
