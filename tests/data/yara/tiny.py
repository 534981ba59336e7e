#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the tiny PE and ELF files that the tests of content/yara carry as base64.

    tiny.py pe SPEC...    a 32-bit PE; SPEC is section:NAME:FLAGS[:zero|random|empty] or import:DLL:NAME,NAME...
                          or export:NAME or text:TEXT
    tiny.py elf SPEC...   a 64-bit ELF without sections; SPEC is load:FLAGS, body:zero|random:SIZE, text:TEXT

No file holds code that does something: sections are zeros or noise (a fixed seed). FLAGS are letters of rwx.
"""
import base64
import random
import struct
import sys

ALIGN = 512  # libyara rounds offsets of sections down to this


def align(n, a):
    return (n + a - 1) // a * a


def noise(n):
    return random.Random(20261123).randbytes(n)


def fill(kind, size=1024):
    if kind == "random":
        return noise(size)
    return b"" if kind == "empty" else bytes(size)


def thunks(dlls, rva):
    """Import directory for [(dll, [names])] placed at rva."""
    desc_size = 20 * (len(dlls) + 1)
    out, tail, at = b"", b"", rva + desc_size
    for dll, names in dlls:
        by_name, table, here = b"", [], at
        size = 4 * (len(names) + 1)
        for n in names:
            table.append(here + size + len(by_name))
            by_name += b"\0\0" + n.encode() + b"\0"
        dll_rva = here + size + len(by_name)
        block = b"".join(struct.pack("<I", t) for t in table) + bytes(4) + by_name + dll.encode() + b"\0"
        block += bytes(align(len(block), 4) - len(block))
        out += struct.pack("<IIIII", here, 0, 0, dll_rva, here)
        tail += block
        at += len(block)
    return out + bytes(20) + tail


def exports(name, rva):
    head = 40
    body = struct.pack("<I", 0x1000) + struct.pack("<I", rva + head + 10) + struct.pack("<H", 0)
    body += name.encode() + b"\0" + b"x.dll\0"
    return struct.pack("<IIHHIIIIIII", 0, 0, 0, 0, rva + head + 10 + len(name) + 1, 1, 1, 1, rva + head, rva + head + 4,
                       rva + head + 8) + body


def pe(specs):
    sections, dlls, export, text = [], [], None, b""
    for s in specs:
        kind, _, rest = s.partition(":")
        if kind == "section":
            name, flags, *what = rest.split(":")
            sections.append((name, flags, fill(what[0] if what else "empty")))
        elif kind == "import":
            dll, _, names = rest.partition(":")
            dlls.append((dll, names.split(",")))
        elif kind == "export":
            export = rest
        elif kind == "text":
            text += rest.encode() + b"\0"
    count = len(sections) + (1 if dlls or export or text else 0)
    raw = align(64 + 24 + 224 + 40 * count, ALIGN)
    first, rva, table, body, dirs = raw, 0x1000, b"", b"", [(0, 0)] * 16
    todo = [(n, f, d) for n, f, d in sections]
    if dlls or export or text:
        todo.append((".rdata", "r", None))
    for name, flags, data in todo:
        if data is None:
            data = b""
            if dlls:
                data = thunks(dlls, rva)
                dirs[1] = (rva, len(data))
            if export:
                data += bytes(align(len(data), 4) - len(data))
                dirs[0] = (rva + len(data), 80)
                data += exports(export, rva + len(data))
            data += text
        size = align(len(data), ALIGN)
        bits = 0x40000000 | (0x20000020 if "x" in flags else 0x40) | (0x80000000 if "w" in flags else 0)
        table += struct.pack("<8sIIIIIIHHI", name.encode(), max(len(data), 0x1000), rva, size, raw if size else 0, 0, 0, 0, 0,
                             bits)
        body += data + bytes(size - len(data))
        raw += size
        rva += align(max(len(data), 0x1000), 0x1000)
    dos = b"MZ" + bytes(58) + struct.pack("<I", 64)
    coff = struct.pack("<4sHHIIIHH", b"PE\0\0", 0x14c, len(todo), 0, 0, 0, 224, 0x2102 if export else 0x102)
    opt = struct.pack("<HBBIIIIIIIIIHHHHHHIIIIHHIIIIII", 0x10b, 14, 0, 16, 16, 0, 0x1000, 0x1000, 0x1000, 0x400000, 0x1000,
                      ALIGN, 6, 0, 0, 0, 6, 0, 0, rva, first, 0, 3, 0, 0x100000, 0x1000, 0x100000, 0x1000, 0, 16)
    opt += b"".join(struct.pack("<II", *d) for d in dirs)
    head = dos + coff + opt + table
    return head + bytes(first - len(head)) + body


def elf(specs):
    loads, body = [], b""
    for s in specs:
        kind, _, rest = s.partition(":")
        if kind == "load":
            loads.append(sum({"r": 4, "w": 2, "x": 1}[c] for c in rest))
        elif kind == "body":
            what, size = rest.split(":")
            body += fill(what, int(size))
        elif kind == "text":
            body += rest.encode() + b"\0"
    size = 64 + 56 * len(loads) + len(body)
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0x400000 + 64 + 56 * len(loads), 64, 0,
                                                          0, 64, 56, len(loads), 64, 0, 0)
    for f in loads:
        head += struct.pack("<IIQQQQQQ", 1, f, 0, 0x400000, 0x400000, size, size, 0x1000)
    return head + body


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in ("pe", "elf"):
        sys.exit(__doc__)
    sys.stdout.write(base64.b64encode((pe if sys.argv[1] == "pe" else elf)(sys.argv[2:])).decode() + "\n")


if __name__ == "__main__":
    main()
