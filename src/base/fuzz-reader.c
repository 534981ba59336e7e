/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sequences of reader operations over arbitrary bytes, with a stack of
 * windows. First byte: how many bytes of operations follow; the rest is the
 * input. After every step the reader's own rules are checked.
 */
#include "base/reader.h"

#include <stdlib.h>

#define WINDOWS 8

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint64_t sum;

static void check(const struct reader *before, const struct reader *r, const uint8_t *base, size_t n)
{
    if (r->pos > r->size || reader_left(r) != r->size - r->pos)
        abort();
    if (r->size && (r->base < base || r->base + r->size > base + n || r->origin != (uint64_t)(r->base - base)))
        abort();
    if (before->error &&
        (r->error != before->error || r->error_offset != before->error_offset || r->pos != before->pos))
        abort(); /* the first failure wins, and nothing moves behind it */
    if (!before->error && r->error && r->pos != before->pos)
        abort(); /* a failing read does not move */
    if (!r->error != reader_ok(r))
        abort();
}

static void use(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        sum += (uint8_t)s.p[i];
}

static void step(struct reader *r, uint8_t op, uint64_t n)
{
    bool ok;

    switch (op % 20) {
    case 0:
        sum += reader_u8(r);
        break;
    case 1:
        sum += reader_u16le(r);
        break;
    case 2:
        sum += reader_u32le(r);
        break;
    case 3:
        sum += reader_u64le(r);
        break;
    case 4:
        sum += reader_u16be(r);
        break;
    case 5:
        sum += reader_u24be(r);
        break;
    case 6:
        sum += reader_u32be(r);
        break;
    case 7:
        sum += reader_u64be(r);
        break;
    case 8:
        sum += reader_u16e(r);
        break;
    case 9:
        sum += reader_u32e(r);
        break;
    case 10:
        sum += reader_u64e(r);
        break;
    case 11:
        sum += reader_varint(r);
        break;
    case 12:
        sum += (uint64_t)reader_zigzag(r);
        break;
    case 13:
        use(reader_str(r, (size_t)n));
        break;
    case 14:
        use(reader_cstr(r, (size_t)n));
        break;
    case 15:
        reader_skip(r, n);
        break;
    case 16:
        reader_seek(r, n);
        break;
    case 17:
        sum += reader_peek_u8(r, (size_t)n, &ok);
        break;
    case 18:
        r->big = n & 1;
        break;
    default: {
        const uint8_t *p = reader_bytes(r, (size_t)n);
        use((struct str){(const char *)p, p ? (size_t)n : 0});
        break;
    }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader stack[WINDOWS], ops;
    int depth = 0;

    if (size == 0)
        return 0;
    size_t ops_n = data[0] < size - 1 ? data[0] : size - 1;
    const uint8_t *base = data + 1 + ops_n;
    size_t n = size - 1 - ops_n;
    reader_init(&ops, data + 1, ops_n);
    reader_init(&stack[0], base, n);
    while (reader_left(&ops) && reader_ok(&ops)) {
        uint8_t op = reader_u8(&ops);
        /* Small numbers mostly, huge ones sometimes. */
        uint64_t number = op & 0x40 ? reader_u8(&ops) : op & 0x80 ? UINT64_MAX - (op & 7) : op & 7;
        struct reader before = stack[depth], made;
        if ((op & 0x1f) == 30 && depth + 1 < WINDOWS) {
            bool ok = reader_take(&stack[depth], number, &made);
            check(&before, &stack[depth], base, n);
            if (ok != reader_ok(&made) || (ok && made.size != number))
                abort();
            stack[++depth] = made;
        } else if ((op & 0x1f) == 31 && depth + 1 < WINDOWS) {
            bool ok = reader_window(&stack[depth], op & 0x20 ? number : 1, number, &made);
            if (memcmp(&before, &stack[depth], sizeof(before)) != 0 || ok != reader_ok(&made))
                abort();
            stack[++depth] = made;
        } else if ((op & 0x1f) == 29 && depth) {
            reader_done(&stack[depth--]);
        } else {
            step(&stack[depth], op & 0x1f, number);
            check(&before, &stack[depth], base, n);
        }
    }
    return 0;
}
