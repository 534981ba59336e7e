#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1686 Disable or Modify System Firewall: done in another way than in tests/data/techniques, or there not at all.
nft add table inet f; nft delete table inet f; systemctl stop nftables; systemctl disable nftables; ufw disable; exit 0
