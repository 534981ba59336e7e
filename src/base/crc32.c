/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/crc32.h"

#define POLYNOMIAL 0xedb88320u
#define SLICES 8

/* table[k][b]: what byte b does to the sum when k further bytes follow it. */
static uint32_t table[SLICES][256];

__attribute__((constructor)) static void table_make(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t v = i;
        for (int bit = 0; bit < 8; bit++)
            v = v >> 1 ^ (v & 1 ? POLYNOMIAL : 0);
        table[0][i] = v;
    }
    for (unsigned k = 1; k < SLICES; k++)
        for (unsigned i = 0; i < 256; i++)
            table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 0xff];
}

uint32_t crc32_add(uint32_t crc, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;

    crc = ~crc;
    for (; n >= SLICES; n -= SLICES, p += SLICES) {
        uint32_t low = crc ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
        crc = table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^ table[5][low >> 16 & 0xff] ^ table[4][low >> 24] ^
              table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]] ^ table[0][p[7]];
    }
    for (size_t i = 0; i < n; i++)
        crc = crc >> 8 ^ table[0][(crc ^ p[i]) & 0xff];
    return ~crc;
}
