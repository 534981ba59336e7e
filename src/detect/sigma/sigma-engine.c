/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One event against all rules of its log sources. Nothing is allocated per
 * event once the buffers have grown to the size of the largest.
 */
#include "detect/sigma/sigma-private.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define EVENT_BYTES_MAX ((size_t)32 << 20)
#define BUDGET_NS 2000000000ll
#define SOURCES_MAX 65536
#define WORK_PER_CLOCK 4096 /* nodes and atoms that are looked at between two looks at the clock */

/* What is known about an atom in this event: stamp = epoch * 4 + one of these; older stamps: nothing. */
enum known { KNOWN_FALSE, KNOWN_TRUE, KNOWN_HINTED, KNOWN_GIVEN_UP };
enum answer { ANSWER_FALSE, ANSWER_TRUE, ANSWER_GIVEN_UP };

struct source { /* of events */
    struct sigma_source source;
    uint32_t *buckets;
    uint32_t nbuckets;
    uint64_t *fields; /* bit per field that a rule may look at */
    bool keywords;
};

struct sigma_engine {
    const struct sigma_rules *r;
    struct sigma_options options;
    sigma_match_fn *fn;
    void *context;
    bool tell_all;
    struct arena arena;
    struct names source_names;
    struct source *sources;
    uint32_t nsources;
    struct windows *windows;
    struct sigma_stats stats;
    /* of the event that is being judged */
    const struct sigma_event *ev;
    uint32_t epoch;
    uint32_t *atoms;      /* stamps */
    uint32_t *rule_epoch; /* candidate already */
    uint32_t *bucket_epoch;
    uint32_t *candidates;
    uint32_t ncandidates;
    uint32_t *head_epoch, *head; /* per field: its first value in ev->fields */
    uint32_t *next, *last;       /* per value: the next of the same field + 1; per field: its last value */
    struct str *folded;          /* per value; n == SIZE_MAX: not folded */
    struct str raw_folded;
    char *scratch;
    size_t scratch_cap;
    bool keywords;
    uint64_t limits_hit;
    int64_t rule_began, lost_ns; /* lost: by rules that were given up */
    bool *given_up;              /* per rule: at some event */
    unsigned work;
};

static int64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- making -------------------------------------------------------------------------------------------------- */

int sigma_engine_new(const struct sigma_rules *r, const struct sigma_options *o, sigma_match_fn *fn, void *context,
                     struct sigma_engine **ret)
{
    if (!r->compiled || !r->finder || !r->post)
        return ERR_CONFLICT;
    struct sigma_engine *g = calloc(1, sizeof(*g));
    if (!g)
        return -ENOMEM;
    g->r = r;
    g->options = o ? *o : (struct sigma_options){0};
    g->fn = fn;
    g->context = context;
    arena_init(&g->arena, SIGMA_ARENA_MAX);
    size_t fields = (size_t)r->fields.count + 1;
    g->atoms = calloc((size_t)r->natoms + 1, sizeof(*g->atoms));
    g->rule_epoch = calloc(r->count + 1, sizeof(*g->rule_epoch));
    g->candidates = calloc(r->count + 1, sizeof(*g->candidates));
    g->given_up = calloc(r->count + 1, sizeof(*g->given_up));
    g->bucket_epoch = calloc((size_t)r->nbuckets + 1, sizeof(*g->bucket_epoch));
    g->head_epoch = calloc(fields, sizeof(*g->head_epoch));
    g->head = calloc(fields, sizeof(*g->head));
    g->last = calloc(fields, sizeof(*g->last));
    g->next = calloc(SIGMA_EVENT_FIELDS_MAX, sizeof(*g->next));
    g->folded = calloc(SIGMA_EVENT_FIELDS_MAX, sizeof(*g->folded));
    bool ok = g->atoms && g->rule_epoch && g->candidates && g->given_up && g->bucket_epoch && g->head_epoch &&
              g->head && g->last && g->next && g->folded;
    int rc = ok ? windows_new(r, &g->windows) : -ENOMEM;
    if (rc < 0)
        sigma_engine_free(&g);
    *ret = g;
    return rc;
}

void sigma_engine_free(struct sigma_engine **p)
{
    struct sigma_engine *g = *p;
    if (!g)
        return;
    for (uint32_t i = 0; i < g->nsources; i++) {
        free(g->sources[i].buckets);
        free(g->sources[i].fields);
    }
    free(g->sources);
    sigma_names_free(&g->source_names);
    windows_free(&g->windows);
    free(g->atoms);
    free(g->rule_epoch);
    free(g->candidates);
    free(g->given_up);
    free(g->bucket_epoch);
    free(g->head_epoch);
    free(g->head);
    free(g->last);
    free(g->next);
    free(g->folded);
    free(g->scratch);
    arena_free(&g->arena);
    free(g);
    *p = NULL;
}

void sigma_engine_tell_all(struct sigma_engine *g)
{
    g->tell_all = true;
}

void sigma_engine_reset(struct sigma_engine *g)
{
    windows_reset(g->windows);
}

void sigma_engine_stats(const struct sigma_engine *g, struct sigma_stats *ret)
{
    *ret = g->stats;
    ret->evicted = windows_evicted(g->windows);
}

uint32_t sigma_engine_name(const struct sigma_engine *g, struct str name)
{
    return name.n ? names_find(&g->r->fields, name) : 0;
}

/* ---- sources ------------------------------------------------------------------------------------------------- */

static bool part_fits(struct str rule, struct str event)
{
    return rule.n == 0 || str_ieq(rule, event);
}

static int source_fill(const struct sigma_rules *r, const struct sigma_source *s, struct source *ret)
{
    size_t words = r->fields.count / 64 + 1;
    ret->buckets = calloc((size_t)r->nbuckets + 1, sizeof(*ret->buckets));
    ret->fields = calloc(words, sizeof(*ret->fields));
    if (!ret->buckets || !ret->fields)
        return -ENOMEM;
    for (uint32_t i = 0; i < r->nbuckets; i++) {
        const struct bucket *b = &r->buckets[i];
        if (b->nrules == 0 || !part_fits(b->source.product, s->product) ||
            !part_fits(b->source.category, s->category) || !part_fits(b->source.service, s->service))
            continue;
        ret->buckets[ret->nbuckets++] = i;
        ret->keywords = ret->keywords || b->keywords;
        for (size_t w = 0; w < words; w++)
            ret->fields[w] |= b->fields[w];
    }
    return 0;
}

int sigma_engine_source(struct sigma_engine *g, const struct sigma_source *s, uint32_t *ret)
{
    char key[1024];
    size_t at = 0;
    uint32_t n;
    struct str parts[] = {s->product, s->category, s->service};
    if (s->product.n > 300 || s->category.n > 300 || s->service.n > 300)
        return ERR_LIMIT;
    for (unsigned i = 0; i < 3; i++) {
        memcpy(key + at, parts[i].p ? parts[i].p : "", parts[i].n);
        at += parts[i].n;
        key[at++] = '\0';
    }
    int rc = names_add(&g->source_names, &g->arena, (struct str){key, at}, &n);
    if (rc < 0)
        return rc;
    if (n > g->nsources) {
        /* The table of names only grows: a failure below leaves a name without a source, made at the next call. */
        struct source *more = realloc(g->sources, n * sizeof(*more));
        if (!more)
            return -ENOMEM;
        g->sources = more;
        while (g->nsources < n)
            g->sources[g->nsources++] = (struct source){0};
    }
    if (!g->sources[n - 1].buckets || !g->sources[n - 1].fields) {
        free(g->sources[n - 1].buckets);
        free(g->sources[n - 1].fields);
        g->sources[n - 1] = (struct source){0};
        rc = source_fill(g->r, s, &g->sources[n - 1]);
        if (rc < 0)
            return rc;
    }
    *ret = n - 1;
    return 0;
}

bool sigma_engine_source_idle(const struct sigma_engine *g, uint32_t source)
{
    return source >= g->nsources || g->sources[source].nbuckets == 0;
}

/* ---- values of the event ------------------------------------------------------------------------------------- */

/* Walks over the values of a field: *at is 0 at first; NULL at the end. */
static const struct sigma_value *value_next(const struct sigma_engine *g, uint32_t field, uint32_t *at,
                                            struct str *folded)
{
    if (field == FIELD_KEYWORDS)
        while (*at < g->ev->nfields) {
            uint32_t i = (*at)++;
            *folded = g->folded[i];
            return &g->ev->fields[i].value;
        }
    else if (*at != UINT32_MAX && g->head_epoch[field] == g->epoch) {
        uint32_t i = *at ? *at - 1 : g->head[field];
        *at = g->next[i] ? g->next[i] : UINT32_MAX;
        *folded = g->folded[i];
        return &g->ev->fields[i].value;
    }
    return NULL;
}

static bool present(const struct sigma_engine *g, uint32_t field)
{
    return g->head_epoch[field] == g->epoch;
}

/* Names that logs give to the time of an event: when such a field is not there, the event's own time stands for it. */
static bool is_time_name(struct str name)
{
    static const char *const names[] = {"timestamp", "@timestamp", "_time",       "time",       "date",
                                        "UtcTime",   "EventTime",  "TimeCreated", "SystemTime", "TimeGenerated"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (str_ieq(name, str_from(names[i])))
            return true;
    return false;
}

static bool compare_value(const struct atom *a, const struct sigma_value *v)
{
    double n;
    if (a->part != PART_NONE)
        return v->kind != SIGMA_NULL && date_part_of(v->text, a->part, &n) && compare_holds(a->compare, n, a->number);
    if (v->kind == SIGMA_NUMBER)
        return compare_holds(a->compare, v->number, a->number);
    return v->kind == SIGMA_TEXT && number_of(v->text, &n) && compare_holds(a->compare, n, a->number);
}

static bool fieldref_holds(const struct sigma_engine *g, const struct atom *a)
{
    uint32_t at = 0, other;
    struct str left, right;
    for (const struct sigma_value *v; (v = value_next(g, a->field, &at, &left));) {
        other = 0;
        for (const struct sigma_value *w; (w = value_next(g, a->other, &other, &right));)
            if (v->kind != SIGMA_NULL && w->kind != SIGMA_NULL &&
                texts_fit(a->how, a->cased ? v->text : left, a->cased ? w->text : right))
                return true;
    }
    return false;
}

/* Looks at the values themselves. */
static enum answer atom_ask(struct sigma_engine *g, const struct atom *a)
{
    uint32_t at = 0;
    struct str folded;
    uint64_t limits = 0;
    bool yes = false;
    switch ((enum atom_op)a->op) {
    case ATOM_EXISTS:
        return present(g, a->field) == (a->compare != 0);
    case ATOM_FIELDREF:
        return fieldref_holds(g, a);
    case ATOM_NULL:
        if (!present(g, a->field))
            return ANSWER_TRUE;
        for (const struct sigma_value *v; !yes && (v = value_next(g, a->field, &at, &folded));)
            yes = v->kind == SIGMA_NULL;
        return yes;
    case ATOM_COMPARE:
        for (const struct sigma_value *v; !yes && (v = value_next(g, a->field, &at, &folded));)
            yes = compare_value(a, v);
        if (!present(g, a->field) && a->part != PART_NONE && g->ev->time_ns >= 0 &&
            is_time_name(g->r->fields.items[a->field - 1]))
            yes = compare_holds(a->compare, date_part_at(g->ev->time_ns, a->part), a->number);
        return yes;
    default:
        break;
    }
    bool slow = a->op == ATOM_REGEX || a->op == ATOM_GLOB;
    if (a->field == FIELD_KEYWORDS && g->ev->raw.n)
        yes = atom_text_fits(a, g->ev->raw, g->raw_folded, &limits);
    else
        for (const struct sigma_value *v; !yes && (v = value_next(g, a->field, &at, &folded));) {
            if (slow && clock_ns() - g->rule_began > BUDGET_NS)
                return ANSWER_GIVEN_UP;
            yes = v->kind != SIGMA_NULL && atom_text_fits(a, v->text, folded, &limits);
        }
    if (!yes && limits) {
        g->limits_hit += limits;
        return ANSWER_GIVEN_UP;
    }
    return yes;
}

static enum answer atom_answer(struct sigma_engine *g, uint32_t atom)
{
    const struct atom *a = &g->r->atoms[atom];
    if (g->options.no_index)
        return atom_ask(g, a);
    uint32_t stamp = g->atoms[atom], base = g->epoch * 4;
    if (stamp >= base && stamp - base != KNOWN_HINTED)
        return stamp - base == KNOWN_TRUE ? ANSWER_TRUE : stamp - base == KNOWN_FALSE ? ANSWER_FALSE : ANSWER_GIVEN_UP;
    if (stamp < base && finder_of(g->r->finder, atom) != FINDER_NOT)
        return ANSWER_FALSE;
    enum answer got = atom_ask(g, a);
    g->atoms[atom] = base + (got == ANSWER_TRUE ? KNOWN_TRUE : got == ANSWER_FALSE ? KNOWN_FALSE : KNOWN_GIVEN_UP);
    return got;
}

/* ---- rules --------------------------------------------------------------------------------------------------- */

static bool over_budget(struct sigma_engine *g)
{
    if (++g->work % WORK_PER_CLOCK)
        return false;
    return clock_ns() - g->rule_began > BUDGET_NS;
}

static enum answer atoms_judge(struct sigma_engine *g, const struct node *n, enum answer stop)
{
    for (uint32_t i = 0; i < n->n; i++) {
        enum answer got = over_budget(g) ? ANSWER_GIVEN_UP : atom_answer(g, n->atoms[i]);
        if (got == stop || got == ANSWER_GIVEN_UP)
            return got;
    }
    return stop == ANSWER_TRUE ? ANSWER_FALSE : ANSWER_TRUE;
}

/* An answer that was given up ends the rule: neither it nor its negation may count. */
static enum answer judge(struct sigma_engine *g, const struct node *n)
{
    enum answer got, stop = n->op == NODE_OR ? ANSWER_TRUE : ANSWER_FALSE;
    uint32_t count = 0;
    if (over_budget(g))
        return ANSWER_GIVEN_UP;
    switch ((enum node_op)n->op) {
    case NODE_ATOM:
        return atom_answer(g, n->need);
    case NODE_ANY_ATOM:
        return atoms_judge(g, n, ANSWER_TRUE);
    case NODE_ALL_ATOMS:
        return atoms_judge(g, n, ANSWER_FALSE);
    case NODE_NOT:
        got = judge(g, n->kids[0]);
        return got == ANSWER_GIVEN_UP ? got : got == ANSWER_TRUE ? ANSWER_FALSE : ANSWER_TRUE;
    case NODE_AT_LEAST:
        for (uint32_t i = 0; i < n->n && count < n->need; i++) {
            got = judge(g, n->kids[i]);
            if (got == ANSWER_GIVEN_UP)
                return got;
            count += got == ANSWER_TRUE;
        }
        return count >= n->need ? ANSWER_TRUE : ANSWER_FALSE;
    default:
        for (uint32_t i = 0; i < n->n; i++) {
            got = judge(g, n->kids[i]);
            if (got == stop || got == ANSWER_GIVEN_UP)
                return got;
        }
        return stop == ANSWER_TRUE ? ANSWER_FALSE : ANSWER_TRUE;
    }
}

static void tell(void *context, uint32_t rule, const struct sigma_event *ev, const uint64_t *events, size_t nevents)
{
    struct sigma_engine *g = context;
    struct sigma_match m = {.rule = rule, .event = ev, .events = events, .nevents = nevents};
    if (g->r->rules[rule].hidden && !g->tell_all)
        return;
    g->stats.matches++;
    if (g->fn)
        g->fn(g->context, &m);
}

static struct str first_value(void *context, uint32_t field)
{
    struct sigma_engine *g = context;
    uint32_t at = 0;
    struct str folded;
    const struct sigma_value *v = g->ev ? value_next(g, field, &at, &folded) : NULL;
    if (!v || v->kind == SIGMA_NULL)
        return STR_NONE;
    return v->text.p ? v->text : STR_LIT("");
}

static int rule_run(struct sigma_engine *g, uint32_t rule)
{
    const struct rule *r = &g->r->rules[rule];
    int64_t lost_max = g->options.lost_ms_max * 1000000ll;
    if (lost_max && g->given_up[rule] && g->lost_ns > lost_max) {
        g->stats.over_budget++;
        return 0;
    }
    g->stats.evaluated++;
    g->work = 0;
    g->rule_began = clock_ns();
    enum answer got = judge(g, r->root);
    if (got == ANSWER_GIVEN_UP) {
        g->stats.over_budget++;
        g->given_up[rule] = true;
        g->lost_ns += clock_ns() - g->rule_began;
    }
    if (got != ANSWER_TRUE)
        return 0;
    tell(g, rule, g->ev, NULL, 0);
    if (!r->nparents)
        return 0;
    struct windows_call call = {first_value, tell, g};
    return windows_feed(g->windows, rule, g->ev, &call);
}

/* ---- events -------------------------------------------------------------------------------------------------- */

static void epoch_next(struct sigma_engine *g)
{
    const struct sigma_rules *r = g->r;
    if (++g->epoch < UINT32_MAX / 4)
        return;
    memset(g->atoms, 0, ((size_t)r->natoms + 1) * sizeof(*g->atoms));
    memset(g->rule_epoch, 0, (r->count + 1) * sizeof(*g->rule_epoch));
    memset(g->bucket_epoch, 0, ((size_t)r->nbuckets + 1) * sizeof(*g->bucket_epoch));
    memset(g->head_epoch, 0, ((size_t)r->fields.count + 1) * sizeof(*g->head_epoch));
    g->epoch = 1;
}

static bool wanted(const struct sigma_engine *g, const struct sigma_event *ev, uint32_t field)
{
    for (unsigned i = 0; i < ev->nsources; i++) {
        const struct source *s = &g->sources[ev->sources[i]];
        if (s->keywords || s->fields[field / 64] >> (field % 64) & 1)
            return true;
    }
    return false;
}

static int scratch_grow(struct sigma_engine *g, size_t need)
{
    size_t cap = g->scratch_cap ? g->scratch_cap : 4096;
    if (need > EVENT_BYTES_MAX)
        return ERR_LIMIT;
    if (need <= g->scratch_cap)
        return 0;
    while (cap < need)
        cap *= 2;
    char *p = realloc(g->scratch, cap);
    if (!p)
        return -ENOMEM;
    g->scratch = p;
    g->scratch_cap = cap;
    return 0;
}

/* Finds the values of each field and folds those that a rule may look at. */
static int values_take(struct sigma_engine *g, const struct sigma_event *ev)
{
    size_t need = ev->raw.n, at = 0;
    for (size_t i = 0; i < ev->nfields; i++)
        need += ev->fields[i].value.text.n;
    int rc = scratch_grow(g, need);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < ev->nfields; i++) {
        uint32_t f = ev->fields[i].name;
        struct str text = ev->fields[i].value.text;
        g->next[i] = 0;
        if (f > g->r->fields.count)
            f = 0;
        if (f && g->head_epoch[f] == g->epoch) {
            g->next[g->last[f]] = i + 1;
        } else if (f) {
            g->head_epoch[f] = g->epoch;
            g->head[f] = i;
        }
        g->last[f] = i;
        g->folded[i] = (struct str){g->scratch + at, text.n};
        if (text.n && (f ? wanted(g, ev, f) : g->keywords)) {
            fold_text(g->scratch + at, text);
            at += text.n;
        } else {
            g->folded[i] = (struct str){text.p, text.n}; /* nobody looks */
        }
    }
    g->raw_folded = (struct str){g->scratch + at, ev->raw.n};
    if (ev->raw.n && g->keywords)
        fold_text(g->scratch + at, ev->raw);
    return 0;
}

static void on_hit(void *context, uint32_t atom, bool exact)
{
    struct sigma_engine *g = context;
    const struct sigma_rules *r = g->r;
    uint32_t base = g->epoch * 4;
    if (g->atoms[atom] >= base)
        return;
    g->atoms[atom] = base + (exact ? KNOWN_TRUE : KNOWN_HINTED);
    for (uint32_t i = r->post_first[atom]; i < r->post_first[atom + 1]; i++) {
        uint32_t rule = r->post[i];
        if (g->bucket_epoch[r->rules[rule].bucket] != g->epoch || g->rule_epoch[rule] == g->epoch)
            continue;
        g->rule_epoch[rule] = g->epoch;
        g->candidates[g->ncandidates++] = rule;
    }
}

static void candidates_find(struct sigma_engine *g, const struct sigma_event *ev)
{
    const struct sigma_rules *r = g->r;
    for (uint32_t i = 0; i < ev->nfields; i++) {
        const struct sigma_field *f = &ev->fields[i];
        if (f->value.kind == SIGMA_NULL)
            continue;
        if (f->name && f->name <= r->fields.count && wanted(g, ev, f->name))
            finder_run(r->finder, f->name, g->folded[i], on_hit, g);
        if (g->keywords && !ev->raw.n)
            finder_run(r->finder, FIELD_KEYWORDS, g->folded[i], on_hit, g);
    }
    if (g->keywords && ev->raw.n)
        finder_run(r->finder, FIELD_KEYWORDS, g->raw_folded, on_hit, g);
}

static void buckets_add(struct sigma_engine *g, const struct sigma_event *ev)
{
    const struct sigma_rules *r = g->r;
    g->keywords = false;
    for (unsigned i = 0; i < ev->nsources; i++) {
        const struct source *s = &g->sources[ev->sources[i]];
        g->keywords = g->keywords || s->keywords;
        for (uint32_t k = 0; k < s->nbuckets; k++) {
            const struct bucket *b = &r->buckets[s->buckets[k]];
            if (g->bucket_epoch[s->buckets[k]] == g->epoch)
                continue;
            g->bucket_epoch[s->buckets[k]] = g->epoch;
            const uint32_t *list = g->options.no_index ? b->rules : b->always;
            uint32_t n = g->options.no_index ? b->nrules : b->nalways;
            memcpy(g->candidates + g->ncandidates, list, n * sizeof(*list));
            g->ncandidates += n;
        }
    }
}

static int rule_compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

int sigma_engine_event(struct sigma_engine *g, const struct sigma_event *ev)
{
    struct windows_call call = {first_value, tell, g};
    if (ev->nsources > SIGMA_EVENT_SOURCES_MAX || ev->nfields > SIGMA_EVENT_FIELDS_MAX)
        return ERR_LIMIT;
    for (unsigned i = 0; i < ev->nsources; i++)
        if (ev->sources[i] >= g->nsources || !g->sources[ev->sources[i]].fields)
            return ERR_MISSING;
    g->stats.events++;
    if (ev->time_ns >= 0) {
        g->ev = NULL;
        int rc = windows_advance(g->windows, ev->time_ns, &call);
        if (rc < 0)
            return rc;
    }
    epoch_next(g);
    g->ncandidates = 0;
    buckets_add(g, ev);
    int rc = values_take(g, ev);
    if (rc < 0)
        return rc;
    g->ev = ev;
    if (!g->options.no_index)
        candidates_find(g, ev);
    /* The order of the rules is the order of the matches. */
    qsort(g->candidates, g->ncandidates, sizeof(*g->candidates), rule_compare);
    for (uint32_t i = 0; i < g->ncandidates && rc >= 0; i++)
        rc = rule_run(g, g->candidates[i]);
    g->ev = NULL;
    return rc;
}

int sigma_engine_finish(struct sigma_engine *g)
{
    struct windows_call call = {first_value, tell, g};
    g->ev = NULL;
    return windows_advance(g->windows, INT64_MAX, &call);
}
