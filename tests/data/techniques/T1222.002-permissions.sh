#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# T1222.002 Linux and Mac File and Directory Permissions Modification: modes, owner and the immutable attribute.
mkdir -p /tmp/perm/sub
echo x > /tmp/perm/sub/file
chmod -R 777 /tmp/perm
chown -R jonas:jonas /tmp/perm
chattr +i /tmp/perm/sub/file
lsattr /tmp/perm/sub/file
chattr -i /tmp/perm/sub/file
