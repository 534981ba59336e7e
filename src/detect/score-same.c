/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One thing that several rules saw is paid once. */
#include "detect/attack.h"
#include "detect/score.h"

#include <stdlib.h>

enum engine { ENGINE_BEHAVIOR, ENGINE_SIGMA, ENGINE_YARA };

struct summary {
    uint8_t engine, n;
    bool carries_out;                  /* all its techniques are of the tactic exfiltration */
    uint16_t base[FINDING_ATTACK_MAX]; /* T1053.003: 1053 and 3 */
    uint16_t sub[FINDING_ATTACK_MAX];
};

static enum engine engine_of(struct str rule)
{
    return str_starts(rule, STR_LIT("sigma:"))  ? ENGINE_SIGMA
           : str_starts(rule, STR_LIT("yara:")) ? ENGINE_YARA
                                                : ENGINE_BEHAVIOR;
}

static void summarise(const struct finding *f, struct summary *s)
{
    *s = (struct summary){.engine = engine_of(f->rule), .carries_out = f->nattack > 0};
    for (unsigned i = 0; i < f->nattack && i < FINDING_ATTACK_MAX; i++) {
        const struct attack_technique *t = attack_technique(f->attack[i]);
        uint64_t base, sub = 0;
        struct str id = t ? str_from(t->id) : f->attack[i], number;
        s->carries_out = s->carries_out && t && !strcmp(t->tactics, "exfiltration");
        if (!str_split(&id, '.', &number) || number.n < 2 || str_u64(str_sub(number, 1, number.n), 10, &base) < 0 ||
            (id.p && str_u64(id, 10, &sub) < 0) || base > UINT16_MAX || sub > UINT16_MAX)
            continue;
        s->base[s->n] = (uint16_t)base;
        s->sub[s->n++] = (uint16_t)sub;
    }
}

/* The same technique, or one is a part of the other. */
static bool techniques_meet(const struct summary *a, const struct summary *b)
{
    for (unsigned i = 0; i < a->n; i++)
        for (unsigned k = 0; k < b->n; k++)
            if (a->base[i] == b->base[k] && (a->sub[i] == b->sub[k] || !a->sub[i] || !b->sub[k]))
                return true;
    return false;
}

static bool events_meet(const struct finding *a, const struct finding *b, bool process_is_enough)
{
    for (unsigned i = 0; i < a->nevidence; i++)
        for (unsigned k = 0; k < b->nevidence; k++) {
            const struct evidence *x = &a->evidence[i], *y = &b->evidence[k];
            if (x->source && x->source == y->source && x->seq == y->seq)
                return true;
            if (process_is_enough && x->proc && x->proc == y->proc)
                return true;
        }
    return false;
}

static bool same(const struct finding *a, const struct summary *x, const struct finding *b, const struct summary *y)
{
    if (str_eq(a->rule, b->rule))
        return false; /* a rule counts once anyway */
    if (x->carries_out && y->carries_out)
        return events_meet(a, b, true);
    if (x->engine != y->engine)
        return techniques_meet(x, y) && events_meet(a, b, true);
    return x->engine == ENGINE_SIGMA && techniques_meet(x, y) && events_meet(a, b, false);
}

void score_same(const struct findings *f, const uint32_t *order, uint32_t *ret)
{
    struct summary *s = calloc(f->count + 1, sizeof(*s));
    for (size_t i = 0; i < f->count; i++) {
        ret[i] = SCORE_NONE;
        if (s)
            summarise(&f->items[i], &s[i]);
    }
    for (size_t i = 1; s && i < f->count; i++) {
        uint32_t weak = order[i];
        for (size_t k = 0; k < i && f->items[weak].points; k++) {
            uint32_t strong = order[k];
            if (ret[strong] == SCORE_NONE && f->items[strong].points &&
                same(&f->items[strong], &s[strong], &f->items[weak], &s[weak])) {
                ret[weak] = strong;
                break;
            }
        }
    }
    free(s);
}
