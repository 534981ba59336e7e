/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/buf.h"
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_CAPACITY 64

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_free(struct buf *b)
{
    if (!b)
        return;
    free(b->data);
    buf_init(b, b->max);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->failed = 0;
}

int buf_reserve(struct buf *b, size_t more)
{
    if (b->failed)
        return b->failed;
    if (more > b->max - b->len)
        return b->failed = ERR_LIMIT;
    size_t need = b->len + more;
    if (b->data && need <= b->cap)
        return 0;
    size_t cap = b->cap > b->max / 2 ? b->max : b->cap * 2;
    if (cap < FIRST_CAPACITY)
        cap = FIRST_CAPACITY < b->max ? FIRST_CAPACITY : b->max;
    if (cap < need)
        cap = need;
    /* One byte more than the capacity, so that buf_z always has room. */
    uint8_t *p = cap < SIZE_MAX ? realloc(b->data, cap + 1) : NULL;
    if (!p)
        return b->failed = -ENOMEM;
    b->data = p;
    b->cap = cap;
    return 0;
}

int buf_add(struct buf *b, const void *p, size_t n)
{
    int r = buf_reserve(b, n);

    if (r < 0)
        return r;
    if (n)
        memcpy(b->data + b->len, p, n);
    b->len += n;
    return 0;
}

int buf_add_str(struct buf *b, struct str s)
{
    return buf_add(b, s.p, s.n);
}

int buf_addz(struct buf *b, const char *z)
{
    return buf_add_str(b, str_from(z));
}

int buf_addf(struct buf *b, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    int r = buf_vaddf(b, format, ap);
    va_end(ap);
    return r;
}

int buf_vaddf(struct buf *b, const char *format, va_list ap)
{
    va_list again;

    if (b->failed)
        return b->failed;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (n < 0)
        return b->failed = ERR_LIMIT;
    int r = buf_reserve(b, (size_t)n);
    if (r < 0)
        return r;
    vsnprintf((char *)b->data + b->len, (size_t)n + 1, format, ap);
    b->len += (size_t)n;
    return 0;
}

int buf_u8(struct buf *b, uint8_t v)
{
    return buf_add(b, &v, 1);
}

static int add_le(struct buf *b, uint64_t v, unsigned n)
{
    uint8_t p[8];

    for (unsigned i = 0; i < n; i++)
        p[i] = (uint8_t)(v >> (8 * i));
    return buf_add(b, p, n);
}

static int add_be(struct buf *b, uint64_t v, unsigned n)
{
    uint8_t p[8];

    for (unsigned i = 0; i < n; i++)
        p[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
    return buf_add(b, p, n);
}

int buf_u16le(struct buf *b, uint16_t v)
{
    return add_le(b, v, 2);
}

int buf_u32le(struct buf *b, uint32_t v)
{
    return add_le(b, v, 4);
}

int buf_u64le(struct buf *b, uint64_t v)
{
    return add_le(b, v, 8);
}

int buf_u16be(struct buf *b, uint16_t v)
{
    return add_be(b, v, 2);
}

int buf_u32be(struct buf *b, uint32_t v)
{
    return add_be(b, v, 4);
}

int buf_varint(struct buf *b, uint64_t v)
{
    uint8_t p[10];
    unsigned n = 0;

    while (v >= 0x80) {
        p[n++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    p[n++] = (uint8_t)v;
    return buf_add(b, p, n);
}

int buf_zigzag(struct buf *b, int64_t v)
{
    return buf_varint(b, ((uint64_t)v << 1) ^ (v < 0 ? UINT64_MAX : 0));
}

void buf_consume(struct buf *b, size_t n)
{
    if (n > b->len)
        n = b->len;
    if (n == 0)
        return;
    memmove(b->data, b->data + n, b->len - n);
    b->len -= n;
}

const char *buf_z(struct buf *b)
{
    if (!b->data || b->failed)
        return "";
    b->data[b->len] = '\0';
    return (const char *)b->data;
}

uint8_t *buf_steal(struct buf *b, size_t *ret_len)
{
    if (b->failed || b->len == 0)
        return NULL;
    uint8_t *p = b->data;
    p[b->len] = '\0';
    if (ret_len)
        *ret_len = b->len;
    buf_init(b, b->max);
    return p;
}
