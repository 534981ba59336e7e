#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# T1036.003 Rename Legitimate Utilities: a shell runs under the name of another program.
mkdir -p "$HOME/.local/bin"
cp /bin/sh "$HOME/.local/bin/crond"
echo 'sleep 2' | "$HOME/.local/bin/crond"
