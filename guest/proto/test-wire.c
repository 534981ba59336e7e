/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "event/event.h"
#include "proto/events.h"
#include "proto/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t key_a[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

struct stream {
    struct wire_in in;
    uint8_t *space;
};

static void stream_begin(struct stream *s)
{
    s->space = malloc(WIRE_HEADER + WIRE_PAYLOAD_MAX);
    assert_non_null(s->space);
    wire_in_init(&s->in, s->space, WIRE_HEADER + WIRE_PAYLOAD_MAX);
}

static void stream_end(struct stream *s)
{
    free(s->space);
}

static void stream_feed(struct stream *s, const void *p, size_t n)
{
    size_t room;
    uint8_t *to = wire_in_room(&s->in, &room);
    assert_true(n <= room);
    memcpy(to, p, n);
    wire_in_added(&s->in, n);
}

static size_t frame(uint8_t *out, uint8_t type, uint32_t seq, const void *payload, uint32_t n, const uint8_t *key)
{
    wire_header_write(out, type, seq, 77, payload, n, key);
    if (n)
        memcpy(out + WIRE_HEADER, payload, n);
    return WIRE_HEADER + n;
}

static void test_round_trip(void **state)
{
    uint8_t out[256];
    struct stream s;
    struct wire_header h;
    const uint8_t *p;

    (void)state;
    stream_begin(&s);
    size_t n = frame(out, WIRE_PING, 1, "hello", 5, WIRE_BOOT_KEY);
    n += frame(out + n, WIRE_DONE, 2, NULL, 0, WIRE_BOOT_KEY);
    for (size_t i = 0; i < n; i++) { /* torn at every byte */
        if (i == WIRE_HEADER + 5) {
            assert_int_equal(wire_in_next(&s.in, &h, &p), 1);
            assert_int_equal(h.type, WIRE_PING);
            assert_int_equal(h.length, 5);
            assert_true(h.time == 77);
            assert_memory_equal(p, "hello", 5);
        }
        assert_int_equal(wire_in_next(&s.in, &h, &p), 0);
        stream_feed(&s, out + i, 1);
    }
    assert_int_equal(wire_in_next(&s.in, &h, &p), 1);
    assert_int_equal(h.type, WIRE_DONE);
    assert_int_equal(wire_in_next(&s.in, &h, &p), 0);
    assert_true(s.in.garbage_bytes == 0 && s.in.missed == 0);
    stream_end(&s);
}

static void test_garbage_between_frames(void **state)
{
    uint8_t out[512];
    struct stream s;
    struct wire_header h;
    const uint8_t *p;

    (void)state;
    stream_begin(&s);
    size_t n = frame(out, WIRE_LOG, 1, "a", 1, WIRE_BOOT_KEY);
    memcpy(out + n, "BJF1 this is not a frame BBBBJF", 31);
    n += 31;
    n += frame(out + n, WIRE_LOG, 4, "b", 1, WIRE_BOOT_KEY);
    stream_feed(&s, out, n);
    assert_int_equal(wire_in_next(&s.in, &h, &p), 1);
    assert_int_equal(wire_in_next(&s.in, &h, &p), 1);
    assert_int_equal(*p, 'b');
    assert_true(s.in.garbage_bytes == 31);
    assert_true(s.in.missed == 2); /* 2 and 3 never came */
    stream_end(&s);
}

static void test_every_changed_bit_is_refused(void **state)
{
    uint8_t good[64], bad[64];
    struct stream s;
    struct wire_header h;
    const uint8_t *p;

    (void)state;
    stream_begin(&s);
    wire_in_rekey(&s.in, key_a, 1);
    size_t n = frame(good, WIRE_EVENTS, 1, "payload", 7, key_a);
    for (size_t bit = 0; bit < n * 8; bit++) {
        memcpy(bad, good, n);
        bad[bit / 8] ^= (uint8_t)(1u << bit % 8);
        stream_feed(&s, bad, n);
        assert_int_equal(wire_in_next(&s.in, &h, &p), 0);
        stream_feed(&s, good, 0);
        s.in.have = s.in.taken = 0; /* a torn rest must not disturb the next round */
    }
    stream_feed(&s, good, n);
    assert_int_equal(wire_in_next(&s.in, &h, &p), 1);
    stream_end(&s);
}

static void test_wrong_key_and_replay(void **state)
{
    uint8_t out[256];
    struct stream s;
    struct wire_header h;
    const uint8_t *p;

    (void)state;
    stream_begin(&s);
    wire_in_rekey(&s.in, key_a, 1);
    size_t n = frame(out, WIRE_LOG, 1, "forged", 6, WIRE_BOOT_KEY);
    size_t first = n;
    n += frame(out + n, WIRE_LOG, 1, "true", 4, key_a);
    stream_feed(&s, out, n);
    assert_int_equal(wire_in_next(&s.in, &h, &p), 1);
    assert_memory_equal(p, "true", 4);
    assert_true(s.in.garbage_bytes == first);
    stream_feed(&s, out + first, n - first);
    assert_int_equal(wire_in_next(&s.in, &h, &p), 0);
    stream_end(&s);
}

/* A forged header with a huge length must not make the receiver wait: the next true frame comes out at once. */
static void test_huge_length(void **state)
{
    uint8_t out[256] = {0};
    struct stream s;
    struct wire_header h;
    const uint8_t *p;

    (void)state;
    stream_begin(&s);
    wire_in_rekey(&s.in, key_a, 1);
    wire_header_write(out, WIRE_EVENTS, 1, 0, "", 0, WIRE_BOOT_KEY);
    out[10] = 0x0f; /* 983,040 bytes */
    size_t n = WIRE_HEADER + frame(out + WIRE_HEADER, WIRE_LOG, 1, "x", 1, key_a);
    stream_feed(&s, out, n);
    assert_int_equal(wire_in_next(&s.in, &h, &p), 1);
    assert_int_equal(*p, 'x');
    out[11] = 0xff;
    assert_false(wire_header_read(out, &h));
    stream_end(&s);
}

static void test_largest_frame(void **state)
{
    struct stream s;
    struct wire_header h;
    const uint8_t *p;
    uint8_t *big = calloc(1, WIRE_HEADER + WIRE_PAYLOAD_MAX), *payload = malloc(WIRE_PAYLOAD_MAX);

    (void)state;
    assert_true(big && payload);
    memset(payload, 'B', WIRE_PAYLOAD_MAX);
    stream_begin(&s);
    for (uint32_t i = 1; i < 4; i++) {
        stream_feed(&s, big, frame(big, WIRE_CAPTURE, i, payload, WIRE_PAYLOAD_MAX, WIRE_BOOT_KEY));
        assert_int_equal(wire_in_next(&s.in, &h, &p), 1);
        assert_int_equal(h.length, WIRE_PAYLOAD_MAX);
    }
    stream_end(&s);
    free(payload);
    free(big);
}

static void test_flood_is_cheap(void **state)
{
    /* A megabyte of well-formed headers under the wrong key: linear work, all of it counted. */
    struct stream s;
    struct wire_header h;
    const uint8_t *p;
    uint8_t out[WIRE_HEADER];
    size_t fed = 0;

    (void)state;
    stream_begin(&s);
    wire_in_rekey(&s.in, key_a, 1);
    wire_header_write(out, WIRE_EVENTS, 1, 0, NULL, 0, WIRE_BOOT_KEY);
    out[10] = 0x0f;
    for (; fed + WIRE_HEADER < WIRE_PAYLOAD_MAX; fed += WIRE_HEADER)
        stream_feed(&s, out, WIRE_HEADER);
    assert_int_equal(wire_in_next(&s.in, &h, &p), 0);
    assert_true(s.in.garbage_bytes + WIRE_HEADER > fed);
    stream_end(&s);
}

static void test_numbers(void **state)
{
    static const int64_t rows[] = {0, 1, -1, 63, -64, 64, 127, 128, 300, INT32_MAX, INT64_MAX, INT64_MIN};
    uint8_t out[512];
    struct wire_put w = {.p = out, .cap = sizeof(out)};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        wire_put_varint(&w, (uint64_t)rows[i]);
        wire_put_zigzag(&w, rows[i]);
        wire_put_u64(&w, (uint64_t)rows[i]);
    }
    wire_put_str(&w, "text", 4);
    assert_false(w.failed);
    struct wire_get r = {.p = out, .n = w.len};
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        assert_true(wire_get_varint(&r) == (uint64_t)rows[i]);
        assert_true(wire_get_zigzag(&r) == rows[i]);
        assert_true(wire_get_u64(&r) == (uint64_t)rows[i]);
    }
    size_t n;
    assert_memory_equal(wire_get_str(&r, &n), "text", 4);
    assert_int_equal(n, 4);
    assert_false(r.failed);
    assert_int_equal(wire_get_u8(&r), 0);
    assert_true(r.failed);
    /* an over-long varint, and a string that is longer than the payload */
    struct wire_get bad = {.p = (const uint8_t *)"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", .n = 10};
    wire_get_varint(&bad);
    assert_true(bad.failed);
    bad = (struct wire_get){.p = (const uint8_t *)"\x05"
                                                  "abc",
                            .n = 4};
    assert_null(wire_get_str(&bad, &n));
    assert_true(bad.failed && n == 0);
    /* a full writer stays as it was */
    w = (struct wire_put){.p = out, .cap = 3};
    wire_put_u32(&w, 1);
    assert_true(w.failed && w.len == 0);
}

static void test_events(void **state)
{
    uint8_t out[1024];
    struct wire_batch b;
    struct wire_batch_in in;
    struct wire_event ev = {.kind = EVENT_PROCESS_EXIT, .count = 2, .pid = 7, .tid = 8, .time = 1000}, got;

    (void)state;
    wire_batch_begin(&b, out, sizeof(out), EVENT_SOURCE_TRACER, 500, 41, 3);
    ev.f[0].u = 255;
    ev.f[1].u = 9;
    assert_true(wire_batch_add(&b, &ev));
    ev = (struct wire_event){.kind = EVENT_SIGNAL_SEND, .count = 2, .pid = 7, .tid = 7, .time = 400};
    ev.f[1].u = (uint64_t)(int64_t)-1;
    assert_true(wire_batch_add(&b, &ev));
    ev = (struct wire_event){.kind = EVENT_FILE_DELETE, .count = 1, .pid = 7, .tid = 7, .time = 900};
    ev.f[0].s = "/tmp/x";
    ev.f[0].n = 6;
    assert_true(wire_batch_add(&b, &ev));
    ev.kind = 255;
    assert_false(wire_batch_add(&b, &ev));
    ev.kind = EVENT_FILE_DELETE;
    ev.count = 2;
    assert_false(wire_batch_add(&b, &ev));

    assert_true(wire_batch_open(&in, out, b.put.len));
    assert_true(in.source == EVENT_SOURCE_TRACER && in.seq == 41 && in.lost_total == 3);
    assert_int_equal(wire_batch_next(&in, &got), 1);
    assert_true(got.kind == EVENT_PROCESS_EXIT && got.time == 1000 && got.pid == 7 && got.tid == 8 &&
                got.f[0].u == 255);
    assert_int_equal(wire_batch_next(&in, &got), 1);
    assert_true(got.time == 400 && (int64_t)got.f[1].u == -1);
    assert_int_equal(wire_batch_next(&in, &got), 1);
    assert_true(got.time == 900 && got.f[0].n == 6);
    assert_memory_equal(got.f[0].s, "/tmp/x", 6);
    assert_int_equal(wire_batch_next(&in, &got), 0);
    assert_int_equal(in.seq, 44);
    for (size_t cut = 0; cut < b.put.len; cut++) { /* torn batches never crash, never invent */
        unsigned n = 0;
        if (!wire_batch_open(&in, out, cut))
            continue;
        while (wire_batch_next(&in, &got) == 1)
            n++;
        assert_true(n < 3);
    }
}

static void test_batch_full(void **state)
{
    uint8_t out[64];
    struct wire_batch b;
    struct wire_event ev = {.kind = EVENT_FILE_DELETE, .count = 1, .pid = 1, .tid = 1, .time = 1};

    (void)state;
    ev.f[0].s = "/a/file/name/of/some/length";
    ev.f[0].n = strlen(ev.f[0].s);
    wire_batch_begin(&b, out, sizeof(out), EVENT_SOURCE_AGENT, 0, 1, 0);
    assert_true(wire_batch_add(&b, &ev));
    size_t len = b.put.len;
    assert_false(wire_batch_add(&b, &ev));
    assert_int_equal(b.put.len, len);
    assert_int_equal(b.count, 1);
    assert_true(wire_event_is_text(EVENT_FILE_DELETE, 0));
    assert_false(wire_event_is_text(EVENT_FILE_DELETE, 1));
    assert_int_equal(wire_event_fields(0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_garbage_between_frames),
        cmocka_unit_test(test_every_changed_bit_is_refused),
        cmocka_unit_test(test_wrong_key_and_replay),
        cmocka_unit_test(test_huge_length),
        cmocka_unit_test(test_largest_frame),
        cmocka_unit_test(test_flood_is_cheap),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_batch_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
