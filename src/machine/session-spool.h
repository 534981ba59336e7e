/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Assembles captures that come from a guest in pieces: one nameless temporary
 * file each, hashed on the way. The guest is hostile: ids, order, sizes, the
 * number of unfinished captures and all bytes together are bounded here.
 */
#ifndef BELLJAR_MACHINE_SESSION_SPOOL_H
#define BELLJAR_MACHINE_SESSION_SPOOL_H

#include "base/err.h"
#include "base/hash.h"
#include "base/str.h"
#include "proto/wire.h"

#define SPOOL_OPEN_MAX 8 /* unfinished captures; a ninth throws the oldest away */
#define SPOOL_NAME_MAX 4096
#define SPOOL_COUNT_MAX 20000 /* finished captures of one run */

struct spool_item {
    uint32_t id;
    int kind, fd; /* fd -1: the slot is free */
    uint64_t age, announced, stored, came;
    bool cut; /* the host's caps or its disk ended it */
    struct sha256 *hash;
    char name[SPOOL_NAME_MAX];
    size_t name_len;
};

struct spool {
    char *folder;
    uint64_t file_max, total_max; /* bytes */
    uint64_t total, count, clock;
    uint64_t bad; /* pieces without a beginning, forgotten captures, hashes that differ */
    struct spool_item items[SPOOL_OPEN_MAX];
};

struct spool_result {
    int kind, fd; /* borrowed until spool_release */
    struct str name;
    uint64_t size;
    char sha256[SHA256_HEX];
    bool truncated, mismatch;
};

int spool_init(struct spool *s, const char *folder);
void spool_free(struct spool *s);
/*
 * One WIRE_CAPTURE payload. 1: a capture is finished, *ret is filled and *ret_slot must be given to
 * spool_release; 0: taken or ignored (and counted in `bad`); negative: trouble of the host's own (disk).
 */
int spool_add(struct spool *s, const uint8_t *payload, size_t n, struct spool_result *ret, unsigned *ret_slot,
              struct err *e);
void spool_release(struct spool *s, unsigned slot);

#endif
