#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Installs node_modules exactly as the lock file says, unless that is done already. Safe when several builds run at once.
set -eu
cd "$(dirname "$0")"
exec 9<install.sh
flock 9
if [ -e node_modules/.belljar ] && cmp -s package-lock.json node_modules/.belljar; then
    exit 0
fi
"${NPM:-npm}" ci --ignore-scripts --no-audit --no-fund
cp package-lock.json node_modules/.belljar
