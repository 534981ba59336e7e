/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside of `belljar rules`, shared by rules*.c. */
#ifndef BELLJAR_CMD_RULES_PRIVATE_H
#define BELLJAR_CMD_RULES_PRIVATE_H

#include "cmd/cmd.h"

#include "detect/rulekind.h"

#define RULES_KINDS_MAX 8

/* Loaded rules, a set for each kind (index: rulekind_at). */
struct rules_sets {
    void *set[RULES_KINDS_MAX]; /* NULL: no file of this kind was read */
    unsigned rejected[RULES_KINDS_MAX];
    unsigned problems; /* all together, printed to standard error */
    unsigned no_rules; /* files that hold no rules that we know */
    unsigned at;       /* the kind that problems belong to */
};

/* Prints "file:line: reason" and counts; context is a struct rules_sets. */
void rules_problem(void *context, const char *file, unsigned line, const char *reason);
/* A folder or a file. only: one kind, or NULL. */
int rules_sets_load(struct rules_sets *s, const char *path, const struct rulekind *only, struct err *e);
/* What came with Belljar. */
int rules_sets_load_own(struct rules_sets *s, const struct rulekind *only, struct err *e);
int rules_sets_finish(struct rules_sets *s, struct err *e);
void rules_sets_clear(struct rules_sets *s);

/* The verbs over loaded rules: they print and give the exit code. */
int rules_check(struct rules_sets *s);
int rules_test(struct rules_sets *s);
int rules_list(const struct rules_sets *s, bool json);

#endif
