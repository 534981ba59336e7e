/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The ELF kernel inside a Linux "bzImage" (kernel document arch/x86/boot:
 * "HdrS" at 0x202, setup_sects at 0x1f1, payload_offset and payload_length at
 * 0x248 and 0x24c since protocol 2.08). QEMU starts the ELF by its PVH note,
 * which saves the real-mode setup code and its decompressor.
 */
#ifndef BELLJAR_MACHINE_KERNEL_H
#define BELLJAR_MACHINE_KERNEL_H

#include "base/buf.h"
#include "base/err.h"

#define KERNEL_MAX (256u << 20)

/* Adds the ELF to *out (initialised by the caller; its cap holds). zstd and gzip; an ELF is copied as it is.
 * ERR_FORMAT, ERR_TRUNCATED, ERR_UNSUPPORTED (another compression; it is named), ERR_LIMIT. */
int kernel_extract(const void *p, size_t n, struct buf *out, struct err *e);

#endif
