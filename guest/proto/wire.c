/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/wire.h"
#include "base/siphash.h"

#include <string.h>

enum { OFF_TYPE = 4, OFF_FLAGS = 5, OFF_CHECK = 6, OFF_LENGTH = 8, OFF_SEQUENCE = 12, OFF_TAG = 16, OFF_TIME = 24 };

const uint8_t WIRE_BOOT_KEY[16];

static void store(uint8_t *p, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t load(const uint8_t *p, unsigned bytes)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < bytes; i++)
        v |= (uint64_t)p[i] << (8 * i);
    return v;
}

/*
 * A keyed sum over the header alone. Without it a forged header that announces
 * a megabyte would make the receiver wait for (and hash) that much before it
 * could tell, and a flood of such headers would cost quadratic time.
 */
static uint16_t header_check(const uint8_t *h, const uint8_t key[16])
{
    struct siphash s;

    siphash_init(&s, key);
    siphash_add(&s, h, OFF_CHECK);
    siphash_add(&s, h + OFF_LENGTH, WIRE_HEADER - OFF_LENGTH);
    return (uint16_t)siphash_end(&s);
}

static uint64_t frame_tag(const uint8_t *h, const void *payload, size_t length, const uint8_t key[16])
{
    struct siphash s;

    siphash_init(&s, key);
    siphash_add(&s, h, OFF_CHECK);
    siphash_add(&s, h + OFF_LENGTH, OFF_TAG - OFF_LENGTH);
    siphash_add(&s, h + OFF_TIME, 8);
    siphash_add(&s, payload, length);
    return siphash_end(&s);
}

void wire_header_write(uint8_t out[WIRE_HEADER], uint8_t type, uint32_t sequence, uint64_t time, const void *payload,
                       uint32_t length, const uint8_t key[16])
{
    store(out, WIRE_MAGIC, 4);
    out[OFF_TYPE] = type;
    out[OFF_FLAGS] = 0;
    store(out + OFF_LENGTH, length, 4);
    store(out + OFF_SEQUENCE, sequence, 4);
    store(out + OFF_TIME, time, 8);
    store(out + OFF_TAG, frame_tag(out, payload, length, key), 8);
    store(out + OFF_CHECK, header_check(out, key), 2);
}

bool wire_header_read(const uint8_t in[WIRE_HEADER], struct wire_header *ret)
{
    struct wire_header h = {
        .type = in[OFF_TYPE],
        .length = (uint32_t)load(in + OFF_LENGTH, 4),
        .sequence = (uint32_t)load(in + OFF_SEQUENCE, 4),
        .tag = load(in + OFF_TAG, 8),
        .time = load(in + OFF_TIME, 8),
    };

    if (load(in, 4) != WIRE_MAGIC || in[OFF_FLAGS] || h.length > WIRE_PAYLOAD_MAX)
        return false;
    *ret = h;
    return true;
}

bool wire_check_ok(const uint8_t in[WIRE_HEADER], const uint8_t key[16])
{
    return load(in + OFF_CHECK, 2) == header_check(in, key);
}

bool wire_tag_ok(const uint8_t in[WIRE_HEADER], const void *payload, const uint8_t key[16])
{
    size_t length = (size_t)load(in + OFF_LENGTH, 4);
    uint8_t want[8], bad = 0;

    store(want, frame_tag(in, payload, length, key), 8);
    for (unsigned i = 0; i < 8; i++)
        bad |= want[i] ^ in[OFF_TAG + i];
    return !bad;
}

/* ---- reassembly ------------------------------------------------------------ */

void wire_in_init(struct wire_in *w, void *space, size_t size)
{
    memset(w, 0, sizeof(*w));
    w->space = space;
    w->size = size;
    w->next_sequence = 1;
}

void wire_in_rekey(struct wire_in *w, const uint8_t key[16], uint32_t next_sequence)
{
    memcpy(w->key, key, sizeof(w->key));
    w->next_sequence = next_sequence;
}

uint8_t *wire_in_room(struct wire_in *w, size_t *ret_room)
{
    if (w->taken) {
        memmove(w->space, w->space + w->taken, w->have - w->taken);
        w->have -= w->taken;
        w->taken = 0;
    }
    *ret_room = w->size - w->have;
    return w->space + w->have;
}

void wire_in_added(struct wire_in *w, size_t n)
{
    size_t room = w->size - w->have;
    w->have += n < room ? n : room;
}

/* Throws away one byte and everything up to the next byte that may begin a frame. */
static void resync(struct wire_in *w)
{
    const uint8_t *from = w->space + w->taken + 1;
    size_t left = w->have - w->taken - 1;
    const uint8_t *at = left ? memchr(from, WIRE_MAGIC & 0xff, left) : NULL;
    size_t skip = at ? (size_t)(at - from) + 1 : left + 1;

    w->taken += skip;
    w->garbage_bytes += skip;
}

int wire_in_next(struct wire_in *w, struct wire_header *ret, const uint8_t **payload)
{
    while (w->have - w->taken >= WIRE_HEADER) {
        const uint8_t *p = w->space + w->taken;
        struct wire_header h;

        if (!wire_header_read(p, &h) || !wire_check_ok(p, w->key) || h.length > w->size - WIRE_HEADER) {
            resync(w);
            continue;
        }
        if (w->have - w->taken < WIRE_HEADER + (size_t)h.length)
            return 0;
        /* An old number is a replay: a frame that somebody copied from our memory or from the wire. */
        if (h.sequence < w->next_sequence || !wire_tag_ok(p, p + WIRE_HEADER, w->key)) {
            resync(w);
            continue;
        }
        w->missed += h.sequence - w->next_sequence;
        w->next_sequence = h.sequence + 1;
        w->taken += WIRE_HEADER + (size_t)h.length;
        *ret = h;
        *payload = p + WIRE_HEADER;
        return 1;
    }
    return 0;
}

/* ---- payloads -------------------------------------------------------------- */

static uint8_t *put_room(struct wire_put *w, size_t n)
{
    if (w->failed || n > w->cap - w->len) {
        w->failed = true;
        return NULL;
    }
    w->len += n;
    return w->p + w->len - n;
}

static void put_number(struct wire_put *w, uint64_t v, unsigned bytes)
{
    uint8_t *p = put_room(w, bytes);
    if (p)
        store(p, v, bytes);
}

void wire_put_u8(struct wire_put *w, uint8_t v)
{
    put_number(w, v, 1);
}

void wire_put_u32(struct wire_put *w, uint32_t v)
{
    put_number(w, v, 4);
}

void wire_put_u64(struct wire_put *w, uint64_t v)
{
    put_number(w, v, 8);
}

void wire_put_varint(struct wire_put *w, uint64_t v)
{
    uint8_t tmp[10];
    size_t n = 0;

    for (; v >= 0x80; v >>= 7)
        tmp[n++] = (uint8_t)(v | 0x80);
    tmp[n++] = (uint8_t)v;
    wire_put_bytes(w, tmp, n);
}

void wire_put_zigzag(struct wire_put *w, int64_t v)
{
    wire_put_varint(w, (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0));
}

void wire_put_bytes(struct wire_put *w, const void *p, size_t n)
{
    uint8_t *to = put_room(w, n);
    if (to && n)
        memcpy(to, p, n);
}

void wire_put_str(struct wire_put *w, const void *p, size_t n)
{
    wire_put_varint(w, n);
    wire_put_bytes(w, p, n);
}

const uint8_t *wire_get_bytes(struct wire_get *r, size_t n)
{
    if (r->failed || n > r->n - r->pos) {
        r->failed = true;
        return NULL;
    }
    r->pos += n;
    return r->p + r->pos - n;
}

static uint64_t get_number(struct wire_get *r, unsigned bytes)
{
    const uint8_t *p = wire_get_bytes(r, bytes);
    return p ? load(p, bytes) : 0;
}

uint8_t wire_get_u8(struct wire_get *r)
{
    return (uint8_t)get_number(r, 1);
}

uint32_t wire_get_u32(struct wire_get *r)
{
    return (uint32_t)get_number(r, 4);
}

uint64_t wire_get_u64(struct wire_get *r)
{
    return get_number(r, 8);
}

uint64_t wire_get_varint(struct wire_get *r)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 70; shift += 7) {
        uint8_t b = wire_get_u8(r);
        if (shift == 63 && b > 1)
            break;
        v |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80))
            return r->failed ? 0 : v;
    }
    r->failed = true;
    return 0;
}

int64_t wire_get_zigzag(struct wire_get *r)
{
    uint64_t v = wire_get_varint(r);
    return (int64_t)(v >> 1 ^ (v & 1 ? UINT64_MAX : 0));
}

const char *wire_get_str(struct wire_get *r, size_t *ret_n)
{
    uint64_t n = wire_get_varint(r);
    const uint8_t *p = NULL;

    if (n > r->n - r->pos)
        r->failed = true;
    else
        p = wire_get_bytes(r, (size_t)n);
    *ret_n = p ? (size_t)n : 0;
    return (const char *)p;
}
