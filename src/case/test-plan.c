/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "case/plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *line;
    int n; /* or the error */
    const char *words[4];
} splits[] = {
    {"", 0, {NULL}},
    {"   ", 0, {NULL}},
    {"a b", 2, {"a", "b"}},
    {"'a b' c", 2, {"a b", "c"}},
    {"\"a \\\" b\"", 1, {"a \" b"}},
    {"a\\ b", 1, {"a b"}},
    {"''", 1, {""}},
    {"x'y'\"z\"", 1, {"xyz"}},
    {"'a", ERR_FORMAT, {NULL}},
    {"a b c d e", ERR_LIMIT, {NULL}},
    {"$HOME `id`", 2, {"$HOME", "`id`"}},
};

static void test_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(splits) / sizeof(*splits); i++) {
        struct arena a;
        const char *words[4];
        struct err e;
        int n;

        arena_init(&a, 1u << 20);
        n = plan_split(&a, splits[i].line, words, 4, &e);
        if (n != splits[i].n)
            fail_msg("row %zu: %d", i, n);
        for (int k = 0; k < n; k++)
            assert_string_equal(words[k], splits[i].words[k]);
        arena_free(&a);
    }
}

#define J(...) #__VA_ARGS__ /* JSON as it is written */

static const struct {
    const char *submission, *facts;
    const char *path, *argv0, *guest_path, *refused;
} plans[] = {
    {J({"kind" : "file", "name" : "a.sh", "user" : "root"}), J({"type" : "script"}), "/root/a.sh", "/root/a.sh",
     "/root/a.sh", NULL},
    {J({"kind" : "file", "name" : "a.sh", "user" : "jonas"}), J({"type" : "script"}), "/home/jonas/Downloads/a.sh",
     "/home/jonas/Downloads/a.sh", "/home/jonas/Downloads/a.sh", NULL},
    {J({"kind" : "file", "name" : "a.py"}), J({"type" : "python"}), "/usr/bin/python3", "/usr/bin/python3",
     "/root/a.py", NULL},
    {J({"kind" : "file", "name" : "../../etc/passwd"}), J({"type" : "elf"}), "/root/.._.._etc_passwd",
     "/root/.._.._etc_passwd", "/root/.._.._etc_passwd", NULL},
    {J({"kind" : "file", "name" : ".."}), J({"type" : "elf"}), "/root/sample", "/root/sample", "/root/sample", NULL},
    {J({"kind" : "file", "name" : "x"}), J({"type" : "pdf", "not_runnable" : "This is a PDF"}), "", NULL, NULL,
     "This is a PDF"},
    {J({"kind" : "file", "name" : "x"}), J({"type" : "strange"}), "", NULL, NULL, "no program"},
    {J({"kind" : "command", "target" : "id; ls"}), J({}), "", "id; ls", NULL, NULL},
    {J({"kind" : "url", "target" : "http://a.example/"}), J({}), "/usr/bin/wget", "/usr/bin/wget", NULL, NULL},
};

static void test_plans(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(plans) / sizeof(*plans); i++) {
        json_t *s = json_loads(plans[i].submission, 0, NULL), *f = json_loads(plans[i].facts, 0, NULL);
        struct plan p;
        struct err e;

        assert_non_null(s);
        assert_non_null(f);
        assert_int_equal(plan_make(s, f, &p, &e), 0);
        assert_string_equal(p.path, plans[i].path);
        if (plans[i].refused)
            assert_non_null(strstr(p.refused, plans[i].refused));
        else
            assert_null(p.refused);
        if (plans[i].argv0)
            assert_string_equal(p.argv[0], plans[i].argv0);
        if (plans[i].guest_path)
            assert_string_equal(p.guest_path, plans[i].guest_path);
        plan_clear(&p);
        json_decref(s);
        json_decref(f);
    }
}

static void test_bytes(void **state)
{
    static const struct {
        const char *in, *out;
    } rows[] = {{"", ""},
                {"plain \\ \\n", "plain \\ \\n"},
                {"a\\xff.sh", "a\xff.sh"},
                {"\\x5cxff", "\\xff"},
                {"\\x00\\x0", "\\x00\\x0"},
                {"\\x", "\\x"},
                {"\\xg0", "\\xg0"}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char z[64];
        snprintf(z, sizeof(z), "%s", rows[i].in);
        assert_string_equal(plan_bytes(z), rows[i].out);
    }
    assert_null(plan_bytes(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_split), cmocka_unit_test(test_plans),
                                       cmocka_unit_test(test_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
