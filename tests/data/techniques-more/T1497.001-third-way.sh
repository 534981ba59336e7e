#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1497.001 System Checks: done in another way than in tests/data/techniques, or there not at all.
dmidecode -s system-manufacturer; lscpu | grep -i hypervisor; lspci | grep -i -e virtio -e vmware; test -d /proc/vz && echo openvz
