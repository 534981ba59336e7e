/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What can only be done with all rules at hand: ids, filters, the rules that
 * correlations name, log sources, and for each rule a small set of atoms of
 * which one must be true (the index).
 */
#include "detect/sigma/sigma-private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define COVER_MAX 8192
#define NEVER UINT64_MAX /* cost of a node that no set of atoms covers */

struct compiling {
    struct sigma_rules *set;
    sigma_problem *problem;
    void *context;
    struct names keys;  /* ids and names of rules */
    uint32_t *key_rule; /* per key: rule + 1 */
    uint32_t key_cap;
    uint32_t *cover;
    uint32_t ncover;
    uint32_t filter_uses;
};

static void problem_tell(struct compiling *k, struct str file, unsigned line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static void problem_tell(struct compiling *k, struct str file, unsigned line, const char *format, ...)
{
    struct err e = {0};
    struct sc c = {.err = &e};
    char text[384];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    sc_fail(&c, line, "%s", text);
    if (k->problem)
        k->problem(k->context, file.p ? file.p : "", line, e.text);
}

/* ---- ids and names ------------------------------------------------------------------------------------------- */

/* 0, 1 when the key is taken, or an error. */
static int key_add(struct compiling *k, struct str key, uint32_t rule)
{
    uint32_t n;
    if (key.n == 0)
        return 0;
    if (names_find(&k->keys, key))
        return 1;
    int rc = names_add(&k->keys, &k->set->arena, key, &n);
    if (rc < 0)
        return rc;
    if (n > k->key_cap) {
        uint32_t cap = k->key_cap ? k->key_cap * 2 : 1024;
        uint32_t *more = realloc(k->key_rule, cap * sizeof(*more));
        if (!more)
            return -ENOMEM;
        k->key_rule = more;
        k->key_cap = cap;
    }
    k->key_rule[n - 1] = rule;
    return 0;
}

static int keys_make(struct compiling *k)
{
    struct sigma_rules *r = k->set;
    for (uint32_t i = 0; i < r->count; i++) {
        int rc = key_add(k, r->rules[i].info.id, i);
        if (rc < 0)
            return rc;
        if (rc > 0) {
            const struct rule *first = &r->rules[k->key_rule[names_find(&k->keys, r->rules[i].info.id) - 1]];
            problem_tell(k, r->rules[i].info.file, r->rules[i].info.line, "the id %.*s is used by %.*s already",
                         STR_ARG(r->rules[i].info.id), STR_ARG(first->info.file));
            r->rules[i].dead = true;
        }
    }
    for (uint32_t i = 0; i < r->count; i++) {
        int rc = r->rules[i].dead ? 0 : key_add(k, r->rules[i].name, i);
        if (rc < 0)
            return rc;
        if (rc > 0) {
            problem_tell(k, r->rules[i].info.file, r->rules[i].info.line, "the name '%.*s' is used already",
                         STR_ARG(r->rules[i].name));
            r->rules[i].dead = true;
        }
    }
    return 0;
}

/* Index of a living rule, or UINT32_MAX. */
static uint32_t rule_find(const struct compiling *k, struct str key)
{
    uint32_t n = names_find(&k->keys, key);
    if (!n || k->set->rules[k->key_rule[n - 1]].dead)
        return UINT32_MAX;
    return k->key_rule[n - 1];
}

/* ---- filters ------------------------------------------------------------------------------------------------- */

/* Does the rule's source satisfy each part that the filter gives? */
static bool source_within(const struct sigma_source *rule, const struct sigma_source *filter)
{
    return (!filter->product.n || str_ieq(filter->product, rule->product)) &&
           (!filter->category.n || str_ieq(filter->category, rule->category)) &&
           (!filter->service.n || str_ieq(filter->service, rule->service));
}

static int filter_apply(struct compiling *k, const struct filter *f, struct rule *rule)
{
    struct err e = {0};
    struct sc c = {.set = k->set, .err = &e};
    struct node *kids[2] = {rule->root, f->root};
    if (rule->correlation || !source_within(&rule->info.source, &f->source))
        return 0;
    if (k->filter_uses == SIGMA_FILTER_USES_MAX)
        problem_tell(k, f->file, f->line, "filters change rules more than %d times: from here on they do nothing",
                     SIGMA_FILTER_USES_MAX);
    if (k->filter_uses >= SIGMA_FILTER_USES_MAX) {
        k->filter_uses = SIGMA_FILTER_USES_MAX + 1;
        return 0;
    }
    k->filter_uses++;
    rule->root = node_join(&c, NODE_AND, kids, 2);
    return rule->root ? 0 : sc_memory(&c);
}

static int filters_apply(struct compiling *k)
{
    struct sigma_rules *r = k->set;
    int rc = 0;
    for (size_t i = 0; i < r->nfilters; i++) {
        const struct filter *f = &r->filters[i];
        if (f->inert)
            continue;
        for (size_t n = 0; f->any && n < r->count && rc >= 0; n++)
            rc = filter_apply(k, f, &r->rules[n]);
        for (unsigned n = 0; n < f->nrefs && rc >= 0; n++) {
            uint32_t rule = rule_find(k, f->refs[n].name);
            if (rule == UINT32_MAX)
                problem_tell(k, f->file, f->refs[n].line, "the filter names the rule '%.*s', which is not there",
                             STR_ARG(f->refs[n].name));
            else
                rc = filter_apply(k, f, &r->rules[rule]);
        }
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- correlations -------------------------------------------------------------------------------------------- */

struct visit {
    uint32_t rule;
    unsigned ref; /* that is looked at next */
};

struct ordering {
    struct compiling *k;
    struct visit *stack; /* on the heap: rules of strangers decide how deep it is */
    uint32_t n;
    uint8_t *mark; /* 1 being looked at, 2 done */
};

/* Finds the rule of a reference. True: it is done, or the correlation was refused because of it. */
static bool reference_visit(struct ordering *o, struct rule *rule, struct reference *ref)
{
    struct compiling *k = o->k;
    uint32_t found = rule_find(k, ref->name);
    if (found == UINT32_MAX) {
        problem_tell(k, rule->info.file, ref->line,
                     "the correlation names the rule '%.*s', which is not there or was refused", STR_ARG(ref->name));
        rule->dead = true;
        return true;
    }
    if (o->mark[found] == 1) {
        problem_tell(k, rule->info.file, rule->info.line, "the correlation uses itself, perhaps through others");
        rule->dead = true;
        return true;
    }
    const struct correlation *used = k->set->rules[found].correlation;
    if (used && !o->mark[found]) {
        o->mark[found] = 1;
        o->stack[o->n++] = (struct visit){.rule = found};
        return false;
    }
    ref->rule = found;
    if (used && used->height + 1 > rule->correlation->height)
        rule->correlation->height = used->height + 1;
    return true;
}

/* Puts a correlation behind those that it uses. */
static void order_visit(struct ordering *o, uint32_t first)
{
    struct sigma_rules *r = o->k->set;
    o->mark[first] = 1;
    o->stack[o->n++] = (struct visit){.rule = first};
    while (o->n) {
        struct visit *v = &o->stack[o->n - 1];
        struct rule *rule = &r->rules[v->rule];
        if (!rule->dead && v->ref < rule->correlation->nrefs) {
            v->ref += reference_visit(o, rule, &rule->correlation->refs[v->ref]);
            continue;
        }
        if (!rule->dead && rule->correlation->height >= SIGMA_DEPTH_MAX) {
            problem_tell(o->k, rule->info.file, rule->info.line, "more than %d correlations use one another in a row",
                         SIGMA_DEPTH_MAX);
            rule->dead = true;
        }
        o->mark[v->rule] = 2;
        if (!rule->dead)
            r->order[r->ncorrelations++] = v->rule;
        o->n--;
    }
}

static int order_make(struct compiling *k)
{
    struct sigma_rules *r = k->set;
    struct ordering o = {
        .k = k, .stack = calloc(r->count + 1, sizeof(*o.stack)), .mark = calloc(r->count + 1, sizeof(*o.mark))};
    r->order = calloc(r->count + 1, sizeof(*r->order));
    int rc = o.stack && o.mark && r->order ? 0 : -ENOMEM;
    for (uint32_t i = 0; i < r->count && rc >= 0; i++)
        if (r->rules[i].correlation && !r->rules[i].dead && !o.mark[i])
            order_visit(&o, i);
    free(o.stack);
    free(o.mark);
    return rc;
}

/* Takes the dead out of the list; everything that names rules by number follows. */
static int dead_remove(struct sigma_rules *r)
{
    uint32_t *to = calloc(r->count + 1, sizeof(*to)), n = 0;
    if (!to)
        return -ENOMEM;
    for (size_t i = 0; i < r->count; i++) {
        to[i] = n;
        if (!r->rules[i].dead)
            r->rules[n++] = r->rules[i];
    }
    r->count = n;
    for (uint32_t i = 0; i < r->ncorrelations; i++)
        r->order[i] = to[r->order[i]];
    for (size_t i = 0; i < r->count; i++)
        for (unsigned k = 0; r->rules[i].correlation && k < r->rules[i].correlation->nrefs; k++)
            r->rules[i].correlation->refs[k].rule = to[r->rules[i].correlation->refs[k].rule];
    free(to);
    return 0;
}

/* The field that a name of the correlation means in events of one of its rules. */
static int field_for(struct sigma_rules *r, const struct correlation *c, const struct reference *ref, struct str name,
                     uint32_t *ret)
{
    const struct rule *rule = &r->rules[ref->rule];
    for (unsigned i = 0; i < c->naliases; i++)
        if (str_ieq(c->aliases[i].name, name) &&
            (str_ieq(c->aliases[i].rule, ref->name) || (rule->name.n && str_ieq(c->aliases[i].rule, rule->name)) ||
             (rule->info.id.n && str_ieq(c->aliases[i].rule, rule->info.id)))) {
            name = c->aliases[i].field;
            break;
        }
    return names_add(&r->fields, &r->arena, name, ret);
}

static int parent_add(struct sigma_rules *r, uint32_t child, uint32_t rule, uint32_t ref)
{
    struct rule *c = &r->rules[child];
    /* Doubles: the room is there when the count is a power of two and more. */
    if ((c->nparents & (c->nparents - 1)) == 0) {
        struct parent *more = arena_array(&r->arena, c->nparents ? c->nparents * 2 : 1, sizeof(*more));
        if (!more)
            return -ENOMEM;
        if (c->nparents)
            memcpy(more, c->parents, c->nparents * sizeof(*more));
        c->parents = more;
    }
    c->parents[c->nparents++] = (struct parent){rule, ref};
    return 0;
}

static int correlations_bind(struct sigma_rules *r)
{
    for (uint32_t i = 0; i < r->ncorrelations; i++) {
        struct rule *rule = &r->rules[r->order[i]];
        struct correlation *c = rule->correlation;
        bool inert = true;
        c->slot = i;
        for (unsigned n = 0; n < c->nrefs; n++) {
            struct reference *ref = &c->refs[n];
            int rc = parent_add(r, ref->rule, r->order[i], n);
            for (unsigned g = 0; g < c->ngroup && rc >= 0; g++)
                rc = field_for(r, c, ref, c->group[g], &ref->group[g]);
            for (unsigned g = 0; g < c->nfield && rc >= 0; g++)
                rc = field_for(r, c, ref, c->field[g], &ref->field[g]);
            if (rc < 0)
                return rc;
            inert = inert && r->rules[ref->rule].info.inert;
        }
        rule->info.inert = rule->info.inert || inert;
    }
    /* A rule that only serves correlations is silent, unless one of them says `generate`. */
    for (size_t i = 0; i < r->count; i++) {
        bool generate = r->rules[i].nparents == 0;
        for (uint32_t p = 0; p < r->rules[i].nparents; p++)
            generate = generate || r->rules[r->rules[i].parents[p].rule].correlation->generate;
        r->rules[i].hidden = !generate || r->rules[i].off;
        r->rules[i].info.inert = r->rules[i].info.inert || (r->rules[i].off && r->rules[i].nparents == 0);
    }
    return 0;
}

/* ---- log sources --------------------------------------------------------------------------------------------- */

static int bucket_of(struct sigma_rules *r, const struct sigma_source *s, uint32_t *ret)
{
    char key[1024];
    uint32_t n;
    if (s->product.n + s->category.n + s->service.n + 2 > sizeof(key))
        return ERR_LIMIT;
    struct str parts[] = {s->product, s->category, s->service};
    size_t at = 0;
    for (unsigned i = 0; i < 3; i++) {
        memcpy(key + at, parts[i].p ? parts[i].p : "", parts[i].n);
        at += parts[i].n;
        if (i < 2)
            key[at++] = '\0';
    }
    int rc = names_add(&r->bucket_names, &r->arena, (struct str){key, at}, &n);
    if (rc < 0 || n > SIGMA_BUCKETS_MAX)
        return rc < 0 ? rc : ERR_LIMIT;
    if (n > r->nbuckets) {
        struct bucket *more = realloc(r->buckets, n * sizeof(*more));
        if (!more)
            return -ENOMEM;
        r->buckets = more;
        r->buckets[r->nbuckets++] = (struct bucket){.source = *s};
    }
    *ret = n - 1;
    return 0;
}

static void atom_fields(const struct sigma_rules *r, uint32_t atom, struct bucket *b)
{
    const struct atom *a = &r->atoms[atom];
    b->fields[a->field / 64] |= 1ull << (a->field % 64);
    b->keywords = b->keywords || a->field == FIELD_KEYWORDS;
    if (a->op == ATOM_FIELDREF)
        b->fields[a->other / 64] |= 1ull << (a->other % 64);
}

static void node_fields(const struct sigma_rules *r, const struct node *n, struct bucket *b)
{
    if (n->op == NODE_ATOM)
        atom_fields(r, n->need, b);
    else if (n->op == NODE_ANY_ATOM || n->op == NODE_ALL_ATOMS)
        for (uint32_t i = 0; i < n->n; i++)
            atom_fields(r, n->atoms[i], b);
    else
        for (uint32_t i = 0; i < n->n; i++)
            node_fields(r, n->kids[i], b);
}

/* ---- required atoms ------------------------------------------------------------------------------------------ */

static uint64_t atom_cost(const struct sigma_rules *r, uint32_t atom)
{
    const struct atom *a = &r->atoms[atom];
    size_t n = a->text.n;
    if (finder_of(r->finder, atom) == FINDER_NOT)
        return NEVER;
    if (a->nhints) {
        n = a->hints[0].n;
        for (uint32_t i = 1; i < a->nhints; i++)
            n = a->hints[i].n < n ? a->hints[i].n : n;
    }
    /* What many rules ask for is common in events; short texts are in every line. */
    return 1 + (uint64_t)a->uses + (n < 6 ? (6 - n) * 8 : 0) + (a->nhints ? 4 : 0);
}

static uint64_t add(uint64_t a, uint64_t b)
{
    return a == NEVER || b == NEVER ? NEVER : a + b;
}

static uint64_t node_cost(const struct sigma_rules *r, struct node *n)
{
    uint64_t cost = n->op == NODE_AND || n->op == NODE_ALL_ATOMS ? NEVER : 0;
    if (n->cost)
        return n->cost;
    switch ((enum node_op)n->op) {
    case NODE_ATOM:
        cost = atom_cost(r, n->need);
        break;
    case NODE_ANY_ATOM:
        for (uint32_t i = 0; i < n->n; i++)
            cost = add(cost, atom_cost(r, n->atoms[i]));
        break;
    case NODE_ALL_ATOMS:
        for (uint32_t i = 0; i < n->n; i++) {
            uint64_t c = atom_cost(r, n->atoms[i]);
            cost = c < cost ? c : cost;
        }
        break;
    case NODE_AND:
        for (uint32_t i = 0; i < n->n; i++) {
            uint64_t c = node_cost(r, n->kids[i]);
            cost = c < cost ? c : cost;
        }
        break;
    case NODE_OR:
    case NODE_AT_LEAST: /* one of them at least */
        for (uint32_t i = 0; i < n->n; i++)
            cost = add(cost, node_cost(r, n->kids[i]));
        break;
    case NODE_NOT:
        cost = NEVER;
        break;
    }
    n->cost = cost ? cost : 1; /* nothing to find: never true, and rightly never found */
    return n->cost;
}

static bool cover_push(struct compiling *k, uint32_t atom)
{
    if (k->ncover == COVER_MAX)
        return false;
    k->cover[k->ncover++] = atom;
    return true;
}

/* Of a node with a cost. False: too many. */
static bool cover_collect(struct compiling *k, struct node *n)
{
    const struct sigma_rules *r = k->set;
    bool ok = true;
    switch ((enum node_op)n->op) {
    case NODE_ATOM:
        return cover_push(k, n->need);
    case NODE_ANY_ATOM:
        for (uint32_t i = 0; i < n->n && ok; i++)
            ok = cover_push(k, n->atoms[i]);
        return ok;
    case NODE_ALL_ATOMS:
        for (uint32_t i = 0; i < n->n; i++)
            if (atom_cost(r, n->atoms[i]) == n->cost)
                return cover_push(k, n->atoms[i]);
        return false;
    case NODE_AND:
        for (uint32_t i = 0; i < n->n; i++)
            if (node_cost(r, n->kids[i]) == n->cost)
                return cover_collect(k, n->kids[i]);
        return false;
    case NODE_OR:
    case NODE_AT_LEAST:
        for (uint32_t i = 0; i < n->n && ok; i++)
            ok = cover_collect(k, n->kids[i]);
        return ok;
    default:
        return false;
    }
}

static int atom_compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* The rule's required atoms, sorted, each once; 0 when there are none. */
static uint32_t cover_of(struct compiling *k, const struct rule *rule)
{
    uint32_t n = 0;
    k->ncover = 0;
    if (node_cost(k->set, rule->root) == NEVER || !cover_collect(k, rule->root))
        return 0;
    qsort(k->cover, k->ncover, sizeof(*k->cover), atom_compare);
    for (uint32_t i = 0; i < k->ncover; i++)
        if (n == 0 || k->cover[n - 1] != k->cover[i])
            k->cover[n++] = k->cover[i];
    return n;
}

/* Twice over all rules: how much room, then filling it. */
static int posts_make(struct compiling *k)
{
    struct sigma_rules *r = k->set;
    uint32_t *fill = NULL;
    r->post_first = calloc((size_t)r->natoms + 2, sizeof(*r->post_first));
    k->cover = calloc(COVER_MAX, sizeof(*k->cover));
    if (!r->post_first || !k->cover)
        return -ENOMEM;
    for (size_t i = 0; i < r->count; i++) {
        const struct rule *rule = &r->rules[i];
        uint32_t n = rule->root && !rule->info.inert ? cover_of(k, rule) : 0;
        for (uint32_t a = 0; a < n; a++)
            r->post_first[k->cover[a] + 1]++;
    }
    for (uint32_t a = 0; a < r->natoms; a++)
        r->post_first[a + 1] += r->post_first[a];
    r->post = calloc((size_t)r->post_first[r->natoms] + 1, sizeof(*r->post));
    fill = calloc((size_t)r->natoms + 1, sizeof(*fill));
    if (!r->post || !fill) {
        free(fill);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < r->count; i++) {
        const struct rule *rule = &r->rules[i];
        if (!rule->root || rule->info.inert)
            continue;
        uint32_t n = cover_of(k, rule);
        struct bucket *b = &r->buckets[rule->bucket];
        for (uint32_t a = 0; a < n; a++)
            r->post[r->post_first[k->cover[a]] + fill[k->cover[a]]++] = i;
        if (n == 0)
            b->always[b->nalways++] = i;
    }
    free(fill);
    return 0;
}

static int buckets_make(struct sigma_rules *r)
{
    for (size_t i = 0; i < r->count; i++) {
        if (r->rules[i].correlation)
            continue;
        int rc = bucket_of(r, &r->rules[i].info.source, &r->rules[i].bucket);
        if (rc < 0)
            return rc;
        if (!r->rules[i].info.inert)
            r->buckets[r->rules[i].bucket].nrules++;
    }
    for (uint32_t i = 0; i < r->nbuckets; i++) {
        struct bucket *b = &r->buckets[i];
        b->rules = calloc((size_t)b->nrules + 1, sizeof(*b->rules));
        b->always = calloc((size_t)b->nrules + 1, sizeof(*b->always));
        b->fields = calloc(r->fields.count / 64 + 1, sizeof(*b->fields));
        b->nrules = 0;
        if (!b->rules || !b->always || !b->fields)
            return -ENOMEM;
    }
    for (uint32_t i = 0; i < r->count; i++) {
        if (r->rules[i].correlation || r->rules[i].info.inert)
            continue;
        struct bucket *b = &r->buckets[r->rules[i].bucket];
        b->rules[b->nrules++] = i;
        node_fields(r, r->rules[i].root, b);
    }
    return 0;
}

int sigma_rules_compile(struct sigma_rules *r, sigma_problem *problem, void *context, struct err *e)
{
    struct compiling k = {.set = r, .problem = problem, .context = context};
    if (r->compiled)
        return err_set(e, ERR_CONFLICT, "the rules are compiled already");
    int rc = keys_make(&k);
    if (rc >= 0)
        rc = filters_apply(&k);
    if (rc >= 0)
        rc = order_make(&k);
    if (rc >= 0)
        rc = dead_remove(r);
    if (rc >= 0)
        rc = correlations_bind(r);
    if (rc >= 0)
        rc = buckets_make(r);
    if (rc >= 0)
        rc = finder_new(r, &r->finder);
    if (rc >= 0)
        rc = posts_make(&k);
    sigma_names_free(&k.keys);
    free(k.key_rule);
    free(k.cover);
    r->compiled = true;
    if (rc < 0)
        return err_set(e, rc,
                       rc == ERR_LIMIT ? "too many different log sources, fields, rules or filters"
                                       : "no memory for rules");
    return 0;
}
