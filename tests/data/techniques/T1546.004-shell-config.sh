#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1546.004 Unix Shell Configuration Modification: a command in the start files of shells.
echo 'echo "atomic was here" > /tmp/bashrc-marker' >> "$HOME/.bashrc"
echo 'touch /tmp/profile-marker' >> /home/jonas/.profile
echo 'touch /tmp/profile-d-marker' > /etc/profile.d/motd-cache.sh
