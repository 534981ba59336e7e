#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# T1489 Service Stop: stops a service, and kills the process of another.
systemctl stop cron.service
pkill -x atd
systemctl status cron.service --no-pager | head -3
