/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hashes: the digests that name files (OpenSSL's EVP behind them), and the two
 * keyed or cheap sums that our own formats use.
 */
#ifndef BELLJAR_BASE_HASH_H
#define BELLJAR_BASE_HASH_H

#include "base/err.h"

#include <stdint.h>

#define SHA256_SIZE 32
#define SHA256_HEX 65 /* with NUL */

struct hash_set { /* lower-case hex, NUL-terminated */
    char md5[33], sha1[41], sha256[65], sha512[129];
    uint64_t size;
    double entropy; /* Shannon, bits per byte, 0..8 */
};

/* Streams a file (from its current offset to the end) through all of them. `max` bytes at the most, else ERR_LIMIT. */
int hash_fd(int fd, uint64_t max, struct hash_set *ret, struct err *e);
int hash_bytes(const void *p, size_t n, struct hash_set *ret, struct err *e);

struct sha256; /* incremental */
int sha256_new(struct sha256 **ret);
int sha256_add(struct sha256 *h, const void *p, size_t n);
int sha256_end(struct sha256 **h, uint8_t ret[SHA256_SIZE]); /* frees; h may then be reused by new */
void sha256_free(struct sha256 **h);
int sha256_bytes(const void *p, size_t n, uint8_t ret[SHA256_SIZE]);

void hex_encode(const void *p, size_t n, char *ret /* 2n+1 */);
/* Exactly n bytes from 2n hex digits; 0 or ERR_FORMAT. */
int hex_decode(const char *hex, size_t hex_len, void *ret, size_t n);

/* n random bytes from the kernel; never fails on supported kernels (aborts otherwise). */
void random_bytes(void *p, size_t n);

#endif
