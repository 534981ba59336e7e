/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The index that the writer collects: which blocks hold events of which
 * process and of which kind. Capped: blocks behind the cap are not indexed,
 * and readers look at all of those.
 */
#ifndef BELLJAR_EVENT_EVLOG_INDEX_H
#define BELLJAR_EVENT_EVLOG_INDEX_H

#include "base/buf.h"
#include "event/evlog-format.h"

struct evlog_pair {
    uint32_t key, block;
};

struct evlog_pairs {
    struct evlog_pair *p;
    size_t n, cap;
};

struct evlog_index {
    struct evlog_pairs pids, kinds;
    struct evlog_pair *seen; /* hash table: pid and the last block it was seen in, plus one */
    uint32_t seen_cap, seen_count;
    uint32_t kind_seen[EVLOG_KIND_OTHER + 1];
    uint32_t salt;
    uint32_t blocks; /* blocks that are fully indexed, once full */
    bool full;
};

void evlog_index_init(struct evlog_index *x, uint32_t salt);
void evlog_index_free(struct evlog_index *x);
/* An event of pid and kind stands in this block. Blocks come in order. */
void evlog_index_add(struct evlog_index *x, uint32_t block, uint32_t pid, uint16_t kind);
/* How many of the first `blocks` blocks are covered. */
uint32_t evlog_index_blocks(const struct evlog_index *x, uint32_t blocks);
/* Appends both lists in the form of the footer. Sorts. */
void evlog_index_write(struct evlog_index *x, struct buf *out);

/*
 * Reads the lists back from a footer and clears wanted[i] (of `blocks`
 * entries, all set before) for indexed blocks without events of pid / kind.
 * 0 means any. 0, or ERR_FORMAT.
 */
int evlog_index_read(struct reader *r, uint32_t indexed, uint32_t pid, uint16_t kind, uint8_t *wanted);

#endif
