/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The detection of a rule: selections, fields with their modifiers, keywords. */
#include "detect/sigma/sigma-private.h"

#include <errno.h>
#include <stdlib.h>

enum modifier {
    MOD_CONTAINS,
    MOD_STARTS,
    MOD_ENDS,
    MOD_ALL,
    MOD_CASED,
    MOD_NEQ,
    MOD_RE,
    MOD_RE_I,
    MOD_RE_M,
    MOD_RE_S,
    MOD_CIDR,
    MOD_EXPAND,
    MOD_FIELDREF,
    MOD_EXISTS,
    MOD_COMPARE,
    MOD_PART,
    MOD_STEP,
};

static const struct {
    const char *name;
    enum modifier modifier;
    uint8_t value;
} modifiers[] = {
    {"contains", MOD_CONTAINS, 0},
    {"startswith", MOD_STARTS, 0},
    {"endswith", MOD_ENDS, 0},
    {"all", MOD_ALL, 0},
    {"cased", MOD_CASED, 0},
    {"neq", MOD_NEQ, 0},
    {"re", MOD_RE, 0},
    {"i", MOD_RE_I, 0},
    {"ignorecase", MOD_RE_I, 0},
    {"m", MOD_RE_M, 0},
    {"multiline", MOD_RE_M, 0},
    {"s", MOD_RE_S, 0},
    {"dotall", MOD_RE_S, 0},
    {"cidr", MOD_CIDR, 0},
    {"expand", MOD_EXPAND, 0},
    {"fieldref", MOD_FIELDREF, 0},
    {"exists", MOD_EXISTS, 0},
    {"gt", MOD_COMPARE, COMPARE_GT},
    {"gte", MOD_COMPARE, COMPARE_GTE},
    {"lt", MOD_COMPARE, COMPARE_LT},
    {"lte", MOD_COMPARE, COMPARE_LTE},
    {"minute", MOD_PART, PART_MINUTE},
    {"hour", MOD_PART, PART_HOUR},
    {"day", MOD_PART, PART_DAY},
    {"week", MOD_PART, PART_WEEK},
    {"month", MOD_PART, PART_MONTH},
    {"year", MOD_PART, PART_YEAR},
    {"wide", MOD_STEP, STEP_WIDE},
    {"utf16le", MOD_STEP, STEP_WIDE},
    {"utf16be", MOD_STEP, STEP_UTF16BE},
    {"utf16", MOD_STEP, STEP_UTF16},
    {"base64", MOD_STEP, STEP_BASE64},
    {"base64offset", MOD_STEP, STEP_BASE64OFFSET},
    {"windash", MOD_STEP, STEP_WINDASH},
};

static int modifier_take(struct sc *c, struct modifiers *m, struct str name)
{
    for (size_t i = 0; i < sizeof(modifiers) / sizeof(modifiers[0]); i++) {
        if (!str_eqz(name, modifiers[i].name))
            continue;
        bool *const flags[] = {&m->contains, &m->starts, &m->ends, &m->all,  &m->cased,  &m->neq,      &m->re,
                               &m->re_i,     &m->re_m,   &m->re_s, &m->cidr, &m->expand, &m->fieldref, &m->exists};
        switch (modifiers[i].modifier) {
        case MOD_COMPARE:
            if (m->has_compare)
                return sc_fail(c, c->line, "two of the modifiers gt, gte, lt and lte");
            m->has_compare = true;
            m->compare = modifiers[i].value;
            return 0;
        case MOD_PART:
            if (m->part != PART_NONE)
                return sc_fail(c, c->line, "two of the modifiers minute, hour, day, week, month and year");
            m->part = modifiers[i].value;
            return 0;
        case MOD_STEP:
            if (m->nsteps == SIGMA_MODIFIERS_MAX)
                return sc_fail(c, c->line, "too many modifiers");
            m->steps[m->nsteps++] = modifiers[i].value;
            return 0;
        default:
            if (*flags[modifiers[i].modifier])
                return sc_fail(c, c->line, "the modifier '%.*s' twice", STR_ARG(name));
            if (modifiers[i].modifier >= MOD_RE_I && modifiers[i].modifier <= MOD_RE_S && !m->re)
                return sc_fail(c, c->line, "the modifier '%.*s' needs 're' before it", STR_ARG(name));
            *flags[modifiers[i].modifier] = true;
            return 0;
        }
    }
    return sc_fail(c, c->line, "unknown modifier '%.*s'", STR_ARG(name));
}

/* Which kinds of question a chain asks; more than one cannot be answered. */
static int modifiers_check(struct sc *c, const struct modifiers *m, bool keyword)
{
    unsigned place = (unsigned)m->contains + m->starts + m->ends;
    unsigned kinds = (unsigned)m->re + m->cidr + m->exists + (m->has_compare || m->part != PART_NONE) + m->fieldref +
                     (m->nsteps > 0 || m->expand);
    if (place > 1)
        return sc_fail(c, c->line, "only one of contains, startswith and endswith");
    if (kinds > 1)
        return sc_fail(c, c->line,
                       "modifiers that exclude each other (re, cidr, exists, fieldref, comparisons, "
                       "encodings)");
    if (place && (m->re || m->cidr || m->exists || m->has_compare || m->part != PART_NONE))
        return sc_fail(c, c->line, "contains, startswith and endswith are for texts");
    if (m->cased && (m->re || m->cidr || m->exists || m->has_compare || m->part != PART_NONE))
        return sc_fail(c, c->line, "cased is for texts");
    if (m->exists && (m->all || m->neq))
        return sc_fail(c, c->line, "exists stands alone");
    if (m->neq && m->has_compare)
        return sc_fail(c, c->line, "neq excludes gt, gte, lt and lte");
    if (keyword && (m->cidr || m->exists || m->has_compare || m->part != PART_NONE || m->fieldref || m->neq))
        return sc_fail(c, c->line, "keywords (values without a field) can only be texts");
    return 0;
}

/* "Field|mod|mod" -> number of the field and modifiers. */
static int key_parse(struct sc *c, struct str key, uint32_t *ret_field, struct modifiers *ret)
{
    struct modifiers m = {0};
    struct str rest = key, name, word;
    if (!str_split(&rest, '|', &name))
        name = key;
    while (rest.p && str_split(&rest, '|', &word)) {
        int rc = modifier_take(c, &m, word);
        if (rc < 0)
            return rc;
    }
    int rc = modifiers_check(c, &m, name.n == 0);
    if (rc < 0)
        return rc;
    if (name.n == 0)
        *ret_field = FIELD_KEYWORDS;
    else if (names_add(&c->set->fields, &c->set->arena, name, ret_field) < 0)
        return sc_fail(c, c->line, "too many different fields in all rules");
    *ret = m;
    return 0;
}

static int null_in_list(struct sc *c, const struct yaml_tree *list)
{
    for (const struct yaml_tree *v = list->child; v; v = v->next)
        if (yaml_tree_is_null(v))
            return sc_fail(c, v->line, "null cannot stand in a list of values; use a selection of its own");
    return 0;
}

/* All values under one key: one of them, or all with `all`. */
static int values_build(struct sc *c, uint32_t field, const struct modifiers *m, const struct yaml_tree *v,
                        struct node **ret)
{
    if (v->kind == YAML_TREE_MAP)
        return sc_fail(c, v->line, "the field '%.*s' has a map where a value or a list should stand", STR_ARG(v->key));
    if (v->kind == YAML_TREE_SCALAR)
        return value_build(c, field, m, v, ret);
    if (v->count == 0)
        return sc_fail(c, v->line, "an empty list of values");
    int rc = null_in_list(c, v);
    if (rc < 0)
        return rc;
    struct node **kids = malloc(v->count * sizeof(*kids));
    uint32_t n = 0;
    if (!kids)
        return err_set(c->err, -ENOMEM, "no memory for rules");
    for (const struct yaml_tree *k = v->child; k && rc >= 0; k = k->next)
        rc = value_build(c, field, m, k, &kids[n++]);
    if (rc >= 0) {
        *ret = node_join(c, m->all ? NODE_AND : NODE_OR, kids, n);
        rc = *ret ? 0 : sc_memory(c);
    }
    free(kids);
    return rc;
}

/* Different from all given values; an absent field is not different from anything. */
static int negate(struct sc *c, uint32_t field, struct node **node)
{
    struct atom there = {.op = ATOM_EXISTS, .field = field, .compare = true};
    uint32_t atom;
    int rc = atom_add(c, &there, &atom);
    if (rc < 0)
        return rc;
    struct node *not = node_make(c, NODE_NOT, 1), *kids[2] = {node_atom(c, atom), not};
    if (!kids[0] || !not)
        return sc_memory(c);
    not->kids[0] = *node;
    *node = node_join(c, NODE_AND, kids, 2);
    return *node ? 0 : sc_memory(c);
}

static int field_build(struct sc *c, const struct yaml_tree *v, struct node **ret)
{
    struct modifiers m;
    uint32_t field;
    c->line = v->line;
    int rc = key_parse(c, v->key, &field, &m);
    if (rc >= 0)
        rc = values_build(c, field, &m, v, ret);
    return rc >= 0 && m.neq ? negate(c, field, ret) : rc;
}

static int map_build(struct sc *c, const struct yaml_tree *map, struct node **ret)
{
    if (map->count == 0)
        return sc_fail(c, map->line, "an empty selection");
    struct node **kids = malloc(map->count * sizeof(*kids));
    uint32_t n = 0;
    int rc = kids ? 0 : err_set(c->err, -ENOMEM, "no memory for rules");
    for (const struct yaml_tree *v = map->child; v && rc >= 0; v = v->next)
        rc = field_build(c, v, &kids[n++]);
    if (rc >= 0) {
        *ret = node_join(c, NODE_AND, kids, n);
        rc = *ret ? 0 : sc_memory(c);
    }
    free(kids);
    return rc;
}

/* A map, a list of maps and keywords (one of them must hold), or one keyword. */
static int selection_build(struct sc *c, const struct yaml_tree *s, struct node **ret)
{
    static const struct modifiers plain;
    if (s->kind == YAML_TREE_MAP)
        return map_build(c, s, ret);
    if (s->kind == YAML_TREE_SCALAR) {
        if (yaml_tree_is_null(s))
            return sc_fail(c, s->line, "the selection '%.*s' is empty", STR_ARG(s->key));
        return value_build(c, FIELD_KEYWORDS, &plain, s, ret);
    }
    if (s->count == 0)
        return sc_fail(c, s->line, "the selection '%.*s' is empty", STR_ARG(s->key));
    struct node **kids = malloc(s->count * sizeof(*kids));
    uint32_t n = 0;
    int rc = kids ? 0 : err_set(c->err, -ENOMEM, "no memory for rules");
    for (const struct yaml_tree *v = s->child; v && rc >= 0; v = v->next) {
        if (v->kind == YAML_TREE_LIST)
            rc = sc_fail(c, v->line, "a list inside a list");
        else
            rc = v->kind == YAML_TREE_MAP ? map_build(c, v, &kids[n])
                                          : value_build(c, FIELD_KEYWORDS, &plain, v, &kids[n]);
        n++;
    }
    if (rc >= 0) {
        *ret = node_join(c, NODE_OR, kids, n);
        rc = *ret ? 0 : sc_memory(c);
    }
    free(kids);
    return rc;
}

/* One text, or a list of them of which one must hold. */
static int conditions_build(struct sc *c, const struct yaml_tree *cond, const struct selection *s, unsigned n,
                            struct node **ret)
{
    struct node *kids[32];
    uint32_t count = 0;
    if (cond->kind == YAML_TREE_SCALAR)
        return condition_build(c, cond->line, cond->text, s, n, ret);
    if (cond->kind != YAML_TREE_LIST || cond->count == 0 || cond->count > 32)
        return sc_fail(c, cond->line, "the condition must be a text or a list of 1 to 32 texts");
    for (const struct yaml_tree *v = cond->child; v; v = v->next) {
        if (v->kind != YAML_TREE_SCALAR)
            return sc_fail(c, v->line, "the condition must be a text or a list of texts");
        int rc = condition_build(c, v->line, v->text, s, n, &kids[count++]);
        if (rc < 0)
            return rc;
    }
    *ret = node_join(c, NODE_OR, kids, count);
    return *ret ? 0 : sc_memory(c);
}

int detection_build(struct sc *c, const struct yaml_tree *detection, bool is_filter, struct node **ret)
{
    const char *what = is_filter ? "filter" : "detection";
    const struct yaml_tree *cond = yaml_tree_get(detection, "condition");
    struct selection *s = NULL;
    unsigned n = 0;
    int rc = 0;
    if (detection->kind != YAML_TREE_MAP)
        return sc_fail(c, detection->line, "the %s must be a map", what);
    if (!cond)
        return sc_fail(c, detection->line, "the %s has no condition", what);
    if (detection->count > SIGMA_SELECTIONS_MAX)
        return sc_fail(c, detection->line, "the %s has more than %d selections", what, SIGMA_SELECTIONS_MAX);
    s = calloc(detection->count, sizeof(*s));
    if (!s)
        return err_set(c->err, -ENOMEM, "no memory for rules");
    for (const struct yaml_tree *v = detection->child; v && rc >= 0; v = v->next) {
        if (v == cond || (is_filter && str_eqz(v->key, "rules")))
            continue;
        if (str_eqz(v->key, "timeframe")) {
            rc = sc_fail(c, v->line, "'timeframe' belongs to the deprecated aggregations; use a correlation rule");
            break;
        }
        s[n].name = v->key;
        rc = selection_build(c, v, &s[n].root);
        n++;
    }
    if (rc >= 0 && n == 0)
        rc = sc_fail(c, detection->line, "the %s has no selection", what);
    if (rc >= 0)
        rc = conditions_build(c, cond, s, n, ret);
    free(s);
    return rc;
}
