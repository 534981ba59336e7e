#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Leaves a file and reboots the machine under the watcher.
echo rebooting > /tmp/reboot-was-here
sleep 1
reboot -f
sleep 30
