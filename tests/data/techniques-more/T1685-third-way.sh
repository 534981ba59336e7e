#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1685 Disable or Modify Tools: done in another way than in tests/data/techniques, or there not at all.
sed -i 's/^/#/' /etc/rsyslog.conf; chmod 000 /usr/sbin/rsyslogd; service rsyslog stop
