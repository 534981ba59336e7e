/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sets of rules: making, loading, counting. */
#include "detect/behavior.h"

#include "detect/rule.h"
#include "detect/rulefiles.h"
#include "os/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define RULES_ARENA_MAX ((size_t)256 << 20)

int behavior_rules_new(struct behavior_rules **ret)
{
    struct behavior_rules *r = calloc(1, sizeof(*r));
    if (!r)
        return -ENOMEM;
    arena_init(&r->arena, RULES_ARENA_MAX);
    *ret = r;
    return 0;
}

void behavior_rules_free(struct behavior_rules **p)
{
    struct behavior_rules *r = *p;
    if (!r)
        return;
    for (size_t i = 0; i < r->npatterns; i++)
        pattern_free(&r->patterns[i]);
    free(r->rules);
    free(r->fields);
    free(r->matchers);
    free(r->patterns);
    arena_free(&r->arena);
    free(r);
    *p = NULL;
}

size_t behavior_rules_count(const struct behavior_rules *r)
{
    return r->count;
}

bool behavior_rules_at(const struct behavior_rules *r, size_t index, struct behavior_rule_info *ret)
{
    if (index >= r->count)
        return false;
    const struct rule *k = r->rules[index];
    *ret = (struct behavior_rule_info){.id = k->id,
                                       .title = k->title,
                                       .category = k->category,
                                       .description = k->description,
                                       .file = k->file,
                                       .line = k->line,
                                       .severity = k->severity,
                                       .points = k->points,
                                       .attack = k->attack,
                                       .nattack = k->nattack};
    for (const struct yaml_tree *t = k->tests ? k->tests->child : NULL; t; t = t->next) {
        if (str_eqz(t->key, "positive"))
            ret->positive_tests = t->count;
        else if (str_eqz(t->key, "negative"))
            ret->negative_tests = t->count;
    }
    return true;
}

void behavior_rules_weight(struct behavior_rules *r, unsigned percent)
{
    r->weight_lost = percent < 100 ? 100 - percent : 0;
}

bool behavior_rules_off(struct behavior_rules *r, struct str id)
{
    for (size_t i = 0; i < r->count; i++)
        if (str_eq(r->rules[i]->id, id))
            return r->rules[i]->off = true;
    return false;
}

static void rule_weigh(struct rule *r, unsigned percent)
{
    r->points = r->points * percent / 100;
    if (percent == 0)
        r->severity = SEVERITY_INFO;
    else if (percent < 50 && r->severity > SEVERITY_MEDIUM)
        r->severity = SEVERITY_MEDIUM;
}

static int rule_keep(struct behavior_rules *s, struct rule *r, struct err *e)
{
    for (size_t i = 0; i < s->count; i++)
        if (str_eq(s->rules[i]->id, r->id))
            return err_set(e, ERR_CONFLICT, "the id '%.*s' is taken by a rule in %.*s", STR_ARG(r->id),
                           STR_ARG(s->rules[i]->file));
    if (s->count >= RULES_MAX)
        return err_set(e, ERR_LIMIT, "more than %d rules", RULES_MAX);
    if (s->count == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 64;
        struct rule **rules = realloc(s->rules, cap * sizeof(struct rule *));
        if (!rules)
            return err_set(e, -ENOMEM, "no memory for rules");
        s->rules = rules;
        s->cap = cap;
    }
    for (unsigned i = 0; i < r->ndetectors; i++)
        r->detectors[i].rule = (uint32_t)s->count;
    rule_weigh(r, 100 - s->weight_lost);
    s->rules[s->count++] = r;
    return 0;
}

/* One document. What a bad rule left in the tables is taken back. */
static int document_add(struct behavior_rules *s, struct str file, const struct yaml_tree *doc, unsigned *ret_line,
                        struct err *e)
{
    size_t nmatchers = s->nmatchers, npatterns = s->npatterns;
    struct rule *r = arena_alloc(&s->arena, sizeof(*r));
    struct compile c = {.set = s, .rule = r, .err = e, .line = doc->line};
    if (!r)
        return err_set(e, s->arena.failed, "no memory for rules");
    r->file = file;
    int rc = rule_parse(&c, doc);
    if (rc >= 0) {
        c.line = doc->line;
        rc = rule_keep(s, r, e);
    }
    if (rc < 0) {
        while (s->npatterns > npatterns)
            pattern_free(&s->patterns[--s->npatterns]);
        s->nmatchers = nmatchers;
        *ret_line = c.line;
    }
    return rc;
}

int behavior_rules_add(struct behavior_rules *r, const char *file, struct str yaml, behavior_problem *problem,
                       void *context, struct err *e)
{
    struct yaml_documents docs;
    struct err bad = {0};
    unsigned line = 0;
    int good = 0;
    struct str name = str_from(arena_dupz(&r->arena, file));
    if (!name.p)
        return err_set(e, -ENOMEM, "no memory for rules");
    int rc = yaml_tree_parse(yaml, &r->arena, &docs, &line, &bad);
    if (rc < 0 && problem)
        problem(context, file, line, bad.text);
    for (const struct yaml_tree *d = docs.first; d; d = d->next) {
        if (yaml_tree_is_null(d))
            continue;
        bad = (struct err){0};
        line = 0;
        if (document_add(r, name, d, &line, &bad) >= 0)
            good++;
        else if (problem)
            problem(context, file, line, bad.text);
    }
    if (rc < 0 && !docs.first)
        return err_set(e, rc, "%s: %s", file, bad.text);
    return good;
}

static bool yaml_file(const char *name)
{
    return str_ends(str_from(name), STR_LIT(".yml")) || str_ends(str_from(name), STR_LIT(".yaml"));
}

int behavior_rules_load_dir(struct behavior_rules *r, const char *dir, behavior_problem *problem, void *context,
                            struct err *e)
{
    struct rulefiles files = {0};
    int total = 0;
    int rc = rulefiles_list(dir, yaml_file, &files, e);
    for (size_t i = 0; rc >= 0 && i < files.count; i++) {
        struct buf text;
        struct err why = {0};
        int n = file_read(files.items[i], YAML_TREE_BYTES_MAX, &text, &why);
        if (n < 0) {
            if (problem)
                problem(context, files.items[i], 0, why.text);
            continue;
        }
        n = behavior_rules_add(r, files.items[i], buf_str(&text), problem, context, &why);
        buf_free(&text);
        total += n > 0 ? n : 0;
        if (n == -ENOMEM)
            rc = err_set(e, -ENOMEM, "no memory for rules");
    }
    rulefiles_free(&files);
    return rc < 0 ? rc : total;
}
