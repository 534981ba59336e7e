/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A growing byte buffer that is created with its maximum size.
 *
 * Failure is sticky: when memory or the cap ends, the contents are kept as
 * they were before the failing call, `failed` holds the code (-ENOMEM or
 * ERR_LIMIT) and every later add is a no-op that returns it. Callers may thus
 * add many things and look once at the end.
 */
#ifndef BELLJAR_BASE_BUF_H
#define BELLJAR_BASE_BUF_H

#include "base/str.h"

#include <stdarg.h>

struct buf {
    uint8_t *data; /* owned; NULL while empty */
    size_t len, cap, max;
    int failed;
};

void buf_init(struct buf *b, size_t max); /* max > 0; allocates nothing */
void buf_free(struct buf *b);             /* safe on zeroed or freed buffers; leaves it re-usable with the same max */
void buf_clear(struct buf *b);            /* len = 0, failed = 0, keeps memory */
int buf_reserve(struct buf *b, size_t more);
int buf_add(struct buf *b, const void *p, size_t n);
int buf_add_str(struct buf *b, struct str s);
int buf_addz(struct buf *b, const char *z);
int buf_addf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
int buf_vaddf(struct buf *b, const char *format, va_list ap) __attribute__((format(printf, 2, 0)));
int buf_u8(struct buf *b, uint8_t v);
int buf_u16le(struct buf *b, uint16_t v);
int buf_u32le(struct buf *b, uint32_t v);
int buf_u64le(struct buf *b, uint64_t v);
int buf_u16be(struct buf *b, uint16_t v);
int buf_u32be(struct buf *b, uint32_t v);
int buf_varint(struct buf *b, uint64_t v); /* LEB128, at most 10 bytes */
int buf_zigzag(struct buf *b, int64_t v);  /* zigzag, then LEB128 */
/* Drops n bytes from the front (moves the rest down). n is clamped to len. */
void buf_consume(struct buf *b, size_t n);
/* NUL-terminates without counting the NUL; returns the text, or "" when empty or failed. */
const char *buf_z(struct buf *b);
static inline struct str buf_str(const struct buf *b)
{
    return (struct str){(const char *)b->data, b->len};
}
/* Hands the memory to the caller (free()); the buffer is empty afterwards. NULL when failed or empty. */
uint8_t *buf_steal(struct buf *b, size_t *ret_len);

#endif
