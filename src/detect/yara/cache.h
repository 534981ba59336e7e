/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Compiled rules, kept between runs: <cache folder>/yara/<key>.bjy.
 *
 * libyara trusts the compiled form, so only what our own jailed scanner made
 * may come back: the folder must be ours alone (mode 0700), and each file
 * carries an HMAC-SHA256 over the key, the problems and the compiled form, by a
 * secret that lies in that folder. A file that was changed, cut or exchanged is
 * refused and made again. The key is a hash of everything that goes in.
 *
 * File: "BJYC", u32 1, 32 bytes HMAC, 32 bytes key, u32 length of the problems, problems, compiled form.
 */
#ifndef BELLJAR_DETECT_YARA_CACHE_H
#define BELLJAR_DETECT_YARA_CACHE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"

#define YARA_CACHE_FILES_MAX 32 /* older ones are removed */
#define YARA_CACHE_PROBLEMS_MAX (4u << 20)

/*
 * The compiled form as a sealed memory file and the problems (init'ed by us). 1 there, 0 not there, negative: the cache
 * must not be used, or this file was refused (ERR_FORMAT). `dir` is for tests; NULL: the one above.
 */
int yara_cache_get(const char *dir, const uint8_t key[SHA256_SIZE], int *ret_fd, struct buf *ret_problems,
                   struct err *e);
int yara_cache_put(const char *dir, const uint8_t key[SHA256_SIZE], struct str problems, struct str compiled,
                   struct err *e);

/* A sealed memory file with these bytes: whoever gets it can read it only. */
int yara_memory_file(const void *p, size_t n, int *ret_fd, struct err *e);

#endif
