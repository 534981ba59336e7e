#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1036.004 Masquerade Task or Service: done in another way than in tests/data/techniques, or there not at all.
printf '[Unit]\nDescription=System Logging Service\n[Service]\nExecStart=/bin/sleep 2\n' > /etc/systemd/system/systemd-logger.service; systemctl daemon-reload; systemctl start systemd-logger
