/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes the archive that a Linux kernel unpacks as its first root ("newc",
 * kernel document driver-api/early-userspace/buffer-format). Output is the
 * same for the same calls: no dates, no owners.
 */
#ifndef BELLJAR_MACHINE_CPIO_H
#define BELLJAR_MACHINE_CPIO_H

#include "base/buf.h"

#include <sys/types.h>

struct cpio {
    struct buf *out;
    uint32_t next_inode;
};

/* Output goes to `out` (its cap is the limit of the archive). Failure is sticky there. */
void cpio_begin(struct cpio *c, struct buf *out);
int cpio_folder(struct cpio *c, const char *path, mode_t mode);
int cpio_file(struct cpio *c, const char *path, mode_t mode, const void *p, size_t n);
int cpio_device(struct cpio *c, const char *path, mode_t mode, unsigned major, unsigned minor);
/* The trailer; 0 or the buffer's failure. */
int cpio_end(struct cpio *c);

#endif
