#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sums the columns of a table and writes a report."""
import collections
import csv
import statistics
import tempfile

rows = [{"item": f"part-{i % 7}", "amount": i * 3 % 41} for i in range(500)]
with tempfile.NamedTemporaryFile("w+", suffix=".csv", newline="") as f:
    writer = csv.DictWriter(f, ["item", "amount"])
    writer.writeheader()
    writer.writerows(rows)
    f.flush()
    f.seek(0)
    sums = collections.defaultdict(list)
    for row in csv.DictReader(f):
        sums[row["item"]].append(int(row["amount"]))
for item, amounts in sorted(sums.items()):
    print(f"{item:8} {sum(amounts):6} {statistics.mean(amounts):6.1f}")
