#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1574.006 Dynamic Linker Hijacking: done in another way than in tests/data/techniques, or there not at all.
cp /lib/x86_64-linux-gnu/libm.so.6 /tmp/libhook.so; export LD_PRELOAD=/tmp/libhook.so; /bin/ls > /dev/null; /usr/bin/id
