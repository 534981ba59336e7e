/* SPDX-License-Identifier: GPL-3.0-or-later */
/* err, str, buf, arena, intern. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/crc32.h"
#include "base/err.h"
#include "base/intern.h"
#include "base/str.h"
#include "base/utf16.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_err(void **unused)
{
    struct err e;
    char big[2 * ERR_TEXT_MAX];
    (void)unused;

    assert_int_equal(err_set(&e, ERR_FORMAT, "line %d", 7), ERR_FORMAT);
    assert_int_equal(e.code, ERR_FORMAT);
    assert_string_equal(e.text, "line 7");
    assert_int_equal(err_prefix(&e, "reading %s: ", "x"), ERR_FORMAT);
    assert_string_equal(e.text, "reading x: line 7");
    errno = ENOENT;
    assert_int_equal(err_errno(&e, "cannot open %s", "/x/y"), -ENOENT);
    assert_string_equal(e.text, "cannot open /x/y: No such file or directory");
    errno = 0;
    assert_int_equal(err_errno(&e, "x"), -EIO);
    errno = EACCES;
    assert_int_equal(err_errno(NULL, "x"), -EACCES);
    assert_int_equal(err_set(NULL, ERR_LIMIT, "x"), ERR_LIMIT);
    assert_int_equal(err_prefix(NULL, "x"), -1);

    memset(big, 'a', sizeof(big));
    big[sizeof(big) - 1] = '\0';
    err_set(&e, -1, "%s", big);
    assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
    assert_string_equal(e.text + ERR_TEXT_MAX - 5, "a...");
    err_prefix(&e, "front: ");
    assert_int_equal(strncmp(e.text, "front: aaa", 10), 0);
    assert_string_equal(e.text + ERR_TEXT_MAX - 5, "a...");
    errno = EACCES;
    err_errno(&e, "%s", big);
    assert_string_equal(e.text + ERR_TEXT_MAX - 5, "a...");

    assert_string_equal(err_name(ERR_TRUNCATED), "truncated");
    assert_string_equal(err_name(ERR_CONFLICT), "conflict");
    assert_string_equal(err_name(0), "ok");
    assert_string_equal(err_name(-ENOMEM), "Cannot allocate memory");
    assert_string_equal(err_name(-999), "unknown error");
    assert_string_equal(err_name(INT_MIN), "unknown error");
    assert_string_equal(err_name(5), "unknown error");
}

static void test_str_compare(void **unused)
{
    (void)unused;
    assert_true(str_eq(STR_NONE, STR_LIT("")));
    assert_true(str_eq(STR_LIT("a\0b"), (struct str){"a\0b", 3}));
    assert_false(str_eq(STR_LIT("a"), STR_LIT("b")));
    assert_true(str_eqz(STR_NONE, NULL));
    assert_true(str_ieq(STR_LIT("AbC[{"), STR_LIT("aBc[{")));
    assert_false(str_ieq(STR_LIT("["), STR_LIT("{")));
    assert_false(str_ieq(STR_LIT("a"), STR_LIT("ab")));
    assert_true(str_starts(STR_LIT("abc"), STR_LIT("ab")));
    assert_true(str_starts(STR_NONE, STR_NONE));
    assert_false(str_starts(STR_LIT("a"), STR_LIT("ab")));
    assert_true(str_ends(STR_LIT("abc"), STR_LIT("bc")));
    assert_false(str_ends(STR_LIT("c"), STR_LIT("bc")));
    assert_true(str_ends(STR_NONE, STR_NONE));
    assert_true(str_istarts(STR_LIT("ABC"), STR_LIT("ab")));
    assert_true(str_iends(STR_LIT("ABC"), STR_LIT("bc")));
    assert_false(str_iends(STR_LIT("ABC"), STR_LIT("ab")));
    assert_int_equal(str_find(STR_LIT("hello"), STR_LIT("ll")), 2);
    assert_int_equal(str_find(STR_LIT("hello"), STR_LIT("LL")), -1);
    assert_int_equal(str_find(STR_NONE, STR_NONE), 0);
    assert_int_equal(str_find(STR_NONE, STR_LIT("a")), -1);
    assert_int_equal(str_ifind(STR_LIT("heLLo"), STR_LIT("Llo")), 2);
    assert_int_equal(str_ifind(STR_LIT("aab"), STR_LIT("AB")), 1);
    assert_int_equal(str_ifind(STR_LIT("abc"), STR_LIT("cd")), -1);
    assert_int_equal(str_ifind(STR_LIT("ab"), STR_LIT("abc")), -1);
    assert_int_equal(str_ifind(STR_LIT("ab"), STR_NONE), 0);
}

static void test_str_parts(void **unused)
{
    static const struct {
        const char *path, *base, *dir;
    } paths[] = {
        {"/a/b", "b", "/a"}, {"/b", "b", "/"}, {"b", "b", "."},   {"", "", "."},
        {"/", "", "/"},      {"a/", "", "a"},  {"//x", "x", "/"},
    };
    struct str rest = STR_LIT("a,,b,"), part;
    (void)unused;

    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        assert_true(str_eqz(str_basename(str_from(paths[i].path)), paths[i].base));
        assert_true(str_eqz(str_dirname(str_from(paths[i].path)), paths[i].dir));
    }
    assert_true(str_split(&rest, ',', &part) && str_eqz(part, "a"));
    assert_true(str_split(&rest, ',', &part) && str_eqz(part, ""));
    assert_true(str_split(&rest, ',', &part) && str_eqz(part, "b"));
    assert_true(str_split(&rest, ',', &part) && str_eqz(part, ""));
    assert_false(str_split(&rest, ',', &part));
    rest = STR_LIT("");
    assert_true(str_split(&rest, ',', &part));
    assert_false(str_split(&rest, ',', &part));
    rest = STR_NONE;
    assert_false(str_split(&rest, ',', &part));
    assert_true(str_eqz(str_trim(STR_LIT(" \t\r\n\v\f a b \n")), "a b"));
    assert_int_equal(str_trim(STR_LIT("  ")).n, 0);
    assert_int_equal(str_trim(STR_NONE).n, 0);
    assert_true(str_eqz(str_sub(STR_LIT("abc"), 1, 1), "b"));
    assert_true(str_eqz(str_sub(STR_LIT("abc"), 1, SIZE_MAX), "bc"));
    assert_int_equal(str_sub(STR_LIT("abc"), 3, 1).n, 0);
    assert_int_equal(str_sub(STR_LIT("abc"), SIZE_MAX, 1).n, 0);
    assert_int_equal(str_sub(STR_NONE, 0, 1).n, 0);
    char *copy = str_dup((struct str){"a\0b", 3});
    assert_memory_equal(copy, "a\0b", 4);
    free(copy);
    copy = str_dup(STR_NONE);
    assert_string_equal(copy, "");
    free(copy);
}

static void test_str_numbers(void **unused)
{
    static const struct {
        const char *text;
        int base, result;
        uint64_t value;
    } rows[] = {
        {"0", 10, 0, 0},
        {"18446744073709551615", 10, 0, UINT64_MAX},
        {"18446744073709551616", 10, ERR_LIMIT, 0},
        {"99999999999999999999x", 10, ERR_FORMAT, 0},
        {"0000000000000000000000000000000000000000007", 10, 0, 7},
        {"", 10, ERR_FORMAT, 0},
        {"-1", 10, ERR_FORMAT, 0},
        {"+1", 10, ERR_FORMAT, 0},
        {" 1", 10, ERR_FORMAT, 0},
        {"1a", 10, ERR_FORMAT, 0},
        {"0x10", 10, ERR_FORMAT, 0},
        {"0x10", 16, 0, 16},
        {"0X", 16, ERR_FORMAT, 0},
        {"DeadBeef", 16, 0, 0xdeadbeef},
        {"ffffffffffffffff", 16, 0, UINT64_MAX},
        {"10000000000000000", 16, ERR_LIMIT, 0},
        {"g", 16, ERR_FORMAT, 0},
    };
    (void)unused;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        uint64_t v = 42;
        if (str_u64(str_from(rows[i].text), rows[i].base, &v) != rows[i].result)
            fail_msg("%s", rows[i].text);
        assert_int_equal(v, rows[i].result == 0 ? rows[i].value : 42);
    }
}

static void test_glob(void **unused)
{
    static const struct {
        const char *pattern, *text;
        bool match, folded;
    } rows[] = {
        {"", "", true, true},
        {"", "a", false, false},
        {"*", "", true, true},
        {"*", "/any/thing", true, true},
        {"a*c", "abbbc", true, true},
        {"a*c", "abbb", false, false},
        {"a*b*c", "aXbYbZc", true, true},
        {"*.so", "/lib/x.SO", false, true},
        {"?", "a", true, true},
        {"?", "", false, false},
        {"a?c", "a/c", true, true},
        {"[a-c]x", "bx", true, true},
        {"[a-c]x", "Bx", false, true},
        {"[!a-c]x", "dx", true, true},
        {"[^a-c]x", "bx", false, false},
        {"[]]", "]", true, true},
        {"[a-]", "-", true, true},
        {"[a", "[a", true, true},
        {"[", "[", true, true},
        {"\\*", "*", true, true},
        {"\\*", "x", false, false},
        {"a\\", "a\\", true, true},
        {"*[0-9]*", "ab7cd", true, true},
        {"**a**", "bab", true, true},
        {"/etc/cron*", "/etc/cron.d/x", true, true},
    };
    (void)unused;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (str_glob(str_from(rows[i].pattern), str_from(rows[i].text), false) != rows[i].match ||
            str_glob(str_from(rows[i].pattern), str_from(rows[i].text), true) != rows[i].folded)
            fail_msg("%s against %s", rows[i].pattern, rows[i].text);
    }
    /* A pattern that is exponential with naive back-tracking. */
    char text[20001], pattern[401];
    memset(text, 'a', 20000);
    text[20000] = '\0';
    for (int i = 0; i < 400; i += 2)
        memcpy(pattern + i, "a*", 2);
    pattern[399] = 'b';
    pattern[400] = '\0';
    assert_false(str_glob(str_from(pattern), str_from(text), false));
}

static void test_utf8(void **unused)
{
    static const struct {
        const char *text;
        int len;
    } rows[] = {
        {"a", 1},
        {"\xc3\xa4", 2},
        {"\xe2\x82\xac", 3},
        {"\xf0\x9f\x98\x80", 4},
        {"\x80", 0},
        {"\xc0\x80", 0},
        {"\xc1\xbf", 0},
        {"\xe0\x9f\xbf", 0},
        {"\xe0\xa0\x80", 3},
        {"\xed\x9f\xbf", 3},
        {"\xed\xa0\x80", 0},
        {"\xf0\x8f\xbf\xbf", 0},
        {"\xf4\x8f\xbf\xbf", 4},
        {"\xf4\x90\x80\x80", 0},
        {"\xf5\x80\x80\x80", 0},
        {"\xc3", 0},
        {"\xe2\x82", 0},
        {"\xe2\x28\xa1", 0},
        {"\xff", 0},
    };
    (void)unused;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        assert_int_equal(utf8_len(rows[i].text, strlen(rows[i].text)), rows[i].len);
        assert_int_equal(utf8_valid(str_from(rows[i].text)), rows[i].len != 0);
    }
    assert_int_equal(utf8_len("", 0), 0);
    assert_true(utf8_valid(STR_NONE));
    assert_true(utf8_valid(STR_LIT("\0")));
}

static void test_buf(void **unused)
{
    struct buf b;
    size_t n = 7;
    (void)unused;

    buf_init(&b, 100);
    assert_string_equal(buf_z(&b), "");
    assert_null(buf_steal(&b, &n));
    assert_int_equal(buf_addz(&b, "abc"), 0);
    assert_int_equal(buf_addf(&b, "%d-%s", 12, "x"), 0);
    assert_string_equal(buf_z(&b), "abc12-x");
    buf_consume(&b, 3);
    assert_string_equal(buf_z(&b), "12-x");
    buf_consume(&b, 1000);
    assert_int_equal(b.len, 0);
    /* The cap: contents stay, the failure sticks. */
    assert_int_equal(buf_addf(&b, "%100s", ""), 0);
    assert_int_equal(buf_u8(&b, 1), ERR_LIMIT);
    assert_int_equal(b.len, 100);
    assert_int_equal(buf_add(&b, "", 0), ERR_LIMIT);
    assert_string_equal(buf_z(&b), "");
    assert_null(buf_steal(&b, &n));
    buf_clear(&b);
    assert_int_equal(buf_addz(&b, "again"), 0);
    assert_int_equal(buf_reserve(&b, SIZE_MAX), ERR_LIMIT);
    buf_clear(&b);
    buf_addz(&b, "stolen");
    char *p = (char *)buf_steal(&b, &n);
    assert_int_equal(n, 6);
    assert_string_equal(p, "stolen");
    free(p);
    assert_null(b.data);
    assert_int_equal(b.max, 100);
    buf_free(&b);
    buf_free(&b);
    buf_free(NULL);
    /* A full buffer has its NUL, too. */
    buf_init(&b, 3);
    buf_addz(&b, "abc");
    assert_string_equal(buf_z(&b), "abc");
    buf_free(&b);
}

static void test_buf_numbers(void **unused)
{
    static const uint8_t want[] = {1,    2,    1, 4, 3, 2, 1,    8,    7,    6,    5,    4,    3,    2,    1,    1,
                                   2,    1,    2, 3, 4, 0, 0x7f, 0x80, 1,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                   0xff, 0xff, 1, 0, 1, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1};
    struct buf b;
    (void)unused;

    buf_init(&b, 1000);
    buf_u8(&b, 1);
    buf_u16le(&b, 0x0102);
    buf_u32le(&b, 0x01020304);
    buf_u64le(&b, 0x0102030405060708);
    buf_u16be(&b, 0x0102);
    buf_u32be(&b, 0x01020304);
    buf_varint(&b, 0);
    buf_varint(&b, 127);
    buf_varint(&b, 128);
    buf_varint(&b, UINT64_MAX);
    buf_zigzag(&b, 0);
    buf_zigzag(&b, -1);
    buf_zigzag(&b, 1);
    buf_zigzag(&b, INT64_MIN);
    assert_int_equal(b.len, sizeof(want));
    assert_memory_equal(b.data, want, sizeof(want));
    buf_free(&b);
}

static void test_arena(void **unused)
{
    struct arena a;
    (void)unused;

    arena_init(&a, 1 << 20);
    char *last = NULL;
    for (size_t i = 0; i < 300; i++) {
        char *p = arena_alloc(&a, i);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        assert_ptr_not_equal(p, last);
        for (size_t k = 0; k < i; k++)
            assert_int_equal(p[k], 0);
        memset(p, 0xff, i);
        last = p;
    }
    assert_string_equal(arena_dupz(&a, "text"), "text");
    struct str s = arena_str(&a, (struct str){"x\0y", 3});
    assert_memory_equal(s.p, "x\0y", 4);
    assert_non_null(arena_alloc(&a, 500000));
    assert_null(arena_array(&a, SIZE_MAX / 2, 3));
    assert_int_equal(a.failed, ERR_LIMIT);
    assert_null(arena_alloc(&a, 1)); /* sticky */
    arena_free(&a);
    arena_free(&a);
    arena_free(NULL);
    assert_non_null(arena_alloc(&a, 1));
    assert_null(arena_alloc(&a, 1 << 20));
    assert_int_equal(a.failed, ERR_LIMIT);
    arena_free(&a);
    struct arena zero = {0};
    assert_null(arena_alloc(&zero, 1));
    assert_null(arena_str(&zero, STR_NONE).p);
    arena_free(&zero);
    arena_init(&a, SIZE_MAX);
    assert_null(arena_alloc(&a, SIZE_MAX));
    arena_free(&a);
}

static void test_intern(void **unused)
{
    struct intern *t;
    char text[32];
    bool fresh;
    (void)unused;

    assert_int_equal(intern_new(64 << 20, &t), 0);
    assert_int_equal(intern_find(t, STR_LIT("x")), 0);
    assert_int_equal(intern_add_new(t, STR_NONE, &fresh), 1);
    assert_true(fresh);
    assert_int_equal(intern_add_new(t, STR_LIT(""), &fresh), 1);
    assert_false(fresh);
    const char *first = intern_get(t, intern_add(t, STR_LIT("0"))).p;
    for (uint32_t i = 0; i < 50000; i++) {
        snprintf(text, sizeof(text), "%u", i);
        assert_int_equal(intern_add(t, str_from(text)), i + 2);
    }
    for (uint32_t i = 0; i < 50000; i++) {
        snprintf(text, sizeof(text), "%u", i);
        assert_int_equal(intern_find(t, str_from(text)), i + 2);
        assert_true(str_eqz(intern_get(t, i + 2), text));
    }
    assert_ptr_equal(intern_get(t, 2).p, first);
    assert_int_equal(intern_add(t, STR_LIT("0\0")), 50002);
    assert_int_equal(intern_count(t), 50002);
    assert_null(intern_get(t, 0).p);
    assert_null(intern_get(t, 50003).p);
    intern_free(&t);
    intern_free(&t);
    intern_free(NULL);
}

static void test_intern_cap(void **unused)
{
    struct intern *t;
    char text[1000];
    uint32_t n = 0;
    (void)unused;

    assert_int_equal(intern_new(200000, &t), 0);
    memset(text, 'x', sizeof(text));
    for (int i = 0; i < 1000; i++) {
        memcpy(text, &i, sizeof(i));
        uint32_t id = intern_add(t, (struct str){text, sizeof(text)});
        if (!id)
            break;
        assert_int_equal(id, ++n);
    }
    assert_true(n > 100 && n < 200);
    /* Still usable: what is there is found, and what is small may still fit. */
    int i = 5;
    memcpy(text, &i, sizeof(i));
    assert_int_equal(intern_find(t, (struct str){text, sizeof(text)}), 6);
    assert_int_equal(intern_add(t, (struct str){text, sizeof(text)}), 6);
    assert_int_equal(intern_count(t), n);
    intern_free(&t);
    assert_int_equal(intern_new(0, &t), 0);
    assert_int_equal(intern_add(t, STR_LIT("a")), 0);
    intern_free(&t);
}

static void test_arena_reset(void **unused)
{
    struct arena a;

    (void)unused;
    arena_init(&a, 1 << 20);
    arena_reset(&a); /* an empty one */
    for (int round = 0; round < 50; round++) {
        for (int i = 1; i < 2000; i += 7) {
            char *p = arena_alloc(&a, (size_t)i);
            assert_non_null(p);
            for (int k = 0; k < i; k++)
                assert_int_equal(p[k], 0);
            memset(p, 0xee, (size_t)i);
        }
        arena_reset(&a);
        assert_int_equal(a.used, 0);
    }
    assert_null(arena_alloc(&a, 2 << 20));
    arena_reset(&a);
    assert_non_null(arena_alloc(&a, 10));
    arena_free(&a);
}

static void test_crc32(void **unused)
{
    char text[1000];
    uint32_t whole;

    (void)unused;
    assert_int_equal(crc32_add(0, "123456789", 9), 0xcbf43926u); /* the usual check value */
    assert_int_equal(crc32_add(0, "", 0), 0);
    for (unsigned i = 0; i < sizeof(text); i++)
        text[i] = (char)(i * 7);
    whole = crc32_add(0, text, sizeof(text));
    for (unsigned cut = 0; cut <= 40; cut++)
        assert_int_equal(crc32_add(crc32_add(0, text, cut), text + cut, sizeof(text) - cut), whole);
}

static void test_utf16(void **unused)
{
    static const struct {
        const char *in;
        size_t n;
        const char *out;
    } rows[] = {
        {"", 0, ""},
        {"a\0", 2, "a"},
        {"a\0b", 3, "a"},
        {"a\0b\0c\0d\0e\0f\0g\0h\0i\0", 18, "abcdefghi"},
        {"a\0b\0c\0\xe4\0e\0f\0g\0h\0i\0", 18,
         "abc\xc3\xa4"
         "efghi"},
        {"\xac\x20", 2, "\xe2\x82\xac"},
        {"\x3d\xd8\x00\xde", 4, "\xf0\x9f\x98\x80"},
        {"\x3d\xd8", 2, "\xef\xbf\xbd"},
        {"\x00\xdex\0", 4, "\xef\xbf\xbdx"},
        {"\x3d\xd8\x3d\xd8\x00\xde", 6, "\xef\xbf\xbd\xf0\x9f\x98\x80"},
    };
    char to[64];

    (void)unused;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        size_t n = utf16le_to_utf8((const uint8_t *)rows[i].in, rows[i].n, to);
        assert_true(n <= utf16_room(rows[i].n));
        assert_int_equal(n, strlen(rows[i].out));
        assert_memory_equal(to, rows[i].out, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_err),         cmocka_unit_test(test_str_compare), cmocka_unit_test(test_str_parts),
        cmocka_unit_test(test_str_numbers), cmocka_unit_test(test_glob),        cmocka_unit_test(test_utf8),
        cmocka_unit_test(test_buf),         cmocka_unit_test(test_buf_numbers), cmocka_unit_test(test_arena),
        cmocka_unit_test(test_intern),      cmocka_unit_test(test_intern_cap),  cmocka_unit_test(test_arena_reset),
        cmocka_unit_test(test_crc32),       cmocka_unit_test(test_utf16),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
