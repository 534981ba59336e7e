#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# T1569.003 Systemctl: has the service manager run a command by way of a short-lived service.
mkdir -p /run/systemd/system
cat > /run/systemd/system/once.service <<'X'
[Service]
Type=oneshot
ExecStart=/bin/sh -c "id > /tmp/once.txt"
X
systemctl daemon-reload
systemctl start once.service
cat /tmp/once.txt
