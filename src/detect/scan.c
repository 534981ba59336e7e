/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/scan.h"

#include <errno.h>
#include <stdlib.h>

#define OUT_FLAG 0x80000000u

struct link { /* list of patterns that end in a state */
    uint32_t pattern, next;
};

struct scan {
    const struct behavior_rules *set;
    unsigned nmatchers;
    uint8_t class_of[256];
    unsigned nclasses;
    uint32_t *next; /* [state * nclasses + class]; OUT_FLAG: the target has output */
    uint32_t *out;  /* first link + 1 per state */
    uint32_t *dict; /* nearest suffix state with output, 0 none */
    uint32_t nstates, states_cap;
    struct link *links;
    uint32_t nlinks;
    uint32_t *always; /* patterns without a literal, or beyond the limit */
    uint32_t nalways;
    uint32_t *tried; /* per pattern of the set: epoch */
    uint32_t *seen;  /* per matcher of the set: epoch */
    uint32_t epoch;
};

void scan_free(struct scan **p)
{
    struct scan *s = *p;
    if (!s)
        return;
    free(s->next);
    free(s->out);
    free(s->dict);
    free(s->links);
    free(s->always);
    free(s->tried);
    free(s->seen);
    free(s);
    *p = NULL;
}

unsigned scan_max(const struct scan *s)
{
    return s->nmatchers;
}

/* Bytes that occur in no literal share class 0; upper case goes with lower case. */
static void classes_make(struct scan *s, uint16_t field, const bool *want)
{
    s->nclasses = 1;
    for (size_t m = 0; m < s->set->nmatchers; m++) {
        const struct matcher *k = &s->set->matchers[m];
        if (k->field != field || !want[m] || k->lazy)
            continue;
        for (uint32_t i = k->first; i < k->first + k->count; i++) {
            struct str lit = s->set->patterns[i].literal;
            for (size_t b = 0; b < lit.n; b++) {
                uint8_t ch = (uint8_t)lit.p[b];
                if (!s->class_of[ch])
                    s->class_of[ch] = (uint8_t)s->nclasses++;
            }
        }
    }
    for (unsigned ch = 'A'; ch <= 'Z'; ch++)
        s->class_of[ch] = s->class_of[ch - 'A' + 'a'];
}

static int states_grow(struct scan *s)
{
    uint32_t cap = s->states_cap ? s->states_cap * 2 : 64;
    uint32_t *next = realloc(s->next, (size_t)cap * s->nclasses * sizeof(*next));
    if (next)
        s->next = next;
    uint32_t *out = realloc(s->out, cap * sizeof(*out));
    if (out)
        s->out = out;
    uint32_t *dict = realloc(s->dict, cap * sizeof(*dict));
    if (dict)
        s->dict = dict;
    if (!next || !out || !dict)
        return -ENOMEM;
    s->states_cap = cap;
    return 0;
}

static int state_new(struct scan *s, uint32_t *ret)
{
    if (s->nstates == s->states_cap && states_grow(s) < 0)
        return -ENOMEM;
    *ret = s->nstates++;
    memset(s->next + (size_t)*ret * s->nclasses, 0, s->nclasses * sizeof(*s->next));
    s->out[*ret] = s->dict[*ret] = 0;
    return 0;
}

/* 0, -ENOMEM, or ERR_LIMIT when the automaton is full. */
static int literal_add(struct scan *s, uint32_t pattern)
{
    struct str lit = s->set->patterns[pattern].literal;
    uint32_t at = 0;
    if (((size_t)s->nstates + lit.n) * s->nclasses > SCAN_CELLS_MAX)
        return ERR_LIMIT;
    for (size_t i = 0; i < lit.n; i++) {
        unsigned cls = s->class_of[(uint8_t)lit.p[i]];
        uint32_t to = s->next[(size_t)at * s->nclasses + cls];
        if (!to) {
            int rc = state_new(s, &to);
            if (rc < 0)
                return rc;
            s->next[(size_t)at * s->nclasses + cls] = to;
        }
        at = to;
    }
    s->links[s->nlinks] = (struct link){pattern, s->out[at]};
    s->out[at] = ++s->nlinks;
    return 0;
}

/* Breadth first: fills missing transitions from the failure state. */
static int automaton_finish(struct scan *s)
{
    uint32_t *queue = malloc(s->nstates * sizeof(*queue)), *fail = calloc(s->nstates, sizeof(*fail));
    uint32_t head = 0, tail = 0;
    if (!queue || !fail) {
        free(queue);
        free(fail);
        return -ENOMEM;
    }
    for (unsigned c = 0; c < s->nclasses; c++)
        if (s->next[c])
            queue[tail++] = s->next[c];
    while (head < tail) {
        uint32_t at = queue[head++], f = fail[at];
        s->dict[at] = s->out[f] ? f : s->dict[f];
        for (unsigned c = 0; c < s->nclasses; c++) {
            uint32_t *to = &s->next[(size_t)at * s->nclasses + c];
            uint32_t other = s->next[(size_t)f * s->nclasses + c];
            if (*to) {
                fail[*to] = other;
                queue[tail++] = *to;
            } else {
                *to = other;
            }
        }
    }
    for (size_t i = 0; i < (size_t)s->nstates * s->nclasses; i++)
        if (s->out[s->next[i]] || s->dict[s->next[i]])
            s->next[i] |= OUT_FLAG;
    free(queue);
    free(fail);
    return 0;
}

static int patterns_add(struct scan *s, uint16_t field, const bool *want)
{
    uint32_t root;
    int rc = state_new(s, &root);
    for (size_t m = 0; m < s->set->nmatchers && rc >= 0; m++) {
        const struct matcher *k = &s->set->matchers[m];
        if (k->field != field || !want[m] || k->lazy)
            continue;
        for (uint32_t i = k->first; i < k->first + k->count && rc >= 0; i++) {
            rc = s->set->patterns[i].literal.n ? literal_add(s, i) : ERR_LIMIT;
            if (rc == ERR_LIMIT) {
                s->always[s->nalways++] = i;
                rc = 0;
            }
        }
    }
    return rc;
}

int scan_new(const struct behavior_rules *set, uint16_t field, const bool *want, struct scan **ret)
{
    unsigned matchers = 0;
    size_t patterns = 0;
    *ret = NULL;
    for (size_t m = 0; m < set->nmatchers; m++)
        if (set->matchers[m].field == field && want[m] && !set->matchers[m].lazy) {
            matchers++;
            patterns += set->matchers[m].count;
        }
    if (!matchers)
        return 0;
    struct scan *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->set = set;
    s->nmatchers = matchers;
    s->links = calloc(patterns + 1, sizeof(*s->links));
    s->always = calloc(patterns + 1, sizeof(*s->always));
    s->tried = calloc(set->npatterns + 1, sizeof(*s->tried));
    s->seen = calloc(set->nmatchers + 1, sizeof(*s->seen));
    int rc = s->links && s->always && s->tried && s->seen ? 0 : -ENOMEM;
    if (rc >= 0) {
        classes_make(s, field, want);
        rc = patterns_add(s, field, want);
    }
    if (rc >= 0)
        rc = automaton_finish(s);
    if (rc < 0)
        scan_free(&s);
    *ret = s;
    return rc < 0 ? rc : 0;
}

/* Without the automaton. */
static bool literal_fits(const struct pattern *p, struct str text)
{
    bool fits = p->at_start && p->at_end ? text.n == p->exact.n && str_ieq(text, p->exact)
                : p->at_start            ? str_istarts(text, p->exact)
                : p->at_end              ? str_iends(text, p->exact)
                                         : str_ifind(text, p->exact) >= 0;
    if (!fits || !p->cased)
        return fits;
    return p->at_start ? str_starts(text, p->exact)
           : p->at_end ? str_ends(text, p->exact)
                       : str_find(text, p->exact) >= 0;
}

bool scan_lazy(const struct behavior_rules *set, uint16_t matcher, struct str text, uint64_t *limits_hit)
{
    const struct matcher *m = &set->matchers[matcher];
    for (uint32_t i = m->first; i < m->first + m->count; i++) {
        const struct pattern *p = &set->patterns[i];
        if (p->regex                       ? p->owner && regex_matches(p->regex, text, limits_hit)
            : p->glob.n || p->exact.n == 0 ? str_glob(p->glob, text, !p->cased)
                                           : literal_fits(p, text))
            return true;
    }
    return false;
}

/* The literal was seen ending at `end` (SIZE_MAX: not looked for). */
static bool pattern_fits(struct scan *s, uint32_t index, struct str text, size_t end, uint64_t *limits_hit)
{
    const struct pattern *p = &s->set->patterns[index];
    if (p->regex || p->glob.n || p->exact.n == 0) {
        /* Where the literal stands does not matter: once is enough. */
        if (s->tried[index] == s->epoch)
            return false;
        s->tried[index] = s->epoch;
        return p->regex ? regex_matches(p->regex, text, limits_hit) : str_glob(p->glob, text, !p->cased);
    }
    if (end == SIZE_MAX)
        return literal_fits(p, text);
    if ((p->at_start && end != p->exact.n) || (p->at_end && end != text.n))
        return false;
    return !p->cased || memcmp(text.p + end - p->exact.n, p->exact.p, p->exact.n) == 0;
}

unsigned scan_run(struct scan *s, struct str text, uint16_t *ret_ids, uint64_t *limits_hit)
{
    unsigned n = 0;
    if (++s->epoch == 0) { /* wrapped: forget all old marks */
        memset(s->tried, 0, (s->set->npatterns + 1) * sizeof(*s->tried));
        memset(s->seen, 0, (s->set->nmatchers + 1) * sizeof(*s->seen));
        s->epoch = 1;
    }
    uint32_t at = 0;
    for (size_t i = 0; i < text.n; i++) {
        uint32_t to = s->next[(size_t)at * s->nclasses + s->class_of[(uint8_t)text.p[i]]];
        at = to & ~OUT_FLAG;
        if (!(to & OUT_FLAG))
            continue;
        for (uint32_t o = s->out[at] ? at : s->dict[at]; o; o = s->dict[o])
            for (uint32_t l = s->out[o]; l; l = s->links[l - 1].next) {
                uint32_t pattern = s->links[l - 1].pattern;
                uint16_t m = s->set->patterns[pattern].matcher;
                if (s->seen[m] != s->epoch && pattern_fits(s, pattern, text, i + 1, limits_hit)) {
                    s->seen[m] = s->epoch;
                    ret_ids[n++] = m;
                }
            }
    }
    for (uint32_t i = 0; i < s->nalways; i++) {
        uint16_t m = s->set->patterns[s->always[i]].matcher;
        if (s->seen[m] != s->epoch && pattern_fits(s, s->always[i], text, SIZE_MAX, limits_hit)) {
            s->seen[m] = s->epoch;
            ret_ids[n++] = m;
        }
    }
    return n;
}
