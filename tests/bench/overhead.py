#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tracing costs the guest: the same loads untraced, traced by our tracer, and under strace -f, in one boot.

overhead.py WATCH LOAD [KERNEL]      prints a table; medians of five runs in turns
"""
import importlib.util
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SPEC = importlib.util.spec_from_file_location("check", os.path.join(HERE, "../../guest/linux/bpf-check/check.py"))
CHECK = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(CHECK)


def with_libraries(program):
    """A program of this machine and the libraries it names, as {path in the guest: path here}."""
    files = {"bin/" + os.path.basename(program): program}
    for line in subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout.splitlines():
        found = re.search(r"(/\S+)", line)
        if found:
            files[found.group(1).lstrip("/")] = os.path.realpath(found.group(1))
    return files


def initrd(watch, load):
    files = {"init": load, "bin/load": load, "bin/watch": watch}
    strace = shutil.which("strace")
    if strace:
        files.update(with_libraries(strace))
    folders = {"dev", "proc", "sys", "etc"}
    for name in files:
        while os.path.dirname(name):
            name = os.path.dirname(name)
            folders.add(name)
    parts = [CHECK.entry(d, 0o40755) for d in sorted(folders)]
    parts.append(CHECK.entry("dev/console", 0o20600, rdev=(5, 1)))
    for name, path in files.items():
        with open(path, "rb") as f:
            parts.append(CHECK.entry(name, 0o100755, f.read()))
    return b"".join(parts) + CHECK.entry("TRAILER!!!", 0)


def main():
    kernel = sys.argv[3] if len(sys.argv) > 3 else CHECK.kernel()
    if not kernel or not shutil.which("qemu-system-x86_64"):
        print("skipped: no guest kernel in the cache (belljar image build), or no QEMU")
        return 0
    with tempfile.NamedTemporaryFile(suffix=".cpio") as f:
        f.write(initrd(sys.argv[1], sys.argv[2]))
        f.flush()
        out = subprocess.run(
            ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-M", "q35", "-cpu", "max", "-smp", "2", "-m", "1024",
             "-kernel", kernel, "-initrd", f.name, "-append", "console=ttyS0 quiet panic=-1 mitigations=off", "-nodefaults",
             "-display", "none", "-serial", "stdio", "-no-reboot"],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=900, check=False).stdout.decode(errors="replace")
    times, lost = {}, 0
    for m in re.finditer(r"summary\t(\S+) (\S+)\topen=\S+\trun=(\S+)\t.*?lost=(\d+)", out):
        times.setdefault(m.group(1), {}).setdefault(m.group(2), []).append(float(m.group(3)))
        lost += int(m.group(4))
    if not times:
        print(out[-2000:])
        return 1
    print("%-6s %10s %10s %8s %14s" % ("load", "untraced", "traced", "ratio", "strace ratio"))
    for load, t in times.items():
        plain, traced = statistics.median(t["plain"]), statistics.median(t["traced"])
        strace = "%.1f" % (t["strace"][0] / t["plain-short"][0]) if "strace" in t else "no strace here"
        print("%-6s %8.3f s %8.3f s %8.2f %14s" % (load, plain, traced, traced / plain, strace))
    print("%d events lost" % lost)
    return 0


if __name__ == "__main__":
    sys.exit(main())
