/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Kinds of rules: behaviour rules, Sigma, YARA. One row each, so that what
 * works on "rules" (belljar rules, rule packs, the loaders of the engines) does
 * not know one kind from another.
 *
 * A set is opened, texts are added to it, it is finished once, and is then
 * counted, listed and tested. Bad rules are told to `problem` and left out; the
 * others work.
 */
#ifndef BELLJAR_DETECT_RULEKIND_H
#define BELLJAR_DETECT_RULEKIND_H

#include "base/err.h"
#include "base/str.h"

/* Called for every bad rule or failed test: file, line (0 unknown) and reason. */
typedef void rule_problem(void *context, const char *file, unsigned line, const char *reason);

#define RULE_TEXT_MAX (8u << 20) /* of one file */

struct rule_item { /* what a list shows; texts are borrowed from the set; what a kind does not have is empty */
    struct str id, title, file;
    struct str level; /* severity or level, in the kind's own words */
    struct str category;
    unsigned line, points;
    const struct str *attack;
    unsigned nattack;
    unsigned positive_tests, negative_tests;
};

struct rulekind {
    const char *name;            /* "behavior" */
    const char *doc;             /* one line */
    const char *content;         /* folder of what came with Belljar, below the share folder */
    const char *const *suffixes; /* of its files; NULL-ended */
    /* How much the text looks like this kind; 0: not at all. Asked only for files with the right ending. */
    unsigned (*looks)(struct str text);
    int (*open)(void **ret);
    void (*close)(void **set); /* accepts NULL sets */
    /* Returns the number of good rules added, or negative when nothing can be read. */
    int (*add)(void *set, const char *file, struct str text, rule_problem *problem, void *context, struct err *e);
    int (*finish)(void *set, rule_problem *problem, void *context, struct err *e); /* NULL: nothing to do */
    size_t (*count)(const void *set);
    bool (*at)(const void *set, size_t index, struct rule_item *ret);
    /* Runs the tests of all rules; *ret_failed counts; failures go to `problem`. */
    int (*test)(const void *set, unsigned *ret_run, unsigned *ret_failed, rule_problem *problem, void *context);
};

const struct rulekind *rulekind_at(unsigned index); /* NULL at the end */
const struct rulekind *rulekind_find(const char *name);
/* True when some kind has files with such a name. */
bool rulekind_file(const char *name);
bool rulekind_has_file(const struct rulekind *k, const char *name);
/* The kind that a file holds, by its name and its text; NULL: no rules. */
const struct rulekind *rulekind_of(const char *name, struct str text);

#endif
