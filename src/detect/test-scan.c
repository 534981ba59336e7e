/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The automaton must say the same as trying each pattern on its own: all rules
 * of the product against every text in their files, whole and changed.
 */
#include "detect/scan.h"

#include "os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define CONTENT "../../content/behavior"
static const char *const files[] = {"persistence", "privilege", "stealth", "defense", "credentials", "discovery",
                                    "lateral",     "c2",        "exfil",   "impact",  "evasion",     "execution"};

struct world {
    struct behavior_rules *rules;
    struct scan **scans;
    uint16_t *ids;
    uint64_t texts, hits;
};

static uint64_t state = 0x9e3779b97f4a7c15u;

static uint32_t rnd(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 24) % below;
}

static void compare(struct world *w, struct str text)
{
    uint64_t limits = 0;
    w->texts++;
    for (size_t f = 0; f < w->rules->nfields; f++) {
        if (!w->scans[f])
            continue;
        unsigned n = scan_run(w->scans[f], text, w->ids, &limits);
        w->hits += n;
        for (size_t m = 0; m < w->rules->nmatchers; m++) {
            if (w->rules->matchers[m].field != f || w->rules->matchers[m].lazy)
                continue;
            bool found = false;
            for (unsigned i = 0; i < n && !found; i++)
                found = w->ids[i] == m;
            if (found != scan_lazy(w->rules, (uint16_t)m, text, &limits))
                fail_msg("'%.*s': matcher %zu of %.*s: the scan says %d (first pattern '%.*s')", STR_ARG(text), m,
                         STR_ARG(w->rules->fields[f].name), found,
                         STR_ARG(w->rules->patterns[w->rules->matchers[m].first].literal));
        }
    }
}

static void compare_changed(struct world *w, struct str text)
{
    char copy[512];
    if (text.n == 0 || text.n > 300)
        return;
    memcpy(copy, text.p, text.n);
    copy[rnd((uint32_t)text.n)] = "aZ/.* \xff\n"[rnd(8)];
    compare(w, (struct str){copy, text.n});
    compare(w, str_sub(text, rnd((uint32_t)text.n), text.n));
    compare(w, str_sub(text, 0, rnd((uint32_t)text.n)));
}

static void walk(struct world *w, const struct yaml_tree *n)
{
    for (; n; n = n->next) {
        if (n->kind == YAML_TREE_SCALAR) {
            compare(w, n->text);
            if (rnd(4) == 0)
                compare_changed(w, n->text);
        }
        /* Every third event is enough. */
        if (n->child && (n->kind != YAML_TREE_MAP || rnd(3)))
            walk(w, n->child);
    }
}

static void scans_and_single_tries_agree(void **unused)
{
    struct world w = {0};
    struct err e = {0};
    (void)unused;
    assert_int_equal(behavior_rules_new(&w.rules), 0);
    assert_true(behavior_rules_load_dir(w.rules, CONTENT, NULL, NULL, &e) > 100);
    bool *want = calloc(w.rules->nmatchers, sizeof(*want));
    w.scans = calloc(w.rules->nfields, sizeof(*w.scans));
    w.ids = calloc(w.rules->nmatchers, sizeof(*w.ids));
    assert_true(want && w.scans && w.ids);
    memset(want, 1, w.rules->nmatchers);
    for (size_t f = 0; f < w.rules->nfields; f++)
        assert_int_equal(scan_new(w.rules, (uint16_t)f, want, &w.scans[f]), 0);
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char path[256];
        struct buf text;
        struct arena a;
        struct yaml_documents docs;
        unsigned line;
        snprintf(path, sizeof(path), "%s/linux/%s.yml", CONTENT, files[i]);
        assert_int_equal(file_read(path, YAML_TREE_BYTES_MAX, &text, &e), 0);
        arena_init(&a, 64 << 20);
        assert_int_equal(yaml_tree_parse(buf_str(&text), &a, &docs, &line, &e), 0);
        walk(&w, docs.first);
        arena_free(&a);
        buf_free(&text);
    }
    compare(&w, STR_LIT(""));
    assert_true(w.texts > 1500);
    assert_true(w.hits > 1000);
    for (size_t f = 0; f < w.rules->nfields; f++)
        scan_free(&w.scans[f]);
    free(w.scans);
    free(w.ids);
    free(want);
    behavior_rules_free(&w.rules);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(scans_and_single_tries_agree)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
