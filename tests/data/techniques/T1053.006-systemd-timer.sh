#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1053.006 Systemd Timers: a service and a timer that starts it soon after boot and every minute.
printf '[Unit]\nDescription=Cache maintenance\n[Service]\nType=simple\nExecStart=/bin/touch /tmp/timer-marker\n' > /etc/systemd/system/cache-maint.service
printf '[Unit]\nDescription=Cache maintenance\n[Timer]\nOnActiveSec=8s\nOnUnitActiveSec=60s\nUnit=cache-maint.service\n[Install]\nWantedBy=timers.target\n' > /etc/systemd/system/cache-maint.timer
systemctl daemon-reload
systemctl enable --now cache-maint.timer
