/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Correlation over time. A group is what one correlation knows about one set of
 * values of its group-by fields. Two kinds of windows:
 *
 *   sliding   conditions that only have a lower bound are tried at every event,
 *             over the events of the last `timespan`; a hit empties the window
 *   at end    others are tried when `timespan` has passed since the first event
 *             of the group (or the stream ends)
 *
 * The number of groups and of remembered events is bounded: the group that was
 * not touched for longest goes first, and that is counted. So is how often one
 * match may be handed on from correlation to correlation.
 */
#include "base/siphash.h"
#include "detect/sigma/sigma-private.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#define GROUPS_MAX 65536u
#define ENTRIES_MAX (1u << 20) /* in all groups */
#define BUCKET_COUNT 16384u
#define FEEDS_MAX 16384u /* of one match: correlations of correlations may multiply without end */

struct entry {
    int64_t time;
    uint64_t event, value; /* value: hash of the field's value */
    double number;
};

struct tally {      /* how often each value stands in the window */
    uint64_t value; /* 0 free */
    uint32_t count;
};

struct input { /* what an event means to a correlation */
    bool ok;
    uint64_t key[2], value;
    double number;
};

struct stage { /* of a temporal correlation: per rule */
    bool seen;
    int64_t time;     /* temporal: of its last event; ordered: of the first event of the chain that ends here */
    uint64_t *events; /* ordered: the chain */
    uint64_t event;
};

struct group {
    uint64_t key[2];
    uint32_t rule;
    struct group *chain;          /* of the hash table */
    struct group *older, *newer;  /* of all, by last use */
    struct group *before, *after; /* of the correlation's windows that end, by their beginning */
    int64_t begin, last_time;
    uint64_t last_event, total;
    double sum;
    struct entry *ring;
    uint32_t cap, head, n;
    struct tally *tallies;
    uint32_t tallies_cap, distinct;
    struct stage *stages;
    struct input *inputs; /* at end: what the last event means to each correlation above */
};

struct windows {
    const struct sigma_rules *r;
    uint8_t secret[16];
    struct group **table;
    struct group *oldest, *newest;
    struct group **first, **last; /* per correlation: windows that end */
    uint32_t ngroups, nentries, feeds;
    uint64_t evicted;
    int64_t now;
};

int windows_new(const struct sigma_rules *r, struct windows **ret)
{
    struct windows *w = calloc(1, sizeof(*w));
    struct timespec t;
    if (!w)
        return -ENOMEM;
    w->r = r;
    clock_gettime(CLOCK_MONOTONIC, &t);
    /* Keys of groups come from samples: where they fall in the table must not be known to them. */
    uint64_t noise[2] = {(uint64_t)t.tv_nsec * 0x9e3779b97f4a7c15u ^ (uint64_t)(uintptr_t)w, (uint64_t)(uintptr_t)&t};
    memcpy(w->secret, noise, sizeof(w->secret));
    w->first = calloc((size_t)r->ncorrelations + 1, sizeof(struct group *));
    w->last = calloc((size_t)r->ncorrelations + 1, sizeof(struct group *));
    if (r->ncorrelations)
        w->table = calloc(BUCKET_COUNT, sizeof(struct group *));
    if (!w->first || !w->last || (r->ncorrelations && !w->table)) {
        windows_free(&w);
        return -ENOMEM;
    }
    *ret = w;
    return 0;
}

uint64_t windows_evicted(const struct windows *w)
{
    return w->evicted;
}

/* ---- groups -------------------------------------------------------------------------------------------------- */

static struct correlation *correlation_of(const struct windows *w, uint32_t rule)
{
    return w->r->rules[rule].correlation;
}

static void used_unlink(struct windows *w, struct group *g)
{
    *(g->older ? &g->older->newer : &w->oldest) = g->newer;
    *(g->newer ? &g->newer->older : &w->newest) = g->older;
}

static void used_append(struct windows *w, struct group *g)
{
    g->older = w->newest;
    g->newer = NULL;
    *(w->newest ? &w->newest->newer : &w->oldest) = g;
    w->newest = g;
}

static void group_remove(struct windows *w, struct group *g)
{
    const struct correlation *c = correlation_of(w, g->rule);
    struct group **at = &w->table[g->key[0] % BUCKET_COUNT];
    while (*at != g)
        at = &(*at)->chain;
    *at = g->chain;
    used_unlink(w, g);
    if (c->at_end) {
        *(g->before ? &g->before->after : &w->first[c->slot]) = g->after;
        *(g->after ? &g->after->before : &w->last[c->slot]) = g->before;
    }
    w->nentries -= g->cap;
    w->ngroups--;
    for (unsigned i = 0; g->stages && i < c->nrefs; i++)
        free(g->stages[i].events);
    free(g->stages);
    free(g->ring);
    free(g->tallies);
    free(g->inputs);
    free(g);
}

void windows_reset(struct windows *w)
{
    while (w->oldest)
        group_remove(w, w->oldest);
    w->now = 0;
}

void windows_free(struct windows **p)
{
    struct windows *w = *p;
    if (!w)
        return;
    windows_reset(w);
    free(w->table);
    free(w->first);
    free(w->last);
    free(w);
    *p = NULL;
}

static struct group *group_find(const struct windows *w, uint32_t rule, const uint64_t key[2])
{
    for (struct group *g = w->table[key[0] % BUCKET_COUNT]; g; g = g->chain)
        if (g->rule == rule && g->key[0] == key[0] && g->key[1] == key[1])
            return g;
    return NULL;
}

static struct group *group_make(struct windows *w, uint32_t rule, const uint64_t key[2], int64_t time)
{
    const struct correlation *c = correlation_of(w, rule);
    if (w->ngroups >= GROUPS_MAX) {
        group_remove(w, w->oldest);
        w->evicted++;
    }
    struct group *g = calloc(1, sizeof(*g));
    if (!g)
        return NULL;
    g->rule = rule;
    g->key[0] = key[0];
    g->key[1] = key[1];
    g->begin = time;
    g->chain = w->table[key[0] % BUCKET_COUNT];
    w->table[key[0] % BUCKET_COUNT] = g;
    used_append(w, g);
    w->ngroups++;
    if (c->at_end) {
        g->before = w->last[c->slot];
        *(g->before ? &g->before->after : &w->first[c->slot]) = g;
        w->last[c->slot] = g;
    }
    if (c->type == CORRELATE_TEMPORAL || c->type == CORRELATE_TEMPORAL_ORDERED)
        g->stages = calloc(c->nrefs, sizeof(*g->stages));
    bool ok = g->stages || (c->type != CORRELATE_TEMPORAL && c->type != CORRELATE_TEMPORAL_ORDERED);
    if (c->at_end && w->r->rules[rule].nparents) {
        g->inputs = calloc(w->r->rules[rule].nparents, sizeof(*g->inputs));
        ok = ok && g->inputs;
    }
    if (ok)
        return g;
    group_remove(w, g);
    return NULL;
}

/* ---- values of the window ------------------------------------------------------------------------------------ */

static struct tally *tally_find(struct group *g, uint64_t value)
{
    uint32_t i = (uint32_t)value & (g->tallies_cap - 1);
    while (g->tallies[i].value && g->tallies[i].value != value)
        i = (i + 1) & (g->tallies_cap - 1);
    return &g->tallies[i];
}

static int tallies_grow(struct group *g)
{
    struct tally *old = g->tallies;
    uint32_t cap = g->tallies_cap;
    g->tallies_cap = cap ? cap * 2 : 16;
    g->tallies = calloc(g->tallies_cap, sizeof(*g->tallies));
    if (!g->tallies) {
        g->tallies = old;
        g->tallies_cap = cap;
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < cap; i++)
        if (old[i].value)
            *tally_find(g, old[i].value) = old[i];
    free(old);
    return 0;
}

static int tally_add(struct windows *w, struct group *g, uint64_t value)
{
    if (g->distinct * 2 >= g->tallies_cap && tallies_grow(g) < 0)
        return -ENOMEM;
    struct tally *t = tally_find(g, value);
    if (!t->value && g->distinct >= SIGMA_WINDOW_EVENTS_MAX) {
        w->evicted++;
        return 0;
    }
    if (!t->value) {
        t->value = value;
        g->distinct++;
    }
    t->count++;
    return 0;
}

static void tally_drop(struct group *g, uint64_t value)
{
    struct tally *t = tally_find(g, value);
    if (!t->value || --t->count)
        return;
    /* Closing the gap: those behind may have walked over it. */
    uint32_t mask = g->tallies_cap - 1, gap = (uint32_t)(t - g->tallies);
    g->distinct--;
    for (uint32_t i = (gap + 1) & mask; g->tallies[i].value; i = (i + 1) & mask) {
        uint32_t home = (uint32_t)g->tallies[i].value & mask;
        if (((i - home) & mask) >= ((i - gap) & mask)) {
            g->tallies[gap] = g->tallies[i];
            gap = i;
        }
    }
    g->tallies[gap] = (struct tally){0};
}

static bool uses_values(const struct correlation *c)
{
    return c->type == CORRELATE_VALUE_COUNT || (c->type == CORRELATE_VALUE_PERCENTILE && !c->has_percentile);
}

static struct entry *entry_at(const struct group *g, uint32_t i)
{
    return &g->ring[(g->head + i) & (g->cap - 1)];
}

static void entry_drop(const struct correlation *c, struct group *g)
{
    if (uses_values(c) && !c->at_end)
        tally_drop(g, entry_at(g, 0)->value);
    g->head = (g->head + 1) & (g->cap - 1);
    g->n--;
}

static int ring_grow(struct windows *w, struct group *g)
{
    uint32_t cap = g->cap ? g->cap * 2 : 4;
    /* Room is made by those that were not used for longest; never by this one, which is the newest. */
    while (w->nentries + cap - g->cap > ENTRIES_MAX && w->oldest != g) {
        group_remove(w, w->oldest);
        w->evicted++;
    }
    struct entry *ring = malloc(cap * sizeof(*ring));
    if (!ring)
        return -ENOMEM;
    for (uint32_t i = 0; i < g->n; i++)
        ring[i] = *entry_at(g, i);
    free(g->ring);
    w->nentries += cap - g->cap;
    g->ring = ring;
    g->cap = cap;
    g->head = 0;
    return 0;
}

static int entry_push(struct windows *w, const struct correlation *c, struct group *g, const struct entry *e)
{
    while (!c->at_end && g->n && entry_at(g, 0)->time < e->time - c->span)
        entry_drop(c, g);
    if (g->n >= SIGMA_WINDOW_EVENTS_MAX) {
        entry_drop(c, g);
        w->evicted++;
    }
    if (g->n == g->cap && ring_grow(w, g) < 0)
        return -ENOMEM;
    if (uses_values(c) && tally_add(w, g, e->value) < 0)
        return -ENOMEM;
    g->n++;
    *entry_at(g, g->n - 1) = *e;
    g->total++;
    g->sum += e->number;
    return 0;
}

/* ---- conditions ---------------------------------------------------------------------------------------------- */

static bool limits_hold(const struct limits *l, double v)
{
    return (!l->gt || v > l->vgt) && (!l->gte || v >= l->vgte) && (!l->lt || v < l->vlt) && (!l->lte || v <= l->vlte) &&
           (!l->eq || v == l->veq) && (!l->neq || v != l->vneq);
}

static int number_compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Between the two nearest numbers in proportion, as most databases do. */
static int percentile_of(const struct group *g, double percent, double *ret)
{
    double *v = malloc((g->n ? g->n : 1) * sizeof(*v));
    if (!v)
        return -ENOMEM;
    for (uint32_t i = 0; i < g->n; i++)
        v[i] = entry_at(g, i)->number;
    if (g->n)
        qsort(v, g->n, sizeof(*v), number_compare);
    double at = g->n ? percent / 100 * (g->n - 1) : 0;
    uint32_t low = (uint32_t)at, high = low + 1 < g->n ? low + 1 : low;
    *ret = g->n ? v[low] + (v[high] - v[low]) * (at - low) : 0;
    free(v);
    return 0;
}

/* value_percentile without `percentile`: a value whose share of all, in percent, fits. 0 none. */
static uint64_t share_find(const struct correlation *c, const struct group *g)
{
    for (uint32_t i = 0; i < g->tallies_cap; i++)
        if (g->tallies[i].value && limits_hold(&c->limits, 100.0 * g->tallies[i].count / (double)g->total))
            return g->tallies[i].value;
    return 0;
}

/* 1 yes, 0 no. *ret_value: only the events with this value count. */
static int window_holds(const struct correlation *c, const struct group *g, uint64_t *ret_value)
{
    double v = 0;
    int rc = 0;
    *ret_value = 0;
    switch (c->type) {
    case CORRELATE_EVENT_COUNT:
        v = c->at_end ? (double)g->total : g->n;
        break;
    case CORRELATE_VALUE_COUNT:
        v = g->distinct;
        break;
    case CORRELATE_VALUE_SUM:
        v = g->sum;
        break;
    case CORRELATE_VALUE_AVG:
        v = g->sum / (double)g->total;
        break;
    case CORRELATE_VALUE_MEDIAN:
        rc = percentile_of(g, 50, &v);
        break;
    case CORRELATE_VALUE_PERCENTILE:
        if (!c->has_percentile) {
            *ret_value = share_find(c, g);
            return *ret_value != 0;
        }
        rc = percentile_of(g, c->percentile, &v);
        break;
    default: /* temporal with an upper bound */
        for (unsigned i = 0; i < c->nrefs; i++)
            v += g->stages[i].seen;
        break;
    }
    return rc < 0 ? rc : limits_hold(&c->limits, v);
}

/* ---- a hit --------------------------------------------------------------------------------------------------- */

static int input_feed(struct windows *w, struct parent p, const struct input *in, const struct sigma_event *ev,
                      const struct windows_call *call);

static int index_compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* The events that count, in *ret (malloc'ed). */
static int events_take(const struct correlation *c, const struct group *g, uint64_t value, uint64_t **ret,
                       size_t *ret_n)
{
    size_t n = 0, max = g->stages ? c->nrefs : g->n;
    uint64_t *events = malloc((max ? max : 1) * sizeof(*events));
    if (!events)
        return -ENOMEM;
    if (c->type == CORRELATE_TEMPORAL_ORDERED) {
        memcpy(events, g->stages[c->nrefs - 1].events, c->nrefs * sizeof(*events));
        n = c->nrefs;
    } else if (g->stages) {
        for (unsigned i = 0; i < c->nrefs; i++)
            if (g->stages[i].seen && g->stages[i].time >= g->last_time - c->span)
                events[n++] = g->stages[i].event;
        qsort(events, n, sizeof(*events), index_compare);
    } else {
        for (uint32_t i = 0; i < g->n; i++)
            if (!value || entry_at(g, i)->value == value)
                events[n++] = entry_at(g, i)->event;
    }
    *ret = events;
    *ret_n = n;
    return 0;
}

static struct input input_make(const struct windows *w, struct parent p, const struct windows_call *call);

/* The group is gone afterwards. ev: the event that made it true, or NULL when its window has ended. */
static int group_fire(struct windows *w, struct group *g, uint64_t value, const struct sigma_event *ev,
                      const struct windows_call *call)
{
    uint32_t rule = g->rule;
    const struct rule *r = &w->r->rules[rule];
    struct sigma_event last = {.index = g->last_event, .time_ns = g->last_time};
    struct input *inputs = g->inputs;
    uint64_t *events;
    size_t n;
    int rc = events_take(r->correlation, g, value, &events, &n);
    g->inputs = NULL;
    group_remove(w, g);
    if (rc >= 0) {
        call->match(call->context, rule, ev ? ev : &last, events, n);
        free(events);
    }
    for (uint32_t i = 0; i < r->nparents && rc >= 0; i++) {
        struct input now = inputs ? inputs[i] : input_make(w, r->parents[i], call);
        rc = input_feed(w, r->parents[i], &now, ev ? ev : &last, call);
    }
    free(inputs);
    return rc;
}

/* ---- feeding ------------------------------------------------------------------------------------------------- */

static uint64_t hash_fields(const struct windows *w, const uint32_t *fields, unsigned n, uint8_t salt,
                            const struct windows_call *call, bool *ok)
{
    struct siphash h;
    siphash_init(&h, w->secret);
    siphash_add(&h, &salt, 1);
    for (unsigned i = 0; i < n; i++) {
        struct str v = call->value(call->context, fields[i]);
        if (!v.p) {
            *ok = false;
            return 0;
        }
        siphash_add(&h, &v.n, sizeof(v.n));
        siphash_add(&h, v.p, v.n);
    }
    return siphash_end(&h);
}

static struct input input_make(const struct windows *w, struct parent p, const struct windows_call *call)
{
    const struct correlation *c = correlation_of(w, p.rule);
    const struct reference *ref = &c->refs[p.ref];
    struct input in = {.ok = true};
    in.key[0] = hash_fields(w, ref->group, c->ngroup, 0, call, &in.ok);
    in.key[1] = hash_fields(w, ref->group, c->ngroup, 1, call, &in.ok);
    if (!c->nfield || !in.ok)
        return in;
    if (uses_values(c)) {
        in.value = hash_fields(w, ref->field, c->nfield, 2, call, &in.ok) | 1;
    } else {
        struct str v = call->value(call->context, ref->field[0]);
        in.ok = v.p && number_of(v, &in.number);
    }
    return in;
}

/* True: all rules of a temporal correlation were seen, in time. */
static bool stage_seen(const struct correlation *c, struct group *g, uint32_t ref, int64_t time, uint64_t event)
{
    unsigned seen = 0;
    g->stages[ref] = (struct stage){.seen = true, .time = time, .event = event};
    if (c->at_end)
        return false;
    for (unsigned i = 0; i < c->nrefs; i++)
        seen += g->stages[i].seen && g->stages[i].time >= time - c->span;
    return c->limits.gt || c->limits.gte ? limits_hold(&c->limits, seen) : seen == c->nrefs;
}

/* The chain up to `ref` grows by this event, when there is one up to the rule before it. 1: complete. */
static int chain_grow(const struct correlation *c, struct group *g, uint32_t ref, int64_t time, uint64_t event)
{
    struct stage *s = &g->stages[ref], *before = ref ? &g->stages[ref - 1] : NULL;
    /* An event that fits two rules in a row must not be both: windows_feed goes from the last reference to the first.
     */
    if (before && (!before->seen || before->time < time - c->span || before->events[ref - 1] == event))
        return 0;
    if (!s->events && !(s->events = calloc((size_t)ref + 1, sizeof(*s->events))))
        return -ENOMEM;
    if (before)
        memcpy(s->events, before->events, ref * sizeof(*s->events));
    s->events[ref] = event;
    s->time = before ? before->time : time;
    s->seen = true;
    return ref + 1 == c->nrefs;
}

static int input_feed(struct windows *w, struct parent p, const struct input *in, const struct sigma_event *ev,
                      const struct windows_call *call)
{
    const struct correlation *c = correlation_of(w, p.rule);
    int64_t time = ev->time_ns >= 0 ? ev->time_ns : w->now;
    uint64_t value = 0;
    int rc = 0;
    if (!in->ok || w->r->rules[p.rule].info.inert)
        return 0;
    if (w->feeds >= FEEDS_MAX) {
        w->evicted++;
        return 0;
    }
    w->feeds++;
    struct group *g = group_find(w, p.rule, in->key);
    if (g) {
        used_unlink(w, g);
        used_append(w, g);
    } else if (!(g = group_make(w, p.rule, in->key, time))) {
        return -ENOMEM;
    }
    g->last_time = time;
    g->last_event = ev->index;
    for (uint32_t i = 0; g->inputs && i < w->r->rules[p.rule].nparents; i++)
        g->inputs[i] = input_make(w, w->r->rules[p.rule].parents[i], call);
    if (c->type == CORRELATE_TEMPORAL) {
        rc = stage_seen(c, g, p.ref, time, ev->index);
    } else if (c->type == CORRELATE_TEMPORAL_ORDERED) {
        rc = chain_grow(c, g, p.ref, time, ev->index);
    } else {
        struct entry e = {time, ev->index, in->value, in->number};
        rc = entry_push(w, c, g, &e);
        if (rc >= 0 && !c->at_end)
            rc = window_holds(c, g, &value);
    }
    return rc > 0 ? group_fire(w, g, value, ev, call) : rc;
}

int windows_feed(struct windows *w, uint32_t rule, const struct sigma_event *ev, const struct windows_call *call)
{
    const struct rule *r = &w->r->rules[rule];
    int rc = 0;
    w->feeds = 0;
    for (uint32_t i = r->nparents; i-- > 0 && rc >= 0;) {
        struct input in = input_make(w, r->parents[i], call);
        rc = input_feed(w, r->parents[i], &in, ev, call);
    }
    return rc;
}

int windows_advance(struct windows *w, int64_t now, const struct windows_call *call)
{
    int rc = 0;
    if (now > w->now && now != INT64_MAX)
        w->now = now;
    for (uint32_t i = 0; i < w->r->ncorrelations && rc >= 0; i++) {
        const struct correlation *c = w->r->rules[w->r->order[i]].correlation;
        while (rc >= 0 && w->first[i] && (now == INT64_MAX || now - c->span > w->first[i]->begin)) {
            struct group *g = w->first[i];
            uint64_t value;
            w->feeds = 0;
            rc = window_holds(c, g, &value);
            if (rc > 0)
                rc = group_fire(w, g, value, NULL, call);
            else
                group_remove(w, g);
        }
    }
    return rc < 0 ? rc : 0;
}
