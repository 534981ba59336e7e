/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An arena: allocate many small things, free all at once. Capped by a total.
 * Memory is zeroed and aligned to 16 bytes. NULL means: no memory or cap
 * reached (arena->failed tells which and is sticky).
 */
#ifndef BELLJAR_BASE_ARENA_H
#define BELLJAR_BASE_ARENA_H

#include "base/str.h"

struct arena_block;

struct arena {
    struct arena_block *head;
    size_t used, max;
    int failed; /* 0, -ENOMEM or ERR_LIMIT */
};

void arena_init(struct arena *a, size_t max);
void arena_free(struct arena *a); /* safe on a zeroed arena */
/* Forgets all that was allocated and keeps one block, so that a loop over records need not ask for memory each time. */
void arena_reset(struct arena *a);
void *arena_alloc(struct arena *a, size_t n);
/* count * size with overflow check */
void *arena_array(struct arena *a, size_t count, size_t size);
struct str arena_str(struct arena *a, struct str s); /* copy, NUL-terminated; STR_NONE on failure */
char *arena_dupz(struct arena *a, const char *z);

#endif
