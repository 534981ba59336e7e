/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/arena.h"
#include "base/err.h"

#include <errno.h>
#include <stdlib.h>

#define ALIGN 16
#define BLOCK_MIN 4096
#define BLOCK_MAX (1u << 20)

struct arena_block {
    struct arena_block *next;
    size_t size, used;
    _Alignas(ALIGN) uint8_t data[];
};

void arena_init(struct arena *a, size_t max)
{
    *a = (struct arena){.max = max};
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    for (struct arena_block *b = a->head, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    arena_init(a, a->max);
}

void arena_reset(struct arena *a)
{
    struct arena_block *keep = a->head; /* the newest: as large as was needed lately */

    for (struct arena_block *b = keep ? keep->next : NULL, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    arena_init(a, a->max);
    if (!keep)
        return;
    memset(keep->data, 0, keep->used);
    keep->used = 0;
    keep->next = NULL;
    a->head = keep;
}

static struct arena_block *block_add(struct arena *a, size_t need)
{
    size_t size = a->head ? a->head->size * 2 : BLOCK_MIN;

    if (size > BLOCK_MAX)
        size = BLOCK_MAX;
    if (size < need)
        size = need;
    if (size > SIZE_MAX - sizeof(struct arena_block))
        return NULL;
    struct arena_block *b = calloc(1, sizeof(*b) + size);
    if (!b)
        return NULL;
    b->size = size;
    b->next = a->head;
    a->head = b;
    return b;
}

void *arena_alloc(struct arena *a, size_t n)
{
    if (a->failed)
        return NULL;
    /* Zero bytes still get an address of their own. */
    size_t need = n ? n : 1;
    if (need > SIZE_MAX - ALIGN || need > a->max) {
        a->failed = ERR_LIMIT;
        return NULL;
    }
    need = (need + ALIGN - 1) / ALIGN * ALIGN;
    if (need > a->max - a->used) {
        a->failed = ERR_LIMIT;
        return NULL;
    }
    struct arena_block *b = a->head;
    if (!b || need > b->size - b->used)
        b = block_add(a, need);
    if (!b) {
        a->failed = -ENOMEM;
        return NULL;
    }
    void *p = b->data + b->used;
    b->used += need;
    a->used += need;
    return p;
}

void *arena_array(struct arena *a, size_t count, size_t size)
{
    size_t n;

    if (__builtin_mul_overflow(count, size, &n)) {
        if (!a->failed)
            a->failed = ERR_LIMIT;
        return NULL;
    }
    return arena_alloc(a, n);
}

struct str arena_str(struct arena *a, struct str s)
{
    if (s.n == SIZE_MAX) {
        if (!a->failed)
            a->failed = ERR_LIMIT;
        return STR_NONE;
    }
    char *p = arena_alloc(a, s.n + 1);
    if (!p)
        return STR_NONE;
    if (s.n)
        memcpy(p, s.p, s.n);
    return (struct str){p, s.n};
}

char *arena_dupz(struct arena *a, const char *z)
{
    return (char *)arena_str(a, str_from(z)).p;
}
