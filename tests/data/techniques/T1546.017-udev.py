#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1546.017 Udev Rules: a rule runs a script when a device appears.
import os
import subprocess

with open("/etc/udev/rules.d/99-usb-label.rules", "w") as f:
    f.write('ACTION=="add", SUBSYSTEM=="usb", RUN+="/usr/local/bin/label.sh"\n')
with open("/usr/local/bin/label.sh", "w") as f:
    f.write("#!/bin/sh\ntouch /tmp/udev-marker\n")
os.chmod("/usr/local/bin/label.sh", 0o755)
subprocess.run(["udevadm", "control", "--reload"], check=False)
