#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1053.003 Cron: done in another way than in tests/data/techniques, or there not at all.
(crontab -l 2>/dev/null; echo '@reboot /bin/true') | crontab -
