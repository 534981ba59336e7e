#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1070.003 Clear Command History: empties the shell's history in several ways.
cat /dev/null > "$HOME/.bash_history"
ln -sf /dev/null /home/jonas/.bash_history
history -c
