/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sets of rules: making, loading, what a list shows. */
#include "detect/regex.h"
#include "detect/rulefiles.h"
#include "detect/sigma/sigma-private.h"
#include "os/file.h"

#include <errno.h>
#include <stdlib.h>

#define PLACEHOLDERS_MAX 1024

int sigma_rules_new(struct sigma_rules **ret)
{
    struct sigma_rules *r = calloc(1, sizeof(*r));
    uint32_t keywords;
    if (!r)
        return -ENOMEM;
    r->weight = 100;
    arena_init(&r->arena, SIGMA_ARENA_MAX);
    int rc = names_add(&r->fields, &r->arena, STR_LIT(""), &keywords);
    if (rc < 0 || keywords != FIELD_KEYWORDS) {
        sigma_rules_free(&r);
        return -ENOMEM;
    }
    *ret = r;
    return 0;
}

static void kept_free(struct kept *k)
{
    arena_free(&k->arena);
    free(k);
}

void sigma_rules_free(struct sigma_rules **p)
{
    struct sigma_rules *r = *p;
    if (!r)
        return;
    for (uint32_t i = 0; i < r->natoms; i++)
        if (r->atoms[i].op == ATOM_REGEX)
            regex_free(r->atoms[i].regex);
    while (r->kept) {
        struct kept *next = r->kept->next;
        kept_free(r->kept);
        r->kept = next;
    }
    for (uint32_t i = 0; i < r->nbuckets; i++) {
        free(r->buckets[i].rules);
        free(r->buckets[i].always);
        free(r->buckets[i].fields);
    }
    free(r->buckets);
    sigma_names_free(&r->bucket_names);
    sigma_names_free(&r->fields);
    finder_free(&r->finder);
    free(r->post_first);
    free(r->post);
    free(r->order);
    free(r->rules);
    free(r->filters);
    free(r->placeholders);
    free(r->atoms);
    free(r->atom_table);
    arena_free(&r->arena);
    free(r);
    *p = NULL;
}

int sigma_rules_placeholder(struct sigma_rules *r, struct str name, const struct str *values, size_t n)
{
    struct placeholder p = {.n = n};
    if (r->nplaceholders >= PLACEHOLDERS_MAX)
        return ERR_LIMIT;
    struct placeholder *more = realloc(r->placeholders, (r->nplaceholders + 1) * sizeof(*more));
    if (!more)
        return -ENOMEM;
    r->placeholders = more;
    /* With or without the percent signs around it. */
    if (name.n >= 2 && name.p[0] == '%' && name.p[name.n - 1] == '%')
        name = str_sub(name, 1, name.n - 2);
    p.name = fold_copy(&r->arena, name);
    struct str *copies = arena_array(&r->arena, n ? n : 1, sizeof(*copies));
    if (!p.name.p || !copies)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        copies[i] = values[i].n ? arena_str(&r->arena, values[i]) : STR_LIT("");
        if (!copies[i].p)
            return -ENOMEM;
    }
    p.values = copies;
    r->placeholders[r->nplaceholders++] = p;
    return 0;
}

void sigma_rules_weight(struct sigma_rules *r, unsigned percent)
{
    r->weight = percent < 100 ? percent : 100;
}

bool sigma_rules_off(struct sigma_rules *r, struct str id)
{
    bool found = false;
    for (size_t i = 0; i < r->count && id.n; i++)
        if (str_ieq(r->rules[i].info.id, id)) {
            r->rules[i].off = true;
            found = true;
        }
    return found;
}

static void tell(sigma_problem *problem, void *context, const char *file, unsigned line, const struct err *e)
{
    if (problem)
        problem(context, file, line, e->text);
}

int sigma_rules_add(struct sigma_rules *r, const char *file, struct str yaml, sigma_problem *problem, void *context,
                    struct err *e)
{
    struct yaml_documents docs;
    struct err bad = {0};
    struct sc c = {.set = r, .err = &bad};
    unsigned line = 0;
    int good = 0, fatal = 0;
    bool tests = false;
    if (r->compiled)
        return err_set(e, ERR_CONFLICT, "%s: the rules are compiled already", file);
    struct str name = str_from(arena_dupz(&r->arena, file));
    struct kept *k = calloc(1, sizeof(*k));
    if (!name.p || !k) {
        free(k);
        return err_set(e, -ENOMEM, "no memory for rules");
    }
    arena_init(&k->arena, SIGMA_ARENA_MAX);
    int rc = yaml_tree_parse(yaml, &k->arena, &docs, &line, &bad);
    if (rc < 0)
        tell(problem, context, file, line, &bad);
    if (rc < 0 && !docs.first) {
        kept_free(k);
        return err_set(e, rc, "%s: %s", file, bad.text);
    }
    for (const struct yaml_tree *d = docs.first; d && fatal != -ENOMEM; d = d->next) {
        if (yaml_tree_is_null(d))
            continue;
        bad = (struct err){0};
        int n = sigma_document_add(&c, name, d);
        if (n < 0)
            tell(problem, context, file, c.line, &bad);
        if (n == -ENOMEM)
            fatal = n;
        good += n > 0;
        tests = tests || (n > 0 && r->rules[r->count - 1].tests);
    }
    if (tests) {
        k->next = r->kept;
        r->kept = k;
    } else {
        kept_free(k);
    }
    return fatal ? err_set(e, fatal, "no memory for rules") : good;
}

static bool yaml_file(const char *name)
{
    return str_ends(str_from(name), STR_LIT(".yml")) || str_ends(str_from(name), STR_LIT(".yaml"));
}

/* -ENOMEM and such; a file that cannot be read is told and left out. */
static int file_add(struct sigma_rules *r, const char *path, sigma_problem *problem, void *context, struct err *e)
{
    struct buf text;
    struct err why = {0};
    int n = file_read(path, YAML_TREE_BYTES_MAX, &text, &why);
    if (n < 0) {
        tell(problem, context, path, 0, &why);
        return 0;
    }
    n = sigma_rules_add(r, path, buf_str(&text), problem, context, &why);
    buf_free(&text);
    return n == -ENOMEM || n == ERR_CONFLICT ? err_set(e, n, "%s", why.text) : n > 0 ? n : 0;
}

int sigma_rules_load_dir(struct sigma_rules *r, const char *dir, sigma_problem *problem, void *context, struct err *e)
{
    struct rulefiles files = {0};
    int total = 0;
    int rc = rulefiles_list(dir, yaml_file, &files, e);
    for (size_t i = 0; rc >= 0 && i < files.count; i++) {
        rc = file_add(r, files.items[i], problem, context, e);
        total += rc > 0 ? rc : 0;
    }
    rulefiles_free(&files);
    return rc < 0 ? rc : total;
}

size_t sigma_rules_count(const struct sigma_rules *r)
{
    return r->count;
}

bool sigma_rules_at(const struct sigma_rules *r, size_t index, struct sigma_rule_info *ret)
{
    if (index >= r->count)
        return false;
    *ret = r->rules[index].info;
    return true;
}
