#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1140 Deobfuscate/Decode Files or Information: done in another way than in tests/data/techniques, or there not at all.
openssl enc -d -base64 <<< IyEvYmluL3NoCmVjaG8gaGkK > /tmp/o.sh; sh /tmp/o.sh; python3 -c 'import base64; print(base64.b64decode("aGk="))'
