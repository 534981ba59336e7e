/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Selections (Sigma's syntax) and conditions -> an expression over atoms. */
#include "detect/rule.h"

#include <errno.h>
#include <stdlib.h>

enum compare { COMPARE_NONE, COMPARE_GT, COMPARE_GTE, COMPARE_LT, COMPARE_LTE, COMPARE_ANYBITS, COMPARE_ALLBITS };

struct modifiers {
    enum text_modifier how;
    bool all, cased, regex, cidr, exists, fieldref;
    char flags[4];
    unsigned nflags;
    enum compare compare;
};

static struct node *node_new(struct compile *c, enum node_op op, unsigned kids)
{
    struct node *n = arena_alloc(&c->set->arena, sizeof(*n));
    if (n && kids)
        n->kids = arena_array(&c->set->arena, kids, sizeof(*n->kids));
    if (!n || (kids && !n->kids)) {
        err_set(c->err, -ENOMEM, "no memory for rules");
        return NULL;
    }
    n->op = op;
    return n;
}

static int node_failed(const struct compile *c)
{
    return c->err && c->err->code < 0 ? c->err->code : -ENOMEM;
}

static int modifier_read(struct compile *c, unsigned line, struct str word, struct modifiers *m)
{
    static const struct {
        const char *name;
        enum text_modifier how;
    } hows[] = {{"contains", TEXT_CONTAINS}, {"startswith", TEXT_STARTS}, {"endswith", TEXT_ENDS}};
    static const char *const compares[] = {"", "gt", "gte", "lt", "lte", "anybits", "allbits"};

    for (size_t i = 0; i < 3; i++)
        if (str_eqz(word, hows[i].name)) {
            m->how = hows[i].how;
            return 0;
        }
    for (unsigned i = 1; i < 7; i++)
        if (str_eqz(word, compares[i])) {
            m->compare = (enum compare)i;
            return 0;
        }
    if (str_eqz(word, "all"))
        m->all = true;
    else if (str_eqz(word, "cased"))
        m->cased = true;
    else if (str_eqz(word, "re"))
        m->regex = true;
    else if (str_eqz(word, "cidr"))
        m->cidr = true;
    else if (str_eqz(word, "exists"))
        m->exists = true;
    else if (str_eqz(word, "fieldref"))
        m->fieldref = true;
    else if (m->regex && word.n == 1 && strchr("ims", word.p[0]) && m->nflags < 3)
        m->flags[m->nflags++] = word.p[0];
    else
        return compile_fail(c, line, "unknown modifier '%.*s'", STR_ARG(word));
    return 0;
}

static int matcher_new(struct compile *c, uint16_t field)
{
    struct behavior_rules *s = c->set;
    if (s->nmatchers >= RULE_MATCHERS_MAX)
        return err_set(c->err, ERR_LIMIT, "more than %d text conditions", RULE_MATCHERS_MAX);
    if (s->nmatchers == s->matchers_cap) {
        size_t cap = s->matchers_cap ? s->matchers_cap * 2 : 128;
        struct matcher *m = realloc(s->matchers, cap * sizeof(*m));
        if (!m)
            return err_set(c->err, -ENOMEM, "no memory");
        s->matchers = m;
        s->matchers_cap = cap;
    }
    s->matchers[s->nmatchers++] = (struct matcher){.field = field, .first = (uint32_t)s->npatterns};
    return 0;
}

/* The values from `v` on, `max` of them, as one "or" over a text field. */
static int text_atom(struct compile *c, const struct yaml_tree *v, unsigned max, uint16_t field,
                     const struct modifiers *m, struct node **ret)
{
    struct node *n = node_new(c, NODE_TEXT, 0);
    if (!n)
        return node_failed(c);
    int rc = matcher_new(c, field);
    for (unsigned i = 0; rc >= 0 && v && i < max; v = v->next, i++) {
        if (v->kind != YAML_TREE_SCALAR)
            rc = compile_fail(c, v->line, "a value must be text");
        else if (m->regex)
            rc = pattern_add_regex(c, v->line, v->text, m->flags);
        else
            rc = pattern_add(c, v->line, v->text, m->how, m->cased);
    }
    if (rc < 0)
        return rc;
    struct matcher *last = &c->set->matchers[c->set->nmatchers - 1];
    last->count = (uint32_t)c->set->npatterns - last->first;
    n->field = field;
    n->matcher = (uint16_t)(c->set->nmatchers - 1);
    *ret = n;
    return 0;
}

static int text_node(struct compile *c, const struct yaml_tree *v, unsigned count, uint16_t field,
                     const struct modifiers *m, struct node **ret)
{
    if (!m->all || count < 2)
        return text_atom(c, v, count, field, m, ret);
    struct node *n = node_new(c, NODE_AND, count);
    if (!n)
        return node_failed(c);
    for (; v; v = v->next) {
        int rc = text_atom(c, v, 1, field, m, &n->kids[n->count]);
        if (rc < 0)
            return rc;
        n->count++;
    }
    *ret = n;
    return 0;
}

static int number_node(struct compile *c, const struct yaml_tree *v, unsigned count, uint16_t field,
                       const struct modifiers *m, bool is_time, struct node **ret)
{
    static const enum number_op ops[] = {NUMBER_IN,  NUMBER_GT,      NUMBER_GTE,    NUMBER_LT,
                                         NUMBER_LTE, NUMBER_ANYBITS, NUMBER_ALLBITS};
    struct node *n = node_new(c, NODE_NUMBER, 0);
    if (!n || !(n->numbers = arena_array(&c->set->arena, count, sizeof(*n->numbers))))
        return err_set(c->err, -ENOMEM, "no memory for rules");
    if (m->how != TEXT_EQUALS || m->regex || m->cidr || m->all || m->cased)
        return compile_fail(c, v->line, "a modifier for text on a number");
    if (m->compare != COMPARE_NONE && count != 1)
        return compile_fail(c, v->line, "a comparison takes one number");
    for (; v; v = v->next)
        if (v->kind != YAML_TREE_SCALAR || number_parse(v->text, is_time, &n->numbers[n->count++]) < 0)
            return compile_fail(c, v->line, "'%.*s' is not a number%s", STR_ARG(v->text),
                                is_time ? " with a unit of time (ns, ms, s, m, h)" : "");
    n->field = field;
    n->number_op = ops[m->compare];
    *ret = n;
    return 0;
}

static int cidr_node(struct compile *c, const struct yaml_tree *v, unsigned count, uint16_t field, struct node **ret)
{
    struct node *n = node_new(c, NODE_CIDR, 0);
    if (!n || !(n->cidrs = arena_array(&c->set->arena, count, sizeof(*n->cidrs))))
        return err_set(c->err, -ENOMEM, "no memory for rules");
    for (; v; v = v->next)
        if (v->kind != YAML_TREE_SCALAR || cidr_parse(v->text, &n->cidrs[n->count++]) < 0)
            return compile_fail(c, v->line, "'%.*s' is not a network", STR_ARG(v->text));
    n->field = field;
    *ret = n;
    return 0;
}

/* null, exists and booleans */
static int flag_node(struct compile *c, const struct yaml_tree *v, uint16_t field, enum node_op op, struct node **ret)
{
    struct node *n = node_new(c, op, 0);
    bool expect = false;
    if (!n)
        return node_failed(c);
    if (!yaml_tree_is_null(v) && yaml_tree_bool(v, &expect) < 0)
        return compile_fail(c, v->line, "true or false is wanted");
    n->field = field;
    n->expect = expect;
    *ret = n;
    return 0;
}

static int fieldref_node(struct compile *c, const struct yaml_tree *v, uint16_t field, struct node **ret)
{
    struct node *n = node_new(c, NODE_FIELDREF, 0);
    if (!n)
        return node_failed(c);
    if (v->kind != YAML_TREE_SCALAR)
        return compile_fail(c, v->line, "the name of a field is wanted");
    int rc = field_find(c, v->line, v->text, &n->other);
    enum field_class cls;
    if (rc >= 0)
        rc = field_class_of(c, v->line, n->other, &cls, NULL);
    if (rc < 0)
        return rc;
    if (cls != FIELD_TEXT)
        return compile_fail(c, v->line, "fieldref compares text fields");
    n->field = field;
    *ret = n;
    return 0;
}

/* "Field|modifier|modifier: value or list" */
static int item_compile(struct compile *c, const struct yaml_tree *item, struct node **ret)
{
    struct str rest = item->key, name, word;
    struct modifiers m = {0};
    uint16_t field;
    enum field_class cls;
    bool is_time = false;
    if (!str_split(&rest, '|', &name))
        return compile_fail(c, item->line, "a field without a name");
    int rc = 0;
    while (rc >= 0 && rest.p && str_split(&rest, '|', &word))
        rc = modifier_read(c, item->line, word, &m);
    if (rc >= 0)
        rc = field_find(c, item->line, name, &field);
    if (rc >= 0)
        rc = field_class_of(c, item->line, field, &cls, &is_time);
    if (rc < 0)
        return rc;
    if (item->kind == YAML_TREE_MAP)
        return compile_fail(c, item->line, "a value must be text or a list");
    /* A single scalar is a list of one; its `next` is another item, so it is copied without. */
    struct yaml_tree one = *item;
    one.next = NULL;
    const struct yaml_tree *v = item->kind == YAML_TREE_LIST ? item->child : &one;
    unsigned count = item->kind == YAML_TREE_LIST ? item->count : 1;
    if (count == 0)
        return compile_fail(c, item->line, "an empty list of values");
    if (m.exists)
        return flag_node(c, v, field, NODE_EXISTS, ret);
    if (count == 1 && yaml_tree_is_null(v)) /* null: must not be there */
        return flag_node(c, v, field, NODE_EXISTS, ret);
    if (m.fieldref && cls == FIELD_TEXT && count == 1)
        return fieldref_node(c, v, field, ret);
    if (m.fieldref)
        return compile_fail(c, item->line, "fieldref compares one text field with another");
    if (cls == FIELD_BOOL)
        return flag_node(c, v, field, NODE_BOOL, ret);
    if (cls == FIELD_NUMBER)
        return number_node(c, v, count, field, &m, is_time, ret);
    if (m.compare != COMPARE_NONE)
        return compile_fail(c, item->line, "the field '%.*s' is text: it cannot be compared as a number",
                            STR_ARG(name));
    if (m.cidr)
        return cidr_node(c, v, count, field, ret);
    return text_node(c, v, count, field, &m, ret);
}

static bool is_lazy(const struct compile *c, const struct node *n)
{
    return n->op == NODE_TEXT && c->set->matchers[n->matcher].lazy;
}

/* Cheap conditions first: what needs a regular expression tried waits for the others. */
static void cheap_first(const struct compile *c, struct node *n)
{
    for (unsigned pass = 1; pass < n->count; pass++)
        for (unsigned i = pass; i && is_lazy(c, n->kids[i - 1]) && !is_lazy(c, n->kids[i]); i--) {
            struct node *swap = n->kids[i];
            n->kids[i] = n->kids[i - 1];
            n->kids[i - 1] = swap;
        }
}

/* map: all items; list of maps: any of them */
static int selection_compile(struct compile *c, const struct yaml_tree *sel, struct node **ret)
{
    if (sel->kind == YAML_TREE_SCALAR || sel->count == 0)
        return compile_fail(c, sel->line, "a selection must be a map of fields or a list of such maps");
    bool list = sel->kind == YAML_TREE_LIST;
    struct node *n = node_new(c, list ? NODE_OR : NODE_AND, sel->count);
    if (!n)
        return node_failed(c);
    for (const struct yaml_tree *i = sel->child; i; i = i->next) {
        if (list && i->kind != YAML_TREE_MAP)
            return compile_fail(c, i->line, "words without a field are not supported");
        int rc = list ? selection_compile(c, i, &n->kids[n->count]) : item_compile(c, i, &n->kids[n->count]);
        if (rc < 0)
            return rc;
        n->count++;
    }
    if (!list)
        cheap_first(c, n);
    *ret = n;
    return 0;
}

/* ---- conditions -------------------------------------------------------------- */

#define SELECTIONS_MAX 64

struct condition {
    struct compile *c;
    struct str rest;
    unsigned line, depth;
    struct str names[SELECTIONS_MAX];
    struct node *nodes[SELECTIONS_MAX];
    bool used[SELECTIONS_MAX];
    unsigned count;
};

static struct str token_peek(const struct condition *p)
{
    struct str s = str_trim(p->rest);
    size_t n = 0;
    if (s.n && (s.p[0] == '(' || s.p[0] == ')'))
        return str_sub(s, 0, 1);
    while (n < s.n && s.p[n] != '(' && s.p[n] != ')' && s.p[n] != ' ' && s.p[n] != '\t' && s.p[n] != '\n')
        n++;
    return str_sub(s, 0, n);
}

static struct str token_take(struct condition *p)
{
    struct str t = token_peek(p);
    if (t.n)
        p->rest = (struct str){t.p + t.n, (size_t)(p->rest.p + p->rest.n - (t.p + t.n))};
    return t;
}

static int parse_or(struct condition *p, struct node **ret);

/* "1 of x*", "all of them", "any of x*" behind its first word. */
static int parse_of(struct condition *p, bool all, struct node **ret)
{
    token_take(p); /* "of" */
    struct str pattern = token_take(p);
    bool them = str_eqz(pattern, "them");
    struct node *n = node_new(p->c, all ? NODE_AND : NODE_OR, p->count + 1);
    if (!n)
        return node_failed(p->c);
    for (unsigned i = 0; i < p->count; i++)
        if (them ? !(p->names[i].n && p->names[i].p[0] == '_') : str_glob(pattern, p->names[i], false)) {
            n->kids[n->count++] = p->nodes[i];
            p->used[i] = true;
        }
    if (n->count == 0)
        return compile_fail(p->c, p->line, "no selection matches '%.*s'", STR_ARG(pattern));
    *ret = n;
    return 0;
}

static int parse_primary(struct condition *p, struct node **ret)
{
    struct str t = token_take(p);
    if (t.n == 0)
        return compile_fail(p->c, p->line, "the condition ends too early");
    if (str_eqz(t, "(")) {
        int rc = parse_or(p, ret);
        if (rc < 0)
            return rc;
        if (!str_eqz(token_take(p), ")"))
            return compile_fail(p->c, p->line, "a ')' is missing in the condition");
        return 0;
    }
    if ((str_eqz(t, "1") || str_ieq(t, STR_LIT("any")) || str_ieq(t, STR_LIT("all"))) &&
        str_ieq(token_peek(p), STR_LIT("of")))
        return parse_of(p, str_ieq(t, STR_LIT("all")), ret);
    for (unsigned i = 0; i < p->count; i++)
        if (str_eq(t, p->names[i])) {
            p->used[i] = true;
            *ret = p->nodes[i];
            return 0;
        }
    return compile_fail(p->c, p->line, "the condition names '%.*s', which is no selection", STR_ARG(t));
}

static int parse_not(struct condition *p, struct node **ret)
{
    if (!str_ieq(token_peek(p), STR_LIT("not")))
        return parse_primary(p, ret);
    token_take(p);
    struct node *n = node_new(p->c, NODE_NOT, 1);
    if (!n)
        return node_failed(p->c);
    if (++p->depth > RULE_CONDITION_DEPTH_MAX)
        return compile_fail(p->c, p->line, "the condition is nested too deeply");
    int rc = parse_not(p, &n->kids[0]);
    p->depth--;
    n->count = 1;
    *ret = n;
    return rc;
}

/* One level of "a op a op a", as a left-leaning chain of pairs. */
static int parse_level(struct condition *p, enum node_op op, const char *word, struct node **ret)
{
    struct node *left;
    int rc = op == NODE_AND ? parse_not(p, &left) : parse_level(p, NODE_AND, "and", &left);
    unsigned terms = 1;
    while (rc >= 0 && str_ieq(token_peek(p), str_from(word))) {
        token_take(p);
        struct node *n = node_new(p->c, op, 2);
        if (!n)
            return node_failed(p->c);
        if (++terms > SELECTIONS_MAX)
            return compile_fail(p->c, p->line, "the condition is too long");
        n->kids[0] = left;
        n->count = 2;
        rc = op == NODE_AND ? parse_not(p, &n->kids[1]) : parse_level(p, NODE_AND, "and", &n->kids[1]);
        left = n;
    }
    if (rc >= 0)
        *ret = left;
    return rc;
}

static int parse_or(struct condition *p, struct node **ret)
{
    if (++p->depth > RULE_CONDITION_DEPTH_MAX)
        return compile_fail(p->c, p->line, "the condition is nested too deeply");
    int rc = parse_level(p, NODE_OR, "or", ret);
    p->depth--;
    return rc;
}

int detection_compile(struct compile *c, const struct yaml_tree *detection)
{
    struct condition p = {.c = c};
    const struct yaml_tree *condition = NULL;
    if (detection->kind != YAML_TREE_MAP)
        return compile_fail(c, detection->line, "detection must be a map of selections and a condition");
    for (const struct yaml_tree *s = detection->child; s; s = s->next) {
        if (str_eqz(s->key, "condition")) {
            condition = s;
            continue;
        }
        if (p.count == SELECTIONS_MAX)
            return compile_fail(c, s->line, "more than %d selections", SELECTIONS_MAX);
        int rc = selection_compile(c, s, &p.nodes[p.count]);
        if (rc < 0)
            return rc;
        p.names[p.count++] = s->key;
    }
    if (p.count == 0)
        return compile_fail(c, detection->line, "detection has no selection");
    if (!condition) {
        if (p.count > 1)
            return compile_fail(c, detection->line, "several selections need a condition");
        c->detector->root = p.nodes[0];
        return 0;
    }
    if (condition->kind != YAML_TREE_SCALAR)
        return compile_fail(c, condition->line, "the condition must be text");
    p.rest = condition->text;
    p.line = condition->line;
    int rc = parse_or(&p, &c->detector->root);
    if (rc < 0)
        return rc;
    if (token_peek(&p).n)
        return compile_fail(c, p.line, "unexpected '%.*s' in the condition", STR_ARG(token_peek(&p)));
    for (unsigned i = 0; i < p.count; i++)
        if (!p.used[i])
            return compile_fail(c, detection->line, "the selection '%.*s' is not used by the condition",
                                STR_ARG(p.names[i]));
    return 0;
}
