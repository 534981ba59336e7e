#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1003.008 /etc/passwd and /etc/shadow: copies the password hashes, and reads them without cat.
unshadowed=/tmp/T1003.008.txt
cat /etc/passwd /etc/shadow > "$unshadowed"
while IFS= read -r line; do echo "$line"; done < /etc/shadow | head -2
