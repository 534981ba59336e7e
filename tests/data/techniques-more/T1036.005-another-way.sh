#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1036.005 Match Legitimate Resource Name or Location: done in another way than in tests/data/techniques, or there not at all.
mkdir -p /usr/lib/systemd/.x; cp /bin/sleep /tmp/sshd; /tmp/sshd 2; cp /bin/sleep /var/tmp/systemd-journald; /var/tmp/systemd-journald 1
