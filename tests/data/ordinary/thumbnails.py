#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies the smallest pictures into a folder and writes an index page, with a pool of threads."""
import concurrent.futures
import pathlib
import shutil

source, target = pathlib.Path("/home/jonas/Pictures"), pathlib.Path("/tmp/gallery")
target.mkdir(exist_ok=True)
pictures = sorted(source.rglob("*.jpg"), key=lambda p: p.stat().st_size)[:25]
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    list(pool.map(lambda p: shutil.copy2(p, target / p.name), pictures))
(target / "index.html").write_text("".join(f'<img src="{p.name}">\n' for p in pictures))
print(len(pictures))
