/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside of `belljar rules`, shared by rules*.c. */
#ifndef BELLJAR_CMD_RULES_PRIVATE_H
#define BELLJAR_CMD_RULES_PRIVATE_H

#include "cmd/cmd.h"

#include "base/buf.h"
#include "detect/rulekind.h"
#include "detect/ruletexts.h"

/* ---- rules-sets.c: in the jail ----------------------------------------------------------------------------------- */

#define RULES_KINDS_MAX 8

enum rules_verb { RULES_CHECK, RULES_TEST, RULES_LIST, RULES_COUNT /* only problems are printed */ };

/* Loaded rules, a set for each kind (index: rulekind_at). */
struct rules_sets {
    FILE *out, *problems_to;
    void *set[RULES_KINDS_MAX]; /* NULL: no file of this kind was read */
    unsigned rejected[RULES_KINDS_MAX];
    unsigned problems;
    unsigned no_rules; /* files that hold no rules that we know */
    unsigned at;       /* the kind that problems belong to */
    const struct ruletexts *texts;
    bool json;
};

/* only: index of a kind, or RULETEXT_NONE. Prints; gives the exit code. */
int rules_sets_work(struct rules_sets *s, enum rules_verb verb, uint32_t only, struct err *e);
uint64_t rules_sets_count(const struct rules_sets *s);
void rules_sets_clear(struct rules_sets *s);

/* ---- rules-role.c: the caller's side ----------------------------------------------------------------------------- */

struct rules_result {
    int code; /* EXIT_... */
    uint64_t loaded, rejected;
};
/* Lets the jailed role work on texts; it writes to our standard output and error. */
int rules_role_work(struct str texts, enum rules_verb verb, uint32_t only, bool json, struct rules_result *ret,
                    struct err *e);

/* ---- rules-packs.c: verbs; argv[1] is the verb ------------------------------------------------------------------- */

int rules_add_run(int argc, char **argv);
int rules_update_run(int argc, char **argv);
int rules_use_run(int argc, char **argv);
int rules_packs_run(int argc, char **argv);
int rules_remove_run(int argc, char **argv);
int rules_switch_run(int argc, char **argv); /* on, off */

#endif
