/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UTF-16, as Windows writes text, to UTF-8. */
#ifndef BELLJAR_BASE_UTF16_H
#define BELLJAR_BASE_UTF16_H

#include "base/str.h"

/* Bytes that n bytes of UTF-16 become at the most. */
static inline size_t utf16_room(size_t n)
{
    return n / 2 * 3;
}
/*
 * Little endian, n bytes (an odd last byte is left out), to `to`, which has
 * utf16_room(n) bytes. A surrogate without its partner becomes U+FFFD. No NUL
 * is added; a NUL inside stays. Returns the bytes written.
 */
size_t utf16le_to_utf8(const uint8_t *p, size_t n, char *to);

#endif
