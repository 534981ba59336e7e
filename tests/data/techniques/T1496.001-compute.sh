#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1496.001 Compute Hijacking: keeps every processor busy, as a miner does.
for i in 1 2; do timeout 12 sh -c 'while :; do :; done' & done
timeout 12 yes > /dev/null &
wait
