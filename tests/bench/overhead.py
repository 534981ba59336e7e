#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tracing costs the guest: the same commands without a tracer, under ours, and under strace -f, in one boot.

overhead.py WATCH [KERNEL]      prints a table

The guest is the kernel of the newest image and an initrd with this machine's bash, dd, find and strace. QEMU counts
instructions as time (-icount), so that what else the host does changes nothing; compared is the processor time of the
command and its children. What the tracer's reader costs is not in it: it works on another processor of the guest. Each
command runs ROUNDS times without the tracer and ROUNDS times with it, the shortest counts. strace and the command it
traces are one number, since they cannot work at the same time; it gets a smaller load beside an untraced run of the same.
"""
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SPEC = importlib.util.spec_from_file_location("check", os.path.join(HERE, "../../guest/linux/bpf-check/check.py"))
CHECK = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(CHECK)

ROUNDS = 2
LIMITS = {"dd": 2.0, "find": 1.5, "exec": 1.25}  # what we promise
FOLDERS, FILES = 100, 50  # of the tree that find walks
PROGRAMS = ("bash", "dd", "find", "mount", "sleep", "strace")

EXECS = "for ((i = 0; i < %d; i++)); do /bin/script; done"
INIT = """#!/bin/bash
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t securityfs security /sys/kernel/security
for ((i = 0; i < {folders}; i++)); do for ((k = 0; k < {files}; k++)); do : > /tree/$i/$k; done; done
watch -m {rounds} dd dd if=/dev/zero of=/dev/null bs=1 count=200000 status=none \
 -- find find / -xdev -fprint /dev/null -- exec bash -c '{execs}'
if [ -x /bin/strace ]; then
    watch -q -n -ldd,plain dd if=/dev/zero of=/dev/null bs=1 count=2000 status=none
    watch -q -n -ldd,strace strace -f -o /dev/null dd if=/dev/zero of=/dev/null bs=1 count=2000 status=none
    watch -q -n -lfind,plain find / -xdev -fprint /dev/null
    watch -q -n -lfind,strace strace -f -o /dev/null find / -xdev -fprint /dev/null
    watch -q -n -lexec,plain bash -c '{few}'
    watch -q -n -lexec,strace strace -f -o /dev/null bash -c '{few}'
fi
echo the end
sleep 2 # the last words need time on the serial line; the panic at our end powers off
""".format(folders=FOLDERS, files=FILES, rounds=ROUNDS, execs=EXECS % 200, few=EXECS % 20)


def with_libraries(program):
    """A program of this machine and the libraries it names, as {path in the guest: path here}."""
    files = {"bin/" + os.path.basename(program): program}
    for line in subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout.splitlines():
        found = re.search(r"(/\S+)", line)
        if found:
            files[found.group(1).lstrip("/")] = os.path.realpath(found.group(1))
    return files


def initrd(watch):
    files = {"bin/watch": watch}
    for program in PROGRAMS:
        path = shutil.which(program)
        if path:
            files.update(with_libraries(path))
    folders = {"dev", "proc", "sys", "etc", "tmp", "tree"} | {"tree/%d" % i for i in range(FOLDERS)}
    for name in files:
        while os.path.dirname(name):
            name = os.path.dirname(name)
            folders.add(name)
    parts = [CHECK.entry(d, 0o40755) for d in sorted(folders)]
    parts.append(CHECK.entry("dev/console", 0o20600, rdev=(5, 1)))
    parts.append(CHECK.entry("dev/null", 0o20666, rdev=(1, 3)))
    parts.append(CHECK.entry("dev/zero", 0o20666, rdev=(1, 5)))
    parts.append(CHECK.entry("init", 0o100755, INIT.encode()))
    parts.append(CHECK.entry("bin/script", 0o100755, b"#!/bin/bash\n:\n"))
    for name, path in files.items():
        with open(path, "rb") as f:
            parts.append(CHECK.entry(name, 0o100755, f.read()))
    return b"".join(parts) + CHECK.entry("TRAILER!!!", 0)


def boot(kernel, watch):
    with tempfile.NamedTemporaryFile(suffix=".cpio") as f:
        f.write(initrd(watch))
        f.flush()
        return subprocess.run(
            ["qemu-system-x86_64", "-accel", "tcg,thread=single", "-icount", "shift=1,sleep=off", "-M", "q35", "-cpu", "max", "-smp", "1", "-m", "1024",
             "-kernel", kernel, "-initrd", f.name, "-append", "console=ttyS0 quiet panic=-1 mitigations=off",
             "-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot"],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=900,
            check=False).stdout.decode(errors="replace").replace("\r", "")


def main():
    kernel = sys.argv[2] if len(sys.argv) > 2 else CHECK.kernel()
    if not kernel or not shutil.which("qemu-system-x86_64"):
        print("skipped: no guest kernel in the cache (belljar image build), or no QEMU")
        return 0
    out = boot(kernel, sys.argv[1])
    times, few = {}, {}
    for load, how, seconds, status in re.findall(r"^measure\t(\S+)\t(\S+)\t\S+\t(\S+)\t(\d+)$", out, re.M):
        if status == "0":
            times.setdefault(load, {}).setdefault(how, []).append(float(seconds))
    for load, how, seconds in re.findall(r"^summary\t(\w+),(\w+)\t.*\tcpu=(\S+)\tstatus=0\t", out, re.M):
        few.setdefault(load, {})[how] = float(seconds)
    lost = re.search(r"^events\t(\d+)\tlost\t(\d+)$", out, re.M)
    if not lost or set(times) != set(LIMITS) or "the end" not in out:
        print("the guest did not finish; its last words:\n" + out[-3000:])
        return 1
    print("%-6s %12s %12s %7s %7s %14s" % ("load", "untraced", "traced", "ratio", "goal", "strace -f"))
    for load, t in times.items():
        plain, traced = min(t["plain"]), min(t["traced"])
        strace = "%.1f" % (few[load]["strace"] / few[load]["plain"]) if "strace" in few.get(load, ()) else "no strace here"
        print("%-6s %10.3f s %10.3f s %7.2f %7.2f %14s" % (load, plain, traced, traced / plain, LIMITS[load], strace))
    print("%s events, %s lost" % lost.groups())
    return 0


if __name__ == "__main__":
    sys.exit(main())
