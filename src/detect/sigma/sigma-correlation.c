/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Correlation documents ("Sigma Correlation Rules" 2.1.0). */
#include "detect/sigma/sigma-private.h"

#include <errno.h>

static const struct {
    const char *name;
    enum correlation_type type;
    bool needs_condition, needs_field, wants_number;
} types[] = {
    {"event_count", CORRELATE_EVENT_COUNT, true, false, false},
    {"value_count", CORRELATE_VALUE_COUNT, true, true, false},
    {"temporal", CORRELATE_TEMPORAL, false, false, false},
    {"temporal_ordered", CORRELATE_TEMPORAL_ORDERED, false, false, false},
    {"value_sum", CORRELATE_VALUE_SUM, true, true, true},
    {"value_avg", CORRELATE_VALUE_AVG, true, true, true},
    {"value_percentile", CORRELATE_VALUE_PERCENTILE, true, true, false},
    {"value_median", CORRELATE_VALUE_MEDIAN, true, true, true},
};

static int copy(struct sc *c, const struct yaml_tree *v, const char *what, struct str *ret)
{
    if (v->kind != YAML_TREE_SCALAR || v->text.n == 0)
        return sc_fail(c, v->line, "%s must be a text", what);
    *ret = arena_str(&c->set->arena, v->text);
    return ret->p ? 0 : sc_memory(c);
}

int references_parse(struct sc *c, const struct yaml_tree *tree, struct reference **ret, unsigned *ret_n)
{
    unsigned n = tree->kind == YAML_TREE_SCALAR ? 1 : tree->count;
    if (tree->kind == YAML_TREE_MAP || n == 0)
        return sc_fail(c, tree->line, "'rules' must be a list of ids or names of rules");
    if (n > SIGMA_REFERENCES_MAX)
        return sc_fail(c, tree->line, "more than %d rules in one list", SIGMA_REFERENCES_MAX);
    struct reference *refs = arena_array(&c->set->arena, n, sizeof(*refs));
    if (!refs)
        return sc_memory(c);
    const struct yaml_tree *v = tree->kind == YAML_TREE_SCALAR ? tree : tree->child;
    for (unsigned i = 0; i < n; i++, v = v->next) {
        refs[i].line = v->line;
        int rc = copy(c, v, "the id or name of a rule", &refs[i].name);
        if (rc < 0)
            return rc;
    }
    *ret = refs;
    *ret_n = n;
    return 0;
}

/* A text or a list of texts. */
static int fields_parse(struct sc *c, const struct yaml_tree *v, struct str *ret, unsigned *ret_n)
{
    unsigned n = 0;
    if (v->kind == YAML_TREE_MAP)
        return sc_fail(c, v->line, "'%.*s' must be a field or a list of fields", STR_ARG(v->key));
    for (const struct yaml_tree *k = v->kind == YAML_TREE_SCALAR ? v : v->child; k; k = k->next) {
        if (n == SIGMA_GROUP_FIELDS_MAX)
            return sc_fail(c, v->line, "'%.*s' has more than %d fields", STR_ARG(v->key), SIGMA_GROUP_FIELDS_MAX);
        int rc = copy(c, k, "a field", &ret[n++]);
        if (rc < 0)
            return rc;
        if (k == v)
            break;
    }
    *ret_n = n;
    return 0;
}

/* "90m": s, m, h, d. */
static int span_parse(struct sc *c, const struct yaml_tree *v, int64_t *ret)
{
    static const struct {
        char unit;
        uint64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
    uint64_t n;
    if (v->kind == YAML_TREE_SCALAR && v->text.n >= 2 && str_u64(str_sub(v->text, 0, v->text.n - 1), 10, &n) >= 0 &&
        n > 0 && n <= 1000000)
        for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
            if (units[i].unit == v->text.p[v->text.n - 1]) {
                *ret = (int64_t)(n * units[i].seconds) * 1000;
                /* Fits: a million weeks are 6e14 ms. Longer than ever needed is for ever. */
                *ret = *ret > INT64_MAX / 1000000 ? INT64_MAX / 4 : *ret * 1000000;
                return 0;
            }
    return sc_fail(c, v->line, "the timespan must be a number and one of s, m, h, d (like 90m)");
}

static int limit_parse(struct sc *c, const struct yaml_tree *v, bool *has, double *ret)
{
    if (v->kind != YAML_TREE_SCALAR || !number_of(v->text, ret))
        return sc_fail(c, v->line, "'%.*s' needs a number", STR_ARG(v->key));
    *has = true;
    return 0;
}

static int condition_parse(struct sc *c, const struct yaml_tree *v, struct correlation *k)
{
    struct limits *l = &k->limits;
    const struct {
        const char *name;
        bool *has;
        double *value;
    } ops[] = {{"gt", &l->gt, &l->vgt},
               {"gte", &l->gte, &l->vgte},
               {"lt", &l->lt, &l->vlt},
               {"lte", &l->lte, &l->vlte},
               {"eq", &l->eq, &l->veq},
               {"neq", &l->neq, &l->vneq},
               {"percentile", &k->has_percentile, &k->percentile}};
    if (v->kind != YAML_TREE_MAP)
        return sc_fail(c, v->line, "the condition of a correlation is a map like 'gte: 10'");
    for (const struct yaml_tree *m = v->child; m; m = m->next) {
        bool known = str_eqz(m->key, "field");
        int rc = known ? fields_parse(c, m, k->field, &k->nfield) : 0;
        for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]) && rc >= 0; i++)
            if (str_eqz(m->key, ops[i].name)) {
                known = true;
                rc = limit_parse(c, m, ops[i].has, ops[i].value);
            }
        if (rc >= 0 && !known)
            rc = sc_fail(c, m->line, "the condition of a correlation has no '%.*s'", STR_ARG(m->key));
        if (rc < 0)
            return rc;
    }
    if (!l->gt && !l->gte && !l->lt && !l->lte && !l->eq && !l->neq)
        return sc_fail(c, v->line, "the condition of a correlation needs one of gt, gte, lt, lte, eq and neq");
    if (k->has_percentile && (k->percentile < 0 || k->percentile > 100))
        return sc_fail(c, v->line, "the percentile must be 0 to 100");
    return 0;
}

static int aliases_parse(struct sc *c, const struct yaml_tree *v, struct correlation *k)
{
    unsigned n = 0;
    if (v->kind != YAML_TREE_MAP)
        return sc_fail(c, v->line, "'aliases' must be a map");
    for (const struct yaml_tree *a = v->child; a; a = a->next)
        n += a->count;
    if (n > SIGMA_REFERENCES_MAX * SIGMA_GROUP_FIELDS_MAX)
        return sc_fail(c, v->line, "too many aliases");
    k->aliases = arena_array(&c->set->arena, n ? n : 1, sizeof(*k->aliases));
    if (!k->aliases)
        return sc_memory(c);
    for (const struct yaml_tree *a = v->child; a; a = a->next) {
        if (a->kind != YAML_TREE_MAP || a->count == 0)
            return sc_fail(c, a->line, "the alias '%.*s' must be a map of rule and field", STR_ARG(a->key));
        for (const struct yaml_tree *f = a->child; f; f = f->next) {
            struct alias *to = &k->aliases[k->naliases++];
            to->line = f->line;
            to->name = arena_str(&c->set->arena, a->key);
            to->rule = arena_str(&c->set->arena, f->key);
            if (!to->name.p || !to->rule.p)
                return sc_memory(c);
            int rc = copy(c, f, "the field of an alias", &to->field);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

/* Only a bound from below can be decided before the window is over: more can always come. */
static bool decided_at_end(const struct correlation *k)
{
    const struct limits *l = &k->limits;
    switch (k->type) {
    case CORRELATE_TEMPORAL_ORDERED:
        return false;
    case CORRELATE_EVENT_COUNT:
    case CORRELATE_VALUE_COUNT:
    case CORRELATE_TEMPORAL:
        return l->lt || l->lte || l->eq || l->neq;
    default:
        return true;
    }
}

static int check(struct sc *c, const struct yaml_tree *tree, struct correlation *k, unsigned type)
{
    const struct yaml_tree *cond = yaml_tree_get(tree, "condition");
    if (types[type].needs_condition && !cond)
        return sc_fail(c, tree->line, "a correlation of type %s needs a condition", types[type].name);
    if (types[type].needs_field && !k->nfield)
        return sc_fail(c, cond->line, "the condition of a %s needs 'field'", types[type].name);
    if (!types[type].needs_field && k->nfield)
        return sc_fail(c, cond->line, "the condition of a %s has no 'field'", types[type].name);
    if (k->nfield > 1 && (types[type].wants_number || k->has_percentile))
        return sc_fail(c, cond->line, "the condition of a %s needs one field", types[type].name);
    if (k->has_percentile && k->type != CORRELATE_VALUE_PERCENTILE)
        return sc_fail(c, cond->line, "'percentile' belongs to value_percentile");
    if (k->type == CORRELATE_TEMPORAL_ORDERED && cond)
        return sc_fail(c, cond->line, "a temporal_ordered correlation has no condition: all rules, in their order");
    const struct limits *l = &k->limits;
    if ((l->gt && l->vgt >= SIGMA_WINDOW_EVENTS_MAX) || (l->gte && l->vgte > SIGMA_WINDOW_EVENTS_MAX))
        if (k->type == CORRELATE_EVENT_COUNT || k->type == CORRELATE_VALUE_COUNT)
            return sc_fail(c, cond->line, "a window holds at most %d events", SIGMA_WINDOW_EVENTS_MAX);
    return 0;
}

int correlation_parse(struct sc *c, const struct yaml_tree *tree, struct correlation **ret)
{
    struct correlation *k = arena_alloc(&c->set->arena, sizeof(*k));
    unsigned type = 0, ntypes = sizeof(types) / sizeof(types[0]);
    if (!k)
        return sc_memory(c);
    if (tree->kind != YAML_TREE_MAP)
        return sc_fail(c, tree->line, "the correlation must be a map");
    const struct yaml_tree *v = yaml_tree_get(tree, "type");
    if (!v || v->kind != YAML_TREE_SCALAR)
        return sc_fail(c, tree->line, "the correlation has no type");
    while (type < ntypes && !str_eqz(v->text, types[type].name))
        type++;
    if (type == ntypes)
        return sc_fail(c, v->line, "unknown type of correlation '%.*s'", STR_ARG(v->text));
    k->type = types[type].type;
    if (!(v = yaml_tree_get(tree, "rules")))
        return sc_fail(c, tree->line, "the correlation has no rules");
    int rc = references_parse(c, v, &k->refs, &k->nrefs);
    if (rc >= 0 && !(v = yaml_tree_get(tree, "timespan")))
        rc = sc_fail(c, tree->line, "the correlation has no timespan");
    if (rc >= 0)
        rc = span_parse(c, v, &k->span);
    if (rc >= 0 && (v = yaml_tree_get(tree, "group-by")) && !yaml_tree_is_null(v))
        rc = fields_parse(c, v, k->group, &k->ngroup);
    if (rc >= 0 && (v = yaml_tree_get(tree, "aliases")))
        rc = aliases_parse(c, v, k);
    if (rc >= 0 && (v = yaml_tree_get(tree, "generate")) && yaml_tree_bool(v, &k->generate) < 0)
        rc = sc_fail(c, v->line, "'generate' must be true or false");
    if (rc >= 0 && (v = yaml_tree_get(tree, "condition")))
        rc = condition_parse(c, v, k);
    if (rc >= 0)
        rc = check(c, tree, k, type);
    if (rc < 0)
        return rc;
    k->at_end = decided_at_end(k);
    *ret = k;
    return 0;
}
