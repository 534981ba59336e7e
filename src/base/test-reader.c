/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};

static void test_numbers(void **unused)
{
    struct reader r;
    (void)unused;

    reader_init(&r, bytes, sizeof(bytes));
    assert_int_equal(reader_u8(&r), 1);
    assert_int_equal(reader_u16le(&r), 0x0302);
    assert_int_equal(reader_u16be(&r), 0x0405);
    reader_seek(&r, 0);
    assert_int_equal(reader_u32le(&r), 0x04030201);
    assert_int_equal(reader_u32be(&r), 0x05060708);
    reader_seek(&r, 1);
    assert_int_equal(reader_u24be(&r), 0x020304);
    reader_seek(&r, 2);
    assert_int_equal(reader_u64le(&r), 0x0a09080706050403);
    reader_seek(&r, 2);
    assert_int_equal(reader_u64be(&r), 0x030405060708090a);
    assert_true(reader_done(&r));
    for (int big = 0; big < 2; big++) {
        r.big = big;
        reader_seek(&r, 0);
        assert_int_equal(reader_u16e(&r), big ? 0x0102 : 0x0201);
        reader_seek(&r, 0);
        assert_int_equal(reader_u32e(&r), big ? 0x01020304 : 0x04030201);
        reader_seek(&r, 0);
        assert_true(reader_u64e(&r) == (big ? 0x0102030405060708 : 0x0807060504030201));
    }
    assert_true(reader_ok(&r));
}

/* Each primitive at each length that is too short: nothing moves, the first failure stays. */
static void test_too_short(void **unused)
{
    (void)unused;
    for (size_t n = 0; n < 8; n++) {
        for (int op = 0; op < 10; op++) {
            static const size_t need[] = {1, 2, 4, 8, 2, 3, 4, 8, 5, 6};
            uint8_t *copy = malloc(n ? n : 1);
            struct reader r;
            struct err e;
            uint64_t v = 0;
            memset(copy, 0xff, n);
            reader_init(&r, copy, n);
            switch (op) {
            case 0:
                v = reader_u8(&r);
                break;
            case 1:
                v = reader_u16le(&r);
                break;
            case 2:
                v = reader_u32le(&r);
                break;
            case 3:
                v = reader_u64le(&r);
                break;
            case 4:
                v = reader_u16be(&r);
                break;
            case 5:
                v = reader_u24be(&r);
                break;
            case 6:
                v = reader_u32be(&r);
                break;
            case 7:
                v = reader_u64be(&r);
                break;
            case 8:
                v = reader_bytes(&r, 5) != NULL;
                break;
            default:
                v = reader_str(&r, 6).n;
                break;
            }
            assert_int_equal(reader_ok(&r), n >= need[op]);
            if (n < need[op]) {
                assert_int_equal(v, 0);
                assert_int_equal(r.pos, 0);
                assert_int_equal(reader_err(&r, &e), ERR_TRUNCATED);
                assert_non_null(strstr(e.text, "truncated at offset 0x0: "));
                assert_int_equal(reader_u8(&r), 0);
                reader_skip(&r, 0);
                reader_seek(&r, 0);
                assert_false(reader_done(&r));
                assert_int_equal(reader_fail(&r, ERR_FORMAT, "later"), ERR_FORMAT);
                assert_int_equal(r.error, ERR_TRUNCATED);
            }
            free(copy);
        }
    }
}

static void test_varint(void **unused)
{
    static const struct {
        const char *bytes;
        size_t n;
        uint64_t value;
        int error;
    } rows[] = {
        {"\0", 1, 0, 0},
        {"\x7f", 1, 127, 0},
        {"\x80\x01", 2, 128, 0},
        {"\x80\x00", 2, 0, 0},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, UINT64_MAX, 0},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10, 0, ERR_FORMAT},
        {"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11, 0, ERR_FORMAT},
        {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81", 10, 0, ERR_FORMAT},
        {"\x80", 1, 0, ERR_TRUNCATED},
        {"", 0, 0, ERR_TRUNCATED},
    };
    (void)unused;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct reader r;
        reader_init(&r, rows[i].bytes, rows[i].n);
        assert_true(reader_varint(&r) == rows[i].value);
        assert_int_equal(r.error, rows[i].error);
        assert_int_equal(r.pos, rows[i].error ? 0 : rows[i].n);
    }
    struct reader r;
    reader_init(&r, "\x00\x01\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 13);
    assert_int_equal(reader_zigzag(&r), 0);
    assert_int_equal(reader_zigzag(&r), -1);
    assert_int_equal(reader_zigzag(&r), 1);
    assert_true(reader_zigzag(&r) == INT64_MIN);
}

static void test_text(void **unused)
{
    struct reader r;
    bool ok;
    (void)unused;

    reader_init(&r, "ab\0cd", 5);
    assert_true(str_eqz(reader_cstr(&r, 3), "ab"));
    assert_int_equal(r.pos, 3);
    assert_int_equal(reader_peek_u8(&r, 1, &ok), 'd');
    assert_true(ok);
    assert_int_equal(reader_peek_u8(&r, 2, &ok), 0);
    assert_false(ok);
    assert_int_equal(reader_peek_u8(&r, SIZE_MAX, &ok), 0);
    assert_false(ok);
    assert_int_equal(reader_cstr(&r, 100).n, 0);
    assert_int_equal(r.error, ERR_FORMAT);
    assert_int_equal(r.error_offset, 3);
    reader_init(&r, "ab\0", 3);
    assert_null(reader_cstr(&r, 2).p); /* the NUL lies behind the limit */
    assert_false(reader_ok(&r));
    reader_init(&r, NULL, 0);
    assert_null(reader_cstr(&r, 5).p);
    reader_init(&r, NULL, 0);
    assert_null(reader_bytes(&r, 0));
    assert_true(reader_ok(&r));
    assert_true(reader_done(&r));
    reader_init(&r, "a", 1);
    assert_false(reader_done(&r));
    assert_int_equal(r.error, ERR_FORMAT);
}

static void test_windows(void **unused)
{
    struct reader r, w, v;
    struct err e;
    (void)unused;

    reader_init(&r, bytes, sizeof(bytes));
    r.big = true;
    reader_skip(&r, 2);
    assert_true(reader_take(&r, 4, &w));
    assert_int_equal(reader_offset(&r), 6);
    assert_int_equal(reader_offset(&w), 2);
    assert_int_equal(reader_u16e(&w), 0x0304);
    assert_true(reader_window(&w, 1, 3, &v));
    assert_int_equal(reader_offset(&v), 3);
    assert_int_equal(reader_left(&v), 3);
    reader_skip(&v, 4);
    assert_int_equal(reader_err(&v, &e), ERR_TRUNCATED);
    assert_string_equal(e.text, "truncated at offset 0x3: bytes to skip");
    assert_true(reader_ok(&w));
    /* Windows that do not fit: empty and failed; the source only for take. */
    assert_false(reader_window(&w, 3, 2, &v));
    assert_int_equal(reader_left(&v), 0);
    assert_false(reader_ok(&v));
    assert_int_equal(v.error_offset, 5);
    assert_true(reader_ok(&w));
    assert_false(reader_window(&w, UINT64_MAX, UINT64_MAX, &v));
    assert_false(reader_window(&w, 1, UINT64_MAX, &v));
    assert_true(reader_window(&w, 4, 0, &v));
    assert_false(reader_take(&w, 3, &v));
    assert_false(reader_ok(&w));
    assert_int_equal(w.error_offset, 4);
    /* A window of a failed reader is failed. */
    assert_false(reader_window(&w, 0, 1, &v));
    assert_int_equal(v.error, ERR_TRUNCATED);
    reader_skip(&r, UINT64_MAX);
    assert_false(reader_ok(&r));
    assert_int_equal(r.error_offset, 6);
    reader_init(&r, bytes, 10);
    reader_seek(&r, 10);
    assert_true(reader_ok(&r));
    reader_seek(&r, 11);
    assert_false(reader_ok(&r));
    reader_init(&r, bytes, SIZE_MAX);
    assert_int_equal(r.error, ERR_LIMIT);
    assert_int_equal(reader_left(&r), 0);
    assert_int_equal(reader_err(&r, NULL), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_too_short), cmocka_unit_test(test_varint),
        cmocka_unit_test(test_text),    cmocka_unit_test(test_windows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
