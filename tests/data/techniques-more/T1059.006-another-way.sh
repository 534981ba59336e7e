#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1059.006 Python: done in another way than in tests/data/techniques, or there not at all.
python3 -c "import os; os.system('id')"; python3 - <<E
print(2)
E
