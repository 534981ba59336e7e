#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1053.003 Cron: replaces the crontab of the user by one that runs a script each minute.
printf '#!/bin/sh\ndate >> /tmp/cron-marker\n' > /usr/local/bin/refresh
chmod 755 /usr/local/bin/refresh
crontab -l > /tmp/crontab.old 2>/dev/null
echo "* * * * * /usr/local/bin/refresh" > /tmp/crontab.new
crontab /tmp/crontab.new
