#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# T1059.004 Unix Shell: writes a second shell script, makes it executable and runs it.
cat > /tmp/art.sh <<'X'
echo "Hello from the second script"
uname -s
X
chmod +x /tmp/art.sh
sh /tmp/art.sh
rm -f /tmp/art.sh
