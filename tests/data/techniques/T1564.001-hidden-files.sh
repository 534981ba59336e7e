#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# T1564.001 Hidden Files and Directories: a folder and a file whose names begin with a dot.
mkdir -p /var/tmp/.hidden-directory
echo "data" > /var/tmp/.hidden-directory/.hidden-file
ls -la /var/tmp/.hidden-directory
