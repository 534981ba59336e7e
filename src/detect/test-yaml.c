/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static int parse(const char *text, struct arena *a, struct yaml_documents *d, unsigned *line, struct err *e)
{
    arena_init(a, 64 << 20);
    return yaml_tree_parse(str_from(text), a, d, line, e);
}

static void trees_keep_text_and_lines(void **state)
{
    struct arena a;
    struct yaml_documents d;
    struct err e;
    unsigned line;
    (void)state;
    assert_int_equal(parse("a: 1\nb:\n  - x\n  - 'y'\nc: {d: ~, e: yes}\n---\nsecond\n", &a, &d, &line, &e), 0);
    assert_int_equal(d.count, 2);
    assert_int_equal(d.first->kind, YAML_TREE_MAP);
    assert_int_equal(d.first->count, 3);
    const struct yaml_tree *b = yaml_tree_get(d.first, "b");
    assert_int_equal(b->kind, YAML_TREE_LIST);
    assert_int_equal(b->line, 2);
    assert_int_equal(b->child->line, 3);
    assert_true(b->child->plain && !b->child->next->plain);
    const struct yaml_tree *c = yaml_tree_get(d.first, "c");
    assert_true(yaml_tree_is_null(yaml_tree_get(c, "d")));
    bool flag = false;
    assert_int_equal(yaml_tree_bool(yaml_tree_get(c, "e"), &flag), 0);
    assert_true(flag);
    assert_null(yaml_tree_get(d.first, "none"));
    assert_null(yaml_tree_get(NULL, "none"));
    assert_true(str_eqz(d.first->next->text, "second"));
    arena_free(&a);
}

static void bad_texts_are_refused(void **state)
{
    static const struct {
        const char *text, *part;
        unsigned line, good;
    } t[] = {
        {"a: &x 1\n", "anchors", 1, 0},
        {"a: 1\nb: *x\n", "", 2, 0},
        {"a: &x [1]\nb: *x\n", "anchors", 1, 0},
        {"a: 1\na: 2\n", "same key", 2, 0},
        {"? [a, b]\n: 1\n", "key must be", 1, 0},
        {"a: [1\n", "not valid YAML", 2, 0},
        {"a: 1\n---\nb: 'x\n", "not valid YAML", 0, 1},
        {"\tx: 1", "not valid YAML", 1, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct arena a;
        struct yaml_documents d;
        struct err e = {0};
        unsigned line;
        int rc = parse(t[i].text, &a, &d, &line, &e);
        if (rc >= 0 || !strstr(e.text, t[i].part) || (t[i].line && line != t[i].line) || d.count != t[i].good)
            fail_msg("%s: %d '%s' line %u, %u good", t[i].text, rc, e.text, line, d.count);
        arena_free(&a);
    }
}

static void limits_hold(void **state)
{
    struct arena a;
    struct yaml_documents d;
    struct err e;
    unsigned line;
    char deep[200];
    (void)state;
    memset(deep, '[', sizeof(deep) - 1);
    deep[sizeof(deep) - 1] = '\0';
    assert_int_equal(parse(deep, &a, &d, &line, &e), ERR_LIMIT);
    arena_free(&a);
    size_t n = YAML_TREE_BYTES_MAX + 1;
    char *big = malloc(n + 1);
    assert_non_null(big);
    memset(big, 'x', n);
    big[n] = '\0';
    assert_int_equal(parse(big, &a, &d, &line, &e), ERR_LIMIT);
    arena_free(&a);
    /* Many values: "[,,...": two bytes a value. */
    for (size_t i = 0; i < 2 * (YAML_TREE_NODES_MAX + 10); i += 2)
        memcpy(big + i, i ? "1," : "[1", 2);
    memcpy(big + 2, ",1", 2);
    big[2 * (YAML_TREE_NODES_MAX + 10)] = '\0';
    assert_true(parse(big, &a, &d, &line, &e) < 0);
    arena_free(&a);
    free(big);
    assert_int_equal(parse("", &a, &d, &line, &e), 0);
    assert_int_equal(d.count, 0);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(trees_keep_text_and_lines),
                                       cmocka_unit_test(bad_texts_are_refused), cmocka_unit_test(limits_hold)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
