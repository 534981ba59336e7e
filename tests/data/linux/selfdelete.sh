#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Deletes itself first, then works on.
rm -f "$0"
echo gone > /tmp/selfdelete-was-here
