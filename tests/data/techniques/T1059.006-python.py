#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1059.006 Python: unpacks a piece of Python, compiles it and runs it in a second interpreter.
import base64
import os
import py_compile
import subprocess

CODE = base64.b64decode("cHJpbnQoIkhlbGxvIGZyb20gdGhlIHBheWxvYWQiKQ==")
with open("/tmp/payload.py", "wb") as f:
    f.write(CODE)
py_compile.compile("/tmp/payload.py", cfile="/tmp/payload.pyc")
subprocess.run(["python3", "/tmp/payload.pyc"], check=True)
os.unlink("/tmp/payload.pyc")
