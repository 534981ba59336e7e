#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Duplicates among the documents, found by hash, and a small database of them."""
import hashlib
import os
import sqlite3

db = sqlite3.connect("/tmp/inventory.db")
db.execute("create table files (path text, size int, hash text)")
for folder, _, names in os.walk("/home/jonas/Documents"):
    for name in names:
        path = os.path.join(folder, name)
        with open(path, "rb") as f:
            db.execute("insert into files values (?, ?, ?)", (path, os.path.getsize(path), hashlib.sha256(f.read()).hexdigest()))
db.commit()
print(db.execute("select count(*), sum(size) from files").fetchone())
print(db.execute("select hash, count(*) from files group by hash having count(*) > 1").fetchall()[:5])
