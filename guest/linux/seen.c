/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A set of hashes with open addressing. Full: everything is new (sent twice rather than lost). */
#include "capture-parts.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS (1u << 16)

struct seen {
    uint8_t key[SLOTS][16];
    uint32_t count;
};

struct seen *seen_new(void)
{
    return calloc(1, sizeof(struct seen));
}

bool seen_add(struct seen *s, const uint8_t hash[32], const char *name)
{
    static const uint8_t none[16];
    uint8_t key[32];
    uint32_t at;

    memcpy(key, hash, sizeof(key));
    if (name) {
        struct sha256_state h;
        sha256_begin(&h);
        sha256_add(&h, hash, 32);
        sha256_add(&h, name, strlen(name));
        sha256_end(&h, key);
    }
    memcpy(&at, key, sizeof(at));
    for (uint32_t i = 0; i < SLOTS; i++) {
        uint8_t *slot = s->key[(at + i) % SLOTS];
        if (memcmp(slot, key, 16) == 0)
            return false;
        if (memcmp(slot, none, 16) == 0) {
            if (s->count >= SLOTS / 4 * 3)
                return true;
            memcpy(slot, key, 16);
            s->count++;
            return true;
        }
    }
    return true;
}
