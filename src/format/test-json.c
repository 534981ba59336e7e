/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/json.h"

#include "base/jsonw.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The tree as text: kinds and texts, so that what was meant can be compared. */
static void show(struct buf *b, const struct json_node *n)
{
    static const char kinds[] = "zbnt[{";

    buf_u8(b, (uint8_t)kinds[n->kind]);
    buf_add_str(b, n->text);
    for (const struct json_node *c = n->child; c; c = c->next) {
        buf_u8(b, ' ');
        if (n->kind == JSON_OBJECT) {
            buf_add_str(b, c->key);
            buf_u8(b, '=');
        }
        show(b, c);
    }
    if (n->kind == JSON_OBJECT || n->kind == JSON_ARRAY)
        buf_u8(b, n->kind == JSON_OBJECT ? '}' : ']');
}

static const struct row {
    const char *in;
    int code;
    size_t used; /* of a failure: where */
    const char *out;
} rows[] = {
    {"null", 0, 4, "z"},
    {" true ", 0, 5, "btrue"},
    {"false", 0, 5, "bfalse"},
    {"0", 0, 1, "n0"},
    {"-0", 0, 2, "n-0"},
    {"12.50e+3", 0, 8, "n12.50e+3"},
    {"01", 0, 1, "n0"}, /* the value ends; what follows is the caller's matter */
    {"\"\"", 0, 2, "t"},
    {"\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"", 0, 19, "ta\"\\/\b\f\n\r\t"},
    {"\"\\u00e9\\u20ac\\ud83d\\ude00\"", 0, 26, "t\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
    {"\"\\ud83dx\"", 0, 9, "t\xef\xbf\xbdx"},
    {"\"\\ude00\"", 0, 8, "t\xef\xbf\xbd"},
    {"\"\\ud83d\\u0041\"", 0, 14,
     "t\xef\xbf\xbd"
     "A"},
    {"\"\xc3\xa9\"", 0, 4, "t\xc3\xa9"},
    {"[]", 0, 2, "[]"},
    {"[1, [2], {}]", 0, 12, "[ n1 [ n2] {}]"},
    {"{\"a\":1,\"b\":{\"c\":null},\"a\":2} x", 0, 28, "{ a=n1 b={ c=z} a=n2}"},
    {"", ERR_TRUNCATED, 0, NULL},
    {"  ", ERR_TRUNCATED, 2, NULL},
    {"{", ERR_TRUNCATED, 1, NULL},
    {"{\"a\"", ERR_TRUNCATED, 4, NULL},
    {"{\"a\":", ERR_TRUNCATED, 5, NULL},
    {"[1,", ERR_TRUNCATED, 3, NULL},
    {"\"abc", ERR_TRUNCATED, 4, NULL},
    {"\"abc\\", ERR_TRUNCATED, 6, NULL},
    {"-", ERR_TRUNCATED, 1, NULL},
    {"1.", ERR_TRUNCATED, 2, NULL},
    {"{a:1}", ERR_FORMAT, 1, NULL},
    {"{\"a\" 1}", ERR_FORMAT, 5, NULL},
    {"{\"a\":1,}", ERR_FORMAT, 7, NULL},
    {"[1 2]", ERR_FORMAT, 3, NULL},
    {"[1,]", ERR_FORMAT, 3, NULL},
    {"+1", ERR_FORMAT, 0, NULL},
    {".5", ERR_FORMAT, 0, NULL},
    {"1.x", ERR_FORMAT, 2, NULL},
    {"1ex", ERR_FORMAT, 2, NULL},
    {"nul", ERR_FORMAT, 0, NULL},
    {"'a'", ERR_FORMAT, 0, NULL},
    {"\"\\x41\"", ERR_FORMAT, 2, NULL},
    {"\"\\u12g4\"", ERR_FORMAT, 5, NULL},
    {"\"\\u12\"", ERR_FORMAT, 5, NULL},
    {"\"a\nb\"", ERR_FORMAT, 2, NULL},
    {"\"\xff\"", ERR_FORMAT, 1, NULL},
    {"\"\xed\xa0\x80\"", ERR_FORMAT, 1, NULL},
};

static void test_rows(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        size_t n = strlen(rows[i].in), used = 0;
        char *exact = malloc(n ? n : 1); /* so that a look behind the end is seen */
        struct json_node *root = NULL;
        struct err e = {0};
        struct arena a;
        struct buf b;
        assert_non_null(exact);
        memcpy(exact, rows[i].in, n);
        arena_init(&a, 1 << 20);
        int rc = json_parse((struct str){exact, n}, &a, &root, &used, &e);
        if (rc != rows[i].code || used != rows[i].used)
            fail_msg("row %zu (%s): %d at %zu: %s", i, rows[i].in, rc, used, e.text);
        if (rc == 0) {
            buf_init(&b, 1000);
            show(&b, root);
            assert_string_equal(buf_z(&b), rows[i].out);
            buf_free(&b);
        }
        arena_free(&a);
        free(exact);
    }
}

static void test_limits(void **unused)
{
    struct json_node *root;
    struct arena a;
    struct buf b;
    size_t used;

    (void)unused;
    buf_init(&b, 8 << 20);
    for (int depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
        buf_clear(&b);
        for (int i = 0; i < depth; i++)
            buf_u8(&b, '[');
        buf_u8(&b, '1');
        for (int i = 0; i < depth; i++)
            buf_u8(&b, ']');
        arena_init(&a, 1 << 20);
        assert_int_equal(json_parse(buf_str(&b), &a, &root, &used, NULL), depth <= JSON_DEPTH_MAX ? 0 : ERR_LIMIT);
        arena_free(&a);
    }
    buf_clear(&b);
    buf_u8(&b, '[');
    for (unsigned i = 0; i < JSON_NODES_MAX; i++)
        buf_addz(&b, "1,");
    buf_addz(&b, "1]");
    arena_init(&a, 256u << 20);
    assert_int_equal(json_parse(buf_str(&b), &a, &root, &used, NULL), ERR_LIMIT);
    arena_free(&a);
    arena_init(&a, 4096); /* the arena's own end */
    assert_int_equal(json_parse(buf_str(&b), &a, &root, &used, NULL), ERR_LIMIT);
    arena_free(&a);
    buf_clear(&b);
    for (int i = 0; i < JSON_NUMBER_MAX + 1; i++)
        buf_u8(&b, '1');
    arena_init(&a, 4096);
    assert_int_equal(json_parse(buf_str(&b), &a, &root, &used, NULL), ERR_LIMIT);
    arena_free(&a);
    buf_free(&b);
}

static void test_get(void **unused)
{
    struct json_node *root;
    struct arena a;
    size_t used;

    (void)unused;
    arena_init(&a, 1 << 20);
    assert_int_equal(json_parse(STR_LIT("{\"Abc\":1,\"abc\":2.5}"), &a, &root, &used, NULL), 0);
    assert_true(json_get(root, "abc")->number > 2.4 && json_get(root, "abc")->number < 2.6);
    assert_ptr_equal(json_iget(root, "ABC"), json_get(root, "Abc"));
    assert_null(json_get(root, "x"));
    assert_null(json_get(NULL, "x"));
    assert_null(json_get(json_get(root, "abc"), "x"));
    assert_null(json_iget(json_get(root, "abc"), "x"));
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_limits),
                                       cmocka_unit_test(test_get)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
