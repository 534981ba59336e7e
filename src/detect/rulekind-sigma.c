/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sigma as a kind of rules (rulekind.h). */
#include "detect/rulekind-private.h"

#include "detect/score.h"
#include "detect/sigma/sigma.h"

#include <errno.h>

static unsigned sigma_looks(struct str text)
{
    static const char *const keys[] = {"logsource", "correlation", "filter",   "status",  "level",
                                       "tags",      "detection",   "modified", "related", NULL};
    return rulekind_keys(text, keys);
}

static int sigma_open(void **ret)
{
    struct sigma_rules *r;
    int rc = sigma_rules_new(&r);
    if (rc == 0)
        *ret = r;
    return rc;
}

static void sigma_close(void **set)
{
    struct sigma_rules *r = *set;
    if (r)
        sigma_rules_free(&r);
    *set = NULL;
}

static int sigma_add(void *set, const char *file, struct str text, rule_problem *problem, void *context, struct err *e)
{
    return sigma_rules_add(set, file, text, problem, context, e);
}

static int sigma_finish(void *set, rule_problem *problem, void *context, struct err *e)
{
    return sigma_rules_compile(set, problem, context, e);
}

static size_t sigma_count(const void *set)
{
    return sigma_rules_count(set);
}

static bool sigma_at(const void *set, size_t index, struct rule_item *ret)
{
    struct sigma_rule_info i;
    if (!sigma_rules_at(set, index, &i))
        return false;
    *ret = (struct rule_item){.id = i.id,
                              .title = i.title,
                              .file = i.file,
                              .level = i.level,
                              .line = i.line,
                              .points = score_sigma_points(i.level),
                              .attack = i.attack,
                              .nattack = i.nattack,
                              .positive_tests = i.positive_tests,
                              .negative_tests = i.negative_tests};
    return true;
}

static int sigma_test(const void *set, unsigned *ret_run, unsigned *ret_failed, rule_problem *problem, void *context)
{
    return sigma_rules_test(set, ret_run, ret_failed, problem, context);
}

const struct rulekind sigma_rulekind = {.name = "sigma",
                                        .doc = "Sigma rules (specification 2.1) over the events of a run and over logs",
                                        .content = "content/sigma",
                                        .suffixes = rulekind_yaml_suffixes,
                                        .looks = sigma_looks,
                                        .open = sigma_open,
                                        .close = sigma_close,
                                        .add = sigma_add,
                                        .finish = sigma_finish,
                                        .count = sigma_count,
                                        .at = sigma_at,
                                        .test = sigma_test};
