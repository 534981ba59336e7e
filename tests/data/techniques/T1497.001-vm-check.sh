#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1497.001 System Checks: asks in three ways whether this is a virtual machine, and stops if so.
if systemd-detect-virt --quiet; then echo "virtual"; fi
product=$(cat /sys/class/dmi/id/product_name 2>/dev/null)
case $product in *QEMU*|*KVM*|*VirtualBox*|*VMware*) echo "virtual: $product" ;; esac
grep -q '^flags.*hypervisor' /proc/cpuinfo && echo "hypervisor flag"
