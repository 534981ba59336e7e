/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/err.h"
#include "base/jsonw.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static struct jsonw w;
static struct buf b;

static int setup(void **unused)
{
    (void)unused;
    buf_init(&b, 1 << 20);
    jsonw_to_buf(&w, &b, false);
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    buf_free(&b);
    return 0;
}

static void is(const char *want)
{
    assert_int_equal(jsonw_finish(&w), 0);
    assert_string_equal(buf_z(&b), want);
    buf_clear(&b);
    jsonw_to_buf(&w, &b, false);
}

static void test_structure(void **unused)
{
    (void)unused;
    jsonw_object(&w);
    jsonw_kobject(&w, "o");
    jsonw_object_end(&w);
    jsonw_karray(&w, "a");
    jsonw_u64(&w, 0);
    jsonw_u64(&w, UINT64_MAX);
    jsonw_i64(&w, INT64_MIN);
    jsonw_array(&w);
    jsonw_array_end(&w);
    jsonw_array_end(&w);
    jsonw_kbool(&w, "t", true);
    jsonw_kbool(&w, "f", false);
    jsonw_kz(&w, "n", NULL);
    jsonw_ku64(&w, "u", 7);
    jsonw_ki64(&w, "i", -7);
    jsonw_kdouble(&w, "d", 0.5);
    jsonw_kstr(&w, "s", STR_NONE);
    jsonw_kbytes(&w, "b", STR_LIT("\x80"));
    jsonw_key_str(&w, STR_LIT("<k>"));
    jsonw_raw(&w, "[1]", 3);
    jsonw_key(&w, "h");
    jsonw_hex(&w, "\x00\xff", 2);
    jsonw_object_end(&w);
    is("{\"o\":{},\"a\":[0,18446744073709551615,-9223372036854775808,[]],\"t\":true,\"f\":false,\"n\":null,\"u\":7,"
       "\"i\":-7,\"d\":0.5,\"s\":\"\",\"b\":\"\\\\x80\",\"\\u003ck\\u003e\":[1],\"h\":\"00ff\"}");
    /* Several documents: one per line. */
    jsonw_u64(&w, 1);
    jsonw_array(&w);
    jsonw_array_end(&w);
    is("1\n[]");
}

static void test_pretty(void **unused)
{
    (void)unused;
    jsonw_to_buf(&w, &b, true);
    jsonw_object(&w);
    jsonw_karray(&w, "a");
    jsonw_u64(&w, 1);
    jsonw_object(&w);
    jsonw_object_end(&w);
    jsonw_array_end(&w);
    jsonw_kbool(&w, "b", true);
    jsonw_object_end(&w);
    is("{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": true\n}\n");
}

static void test_strings(void **unused)
{
    static const struct {
        const char *text;
        size_t n;
        const char *str, *bytes;
    } rows[] = {
#define ROW(text, str, bytes) {text, sizeof(text) - 1, str, bytes}
        ROW("plain", "\"plain\"", "\"plain\""),
        ROW("\"\\/\n\r\t\b\0\x7f", "\"\\\"\\\\/\\n\\r\\t\\u0008\\u0000\\u007f\"",
            "\"\\\"\\\\/\\n\\r\\t\\u0008\\\\x00\\u007f\""),
        ROW("</script>&", "\"\\u003c/script\\u003e\\u0026\"", "\"\\u003c/script\\u003e\\u0026\""),
        ROW("\xc3\xa4\xf0\x9f\x98\x80", "\"\xc3\xa4\xf0\x9f\x98\x80\"", "\"\xc3\xa4\xf0\x9f\x98\x80\""),
        ROW("\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa", "\"\\u2028\\u2029\xe2\x80\xaa\"", "\"\\u2028\\u2029\xe2\x80\xaa\""),
        ROW("a\xff\xc3", "\"a\xef\xbf\xbd\xef\xbf\xbd\"", "\"a\\\\xff\\\\xc3\""),
        ROW("\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"", "\"\\\\xed\\\\xa0\\\\x80\""),
        /* A real backslash that looks like our escape is told apart. */
        ROW("\\xff \\xf", "\"\\\\xff \\\\xf\"", "\"\\\\x5cxff \\\\xf\""),
    };
    (void)unused;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        jsonw_str(&w, (struct str){rows[i].text, rows[i].n});
        is(rows[i].str);
        jsonw_bytes(&w, (struct str){rows[i].text, rows[i].n});
        is(rows[i].bytes);
    }
}

static void test_doubles(void **unused)
{
    static const struct {
        double v;
        const char *text;
    } rows[] = {
        {0, "0"},
        {-0.0, "0"},
        {1, "1"},
        {-1.5, "-1.5"},
        {0.1234567, "0.123457"},
        {100, "100"},
        {1e-9, "0"},
        {-1e-9, "0"},
        {NAN, "null"},
        {INFINITY, "null"},
        {-INFINITY, "null"},
        {1e14, "100000000000000"},
        {1e15, "1000000000000000"},
        {1e300, "1.0000000000000001e+300"},
    };
    (void)unused;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        jsonw_double(&w, rows[i].v);
        is(rows[i].text);
    }
}

static size_t sink_total;
static int sink(void *context, const void *p, size_t n)
{
    (void)p;
    sink_total += n;
    return sink_total > *(size_t *)context ? -ENOSPC : 0;
}

static void test_outputs(void **unused)
{
    size_t max = 10000, n;
    char *big = malloc(20000);
    (void)unused;

    memset(big, 'a', 20000);
    jsonw_to_sink(&w, sink, &max, false);
    for (int i = 0; i < 100; i++)
        jsonw_str(&w, (struct str){big, 200});
    assert_int_equal(jsonw_finish(&w), -ENOSPC);
    assert_true(sink_total > max && sink_total < 2 * max); /* nothing is written behind the failure */

    int fd = memfd_create("json", 0);
    jsonw_to_fd(&w, fd, false);
    jsonw_str(&w, (struct str){big, 20000});
    jsonw_u64(&w, 1);
    assert_int_equal(jsonw_finish(&w), 0);
    n = (size_t)lseek(fd, 0, SEEK_END);
    assert_int_equal(n, 20002 + 2);
    close(fd);
    fd = open("/dev/full", O_WRONLY);
    jsonw_to_fd(&w, fd, false);
    jsonw_str(&w, (struct str){big, 20000});
    assert_int_equal(jsonw_finish(&w), -ENOSPC);
    close(fd);

    struct buf small;
    buf_init(&small, 10);
    jsonw_to_buf(&w, &small, false);
    jsonw_str(&w, (struct str){big, 11});
    assert_int_equal(jsonw_finish(&w), ERR_LIMIT);
    buf_free(&small);
    free(big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_structure, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pretty, setup, teardown),
        cmocka_unit_test_setup_teardown(test_strings, setup, teardown),
        cmocka_unit_test_setup_teardown(test_doubles, setup, teardown),
        cmocka_unit_test(test_outputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
