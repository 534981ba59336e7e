#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1140 Deobfuscate/Decode Files or Information: decodes a script from base64 and hex and runs it.
ENCODED="IyEvYmluL3NoCmVjaG8gZGVjb2RlZCBwYXlsb2FkCg=="
echo "$ENCODED" > /tmp/encoded.dat
base64 -d /tmp/encoded.dat > /tmp/art-decoded.sh
chmod +x /tmp/art-decoded.sh
/tmp/art-decoded.sh
echo 6563686f20686578 | xxd -r -p > /tmp/hex.out
