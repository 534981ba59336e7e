#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Fills the disk of its machine until nothing fits any more.
dd if=/dev/zero of=/var/filler bs=1M 2>/dev/null
echo "full: $(stat -c %s /var/filler 2>/dev/null)"
sync
