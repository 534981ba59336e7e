#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
# T1087.001 Local Account: done in another way than in tests/data/techniques, or there not at all.
import pwd, grp
print([u.pw_name for u in pwd.getpwall()], [g.gr_name for g in grp.getgrall()])
