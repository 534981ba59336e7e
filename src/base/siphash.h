/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SipHash (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012):
 * SipHash-2-4 for tags that must not be forged, SipHash-1-3 for hash tables
 * whose keys a sample chooses. Header only and freestanding: the agent in the
 * guest uses it too. Output is the same on every byte order.
 */
#ifndef BELLJAR_BASE_SIPHASH_H
#define BELLJAR_BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* Incremental SipHash-2-4; private fields. */
struct siphash {
    uint64_t v0, v1, v2, v3;
    uint64_t tail; /* the bytes of the unfinished word, little endian */
    uint64_t total;
};

static inline uint64_t siphash_rotl(uint64_t v, unsigned n)
{
    return v << n | v >> (64 - n);
}

static inline uint64_t siphash_word(const uint8_t *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 | (uint64_t)p[4] << 32 |
           (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

static inline void siphash_rounds(struct siphash *s, unsigned rounds)
{
    uint64_t v0 = s->v0, v1 = s->v1, v2 = s->v2, v3 = s->v3;

    for (unsigned i = 0; i < rounds; i++) {
        v0 += v1;
        v1 = siphash_rotl(v1, 13) ^ v0;
        v0 = siphash_rotl(v0, 32);
        v2 += v3;
        v3 = siphash_rotl(v3, 16) ^ v2;
        v0 += v3;
        v3 = siphash_rotl(v3, 21) ^ v0;
        v2 += v1;
        v1 = siphash_rotl(v1, 17) ^ v2;
        v2 = siphash_rotl(v2, 32);
    }
    s->v0 = v0;
    s->v1 = v1;
    s->v2 = v2;
    s->v3 = v3;
}

static inline void siphash_block(struct siphash *s, uint64_t m, unsigned rounds)
{
    s->v3 ^= m;
    siphash_rounds(s, rounds);
    s->v0 ^= m;
}

static inline void siphash_init(struct siphash *s, const uint8_t key[16])
{
    uint64_t k0 = siphash_word(key), k1 = siphash_word(key + 8);

    s->v0 = k0 ^ 0x736f6d6570736575u;
    s->v1 = k1 ^ 0x646f72616e646f6du;
    s->v2 = k0 ^ 0x6c7967656e657261u;
    s->v3 = k1 ^ 0x7465646279746573u;
    s->tail = 0;
    s->total = 0;
}

/* `rounds` is 2 or 1: see siphash_add. */
static inline void siphash_feed(struct siphash *s, const void *bytes, size_t n, unsigned rounds)
{
    const uint8_t *p = (const uint8_t *)bytes;

    while (n && (s->total & 7)) {
        s->tail |= (uint64_t)*p++ << (8 * (s->total & 7));
        s->total++;
        n--;
        if (!(s->total & 7)) {
            siphash_block(s, s->tail, rounds);
            s->tail = 0;
        }
    }
    for (; n >= 8; n -= 8, p += 8, s->total += 8)
        siphash_block(s, siphash_word(p), rounds);
    for (; n; n--) {
        s->tail |= (uint64_t)*p++ << (8 * (s->total & 7));
        s->total++;
    }
}

static inline uint64_t siphash_finish(struct siphash *s, unsigned rounds, unsigned final_rounds)
{
    siphash_block(s, s->tail | s->total << 56, rounds);
    s->v2 ^= 0xff;
    siphash_rounds(s, final_rounds);
    return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* Adds bytes; any split into pieces gives the same result. p may be NULL when n is 0. */
static inline void siphash_add(struct siphash *s, const void *p, size_t n)
{
    siphash_feed(s, p, n, 2);
}

/* The 64-bit result; s must be initialised again before further use. */
static inline uint64_t siphash_end(struct siphash *s)
{
    return siphash_finish(s, 2, 4);
}

static inline uint64_t siphash24(const void *p, size_t n, const uint8_t key[16])
{
    struct siphash s;

    siphash_init(&s, key);
    siphash_feed(&s, p, n, 2);
    return siphash_finish(&s, 2, 4);
}

static inline uint64_t siphash13(const void *p, size_t n, const uint8_t key[16])
{
    struct siphash s;

    siphash_init(&s, key);
    siphash_feed(&s, p, n, 1);
    return siphash_finish(&s, 1, 3);
}

#endif
