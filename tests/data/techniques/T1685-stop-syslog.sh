#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# T1685 Disable or Modify Tools: stops and disables the logging service.
systemctl stop rsyslog
systemctl disable rsyslog
