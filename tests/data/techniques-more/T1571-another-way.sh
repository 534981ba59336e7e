#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# T1571 Non-Standard Port: done in another way than in tests/data/techniques, or there not at all.
printf 'GET / HTTP/1.0\r\n\r\n' | nc -w 4 203.0.113.50 4443
