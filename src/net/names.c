/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/names.h"

#include "base/siphash.h"

#include <errno.h>
#include <stdlib.h>

#define BUCKETS 65536

struct pair {
    char *name; /* malloc'ed, NULL = unused */
    uint32_t length, address;
    int32_t next; /* in its bucket, -1 = last */
};

struct names {
    uint8_t salt[NAMES_SALT];
    uint32_t own;
    uint32_t at; /* slot that the next pair takes */
    uint64_t forgotten;
    int32_t bucket[BUCKETS];
    struct pair pair[NAMES_MAX];
};

enum { PURPOSE_ADDRESS = 0, PURPOSE_OWN = 1 };

/* RFC 6890 and its registry, multicast and class E; address, prefix length. */
static const struct {
    uint32_t address;
    uint8_t prefix;
} reserved[] = {
    {0x00000000, 8},  {0x0a000000, 8},  {0x64400000, 10}, {0x7f000000, 8},  {0xa9fe0000, 16}, {0xac100000, 12},
    {0xc0000000, 24}, {0xc0000200, 24}, {0xc01fc400, 24}, {0xc034c100, 24}, {0xc0586300, 24}, {0xc0a80000, 16},
    {0xc0af3000, 24}, {0xc6120000, 15}, {0xc6336400, 24}, {0xcb007100, 24}, {0xe0000000, 4},  {0xf0000000, 4},
};

bool names_is_reserved(uint32_t address)
{
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
        if ((address ^ reserved[i].address) >> (32 - reserved[i].prefix) == 0)
            return true;
    return false;
}

static uint64_t hash(const struct names *n, struct str name, uint8_t purpose, uint32_t round)
{
    struct siphash s;
    char folded[NAMES_TEXT_MAX];
    size_t length = name.n > sizeof(folded) ? sizeof(folded) : name.n;

    for (size_t i = 0; i < length; i++)
        folded[i] = name.p[i] >= 'A' && name.p[i] <= 'Z' ? (char)(name.p[i] | 0x20) : name.p[i];
    uint8_t head[5] = {purpose, (uint8_t)round, (uint8_t)(round >> 8), (uint8_t)(round >> 16), (uint8_t)(round >> 24)};
    siphash_init(&s, n->salt);
    siphash_add(&s, head, sizeof(head));
    siphash_add(&s, folded, length);
    return siphash_end(&s);
}

static uint32_t public_address(const struct names *n, struct str name, uint8_t purpose)
{
    for (uint32_t round = 0;; round++) {
        uint32_t a = (uint32_t)hash(n, name, purpose, round);
        /* Blocks of the US military and others that no hoster uses look odd too: keep to well-known hosting space. */
        uint32_t first = a >> 24, last = a & 255;
        if (names_is_reserved(a) || last == 0 || last == 255 || first < 23 || first > 217 || first == 25 ||
            first == 26 || first == 28 || first == 29 || first == 30 || first == 33 || first == 55)
            continue;
        return a;
    }
}

int names_new(const uint8_t salt[NAMES_SALT], struct names **ret)
{
    struct names *n = calloc(1, sizeof(*n));

    if (!n)
        return -ENOMEM;
    memcpy(n->salt, salt, NAMES_SALT);
    for (size_t i = 0; i < BUCKETS; i++)
        n->bucket[i] = -1;
    n->own = public_address(n, STR_NONE, PURPOSE_OWN);
    *ret = n;
    return 0;
}

void names_free(struct names **n)
{
    if (!*n)
        return;
    for (size_t i = 0; i < NAMES_MAX; i++)
        free((*n)->pair[i].name);
    free(*n);
    *n = NULL;
}

uint32_t names_address(const struct names *n, struct str name)
{
    return public_address(n, name, PURPOSE_ADDRESS);
}

uint64_t names_number(const struct names *n, struct str name, uint8_t purpose)
{
    return hash(n, name, purpose, 0);
}

uint32_t names_own_address(const struct names *n)
{
    return n->own;
}

/* The guest chooses which addresses come up (by its names), but not the hash: keyed. */
static uint32_t bucket_of(const struct names *n, uint32_t address)
{
    return (uint32_t)(siphash13(&address, sizeof(address), n->salt) % BUCKETS);
}

static int32_t find(const struct names *n, uint32_t address)
{
    int32_t i = n->bucket[bucket_of(n, address)];

    while (i >= 0 && n->pair[i].address != address)
        i = n->pair[i].next;
    return i;
}

static void forget(struct names *n, uint32_t slot)
{
    struct pair *p = &n->pair[slot];
    int32_t *link = &n->bucket[bucket_of(n, p->address)];

    while (*link >= 0 && *link != (int32_t)slot)
        link = &n->pair[*link].next;
    if (*link >= 0)
        *link = p->next;
    free(p->name);
    p->name = NULL;
    n->forgotten++;
}

void names_remember(struct names *n, uint32_t address, struct str name)
{
    int32_t old = find(n, address);

    if (name.n > NAMES_TEXT_MAX)
        name.n = NAMES_TEXT_MAX;
    if (old >= 0 && str_ieq((struct str){n->pair[old].name, n->pair[old].length}, name))
        return;
    char *copy = str_dup(name);
    if (!copy) {
        n->forgotten++;
        return;
    }
    if (old >= 0) {
        free(n->pair[old].name);
        n->pair[old].name = copy;
        n->pair[old].length = (uint32_t)name.n;
        return;
    }
    uint32_t slot = n->at++ % NAMES_MAX;
    if (n->pair[slot].name)
        forget(n, slot);
    uint32_t b = bucket_of(n, address);
    n->pair[slot] = (struct pair){copy, (uint32_t)name.n, address, n->bucket[b]};
    n->bucket[b] = (int32_t)slot;
}

struct str names_of(const struct names *n, uint32_t address)
{
    int32_t i = find(n, address);

    return i < 0 ? STR_NONE : (struct str){n->pair[i].name, n->pair[i].length};
}

uint64_t names_forgotten(const struct names *n)
{
    return n->forgotten;
}
