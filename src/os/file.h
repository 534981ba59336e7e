/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files: whole reads with a cap, atomic writes, folders, safe names. */
#ifndef BELLJAR_OS_FILE_H
#define BELLJAR_OS_FILE_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

int file_read(const char *path, size_t max, struct buf *ret, struct err *e); /* inits *ret; ERR_LIMIT when larger */
/*
 * Opens for reading what must be a plain file, in a folder that a stranger may have made: no link in the last part of
 * the path, no pipe, device, socket or folder, and never waiting. *ret_size may be NULL. -ENOENT tells a missing file.
 */
int file_open_regular(const char *path, int *ret_fd, uint64_t *ret_size, struct err *e);
int file_read_regular(const char *path, size_t max, struct buf *ret, struct err *e); /* so opened, as file_read */
int file_read_fd(int fd, size_t max, struct buf *ret, struct err *e);
/* Writes path.tmp-RANDOM, fsyncs, renames. */
int file_write_atomic(const char *path, const void *p, size_t n, int mode, struct err *e);
int file_write_all(int fd, const void *p, size_t n); /* 0 or -errno; handles EINTR and short writes */
int file_mkdirs(const char *path, int mode, struct err *e);
int file_remove_tree(const char *path, struct err *e); /* does not follow links, stays on the device */
bool file_exists(const char *path);
int file_copy(const char *from, const char *to, int mode, struct err *e); /* reflink or sparse copy when possible */
uint64_t file_free_bytes(const char *path);
/* malloc'ed "a/b"; NULL on no memory */
char *path_join(const char *a, const char *b);
/* malloc'ed printf */
char *path_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Where Belljar keeps things. malloc'ed. BELLJAR_CACHE / BELLJAR_DATA, else XDG, else /var/{cache,lib}/belljar for
 * root. */
char *path_cache_dir(void);
char *path_data_dir(void);
/* Where our content and web files are: BELLJAR_SHARE, else ../share/belljar or the source tree next to the binary. */
char *path_share_dir(void);

#endif
