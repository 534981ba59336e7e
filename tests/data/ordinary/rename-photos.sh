#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Gives photos a name with their date.
cd /home/jonas/Pictures || exit 1
find . -name 'IMG_*.jpg' | head -20 | while read -r f; do
    mv "$f" "$(dirname "$f")/$(date -r "$f" +%Y%m%d)-$(basename "$f")"
done
