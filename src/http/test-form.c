/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "http/form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#define MULTI "multipart/form-data; boundary=XyZ"

/* What a form gave, as text: name=value; for fields and name<file>=content; for files. */
static int begin(void *context, struct str field, struct str filename, struct err *e)
{
    (void)e;
    return buf_addf(context, "%.*s<%.*s>=", STR_ARG(field), STR_ARG(filename));
}

static int data(void *context, const void *p, size_t n, struct err *e)
{
    (void)e;
    return buf_add(context, p, n);
}

static int end(void *context, struct err *e)
{
    (void)e;
    return buf_addz(context, ";");
}

static int play(const char *type, struct str body, size_t step, struct buf *out)
{
    struct form_sink sink = {out, begin, data, end};
    struct form *f = NULL;
    int r = form_new(str_from(type), &sink, &f, NULL);

    for (size_t i = 0; r == 0 && i < body.n; i += step)
        r = form_add(f, body.p + i, body.n - i < step ? body.n - i : step, NULL);
    if (r == 0)
        r = form_end(f, NULL);
    for (size_t i = 0; r == 0 && i < form_count(f); i++)
        buf_addf(out, "%.*s=%.*s;", STR_ARG(form_at(f, i)->name), STR_ARG(form_at(f, i)->value));
    form_free(&f);
    return r;
}

static const struct row {
    const char *type, *body;
    int result;
    const char *out;
} rows[] = {
    {"", "a=1&b=2", 0, "a=1;b=2;"},
    {"application/x-www-form-urlencoded; charset=utf-8", "apikey=%61b+c%2B&x=", 0, "apikey=ab c+;x=;"},
    {"", "systems[]=a&systems%5B%5D=b", 0, "systems[]=a;systems[]=b;"},
    {"", "", 0, ""},
    {"", "&&a&=b&", 0, "a=;=b;"},
    {"", "a=%zz%4&b=%", 0, "a=%zz%4;b=%;"},
    {"text/plain", "a=1", ERR_UNSUPPORTED, ""},
    {"application/json", "{}", ERR_UNSUPPORTED, ""},
    {"multipart/form-data", "", ERR_FORMAT, ""},
    {"multipart/form-data; boundary=", "", ERR_FORMAT, ""},
    {MULTI, "--XyZ\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--XyZ--\r\n", 0, "a=1;"},
    {"Multipart/Form-Data; charset=x; Boundary=\"XyZ\"",
     "--XyZ\r\ncontent-disposition: form-data; name=a\r\n\r\n1\r\n--XyZ--", 0, "a=1;"},
    {MULTI, "preamble\r\n--XyZ\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n--XyZ--trailing", 0, "a=;"},
    {MULTI, "--XyZ--", 0, ""},
    {MULTI, "--XyZ  \r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--XyZ--", 0, "a=1;"},
    {MULTI,
     "--XyZ\r\nContent-Disposition: form-data; name=\"sample\"; filename=\"\xc3\xb6.exe\"\r\n\r\nMZ\r\n\r\n--Xy\r\r\n--"
     "XyZ\r\nContent-Disposition: form-data; name=\"apikey\"\r\n\r\nk\r\n--XyZ--\r\n",
     0, "sample<\xc3\xb6.exe>=MZ\r\n\r\n--Xy\r;apikey=k;"},
    {MULTI,
     "--XyZ\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a%22b%0A\\\".exe\"\r\nContent-Type: "
     "x/y\r\n\r\n\r\n--XyZ--",
     0, "f<a\"b\n\".exe>=;"},
    {MULTI, "--XyZ\r\nContent-Disposition: form-data; name=\"f\"; filename=\"..\\..\\x.exe\"\r\n\r\n1\r\n--XyZ--", 0,
     "f<..\\..\\x.exe>=1;"},
    {MULTI, "--XyZ\r\nContent-Disposition: form-data; filename=\"name=z; name=y\"; name=\"f\"\r\n\r\n1\r\n--XyZ--", 0,
     "f<name=z; name=y>=1;"},
    {MULTI, "--XyZ\r\nContent-Disposition: form-data; filename=\"x\"\r\n\r\n1\r\n--XyZ--", ERR_FORMAT, ""},
    {MULTI, "--XyZ\r\nContent-Disposition: attachment; name=\"x\"\r\n\r\n1\r\n--XyZ--", ERR_FORMAT, ""},
    {MULTI, "--XyZ\r\n\r\n1\r\n--XyZ--", ERR_FORMAT, ""},
    {MULTI, "--XyZjunk\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--XyZ--", ERR_FORMAT, ""},
    {MULTI, "--XyZ\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--XyZ", ERR_TRUNCATED, ""},
    {MULTI, "--XyZ\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1", ERR_TRUNCATED, ""},
    {MULTI, "nothing", ERR_TRUNCATED, ""},
};

/* Each row whole and byte by byte: where the pieces are cut makes no difference. */
static void test_rows(void **state)
{
    static const size_t steps[] = {1u << 20, 1, 2, 3, 7};
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        for (size_t k = 0; k < sizeof(steps) / sizeof(*steps); k++) {
            struct buf out;
            buf_init(&out, 1 << 16);
            int r = play(rows[i].type, str_from(rows[i].body), steps[k], &out);
            if (r != rows[i].result || (r == 0 && strcmp(buf_z(&out), rows[i].out) != 0))
                fail_msg("row %zu, step %zu: %d %s", i, steps[k], r, buf_z(&out));
            buf_free(&out);
        }
}

/* Random content with many near-delimiters comes through byte for byte. */
static void test_content(void **state)
{
    static const char *const bits[] = {"\r\n--XyZ", "\r\n--Xy", "\r\r\n", "--XyZ", "\r", "\n", "a", "\r\n-"};
    (void)state;

    srand(7);
    for (int i = 0; i < 500; i++) {
        struct buf body, out, want;
        buf_init(&body, 1 << 20);
        buf_init(&out, 1 << 20);
        buf_init(&want, 1 << 20);
        buf_addz(&body, "--XyZ\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n");
        buf_addz(&want, "f<x>=");
        for (int k = 0; k < 40; k++) {
            const char *bit = bits[1 + rand() % 7]; /* without the whole delimiter */
            if (want.len > 5 && str_ends(buf_str(&want), STR_LIT("\r\n")) && !strcmp(bit, "--XyZ"))
                continue;
            buf_addz(&body, bit);
            buf_addz(&want, bit);
        }
        if (str_find(str_sub(buf_str(&want), 5, want.len), STR_LIT("\r\n--XyZ")) < 0) {
            buf_addz(&body, "\r\n--XyZ--\r\n");
            buf_addz(&want, ";");
            assert_int_equal(play(MULTI, buf_str(&body), 1 + (size_t)(rand() % 50), &out), 0);
            assert_string_equal(buf_z(&out), buf_z(&want));
        }
        buf_free(&body);
        buf_free(&out);
        buf_free(&want);
    }
}

static void test_limits(void **state)
{
    struct buf body, out;
    (void)state;

    buf_init(&out, 8 << 20);
    buf_init(&body, 8 << 20);
    for (int i = 0; i <= FORM_FIELDS_MAX; i++)
        buf_addz(&body, "a=1&");
    assert_int_equal(play("", buf_str(&body), 1 << 20, &out), ERR_LIMIT);
    buf_clear(&body);
    buf_addz(&body, "a=");
    for (unsigned i = 0; i < FORM_VALUE_MAX + 1; i++)
        buf_u8(&body, 'x');
    assert_int_equal(play("", buf_str(&body), 1 << 16, &out), ERR_LIMIT);
    /* Headers without an end, and a name of a megabyte. */
    buf_clear(&body);
    buf_addz(&body, "--XyZ\r\nContent-Disposition: form-data; name=\"f\"; filename=\"");
    for (unsigned i = 0; i < 1u << 20; i++)
        buf_u8(&body, 'n');
    assert_int_equal(play(MULTI, buf_str(&body), 1 << 16, &out), ERR_LIMIT);
    buf_free(&body);
    buf_free(&out);
}

static void test_get(void **state)
{
    struct form_sink sink = {NULL, begin, data, end};
    struct form *f = NULL;
    (void)state;

    assert_int_equal(form_new(STR_NONE, &sink, &f, NULL), 0);
    assert_int_equal(form_add(f, "tags[]=x&q=a%00b", 16, NULL), 0);
    assert_int_equal(form_end(f, NULL), 0);
    assert_true(str_eqz(*form_get(f, "tags"), "x"));
    assert_int_equal(form_get(f, "q")->n, 3);
    assert_null(form_get(f, "nosuch"));
    form_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_content),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_get),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
