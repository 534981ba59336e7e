#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1040 Network Sniffing: done in another way than in tests/data/techniques, or there not at all.
timeout 4 python3 -c "import socket; s=socket.socket(17,3,0x300); s.settimeout(2); s.recv(99)"; exit 0
