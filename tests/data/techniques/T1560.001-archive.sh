#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# T1560.001 Archive via Utility: packs documents with a password, and with tar.
cd /home/jonas/Documents || exit 1
zip -q -r -P infected /tmp/data.zip notes letters
tar -czf /tmp/data.tar.gz work
ls -l /tmp/data.zip /tmp/data.tar.gz
