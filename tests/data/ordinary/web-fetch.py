#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetches a page and prints its title."""
import re
import urllib.request

with urllib.request.urlopen("http://www.example.org/", timeout=10) as answer:
    page = answer.read().decode("utf-8", "replace")
print(answer.status, re.findall("<title>(.*?)</title>", page))
