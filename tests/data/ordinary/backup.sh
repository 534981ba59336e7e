#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The weekly backup of a home folder: an archive with a date in its name, and only the last four are kept.
set -eu
target=/var/backups/home
mkdir -p "$target"
tar -czf "$target/home-$(date +%Y-%m-%d).tar.gz" -C /home/jonas Documents
ls -1t "$target"/home-*.tar.gz | tail -n +5 | while read -r old; do rm -f "$old"; done
du -sh "$target"
