/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One document of a rule file: a rule, a correlation or a filter. */
#include "detect/sigma/sigma-private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int sc_fail(struct sc *c, unsigned line, const char *format, ...)
{
    char text[384];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    c->line = line;
    return err_set(c->err, ERR_FORMAT, "%s", text);
}

int sc_memory(struct sc *c)
{
    if (c->set->arena.failed == ERR_LIMIT)
        return err_set(c->err, ERR_LIMIT, "all rules together are too large");
    return err_set(c->err, -ENOMEM, "no memory for rules");
}

/* Copies a text; "" when the key is absent or no text. */
static int text_take(struct sc *c, const struct yaml_tree *doc, const char *key, struct str *ret)
{
    const struct yaml_tree *v = yaml_tree_get(doc, key);
    *ret = STR_LIT("");
    if (!v || v->kind != YAML_TREE_SCALAR || v->text.n == 0 || yaml_tree_is_null(v))
        return 0;
    *ret = arena_str(&c->set->arena, v->text);
    return ret->p ? 0 : sc_memory(c);
}

/* A text or a list of texts. */
static int texts_take(struct sc *c, const struct yaml_tree *doc, const char *key, const struct str **ret,
                      unsigned *ret_n)
{
    const struct yaml_tree *v = yaml_tree_get(doc, key);
    *ret = NULL;
    *ret_n = 0;
    if (!v || v->kind == YAML_TREE_MAP || yaml_tree_is_null(v))
        return 0;
    unsigned max = v->kind == YAML_TREE_SCALAR ? 1 : v->count;
    if (max > SIGMA_TAGS_MAX)
        return sc_fail(c, v->line, "'%s' has more than %d entries", key, SIGMA_TAGS_MAX);
    struct str *items = arena_array(&c->set->arena, max ? max : 1, sizeof(*items));
    if (!items)
        return sc_memory(c);
    unsigned n = 0;
    for (const struct yaml_tree *k = v->kind == YAML_TREE_SCALAR ? v : v->child; k; k = k->next) {
        if (k->kind == YAML_TREE_SCALAR && k->text.n) {
            items[n] = arena_str(&c->set->arena, k->text);
            if (!items[n++].p)
                return sc_memory(c);
        }
        if (k == v)
            break;
    }
    *ret = items;
    *ret_n = n;
    return 0;
}

/* "attack.t1059.004" -> "T1059.004" */
static bool is_technique(struct str tag)
{
    struct str id = str_sub(tag, 7, tag.n);
    if (!str_istarts(tag, STR_LIT("attack.t")) || (id.n != 5 && id.n != 9))
        return false;
    for (size_t i = 1; i < id.n; i++)
        if (i == 5 ? id.p[i] != '.' : id.p[i] < '0' || id.p[i] > '9')
            return false;
    return true;
}

static int attack_take(struct sc *c, struct sigma_rule_info *info)
{
    struct str *ids = arena_array(&c->set->arena, info->ntags ? info->ntags : 1, sizeof(*ids));
    if (!ids)
        return sc_memory(c);
    for (unsigned i = 0; i < info->ntags; i++) {
        if (!is_technique(info->tags[i]))
            continue;
        struct str id = arena_str(&c->set->arena, str_sub(info->tags[i], 7, info->tags[i].n));
        if (!id.p)
            return sc_memory(c);
        ((char *)id.p)[0] = 'T';
        ids[info->nattack++] = id;
    }
    info->attack = ids;
    return 0;
}

static int level_check(struct sc *c, const struct yaml_tree *doc, struct str level)
{
    static const char *const levels[] = {"", "informational", "low", "medium", "high", "critical"};
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
        if (str_eqz(level, levels[i]))
            return 0;
    return sc_fail(c, yaml_tree_get(doc, "level")->line, "unknown level '%.*s'", STR_ARG(level));
}

static int info_take(struct sc *c, const struct yaml_tree *doc, struct sigma_rule_info *info)
{
    int rc = text_take(c, doc, "title", &info->title);
    if (rc >= 0 && info->title.n == 0)
        return sc_fail(c, doc->line, "the rule has no title");
    if (rc >= 0)
        rc = text_take(c, doc, "id", &info->id);
    if (rc >= 0)
        rc = text_take(c, doc, "description", &info->description);
    if (rc >= 0)
        rc = text_take(c, doc, "level", &info->level);
    if (rc >= 0)
        rc = level_check(c, doc, info->level);
    if (rc >= 0)
        rc = text_take(c, doc, "status", &info->status);
    if (rc >= 0)
        rc = text_take(c, doc, "author", &info->author);
    if (rc >= 0)
        rc = texts_take(c, doc, "tags", &info->tags, &info->ntags);
    if (rc >= 0)
        rc = texts_take(c, doc, "falsepositives", &info->falsepositives, &info->nfalsepositives);
    return rc < 0 ? rc : attack_take(c, info);
}

int source_parse(struct sc *c, const struct yaml_tree *doc, struct sigma_source *ret)
{
    const struct yaml_tree *s = yaml_tree_get(doc, "logsource");
    if (!s || s->kind != YAML_TREE_MAP)
        return sc_fail(c, s ? s->line : doc->line, "the rule has no logsource");
    int rc = text_take(c, s, "product", &ret->product);
    if (rc >= 0)
        rc = text_take(c, s, "category", &ret->category);
    if (rc >= 0)
        rc = text_take(c, s, "service", &ret->service);
    if (rc < 0)
        return rc;
    if (!ret->product.n && !ret->category.n && !ret->service.n)
        return sc_fail(c, s->line, "the logsource has no product, category or service");
    return 0;
}

static unsigned tests_count(const struct yaml_tree *tests, const char *key)
{
    const struct yaml_tree *l = yaml_tree_get(tests, key);
    return l && l->kind == YAML_TREE_LIST ? l->count : 0;
}

/* match: and nomatch: are lists of events (maps), or of lists of events for a correlation. */
static int tests_check(struct sc *c, const struct yaml_tree *tests, bool correlation)
{
    if (tests->kind != YAML_TREE_MAP)
        return sc_fail(c, tests->line, "'tests' must have 'match' and 'nomatch'");
    for (const struct yaml_tree *l = tests->child; l; l = l->next) {
        if (!str_eqz(l->key, "match") && !str_eqz(l->key, "nomatch"))
            return sc_fail(c, l->line, "'tests' has only 'match' and 'nomatch', not '%.*s'", STR_ARG(l->key));
        if (l->kind != YAML_TREE_LIST)
            return sc_fail(c, l->line, "'%.*s' must be a list", STR_ARG(l->key));
        for (const struct yaml_tree *t = l->child; t; t = t->next)
            if (t->kind != (correlation ? YAML_TREE_LIST : YAML_TREE_MAP))
                return sc_fail(c, t->line,
                               correlation ? "a test of a correlation is a list of events"
                                           : "a test is an event: a map of fields");
    }
    return 0;
}

static int grow(struct sc *c, void **items, size_t count, size_t *cap, size_t size, size_t max, const char *what)
{
    if (count < *cap)
        return 0;
    if (count >= max)
        return sc_fail(c, 0, "more than %zu %s", max, what);
    size_t more = *cap ? *cap * 2 : 64;
    void *p = realloc(*items, more * size);
    if (!p)
        return err_set(c->err, -ENOMEM, "no memory for rules");
    *items = p;
    *cap = more;
    return 0;
}

static int id_check(struct sc *c, const struct yaml_tree *doc, struct str id)
{
    const struct yaml_tree *v = yaml_tree_get(doc, "id");
    if (v && v->kind != YAML_TREE_SCALAR)
        return sc_fail(c, v->line, "the id must be a text");
    return id.n > 128 ? sc_fail(c, v->line, "the id is longer than 128 bytes") : 0;
}

static int rule_add(struct sc *c, struct str file, const struct yaml_tree *doc, const struct yaml_tree *correlation)
{
    struct sigma_rules *r = c->set;
    struct rule rule = {.info = {.file = file, .line = doc->line, .correlation = correlation != NULL}};
    int rc = info_take(c, doc, &rule.info);
    if (rc >= 0)
        rc = id_check(c, doc, rule.info.id);
    if (rc >= 0)
        rc = text_take(c, doc, "name", &rule.name);
    if (rc >= 0 && correlation) {
        rc = correlation_parse(c, correlation, &rule.correlation);
    } else if (rc >= 0) {
        rc = source_parse(c, doc, &rule.info.source);
        if (rc >= 0)
            rc = detection_build(c, yaml_tree_get(doc, "detection"), false, &rule.root);
    }
    rule.tests = yaml_tree_get(doc, "tests");
    if (rc >= 0 && rule.tests)
        rc = tests_check(c, rule.tests, correlation != NULL);
    if (rc >= 0)
        rc = grow(c, (void **)&r->rules, r->count, &r->cap, sizeof(*r->rules), SIGMA_RULES_MAX, "rules");
    if (rc < 0)
        return rc;
    rule.info.inert = c->inert;
    rule.info.weight = r->weight;
    rule.info.positive_tests = tests_count(rule.tests, "match");
    rule.info.negative_tests = tests_count(rule.tests, "nomatch");
    r->rules[r->count++] = rule;
    return 1;
}

static int filter_add(struct sc *c, struct str file, const struct yaml_tree *doc, const struct yaml_tree *tree)
{
    struct sigma_rules *r = c->set;
    struct filter f = {.file = file, .line = doc->line};
    const struct yaml_tree *rules = yaml_tree_get(tree, "rules");
    int rc = text_take(c, doc, "title", &f.title);
    if (rc >= 0 && f.title.n == 0)
        return sc_fail(c, doc->line, "the filter has no title");
    if (rc >= 0)
        rc = source_parse(c, doc, &f.source);
    if (rc >= 0 && !rules)
        return sc_fail(c, tree->line, "the filter has no list of rules ('any' for all of the logsource)");
    if (rc >= 0 && rules->kind == YAML_TREE_SCALAR && str_ieq(rules->text, STR_LIT("any")))
        f.any = true;
    else if (rc >= 0)
        rc = references_parse(c, rules, &f.refs, &f.nrefs);
    if (rc >= 0)
        rc = detection_build(c, tree, true, &f.root);
    if (rc >= 0)
        rc = grow(c, (void **)&r->filters, r->nfilters, &r->filters_cap, sizeof(*r->filters), SIGMA_FILTERS_MAX,
                  "filters");
    if (rc < 0)
        return rc;
    f.inert = c->inert;
    r->filters[r->nfilters++] = f;
    return 0;
}

int sigma_document_add(struct sc *c, struct str file, const struct yaml_tree *doc)
{
    c->line = doc->line;
    c->inert = false;
    if (doc->kind != YAML_TREE_MAP)
        return sc_fail(c, doc->line, "a rule must be a map");
    const struct yaml_tree *action = yaml_tree_get(doc, "action");
    const struct yaml_tree *detection = yaml_tree_get(doc, "detection");
    const struct yaml_tree *correlation = yaml_tree_get(doc, "correlation");
    const struct yaml_tree *filter = yaml_tree_get(doc, "filter");
    if (action)
        return sc_fail(c, action->line, "'action' (rule collections of Sigma 1) is deprecated and not supported");
    if ((detection != NULL) + (correlation != NULL) + (filter != NULL) > 1)
        return sc_fail(c, doc->line, "only one of detection, correlation and filter");
    if (filter)
        return filter->kind == YAML_TREE_MAP ? filter_add(c, file, doc, filter)
                                             : sc_fail(c, filter->line, "the filter must be a map");
    if (correlation)
        return rule_add(c, file, doc, correlation);
    if (!detection)
        return sc_fail(c, doc->line, "the rule has no detection");
    return rule_add(c, file, doc, NULL);
}
