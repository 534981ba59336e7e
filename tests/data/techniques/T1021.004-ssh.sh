#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# T1021.004 SSH: logs in to a neighbour with the user's own key and runs a command there.
ssh -o StrictHostKeyChecking=no -o BatchMode=yes -o ConnectTimeout=5 -i /home/jonas/.ssh/id_ed25519 jonas@192.168.178.30 'id; uname -a'
exit 0
