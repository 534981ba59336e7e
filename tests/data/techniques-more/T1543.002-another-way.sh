#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1543.002 Systemd Service: done in another way than in tests/data/techniques, or there not at all.
cat > /lib/systemd/system/acct.service <<E
[Service]
ExecStart=/bin/true
[Install]
WantedBy=multi-user.target
E
ln -s /lib/systemd/system/acct.service /etc/systemd/system/multi-user.target.wants/acct.service
