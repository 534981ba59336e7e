#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# T1053.002 At: gives a command to the at daemon, for the next minute.
echo "touch /tmp/at-was-here" | at now + 1 minute
atq
