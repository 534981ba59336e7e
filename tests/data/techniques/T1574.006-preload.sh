#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# T1574.006 Dynamic Linker Hijacking: puts a library in front of all programs (an existing, harmless one).
echo /lib/x86_64-linux-gnu/libm.so.6 > /etc/ld.so.preload
/bin/true
rm /etc/ld.so.preload
LD_PRELOAD=/lib/x86_64-linux-gnu/libm.so.6 /bin/ls /
