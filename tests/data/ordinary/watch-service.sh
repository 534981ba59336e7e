#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A simple monitor: does the service run, is there space, is the load low?
systemctl is-active cron || echo "cron is down"
awk '{print "load", $1}' /proc/loadavg
awk '/MemAvailable/ {print "free", $2 / 1024, "MiB"}' /proc/meminfo
[ "$(df --output=pcent / | tail -1 | tr -dc 0-9)" -lt 95 ] && echo "space ok"
