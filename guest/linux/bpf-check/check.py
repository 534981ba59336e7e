#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Boots the guest's kernel with nothing but the tracer and the exercise, and compares what was seen with what was done.

check.py WATCH EXERCISE [KERNEL]      KERNEL: vmlinux; default: of the newest image in the cache
Exit code 77 (CTest: skipped) where there is no kernel or no QEMU.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TIMEOUT = 550


def entry(name, mode, data=b"", rdev=(0, 0)):
    """One file of a cpio archive (newc)."""
    head = "070701" + "".join("%08X" % v for v in (
        0, mode, 0, 0, 1, 0, len(data), 0, 0, rdev[0], rdev[1], len(name) + 1, 0))
    out = head.encode() + name.encode() + b"\0"
    out += b"\0" * (-len(out) % 4) + data
    return out + b"\0" * (-len(out) % 4)


def initrd(watch, exercise):
    parts = [entry(d, 0o40755) for d in ("bin", "dev", "etc")]
    parts.append(entry("dev/console", 0o20600, rdev=(5, 1)))
    parts.append(entry("etc/shadow", 0o100600, b"root:*:1::::::\n"))
    for name, path in (("init", watch), ("bin/watch", watch), ("bin/exercise", exercise)):
        with open(path, "rb") as f:
            parts.append(entry(name, 0o100755, f.read()))
    return b"".join(parts) + entry("TRAILER!!!", 0)


def kernel():
    found = []
    for base in (os.environ.get("BELLJAR_CACHE", ""), "/var/cache/belljar", os.path.expanduser("~/.cache/belljar")):
        if base:
            found += glob.glob(os.path.join(base, "images", "*", "vmlinux"))
    return max(found, key=os.path.getmtime) if found else None


def expectations():
    """Each line: kind, then Field=regex...; a leading '!' means that no such event may exist."""
    with open(os.path.join(HERE, "expected.txt"), encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            line = line.rstrip("\n")
            if line and not line.startswith("#"):
                yield number, line.startswith("!"), line.lstrip("!").split("\t")


def matches(event, want):
    if event[0] != want[0]:
        return False
    for field in want[1:]:
        name, _, pattern = field.partition("=")
        if not any(e.startswith(name + "=") and re.fullmatch(pattern, e[len(name) + 1:], re.S) for e in event[1:]):
            return False
    return True


def main():
    vmlinux = sys.argv[3] if len(sys.argv) > 3 else kernel()
    if not vmlinux or not shutil.which("qemu-system-x86_64"):
        print("skipped: no guest image in the cache (belljar image build), or no QEMU")
        return 77
    with tempfile.NamedTemporaryFile() as rd:
        rd.write(initrd(sys.argv[1], sys.argv[2]))
        rd.flush()
        run = subprocess.run(
            ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-M", "q35", "-cpu", "max", "-smp", "2", "-m", "768",
             "-kernel", vmlinux, "-initrd", rd.name, "-append", "console=ttyS0 quiet panic=-1", "-nodefaults",
             "-display", "none", "-serial", "stdio", "-no-reboot"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=TIMEOUT)
    text = run.stdout.decode("utf-8", "replace").replace("\r", "")
    # A field may hold line breaks (the environment): an event ends where the next line has a kind.
    events = [e.split("\t") for e in re.split(r"\n(?=[a-z(][a-z.()-]*\t|\[ )", text)]
    failed = 0
    for number, absent, want in expectations():
        if any(matches(e, want) for e in events) == absent:
            failed += 1
            print("expected.txt:%d: %s %s" % (number, "was seen:" if absent else "was not seen:", " ".join(want)))
    summary = [e for e in events if e[0] == "summary"]
    print(" ".join(summary[0]).split("\n")[0] if summary else "no summary: the guest did not finish")
    if failed or not summary:
        print(text)
    return 1 if failed or not summary else 0


if __name__ == "__main__":
    sys.exit(main())
