/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What rules remember between events: half-seen sequences and running counts.
 *
 * Both live in hash tables (open chains) and in one list per rule from oldest
 * to newest; a rule that reaches its cap loses its oldest, which is counted.
 */
#include "detect/engine.h"

#include <errno.h>
#include <stdlib.h>

#define BUCKETS (1u << 14)
#define NEXT_UNORDERED 254
#define NEXT_FORBIDDEN 255 /* a first absent step was seen: the sequence cannot begin in this scope */
#define GROUP_EVIDENCE 8

struct state {
    struct state *bucket_next, **bucket_link;
    struct state *older, *newer;
    uint32_t rule;
    uint8_t next; /* step that is waited for; nsteps: only an absence is waited for */
    uint8_t mask; /* unordered: steps seen */
    uint64_t scope;
    int64_t first_ns, last_ns;
    uint64_t vars[RULE_VARS_MAX];
    char *texts[RULE_VARS_MAX];
    int64_t times[RULE_STEPS_MAX];
    struct evidence evidence[RULE_STEPS_MAX];
    char *title; /* when the hit comes without an event */
};

struct group_entry {
    uint64_t value;
    int64_t time_ns;
    uint32_t older, newer, chain; /* index + 1 */
};

struct group {
    struct group *bucket_next, **bucket_link;
    struct group *older, *newer;
    uint32_t rule;
    uint64_t scope, per;
    uint64_t seen, sum; /* in the window */
    int64_t window_ns;  /* its start (sums) */
    bool fired;
    /* Windowed or distinct: the last at_least values, oldest first. */
    struct group_entry *entries;
    uint32_t *heads;
    uint32_t nentries, cap, mask, oldest, newest;
    size_t bytes;
    struct evidence evidence[GROUP_EVIDENCE];
    unsigned nevidence;
};

/* ---- scope --------------------------------------------------------------------- */

/* The oldest ancestor that still belongs to the sample (or to what it had started). */
static uint64_t tree_of(const struct behavior_engine *g, const struct proc *p)
{
    const struct proc *up = p;
    for (unsigned i = 0; i < 256; i++) {
        const struct proc *parent = proctab_parent(g->procs, up);
        if (!parent || parent->lineage != p->lineage)
            break;
        up = parent;
    }
    return up->n;
}

static uint64_t scope_of(struct behavior_engine *g, const struct rule *r)
{
    if (r->scope == SCOPE_RUN || !g->p)
        return 0;
    if (r->scope == SCOPE_PROCESS)
        return g->p->n;
    if (r->scope == SCOPE_SIBLINGS)
        return g->p->parent;
    if (g->tree_stamp != g->stamp) {
        g->tree = tree_of(g, g->p);
        g->tree_stamp = g->stamp;
    }
    return g->tree;
}

static uint64_t value_hash(struct behavior_engine *g, uint16_t field, bool *ret_present)
{
    char scratch[32];
    struct str s = engine_value_text(g, field, scratch, sizeof(scratch));
    *ret_present = s.n != 0;
    return s.n ? engine_hash(g, s.p, s.n) : 0;
}

/* ---- the table of states ----------------------------------------------------------- */

static uint32_t bucket_of(uint32_t rule, uint8_t next, uint64_t scope, uint64_t value)
{
    uint64_t h = (rule * 0x9e3779b97f4a7c15u + next) ^ (scope * 0xff51afd7ed558ccdu) ^ value;
    h *= 0xc4ceb9fe1a85ec53u;
    return (uint32_t)(h >> 40) & (BUCKETS - 1);
}

static const struct detector *step_of(const struct rule *r, unsigned step)
{
    for (unsigned i = 0; i < r->ndetectors; i++)
        if (!r->detectors[i].absent && r->detectors[i].step == step)
            return &r->detectors[i];
    return NULL;
}

/* Value under which a state waits: that of the first variable the next step joins. */
static uint64_t state_value(const struct rule *r, const struct state *s)
{
    const struct detector *d = s->next < r->nsteps ? step_of(r, s->next) : NULL;
    return d && d->njoins ? s->vars[d->joins[0].var] : 0;
}

static void state_hang(struct behavior_engine *g, struct state *s)
{
    struct state **b = &g->buckets[bucket_of(s->rule, s->next, s->scope, state_value(g->set->rules[s->rule], s))];
    s->bucket_next = *b;
    s->bucket_link = b;
    if (*b)
        (*b)->bucket_link = &s->bucket_next;
    *b = s;
}

static void state_unhang(struct state *s)
{
    *s->bucket_link = s->bucket_next;
    if (s->bucket_next)
        s->bucket_next->bucket_link = s->bucket_link;
}

static void state_drop(struct behavior_engine *g, struct state *s)
{
    struct rule_live *r = &g->rules[s->rule];
    state_unhang(s);
    *(s->older ? &s->older->newer : &r->oldest) = s->newer;
    *(s->newer ? &s->newer->older : &r->newest) = s->older;
    r->nstates--;
    for (unsigned i = 0; i < RULE_VARS_MAX; i++)
        free(s->texts[i]);
    free(s->title);
    free(s);
}

static struct state *state_new(struct behavior_engine *g, uint32_t rule)
{
    struct rule_live *r = &g->rules[rule];
    if (r->nstates >= ENGINE_STATES_PER_RULE) {
        const struct rule *k = g->set->rules[rule];
        /* One that is out of time would have been dropped anyway. */
        if (!k->within || g->last_ns - r->oldest->first_ns <= k->within)
            g->limits.states++;
        state_drop(g, r->oldest);
    }
    struct state *s = calloc(1, sizeof(*s));
    if (!s) {
        g->failed = -ENOMEM;
        return NULL;
    }
    s->rule = rule;
    s->older = r->newest;
    *(r->newest ? &r->newest->newer : &r->oldest) = s;
    r->newest = s;
    r->nstates++;
    return s;
}

static struct state *state_find(struct behavior_engine *g, uint32_t rule, uint8_t next, uint64_t scope, uint64_t value)
{
    struct state *s = g->buckets[bucket_of(rule, next, scope, value)];
    while (s && !(s->rule == rule && s->next == next && s->scope == scope))
        s = s->bucket_next;
    return s;
}

/* ---- sequences -------------------------------------------------------------------------- */

static void vars_set(struct behavior_engine *g, struct state *s, const struct detector *d)
{
    for (unsigned i = 0; i < d->nlets; i++) {
        char scratch[32];
        unsigned v = d->lets[i].var;
        struct str t = engine_value_text(g, d->lets[i].field, scratch, sizeof(scratch));
        s->vars[v] = t.n ? engine_hash(g, t.p, t.n) : 0;
        free(s->texts[v]);
        s->texts[v] = str_dup(str_sub(t, 0, ENGINE_VAR_TEXT_MAX));
        if (!s->texts[v])
            g->failed = -ENOMEM;
    }
}

static void state_hit(struct behavior_engine *g, struct state *s)
{
    const struct rule *r = g->set->rules[s->rule];
    struct hit h = {.rule = r,
                    .index = s->rule,
                    .evidence = s->evidence,
                    .nevidence = r->nsteps,
                    .vars = s->texts,
                    .title = s->title,
                    .count = 1,
                    .amount = 1};
    engine_hit(g, &h);
}

static int64_t deadline_of(const struct rule *r, const struct state *s)
{
    return r->within && s->last_ns <= INT64_MAX - r->within ? s->last_ns + r->within : INT64_MAX;
}

/* The state is out of its bucket and has just seen step next - 1. */
static void state_settle(struct behavior_engine *g, struct state *s)
{
    const struct rule *r = g->set->rules[s->rule];
    if (s->next == r->nsteps && !r->absent_last) {
        state_hang(g, s); /* drop wants it hung */
        state_hit(g, s);
        state_drop(g, s);
        return;
    }
    if (s->next == r->nsteps) {
        s->title = engine_title(g, r, s->texts);
        if (deadline_of(r, s) < g->next_deadline)
            g->next_deadline = deadline_of(r, s);
    }
    state_hang(g, s);
}

static bool same_vars(const struct state *a, const struct state *b)
{
    return memcmp(a->vars, b->vars, sizeof(a->vars)) == 0;
}

/* The first step: a new state, or the old one with the same values made young again. */
static void sequence_begin(struct behavior_engine *g, const struct detector *d, const struct rule *r)
{
    uint64_t scope = scope_of(g, r);
    if (r->absent_first && state_find(g, d->rule, NEXT_FORBIDDEN, scope, 0))
        return;
    struct state *s = state_new(g, d->rule);
    if (!s)
        return;
    s->next = 1;
    s->scope = scope;
    s->first_ns = s->last_ns = g->ev->time_ns;
    s->evidence[0] = engine_evidence(g);
    vars_set(g, s, d);
    struct state *old = g->buckets[bucket_of(d->rule, 1, scope, state_value(r, s))];
    while (old && !(old->rule == d->rule && old->next == 1 && old->scope == scope && same_vars(old, s)))
        old = old->bucket_next;
    if (old) /* same rule, scope and values: the newer one says it all */
        state_drop(g, old);
    state_settle(g, s);
}

/* All joins of a step hold for a state? The event's values, one hash per field. */
static bool joins_hold(struct behavior_engine *g, const struct detector *d, const struct state *s)
{
    for (unsigned i = 0; i < d->njoins; i++) {
        bool any = false, present;
        for (unsigned k = 0; k < d->joins[i].count && !any; k++) {
            uint64_t h = value_hash(g, d->joins[i].fields[k], &present);
            any = present && h == s->vars[d->joins[i].var];
        }
        if (!any)
            return false;
    }
    return true;
}

static bool out_of_time(const struct behavior_engine *g, const struct rule *r, const struct state *s)
{
    return r->within && g->ev->time_ns - s->first_ns > r->within;
}

static void sequence_advance_by(struct behavior_engine *g, const struct detector *d, const struct rule *r,
                                uint64_t value)
{
    uint64_t scope = scope_of(g, r);
    unsigned moved = 0;
    struct state *next, *s = g->buckets[bucket_of(d->rule, d->step, scope, value)];
    for (; s; s = next) {
        next = s->bucket_next;
        if (s->rule != d->rule || s->next != d->step || s->scope != scope)
            continue;
        if (out_of_time(g, r, s)) {
            state_drop(g, s);
            continue;
        }
        if (!joins_hold(g, d, s))
            continue;
        if (++moved > ENGINE_ADVANCE_MAX) {
            g->limits.advances++;
            return;
        }
        state_unhang(s);
        s->evidence[s->next++] = engine_evidence(g);
        s->last_ns = g->ev->time_ns;
        vars_set(g, s, d);
        state_settle(g, s);
    }
}

static void sequence_advance(struct behavior_engine *g, const struct detector *d, const struct rule *r)
{
    if (!d->njoins) {
        sequence_advance_by(g, d, r, 0);
        return;
    }
    uint64_t done[RULE_JOIN_FIELDS_MAX];
    unsigned ndone = 0;
    for (unsigned k = 0; k < d->joins[0].count; k++) {
        bool present, again = false;
        uint64_t h = value_hash(g, d->joins[0].fields[k], &present);
        for (unsigned i = 0; i < ndone; i++)
            again = again || done[i] == h;
        if (!present || again)
            continue;
        done[ndone++] = h;
        sequence_advance_by(g, d, r, h);
    }
}

/* What must not happen happened. */
static void sequence_absent(struct behavior_engine *g, const struct detector *d, const struct rule *r)
{
    uint64_t scope = scope_of(g, r);
    if (d->gap == 0) {
        if (state_find(g, d->rule, NEXT_FORBIDDEN, scope, 0))
            return;
        struct state *s = state_new(g, d->rule);
        if (s) {
            s->next = NEXT_FORBIDDEN;
            s->scope = scope;
            s->first_ns = g->ev->time_ns;
            state_hang(g, s);
        }
        return;
    }
    struct state *newer;
    for (struct state *s = g->rules[d->rule].oldest; s; s = newer) {
        newer = s->newer;
        if (s->next == d->gap && s->scope == scope && joins_hold(g, d, s))
            state_drop(g, s);
    }
}

static void unordered_event(struct behavior_engine *g, const struct detector *d, const struct rule *r)
{
    uint64_t scope = scope_of(g, r);
    struct state *s = state_find(g, d->rule, NEXT_UNORDERED, scope, 0);
    if (!s) {
        if (!(s = state_new(g, d->rule)))
            return;
        s->next = NEXT_UNORDERED;
        s->scope = scope;
        state_hang(g, s);
    }
    int64_t now = g->ev->time_ns;
    unsigned full = (1u << r->nsteps) - 1;
    s->mask |= (uint8_t)(1u << d->step);
    s->times[d->step] = now;
    s->evidence[d->step] = engine_evidence(g);
    s->first_ns = s->last_ns = now;
    vars_set(g, s, d);
    for (unsigned i = 0; i < r->nsteps; i++)
        if (r->within && (s->mask >> i & 1) && now - s->times[i] > r->within)
            s->mask &= (uint8_t)~(1u << i);
    if (s->mask != full)
        return;
    state_hit(g, s);
    state_drop(g, s);
}

/* ---- counts --------------------------------------------------------------------------------- */

static void group_drop(struct behavior_engine *g, struct group *k)
{
    struct rule_live *r = &g->rules[k->rule];
    *k->bucket_link = k->bucket_next;
    if (k->bucket_next)
        k->bucket_next->bucket_link = k->bucket_link;
    *(k->older ? &k->older->newer : &r->group_oldest) = k->newer;
    *(k->newer ? &k->newer->older : &r->group_newest) = k->older;
    r->ngroups--;
    g->group_bytes -= k->bytes;
    free(k->entries);
    free(k->heads);
    free(k);
}

static int group_room(struct behavior_engine *g, struct group *k, const struct rule *r)
{
    if (r->has_sum || (!r->has_distinct && !r->within))
        return 0;
    uint32_t buckets = 4;
    while (buckets < r->at_least)
        buckets *= 2;
    k->cap = (uint32_t)r->at_least;
    k->mask = buckets - 1;
    k->bytes = k->cap * sizeof(*k->entries) + buckets * sizeof(*k->heads);
    if (g->group_bytes + k->bytes > ENGINE_GROUP_BYTES_MAX)
        return ERR_LIMIT;
    k->entries = calloc(k->cap, sizeof(*k->entries));
    k->heads = calloc(buckets, sizeof(*k->heads));
    return k->entries && k->heads ? 0 : -ENOMEM;
}

static struct group *group_get(struct behavior_engine *g, uint32_t rule, uint64_t scope, uint64_t per)
{
    struct rule_live *r = &g->rules[rule];
    struct group **b = &g->group_buckets[bucket_of(rule, 0, scope, per)];
    for (struct group *k = *b; k; k = k->bucket_next)
        if (k->rule == rule && k->scope == scope && k->per == per)
            return k;
    if (r->ngroups >= ENGINE_GROUPS_PER_RULE) {
        g->limits.groups++;
        group_drop(g, r->group_oldest);
    }
    struct group *k = calloc(1, sizeof(*k));
    int rc = k ? group_room(g, k, g->set->rules[rule]) : -ENOMEM;
    if (rc < 0) {
        if (rc == ERR_LIMIT)
            g->limits.groups++;
        else
            g->failed = rc;
        if (k) {
            free(k->entries);
            free(k->heads);
        }
        free(k);
        return NULL;
    }
    k->rule = rule;
    k->scope = scope;
    k->per = per;
    k->bucket_next = *b;
    k->bucket_link = b;
    if (*b)
        (*b)->bucket_link = &k->bucket_next;
    *b = k;
    k->older = r->group_newest;
    *(r->group_newest ? &r->group_newest->newer : &r->group_oldest) = k;
    r->group_newest = k;
    r->ngroups++;
    g->group_bytes += k->bytes;
    return k;
}

static void entry_unlink(struct group *k, uint32_t i /* + 1 */)
{
    struct group_entry *e = &k->entries[i - 1];
    *(e->older ? &k->entries[e->older - 1].newer : &k->oldest) = e->newer;
    *(e->newer ? &k->entries[e->newer - 1].older : &k->newest) = e->older;
}

static void entry_append(struct group *k, uint32_t i)
{
    struct group_entry *e = &k->entries[i - 1];
    e->older = k->newest;
    e->newer = 0;
    *(k->newest ? &k->entries[k->newest - 1].newer : &k->oldest) = i;
    k->newest = i;
}

static void entry_unchain(struct group *k, uint32_t i)
{
    uint32_t *l = &k->heads[k->entries[i - 1].value & k->mask];
    while (*l != i)
        l = &k->entries[*l - 1].chain;
    *l = k->entries[i - 1].chain;
}

/*
 * Puts a value in the window. The window holds at most at_least values: when
 * it is full it has been reached. Returns whether it is full now.
 */
static bool window_add(struct group *k, uint64_t value, bool distinct, int64_t now, int64_t within)
{
    uint32_t i = 0;
    if (distinct)
        for (i = k->heads[value & k->mask]; i && k->entries[i - 1].value != value; i = k->entries[i - 1].chain)
            ;
    if (i) {
        entry_unlink(k, i);
        k->entries[i - 1].time_ns = now;
        entry_append(k, i);
    } else {
        if (k->nentries < k->cap) {
            i = ++k->nentries;
        } else { /* the oldest makes room */
            i = k->oldest;
            entry_unlink(k, i);
            entry_unchain(k, i);
        }
        k->entries[i - 1] = (struct group_entry){.value = value, .time_ns = now, .chain = k->heads[value & k->mask]};
        k->heads[value & k->mask] = i;
        entry_append(k, i);
    }
    return k->nentries == k->cap && (!within || now - k->entries[k->oldest - 1].time_ns <= within);
}

/* Takes the event at hand in; true when the threshold is reached now or was before. */
static bool group_take(struct behavior_engine *g, struct group *k, const struct rule *r, uint64_t amount)
{
    int64_t now = g->ev->time_ns;
    bool present = true;
    k->seen++;
    if (r->has_sum) {
        if (r->within && !k->fired && now - k->window_ns > r->within) {
            k->sum = 0;
            k->window_ns = now;
        }
        if (__builtin_add_overflow(k->sum, amount, &k->sum))
            k->sum = UINT64_MAX;
        return k->sum >= r->at_least;
    }
    if (k->fired)
        return true;
    if (!k->entries)
        return k->seen >= r->at_least;
    uint64_t value = r->has_distinct ? value_hash(g, r->distinct, &present) : k->seen;
    return present && window_add(k, value, r->has_distinct, now, r->within);
}

static void count_event(struct behavior_engine *g, const struct detector *d, const struct rule *r)
{
    bool present = true;
    uint64_t per = r->has_per ? value_hash(g, r->per, &present) : 0, amount = 1;
    struct group *k = group_get(g, d->rule, scope_of(g, r), per);
    if (!k)
        return;
    if (r->has_sum) {
        struct value v = engine_value(g, r->sum);
        amount = v.present && (v.is_unsigned_big || v.number > 0) ? (uint64_t)v.number : 0;
    }
    bool before = k->fired;
    bool reached = group_take(g, k, r, amount);
    if (!before) {
        k->evidence[(k->seen - 1) % GROUP_EVIDENCE] = engine_evidence(g);
        k->nevidence = k->seen < GROUP_EVIDENCE ? (unsigned)k->seen : GROUP_EVIDENCE;
    }
    if (!reached)
        return;
    k->fired = true;
    struct evidence now = engine_evidence(g), first[GROUP_EVIDENCE];
    for (unsigned i = 0; i < k->nevidence; i++) /* in the order they came */
        first[i] = k->evidence[(k->seen - k->nevidence + i) % GROUP_EVIDENCE];
    struct hit h = {.rule = r,
                    .index = d->rule,
                    .evidence = before ? &now : first,
                    .nevidence = before ? 1 : k->nevidence,
                    .count = before ? 1 : k->seen};
    h.amount = !r->has_sum ? h.count : before ? amount : k->sum;
    engine_hit(g, &h);
}

/* ---- entry points ------------------------------------------------------------------------------ */

void engine_state_event(struct behavior_engine *g, const struct detector *d)
{
    const struct rule *r = g->set->rules[d->rule];
    switch (r->type) {
    case RULE_SINGLE: {
        struct evidence e = engine_evidence(g);
        struct hit h = {.rule = r, .index = d->rule, .evidence = &e, .nevidence = 1, .count = 1, .amount = 1};
        engine_hit(g, &h);
        break;
    }
    case RULE_COUNT:
        count_event(g, d, r);
        break;
    case RULE_UNORDERED:
        unordered_event(g, d, r);
        break;
    case RULE_SEQUENCE:
        if (d->absent)
            sequence_absent(g, d, r);
        else if (d->step == 0)
            sequence_begin(g, d, r);
        else
            sequence_advance(g, d, r);
        break;
    }
}

/* Absences that were waited for long enough. */
void engine_state_time(struct behavior_engine *g, int64_t now, bool end)
{
    g->next_deadline = INT64_MAX;
    for (uint32_t i = 0; i < g->nabsent_rules; i++) {
        const struct rule *r = g->set->rules[g->absent_rules[i]];
        struct state *newer;
        for (struct state *s = g->rules[g->absent_rules[i]].oldest; s; s = newer) {
            newer = s->newer;
            if (s->next != r->nsteps)
                continue;
            int64_t deadline = deadline_of(r, s);
            if (end || deadline <= now) {
                state_hit(g, s);
                state_drop(g, s);
            } else if (deadline < g->next_deadline) {
                g->next_deadline = deadline;
            }
        }
    }
}

int engine_state_new(struct behavior_engine *g)
{
    g->buckets = calloc(BUCKETS, sizeof(*g->buckets));
    g->group_buckets = calloc(BUCKETS, sizeof(*g->group_buckets));
    g->absent_rules = calloc(g->set->count + 1, sizeof(*g->absent_rules));
    if (!g->buckets || !g->group_buckets || !g->absent_rules)
        return -ENOMEM;
    for (size_t i = 0; i < g->set->count; i++)
        if (g->set->rules[i]->absent_last)
            g->absent_rules[g->nabsent_rules++] = (uint32_t)i;
    return 0;
}

void engine_state_free(struct behavior_engine *g)
{
    for (size_t i = 0; g->buckets && g->group_buckets && g->rules && i < g->set->count; i++) {
        while (g->rules[i].oldest)
            state_drop(g, g->rules[i].oldest);
        while (g->rules[i].group_oldest)
            group_drop(g, g->rules[i].group_oldest);
    }
    free(g->buckets);
    free(g->group_buckets);
    free(g->absent_rules);
}
