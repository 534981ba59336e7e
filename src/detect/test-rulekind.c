/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/rulefiles.h"
#include "detect/rulekind.h"

#include "os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define BEHAVIOR                                                                                                       \
    "---\nid: a.b\ntitle: T\ncategory: Networking\nseverity: low\npoints: 1\nplatforms: [linux]\n"                     \
    "event: net.connect\ndetection: {a: {DestinationPort: 1}}\n"

#define SIGMA                                                                                                          \
    "title: T\nid: 0\nstatus: test\nlogsource:\n  product: linux\ndetection:\n  a:\n    Image: x\n  condition: a\n"    \
    "level: low\n"

static void kinds_are_told_by_content(void **state)
{
    static const struct {
        const char *name, *text, *kind;
    } t[] = {
        {"a.yml", BEHAVIOR, "behavior"},
        {"a.yaml", BEHAVIOR, "behavior"},
        {"A.YML", BEHAVIOR, "behavior"},
        {"a.yml", SIGMA, "sigma"},
        {"a.yml", "title: T\ncorrelation:\n  type: event_count\n", "sigma"},
        {"a.yml", "title: T\nid: x\nplatforms: [linux]\nevent: x\ndetection: {}\n", "behavior"},
        {"a.txt", BEHAVIOR, NULL},
        {"a.test.yml", BEHAVIOR, "yara"}, /* tests that lie beside YARA rules */
        {"a.yar", "rule a { condition: true }", "yara"},
        {"A.YARA", "", "yara"},
        {"a.yml", "", NULL},
        {"a.yml", "on: push\njobs:\n  build: {}\n", NULL},
        {"a.yml", "x:\n  severity: low\n", NULL}, /* keys within others do not count */
        {"a.yml", "severity", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        const struct rulekind *k = rulekind_of(t[i].name, str_from(t[i].text));
        if (t[i].kind ? !k || strcmp(k->name, t[i].kind) != 0 : k != NULL)
            fail_msg("row %zu: %s", i, k ? k->name : "none");
    }
    assert_null(rulekind_find("rain"));
    assert_string_equal(rulekind_find("behavior")->name, "behavior");
    assert_false(rulekind_file("README.md"));
}

static void count_problem(void *context, const char *file, unsigned line, const char *reason)
{
    unsigned *n = context;
    assert_non_null(file);
    assert_non_null(reason);
    *n += line > 0;
}

static void every_kind_keeps_the_contract(void **state)
{
    const struct rulekind *k;
    (void)state;
    for (unsigned i = 0; (k = rulekind_at(i)); i++) {
        void *set = NULL;
        struct rule_item item;
        unsigned problems = 0;
        struct err e;
        assert_int_equal(k->open(&set), 0);
        assert_int_equal(k->count(set), 0);
        assert_false(k->at(set, 0, &item));
        k->add(set, "bad", STR_LIT("title: [\n"), count_problem, &problems, &e);
        if (k->finish)
            assert_true(k->finish(set, count_problem, &problems, &e) >= 0);
        assert_true(problems > 0);
        k->close(&set);
        assert_null(set);
        k->close(&set);
    }
}

static bool any_yml(const char *name)
{
    return str_ends(str_from(name), STR_LIT(".yml"));
}

static void touch(const char *dir, const char *name)
{
    char *p = path_join(dir, name);
    assert_int_equal(file_write_atomic(p, "", 0, 0600, NULL), 0);
    free(p);
}

static void folders_are_walked(void **state)
{
    char dir[] = "/tmp/belljar-test-rules-XXXXXX";
    struct rulefiles f;
    struct err e;
    (void)state;
    assert_non_null(mkdtemp(dir));
    char *sub = path_join(dir, "sub/deeper"), *loop = path_join(dir, "sub/loop"), *hidden = path_join(dir, ".hidden");
    assert_int_equal(file_mkdirs(sub, 0700, NULL), 0);
    assert_int_equal(file_mkdirs(hidden, 0700, NULL), 0);
    assert_int_equal(symlink(dir, loop), 0); /* must not be walked for ever */
    touch(dir, "z.yml");
    touch(dir, "a.txt");
    touch(sub, "b.yml");
    touch(hidden, "c.yml");
    assert_int_equal(rulefiles_list(dir, any_yml, &f, &e), 0);
    assert_int_equal(f.count, 2);
    assert_true(str_ends(str_from(f.items[0]), STR_LIT("sub/deeper/b.yml")));
    rulefiles_free(&f);
    assert_int_equal(rulefiles_list(dir, NULL, &f, &e), 0); /* every file */
    assert_int_equal(f.count, 3);
    rulefiles_free(&f);
    char *deep = path_format("%s/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17/18", dir);
    assert_int_equal(file_mkdirs(deep, 0700, NULL), 0);
    assert_int_equal(rulefiles_list(dir, any_yml, &f, &e), ERR_LIMIT);
    assert_int_equal(file_remove_tree(dir, &e), 0);
    assert_true(rulefiles_list(dir, any_yml, &f, &e) < 0);
    free(sub);
    free(loop);
    free(hidden);
    free(deep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_are_told_by_content),
        cmocka_unit_test(every_kind_keeps_the_contract),
        cmocka_unit_test(folders_are_walked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
