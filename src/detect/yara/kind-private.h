/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between kind.c (the set) and kind-test.c (tests of its rules). */
#ifndef BELLJAR_DETECT_YARA_KIND_PRIVATE_H
#define BELLJAR_DETECT_YARA_KIND_PRIVATE_H

#include "detect/rulekind.h"
#include "detect/yaml.h"
#include "detect/yara/meaning.h"
#include "detect/yara/pack.h"

struct set_rule {
    struct str id, ns, name, title, file;
    struct yara_meaning meaning; /* its texts are not kept, but for those of tables */
    unsigned positive, negative;
};

struct set_test { /* one test file */
    struct str file;
    const struct yaml_tree *root; /* NULL: empty, or could not be read (told) */
};

struct yara_set {
    struct yara_pack pack;
    struct yara_rules *compiled; /* NULL: no rule is good */
    struct arena arena;
    struct set_rule *rules;
    size_t nrules, rules_cap;
    struct set_test *tests;
    size_t ntests, tests_cap;
    unsigned bad_tests; /* test files that could not be read */
};

struct set_tally {
    rule_problem *problem;
    void *context;
    unsigned run, failed;
};

/* Counts each rule's tests, or runs them too (scan). Only then problems are told. */
int yara_set_tests(struct yara_set *s, bool scan, struct set_tally *t);

#endif
