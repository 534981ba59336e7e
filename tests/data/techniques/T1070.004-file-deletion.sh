#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# T1070.004 File Deletion: uses a file, then removes it so that it cannot be brought back.
mkdir -p /tmp/victim-files
echo "stage" > /tmp/victim-files/stage.bin
echo "notes" > /tmp/victim-files/notes.txt
shred -u /tmp/victim-files/stage.bin
rm -rf /tmp/victim-files
rm -- "$0"
