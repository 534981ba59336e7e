/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/utf16.h"

#include <endian.h>

#define REPLACEMENT 0xfffdu

static inline uint32_t unit_at(const uint8_t *p, size_t i)
{
    return (uint32_t)p[i] | (uint32_t)p[i + 1] << 8;
}

/* Eight bytes at a time while they are four ASCII characters: most of what Windows writes. */
static size_t ascii_run(const uint8_t *p, size_t n, char *to)
{
    size_t i = 0;

    for (; i + 8 <= n; i += 8) {
        uint64_t four;
        memcpy(&four, p + i, 8);
        if (le64toh(four) & 0xff80ff80ff80ff80ull)
            break;
        for (unsigned k = 0; k < 4; k++)
            to[i / 2 + k] = (char)p[i + 2 * k];
    }
    return i;
}

size_t utf16le_to_utf8(const uint8_t *p, size_t n, char *to)
{
    size_t out = 0;

    n &= ~(size_t)1;
    for (size_t i = 0; i < n;) {
        size_t run = ascii_run(p + i, n - i, to + out);
        i += run;
        out += run / 2;
        if (i >= n)
            break;
        uint32_t c = unit_at(p, i);
        i += 2;
        if (c >= 0xd800 && c <= 0xdfff) {
            uint32_t low = c < 0xdc00 && i < n ? unit_at(p, i) : 0;
            if (low >= 0xdc00 && low <= 0xdfff) {
                c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
                i += 2;
            } else {
                c = REPLACEMENT;
            }
        }
        out += utf8_put(to + out, c);
    }
    return out;
}
