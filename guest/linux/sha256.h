/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SHA-256 (FIPS 180-4) for a static program without OpenSSL. */
#ifndef BELLJAR_AGENT_SHA256_H
#define BELLJAR_AGENT_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct sha256_state {
    uint32_t h[8];
    uint64_t total;
    uint8_t block[64];
};

void sha256_begin(struct sha256_state *s);
void sha256_add(struct sha256_state *s, const void *p, size_t n);
void sha256_end(struct sha256_state *s, uint8_t ret[32]);
void sha256_hex(const uint8_t hash[32], char ret[65]);

#endif
