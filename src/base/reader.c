/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/reader.h"

void reader_init(struct reader *r, const void *p, size_t n)
{
    *r = (struct reader){.base = p, .size = n};
    if (n > SIZE_MAX / 2) {
        r->size = 0;
        reader_fail(r, ERR_LIMIT, "input is too large");
    }
}

int reader_fail(struct reader *r, int code, const char *what)
{
    if (!r->error) {
        r->error = code;
        r->error_offset = reader_offset(r);
        r->error_what = what;
    }
    return code;
}

int reader_err(const struct reader *r, struct err *e)
{
    if (r->error)
        err_set(e, r->error, "%s at offset 0x%llx: %s", err_name(r->error), (unsigned long long)r->error_offset,
                r->error_what ? r->error_what : "data");
    return r->error;
}

/* The one place where the cursor moves over bytes: n bytes at the cursor, or NULL and a sticky error. */
static inline const uint8_t *advance(struct reader *r, size_t n, const char *what)
{
    if (r->error)
        return NULL;
    if (n > r->size - r->pos) {
        reader_fail(r, ERR_TRUNCATED, what);
        return NULL;
    }
    if (n == 0)
        return NULL;
    const uint8_t *p = r->base + r->pos;
    r->pos += n;
    return p;
}

static inline uint64_t get_le(struct reader *r, unsigned n, const char *what)
{
    const uint8_t *p = advance(r, n, what);
    uint64_t v = 0;

    for (unsigned i = 0; p && i < n; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

static inline uint64_t get_be(struct reader *r, unsigned n, const char *what)
{
    const uint8_t *p = advance(r, n, what);
    uint64_t v = 0;

    for (unsigned i = 0; p && i < n; i++)
        v = v << 8 | p[i];
    return v;
}

uint8_t reader_u8(struct reader *r)
{
    return (uint8_t)get_le(r, 1, "8-bit number");
}

uint16_t reader_u16le(struct reader *r)
{
    return (uint16_t)get_le(r, 2, "16-bit number");
}

uint32_t reader_u32le(struct reader *r)
{
    return (uint32_t)get_le(r, 4, "32-bit number");
}

uint64_t reader_u64le(struct reader *r)
{
    return get_le(r, 8, "64-bit number");
}

uint16_t reader_u16be(struct reader *r)
{
    return (uint16_t)get_be(r, 2, "16-bit number");
}

uint32_t reader_u24be(struct reader *r)
{
    return (uint32_t)get_be(r, 3, "24-bit number");
}

uint32_t reader_u32be(struct reader *r)
{
    return (uint32_t)get_be(r, 4, "32-bit number");
}

uint64_t reader_u64be(struct reader *r)
{
    return get_be(r, 8, "64-bit number");
}

uint16_t reader_u16e(struct reader *r)
{
    return r->big ? reader_u16be(r) : reader_u16le(r);
}

uint32_t reader_u32e(struct reader *r)
{
    return r->big ? reader_u32be(r) : reader_u32le(r);
}

uint64_t reader_u64e(struct reader *r)
{
    return r->big ? reader_u64be(r) : reader_u64le(r);
}

uint64_t reader_varint(struct reader *r)
{
    uint64_t v = 0;

    if (r->error)
        return 0;
    for (unsigned i = 0; i < 10; i++) {
        if (i >= r->size - r->pos) {
            reader_fail(r, ERR_TRUNCATED, "variable-length number");
            return 0;
        }
        uint8_t byte = r->base[r->pos + i];
        if (i == 9 && byte > 1)
            break; /* bit 64 and above, or an eleventh byte */
        v |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (!(byte & 0x80)) {
            r->pos += i + 1;
            return v;
        }
    }
    reader_fail(r, ERR_FORMAT, "variable-length number is too long");
    return 0;
}

int64_t reader_zigzag(struct reader *r)
{
    uint64_t v = reader_varint(r);

    return (int64_t)(v >> 1 ^ (v & 1 ? UINT64_MAX : 0));
}

const uint8_t *reader_bytes(struct reader *r, size_t n)
{
    return advance(r, n, "bytes");
}

struct str reader_str(struct reader *r, size_t n)
{
    const uint8_t *p = advance(r, n, "text");

    return (struct str){(const char *)p, p ? n : 0};
}

struct str reader_cstr(struct reader *r, size_t max)
{
    if (r->error)
        return STR_NONE;
    size_t left = reader_left(r);
    size_t look = max < left ? max : left;
    const uint8_t *from = r->size ? r->base + r->pos : NULL;
    const uint8_t *end = look ? memchr(from, 0, look) : NULL;
    if (!end) {
        reader_fail(r, ERR_FORMAT, "text without its final NUL");
        return STR_NONE;
    }
    size_t n = (size_t)(end - from);
    r->pos += n + 1;
    return (struct str){(const char *)from, n};
}

void reader_skip(struct reader *r, uint64_t n)
{
    if (r->error)
        return;
    if (n > r->size - r->pos)
        reader_fail(r, ERR_TRUNCATED, "bytes to skip");
    else
        r->pos += (size_t)n;
}

void reader_seek(struct reader *r, uint64_t pos)
{
    if (r->error)
        return;
    if (pos > r->size)
        reader_fail(r, ERR_TRUNCATED, "offset behind the end");
    else
        r->pos = (size_t)pos;
}

uint8_t reader_peek_u8(const struct reader *r, size_t ahead, bool *ok)
{
    *ok = !r->error && ahead < r->size - r->pos;
    return *ok ? r->base[r->pos + ahead] : 0;
}

static bool cut(const struct reader *r, uint64_t off, uint64_t n, struct reader *ret)
{
    *ret = (struct reader){.origin = r->origin, .big = r->big};
    if (r->error) {
        ret->error = r->error;
        ret->error_offset = r->error_offset;
        ret->error_what = r->error_what;
        return false;
    }
    if (off > r->size || n > r->size - off) {
        /* Wraps for absurd offsets; it is a number to show, never used to reach memory. */
        ret->origin = r->origin + off;
        reader_fail(ret, ERR_TRUNCATED, "window behind the end");
        return false;
    }
    ret->base = r->base ? r->base + off : NULL;
    ret->size = (size_t)n;
    ret->origin = r->origin + off;
    return true;
}

bool reader_take(struct reader *r, uint64_t n, struct reader *ret)
{
    if (!cut(r, r->pos, n, ret)) {
        reader_fail(r, ret->error, "window");
        return false;
    }
    r->pos += (size_t)n;
    return true;
}

bool reader_window(const struct reader *r, uint64_t off, uint64_t n, struct reader *ret)
{
    return cut(r, off, n, ret);
}

bool reader_done(struct reader *r)
{
    if (!r->error && r->pos != r->size)
        reader_fail(r, ERR_FORMAT, "trailing bytes");
    return !r->error;
}
