/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "event/evlog-index.h"

#include <stdlib.h>

#define SEEN_MIN 1024
#define PAIRS_MIN 1024

void evlog_index_init(struct evlog_index *x, uint32_t salt)
{
    *x = (struct evlog_index){.salt = salt};
}

void evlog_index_free(struct evlog_index *x)
{
    free(x->pids.p);
    free(x->kinds.p);
    free(x->seen);
    *x = (struct evlog_index){0};
}

static bool pair_add(struct evlog_pairs *list, uint32_t key, uint32_t block)
{
    if (list->n == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : PAIRS_MIN;
        struct evlog_pair *p = cap <= EVLOG_INDEX_MAX ? realloc(list->p, cap * sizeof(*p)) : NULL;
        if (!p)
            return false;
        list->p = p;
        list->cap = cap;
    }
    list->p[list->n++] = (struct evlog_pair){key, block};
    return true;
}

static struct evlog_pair *seen_slot(const struct evlog_index *x, struct evlog_pair *table, uint32_t cap, uint32_t pid)
{
    uint32_t at = ((pid ^ x->salt) * 0x9e3779b1u) >> 8 & (cap - 1);

    while (table[at].block && table[at].key != pid)
        at = (at + 1) & (cap - 1);
    return &table[at];
}

static bool seen_grow(struct evlog_index *x)
{
    uint32_t cap = x->seen_cap ? x->seen_cap * 2 : SEEN_MIN;
    struct evlog_pair *table = calloc(cap, sizeof(*table));

    if (!table)
        return false;
    for (uint32_t i = 0; i < x->seen_cap; i++) {
        if (x->seen[i].block)
            *seen_slot(x, table, cap, x->seen[i].key) = x->seen[i];
    }
    free(x->seen);
    x->seen = table;
    x->seen_cap = cap;
    return true;
}

static bool pid_add(struct evlog_index *x, uint32_t block, uint32_t pid)
{
    if (x->seen_count >= x->seen_cap / 4 * 3 && !seen_grow(x))
        return false;
    struct evlog_pair *slot = seen_slot(x, x->seen, x->seen_cap, pid);
    if (slot->block == block + 1)
        return true;
    x->seen_count += slot->block == 0;
    *slot = (struct evlog_pair){pid, block + 1};
    return pair_add(&x->pids, pid, block);
}

static bool kind_add(struct evlog_index *x, uint32_t block, uint16_t kind)
{
    uint32_t at = kind < EVLOG_KIND_OTHER ? kind : EVLOG_KIND_OTHER;

    if (x->kind_seen[at] == block + 1)
        return true;
    x->kind_seen[at] = block + 1;
    return pair_add(&x->kinds, at, block);
}

void evlog_index_add(struct evlog_index *x, uint32_t block, uint32_t pid, uint16_t kind)
{
    if (x->full)
        return;
    if (!pid_add(x, block, pid) || !kind_add(x, block, kind)) {
        x->full = true;
        x->blocks = block; /* this one is only half known */
    }
}

uint32_t evlog_index_blocks(const struct evlog_index *x, uint32_t blocks)
{
    return x->full ? x->blocks : blocks;
}

static int pair_order(const void *a, const void *b)
{
    const struct evlog_pair *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->block < y->block ? -1 : x->block > y->block;
}

static void list_write(struct evlog_pairs *list, struct buf *out)
{
    uint64_t keys = 0;

    if (list->n)
        qsort(list->p, list->n, sizeof(*list->p), pair_order);
    for (size_t i = 0; i < list->n; i++)
        keys += i == 0 || list->p[i].key != list->p[i - 1].key;
    buf_varint(out, keys);
    for (size_t i = 0; i < list->n;) {
        size_t end = i;
        while (end < list->n && list->p[end].key == list->p[i].key)
            end++;
        buf_varint(out, list->p[i].key);
        buf_varint(out, end - i);
        for (uint32_t last = 0; i < end; i++) {
            buf_varint(out, list->p[i].block - last);
            last = list->p[i].block;
        }
    }
}

void evlog_index_write(struct evlog_index *x, struct buf *out)
{
    list_write(&x->kinds, out);
    list_write(&x->pids, out);
}

/* Marks in `hit` the blocks of one key. */
static int list_read(struct reader *r, uint32_t indexed, uint32_t key, uint8_t *hit)
{
    uint64_t keys = reader_varint(r);

    for (uint64_t i = 0; i < keys && reader_ok(r); i++) {
        uint64_t this_key = reader_varint(r), count = reader_varint(r), block = 0;
        for (uint64_t k = 0; k < count && reader_ok(r); k++) {
            uint64_t step = reader_varint(r);
            if (step > UINT32_MAX)
                return reader_fail(r, ERR_FORMAT, "block number in the index");
            block += step;
            if (this_key == key && block < indexed)
                hit[block] = 1;
        }
    }
    return r->error;
}

int evlog_index_read(struct reader *r, uint32_t indexed, uint32_t pid, uint16_t kind, uint8_t *wanted)
{
    uint8_t *hit = calloc(2, (size_t)indexed + 1);
    int result = hit ? 0 : ERR_LIMIT;

    if (!hit)
        return result;
    uint8_t *hit_pid = hit + indexed;
    result = list_read(r, indexed, kind < EVLOG_KIND_OTHER ? kind : EVLOG_KIND_OTHER, hit);
    if (result == 0)
        result = list_read(r, indexed, pid, hit_pid);
    for (uint32_t i = 0; i < indexed && result == 0; i++)
        wanted[i] = (!kind || hit[i]) && (!pid || hit_pid[i]);
    free(hit);
    return result;
}
