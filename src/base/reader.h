/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The bounded reader: the only code that touches hostile bytes.
 *
 * A reader is a window of borrowed bytes with a cursor and a sticky error.
 * Every primitive checks first; on failure it returns 0 / NULL / an empty
 * window, leaves the cursor where it was, and remembers the first failure
 * (code, absolute offset, what was wanted). A parser is thus a straight list
 * of reads with one look at `reader_ok` where it matters. Integers are put
 * together from bytes; input is never cast to a struct.
 *
 * Sub-windows know their absolute position in the outermost input, so that an
 * error or anomaly names the real file offset.
 */
#ifndef BELLJAR_BASE_READER_H
#define BELLJAR_BASE_READER_H

#include "base/err.h"
#include "base/str.h"

struct reader {
    const uint8_t *base;    /* first byte of this window */
    size_t size;            /* bytes in this window */
    size_t pos;             /* cursor, 0..size */
    uint64_t origin;        /* absolute offset of base in the outermost input */
    bool big;               /* byte order of the *_e reads: true = big endian */
    int error;              /* 0, ERR_TRUNCATED, ERR_FORMAT or ERR_LIMIT */
    uint64_t error_offset;  /* absolute offset where the failing read began */
    const char *error_what; /* static text: what was wanted there */
};

/* Lengths above SIZE_MAX / 2 are refused: the reader is then empty with ERR_LIMIT. */
void reader_init(struct reader *r, const void *p, size_t n);

static inline bool reader_ok(const struct reader *r)
{
    return r->error == 0;
}
static inline size_t reader_left(const struct reader *r)
{
    return r->size - r->pos;
}
static inline uint64_t reader_offset(const struct reader *r)
{
    return r->origin + r->pos;
}

/* Marks the reader as failed (first failure wins). `what` must be static. Returns code. */
int reader_fail(struct reader *r, int code, const char *what);
/* Fills e from the sticky error: "truncated at offset 0x40: ELF section header". Returns r->error. */
int reader_err(const struct reader *r, struct err *e);

uint8_t reader_u8(struct reader *r);
uint16_t reader_u16le(struct reader *r);
uint32_t reader_u32le(struct reader *r);
uint64_t reader_u64le(struct reader *r);
uint16_t reader_u16be(struct reader *r);
uint32_t reader_u24be(struct reader *r);
uint32_t reader_u32be(struct reader *r);
uint64_t reader_u64be(struct reader *r);
/* By the reader's own byte order (`big`). */
uint16_t reader_u16e(struct reader *r);
uint32_t reader_u32e(struct reader *r);
uint64_t reader_u64e(struct reader *r);
uint64_t reader_varint(struct reader *r); /* LEB128; more than 10 bytes or overflow = ERR_FORMAT */
int64_t reader_zigzag(struct reader *r);

/* n borrowed bytes, or NULL on failure (also NULL for n == 0: ask reader_ok). */
const uint8_t *reader_bytes(struct reader *r, size_t n);
struct str reader_str(struct reader *r, size_t n);
/* Text up to a NUL within the next `max` bytes; the NUL is consumed. No NUL there = ERR_FORMAT. */
struct str reader_cstr(struct reader *r, size_t max);
void reader_skip(struct reader *r, uint64_t n);
void reader_seek(struct reader *r, uint64_t pos); /* inside this window; pos == size is allowed */
/* Peeks without moving; 0 with *ok = false when not there (no sticky error). */
uint8_t reader_peek_u8(const struct reader *r, size_t ahead, bool *ok);

/* Consumes n bytes and hands them out as a window of their own (byte order inherited). */
bool reader_take(struct reader *r, uint64_t n, struct reader *ret);
/* A window [off, off+n) of this window without moving the cursor. On failure *ret is empty and failed, r is NOT. */
bool reader_window(const struct reader *r, uint64_t off, uint64_t n, struct reader *ret);
/* Demands that everything was read; otherwise ERR_FORMAT "trailing bytes". */
bool reader_done(struct reader *r);

#endif
