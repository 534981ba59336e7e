/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Regular expressions of rules as patterns: with the text that a match must
 * contain the field's automaton finds the few strings worth trying. One
 * without such text is tried only when the rest of its condition already holds.
 */
#include "detect/rule.h"

#include <errno.h>

int pattern_add_regex(struct compile *c, unsigned line, struct str value, const char *flags)
{
    struct regex r;
    struct err bad = {0};
    struct pattern *p = pattern_new(c);
    if (!p)
        return c->err->code;
    if (regex_new(value, flags, &r, &bad) < 0)
        return compile_fail(c, line, "%s", bad.text);
    p->regex = r.code;
    p->owner = true;
    if (r.nliterals == 0) {
        c->set->matchers[c->set->nmatchers - 1].lazy = true;
        c->set->npatterns++;
        return 0;
    }
    for (unsigned i = 0; i < r.nliterals; i++) {
        if (i && !(p = pattern_new(c)))
            return c->err->code;
        p->regex = r.code;
        p->owner = i == 0;
        c->set->npatterns++; /* before what may fail: it is freed with the others */
        p->literal = pattern_fold(c, r.literals[i]);
        if (!p->literal.n)
            return err_set(c->err, -ENOMEM, "no memory");
    }
    return 0;
}

void pattern_free(struct pattern *p)
{
    if (p->owner)
        regex_free(p->regex);
    p->regex = NULL;
}
