#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1053.003 Cron: done in another way than in tests/data/techniques, or there not at all.
open('/etc/cron.d/php-clean','w').write('*/5 * * * * root /usr/bin/true\n')
