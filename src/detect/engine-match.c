/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Evaluation of conditions, and the index that finds the few worth evaluating. */
#include "detect/engine.h"

#include <errno.h>
#include <stdlib.h>

/* ---- what a scan says about a field of the event at hand ------------------------- */

static struct memo *memo_slot(struct behavior_engine *g, uint64_t key, uint16_t field)
{
    uint64_t h = (key + field * 0x9e3779b97f4a7c15u) * 0xff51afd7ed558ccdu;
    return &g->memo[(h >> 40) & (MEMO_SIZE - 1)];
}

/* Interned strings by id (odd key), strings of the process table by address; 0: not to be remembered. */
static uint64_t memo_key(const struct value *v)
{
    return v->id ? (uint64_t)v->id << 1 | 1 : v->stable ? (uint64_t)(uintptr_t)v->s.p << 1 : 0;
}

const struct field_hits *engine_hits(struct behavior_engine *g, uint16_t field, const struct value *v)
{
    struct field_hits *h = &g->hits[field];
    if (h->stamp == g->stamp)
        return h;
    h->stamp = g->stamp;
    h->count = 0;
    if (!g->scans[field] || !v->present)
        return h;
    uint64_t key = memo_key(v);
    struct memo *m = key ? memo_slot(g, key, field) : NULL;
    if (m && m->key == key && m->field == field + 1 && m->len == (uint32_t)v->s.n) {
        h->count = m->count;
        memcpy(h->ids, m->ids, m->count * sizeof(m->ids[0]));
        return h;
    }
    h->count = scan_run(g->scans[field], v->s, h->ids, &g->limits.regex);
    if (m && h->count <= MEMO_IDS) {
        *m = (struct memo){
            .key = key, .len = (uint32_t)v->s.n, .field = (uint16_t)(field + 1), .count = (uint16_t)h->count};
        memcpy(m->ids, h->ids, h->count * sizeof(m->ids[0]));
    }
    return h;
}

/* A matcher that is not in the field's scan; remembered like a scan, under a number of its own. */
static bool lazy_holds(struct behavior_engine *g, const struct node *n)
{
    struct value v = engine_value(g, n->field);
    if (!v.present)
        return false;
    uint16_t code = (uint16_t)(RULE_FIELDS_MAX + n->matcher);
    uint64_t key = memo_key(&v);
    struct memo *m = key ? memo_slot(g, key, code) : NULL;
    if (m && m->key == key && m->field == code + 1 && m->len == (uint32_t)v.s.n)
        return m->count != 0;
    bool holds = scan_lazy(g->set, n->matcher, v.s, &g->limits.regex);
    if (m)
        *m = (struct memo){.key = key, .len = (uint32_t)v.s.n, .field = (uint16_t)(code + 1), .count = (uint16_t)holds};
    return holds;
}

static bool text_holds(struct behavior_engine *g, const struct node *n)
{
    if (g->set->matchers[n->matcher].lazy)
        return lazy_holds(g, n);
    const struct field_hits *h = &g->hits[n->field];
    if (h->stamp != g->stamp) {
        struct value v = engine_value(g, n->field);
        engine_hits(g, n->field, &v);
    }
    for (unsigned i = 0; i < h->count; i++)
        if (h->ids[i] == n->matcher)
            return true;
    return false;
}

static bool number_holds(struct behavior_engine *g, const struct node *n)
{
    struct value v = engine_value(g, n->field);
    if (!v.present)
        return false;
    int64_t a = v.number, b = n->numbers[0];
    bool big = v.is_unsigned_big;
    switch (n->number_op) {
    case NUMBER_IN:
        for (unsigned i = 0; i < n->count; i++)
            if (!big && a == n->numbers[i])
                return true;
        return false;
    case NUMBER_GT:
        return big || a > b;
    case NUMBER_GTE:
        return big || a >= b;
    case NUMBER_LT:
        return !big && a < b;
    case NUMBER_LTE:
        return !big && a <= b;
    case NUMBER_ANYBITS:
        return (a & b) != 0;
    case NUMBER_ALLBITS:
        return (a & b) == b;
    }
    return false;
}

static bool atom_holds(struct behavior_engine *g, const struct node *n)
{
    struct value v = engine_value(g, n->field);
    switch (n->op) {
    case NODE_BOOL:
        return v.present && (v.number != 0) == n->expect;
    case NODE_EXISTS:
        return (v.present && (v.s.n != 0 || v.s.p == NULL)) == n->expect;
    case NODE_CIDR:
        for (unsigned i = 0; v.present && i < n->count; i++)
            if (cidr_has(&n->cidrs[i], v.s))
                return true;
        return false;
    default: { /* NODE_FIELDREF */
        struct value other = engine_value(g, n->other);
        return v.present && other.present && v.s.n && str_eq(v.s, other.s);
    }
    }
}

bool engine_eval(struct behavior_engine *g, const struct node *n)
{
    switch (n->op) {
    case NODE_AND:
        for (unsigned i = 0; i < n->count; i++)
            if (!engine_eval(g, n->kids[i]))
                return false;
        return true;
    case NODE_OR:
        for (unsigned i = 0; i < n->count; i++)
            if (engine_eval(g, n->kids[i]))
                return true;
        return false;
    case NODE_NOT:
        return !engine_eval(g, n->kids[0]);
    case NODE_TEXT:
        return text_holds(g, n);
    case NODE_NUMBER:
        return number_holds(g, n);
    default:
        return atom_holds(g, n);
    }
}

/* ---- the index ---------------------------------------------------------------------- */

#define NEED_MAX 64

/* Matchers of which at least one must fit, or the condition cannot hold. */
struct need {
    uint16_t ids[NEED_MAX];
    unsigned count;
    size_t quality; /* shortest literal: longer is rarer */
};

static bool need_text(const struct behavior_engine *g, const struct node *n, unsigned kind, struct need *ret)
{
    const struct matcher *m = &g->set->matchers[n->matcher];
    if (m->lazy || g->set->fields[n->field].slot[kind] < 0)
        return false;
    ret->count = 1;
    ret->ids[0] = n->matcher;
    ret->quality = SIZE_MAX;
    for (uint32_t i = m->first; i < m->first + m->count; i++)
        if (g->set->patterns[i].literal.n < ret->quality)
            ret->quality = g->set->patterns[i].literal.n;
    return true;
}

static bool need_find(const struct behavior_engine *g, const struct node *n, unsigned kind, struct need *ret)
{
    bool found = false;
    if (n->op == NODE_TEXT)
        return need_text(g, n, kind, ret);
    if (n->op != NODE_AND && n->op != NODE_OR)
        return false;
    struct need best = {.quality = n->op == NODE_OR ? SIZE_MAX : 0};
    for (unsigned i = 0; i < n->count; i++) {
        struct need kid;
        bool ok = need_find(g, n->kids[i], kind, &kid);
        if (n->op == NODE_AND) {
            if (ok && (!found || kid.quality > best.quality))
                best = kid;
            found = found || ok;
            continue;
        }
        if (!ok || best.count + kid.count > NEED_MAX)
            return false;
        memcpy(best.ids + best.count, kid.ids, kid.count * sizeof(kid.ids[0]));
        best.count += kid.count;
        if (kid.quality < best.quality)
            best.quality = kid.quality;
        found = true;
    }
    if (found)
        *ret = best;
    return found;
}

static int route_field(struct kind_route *r, uint16_t field, int slot)
{
    for (unsigned i = 0; i < r->nscan; i++)
        if (r->scan[i].field == field)
            return 0;
    if (r->nscan == EVENT_FIELDS_MAX)
        return ERR_LIMIT;
    r->scan[r->nscan].field = field;
    r->scan[r->nscan++].slot = (uint8_t)slot;
    return 0;
}

/* One detector under one kind: by its needed texts, or always. */
static int route_add(struct behavior_engine *g, uint32_t live, unsigned kind)
{
    const struct detector *d = g->lives[live].d;
    struct kind_route *r = &g->routes[kind];
    struct need need;
    r->lineage |= d->lineage;
    if (!d->root || !need_find(g, d->root, kind, &need))
        return live_list_add(&r->always, live);
    for (unsigned i = 0; i < need.count; i++) {
        uint16_t m = need.ids[i], field = g->set->matchers[m].field;
        struct live_list *l = &g->by_matcher[m];
        int rc = route_field(r, field, g->set->fields[field].slot[kind]);
        if (rc >= 0 && !(l->count && l->items[l->count - 1] == live))
            rc = live_list_add(l, live);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static void matchers_want(const struct node *n, bool *want)
{
    if (!n)
        return;
    if (n->op == NODE_TEXT)
        want[n->matcher] = true;
    if (n->op == NODE_AND || n->op == NODE_OR || n->op == NODE_NOT)
        for (unsigned i = 0; i < n->count; i++)
            matchers_want(n->kids[i], want);
}

static int scans_make(struct behavior_engine *g)
{
    bool *want = calloc(g->set->nmatchers + 1, sizeof(*want));
    size_t total = 0;
    int rc = want ? 0 : -ENOMEM;
    for (uint32_t i = 0; i < g->nlives && rc >= 0; i++)
        matchers_want(g->lives[i].d->root, want);
    for (size_t f = 0; f < g->set->nfields && rc >= 0; f++) {
        rc = scan_new(g->set, (uint16_t)f, want, &g->scans[f]);
        if (g->scans[f])
            total += scan_max(g->scans[f]);
    }
    free(want);
    /* A memo may hold MEMO_IDS ids of any field: leave room for them. */
    if (rc >= 0 && !(g->hit_ids = calloc(total + (g->set->nfields + 1) * MEMO_IDS, sizeof(*g->hit_ids))))
        rc = -ENOMEM;
    size_t at = 0;
    for (size_t f = 0; f < g->set->nfields && rc >= 0; f++) {
        g->hits[f].ids = g->hit_ids + at;
        at += (g->scans[f] ? scan_max(g->scans[f]) : 0) + MEMO_IDS;
    }
    return rc;
}

int engine_index(struct behavior_engine *g)
{
    int rc = scans_make(g);
    for (uint32_t i = 0; i < g->nlives && rc >= 0; i++)
        for (unsigned kind = 0; kind < EVENT_KIND_MAX && rc >= 0; kind++)
            if (kinds_have(g->lives[i].d->kinds, kind))
                rc = route_add(g, i, kind);
    return rc;
}
