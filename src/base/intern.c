/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/intern.h"
#include "base/hash.h"
#include "base/siphash.h"

#include <errno.h>
#include <stdlib.h>

#define SLOTS_MIN 256
#define ENTRIES_MIN 128
#define TEXT_BLOCK_MAX (1u << 20)

/* Text lies in blocks that never move; each string has a NUL behind it. */
struct text_block {
    struct text_block *next;
    size_t size, used;
    char data[];
};

struct slot {
    uint32_t hash, id; /* id 0: free */
};

struct intern {
    uint8_t key[16];
    struct text_block *text;
    struct str *entries; /* entries[id - 1] */
    struct slot *slots;  /* power of two, at most 3/4 full */
    uint32_t count, entries_cap, slots_cap;
    size_t used, max;
};

int intern_new(size_t max_bytes, struct intern **ret)
{
    struct intern *t = calloc(1, sizeof(*t));

    if (!t)
        return -ENOMEM;
    t->slots = calloc(SLOTS_MIN, sizeof(*t->slots));
    if (!t->slots) {
        free(t);
        return -ENOMEM;
    }
    t->slots_cap = SLOTS_MIN;
    t->max = max_bytes;
    t->used = SLOTS_MIN * sizeof(*t->slots);
    random_bytes(t->key, sizeof(t->key));
    *ret = t;
    return 0;
}

void intern_free(struct intern **t)
{
    if (!t || !*t)
        return;
    for (struct text_block *b = (*t)->text, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free((*t)->entries);
    free((*t)->slots);
    free(*t);
    *t = NULL;
}

static bool room_take(struct intern *t, size_t n)
{
    if (t->used > t->max || n > t->max - t->used)
        return false;
    t->used += n;
    return true;
}

static bool slots_grow(struct intern *t)
{
    if (t->slots_cap >= 1u << 31)
        return false;
    uint32_t cap = t->slots_cap * 2;
    /* The old table is freed, so only the difference counts. */
    if (!room_take(t, t->slots_cap * sizeof(struct slot)))
        return false;
    struct slot *slots = calloc(cap, sizeof(*slots));
    if (!slots) {
        t->used -= t->slots_cap * sizeof(struct slot);
        return false;
    }
    for (uint32_t i = 0; i < t->slots_cap; i++) {
        if (!t->slots[i].id)
            continue;
        uint32_t at = t->slots[i].hash & (cap - 1);
        while (slots[at].id)
            at = (at + 1) & (cap - 1);
        slots[at] = t->slots[i];
    }
    free(t->slots);
    t->slots = slots;
    t->slots_cap = cap;
    return true;
}

static bool entries_grow(struct intern *t)
{
    uint32_t cap = t->entries_cap ? t->entries_cap * 2 : ENTRIES_MIN;
    size_t more = (size_t)(cap - t->entries_cap) * sizeof(struct str);

    if (cap <= t->entries_cap || !room_take(t, more))
        return false;
    struct str *entries = realloc(t->entries, (size_t)cap * sizeof(*entries));
    if (!entries) {
        t->used -= more;
        return false;
    }
    t->entries = entries;
    t->entries_cap = cap;
    return true;
}

static char *text_room(struct intern *t, size_t need)
{
    struct text_block *b = t->text;

    if (!b || need > b->size - b->used) {
        size_t size = b ? b->size * 2 : 4096;
        if (size > TEXT_BLOCK_MAX)
            size = TEXT_BLOCK_MAX;
        if (size < need)
            size = need;
        /* Near the cap: a block of just the needed size, so that the last bytes are usable too. */
        if (!room_take(t, sizeof(*b) + size)) {
            size = need;
            if (!room_take(t, sizeof(*b) + size))
                return NULL;
        }
        struct text_block *fresh = malloc(sizeof(*fresh) + size);
        if (!fresh) {
            t->used -= sizeof(*b) + size;
            return NULL;
        }
        *fresh = (struct text_block){.next = b, .size = size};
        t->text = b = fresh;
    }
    char *p = b->data + b->used;
    b->used += need;
    return p;
}

/* The slot that holds s, or the free one where it belongs. */
static struct slot *slot_find(const struct intern *t, struct str s, uint32_t hash)
{
    uint32_t at = hash & (t->slots_cap - 1);

    for (;; at = (at + 1) & (t->slots_cap - 1)) {
        struct slot *slot = &t->slots[at];
        if (!slot->id || (slot->hash == hash && str_eq(t->entries[slot->id - 1], s)))
            return slot;
    }
}

static uint32_t hash_of(const struct intern *t, struct str s)
{
    return (uint32_t)siphash13(s.p, s.n, t->key);
}

uint32_t intern_add_new(struct intern *t, struct str s, bool *ret_new)
{
    uint32_t hash = hash_of(t, s);
    struct slot *slot = slot_find(t, s, hash);

    *ret_new = false;
    if (slot->id)
        return slot->id;
    if (s.n > SIZE_MAX / 4 || t->count == UINT32_MAX)
        return 0;
    if (t->count >= t->slots_cap / 4 * 3) {
        if (!slots_grow(t))
            return 0;
        slot = slot_find(t, s, hash);
    }
    if (t->count == t->entries_cap && !entries_grow(t))
        return 0;
    char *p = text_room(t, s.n + 1);
    if (!p)
        return 0;
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    t->entries[t->count++] = (struct str){p, s.n};
    *slot = (struct slot){.hash = hash, .id = t->count};
    *ret_new = true;
    return t->count;
}

uint32_t intern_add(struct intern *t, struct str s)
{
    bool fresh;

    return intern_add_new(t, s, &fresh);
}

uint32_t intern_find(const struct intern *t, struct str s)
{
    return slot_find(t, s, hash_of(t, s))->id;
}

struct str intern_get(const struct intern *t, uint32_t id)
{
    return id == 0 || id > t->count ? STR_NONE : t->entries[id - 1];
}

uint32_t intern_count(const struct intern *t)
{
    return t->count;
}
