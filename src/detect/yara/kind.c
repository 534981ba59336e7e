/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/yara/kind.h"

#include "detect/yara/kind-private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define TESTS_MAX 20000
#define SET_ARENA_MAX (1u << 30)

struct problems {
    rule_problem *problem;
    void *context;
};

static void on_problem(void *context, bool warning, struct str file, unsigned line, const char *reason)
{
    const struct problems *p = context;
    char name[4096];
    if (warning || !p->problem) /* a slow rule is a good rule: `belljar yara scan` tells */
        return;
    snprintf(name, sizeof(name), "%.*s", STR_ARG(file));
    p->problem(p->context, name, line, reason);
}

static bool is_test(struct str name)
{
    return str_iends(name, STR_LIT(".test.yml"));
}

static unsigned set_looks(struct str text)
{
    (void)text;
    return 1; /* nobody else has files with these endings */
}

static int set_open(void **ret)
{
    struct yara_set *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    yara_pack_init(&s->pack);
    arena_init(&s->arena, SET_ARENA_MAX);
    *ret = s;
    return 0;
}

static void set_close(void **set)
{
    struct yara_set *s = *set;
    if (!s)
        return;
    yara_rules_free(&s->compiled);
    yara_pack_free(&s->pack);
    arena_free(&s->arena);
    free(s->rules);
    free(s->tests);
    free(s);
    *set = NULL;
}

static int test_add(struct yara_set *s, const char *file, struct str text, const struct problems *p)
{
    struct yaml_documents docs = {0};
    struct err inner = {0};
    unsigned line = 0;

    if (s->ntests == s->tests_cap) {
        size_t cap = s->tests_cap ? s->tests_cap * 2 : 32;
        struct set_test *t = cap <= 2 * TESTS_MAX ? realloc(s->tests, cap * sizeof(*t)) : NULL;
        if (!t)
            return -ENOMEM;
        s->tests = t;
        s->tests_cap = cap;
    }
    struct set_test t = {.file = arena_str(&s->arena, str_from(file))};
    text = arena_str(&s->arena, text);
    if (!t.file.p || !text.p)
        return -ENOMEM;
    int x = yaml_tree_parse(text, &s->arena, &docs, &line, &inner);
    if (x == 0 && docs.count > 1)
        x = err_set(&inner, ERR_FORMAT, "a file of tests is one list");
    if (x < 0 && p->problem)
        p->problem(p->context, file, line, inner.text);
    t.root = x < 0 ? NULL : docs.first;
    s->bad_tests += x < 0;
    s->tests[s->ntests++] = t;
    return 0;
}

static int set_add(void *set, const char *file, struct str text, rule_problem *problem, void *context, struct err *e)
{
    const struct problems p = {problem, context};
    struct yara_set *s = set;
    int x = is_test(str_from(file)) ? test_add(s, file, text, &p) : yara_pack_add_text(&s->pack, file, text, e);
    return x == -ENOMEM ? err_set(e, x, "no memory for YARA rules") : x;
}

static struct str file_of(const struct yara_set *s, struct str ns)
{
    for (size_t i = 0; i < s->pack.count; i++)
        if (!s->pack.texts[i].included_only && str_eq(s->pack.texts[i].ns, ns))
            return s->pack.texts[i].file;
    return STR_NONE;
}

static int on_rule(void *context, const struct yara_hit *rule)
{
    struct yara_set *s = context;
    char id[2 * YARA_TEXT_MAX + 32];

    if (s->nrules == s->rules_cap) {
        size_t cap = s->rules_cap ? s->rules_cap * 2 : 256;
        struct set_rule *r = realloc(s->rules, cap * sizeof(*r));
        if (!r)
            return -ENOMEM;
        s->rules = r;
        s->rules_cap = cap;
    }
    struct set_rule *k = &s->rules[s->nrules++];
    *k = (struct set_rule){.ns = arena_str(&s->arena, rule->ns), .name = arena_str(&s->arena, rule->rule)};
    yara_rule_id(rule->ns, rule->rule, id, sizeof(id));
    yara_meaning_of(rule, &k->meaning);
    k->id = arena_str(&s->arena, str_from(id));
    k->title = arena_str(&s->arena, k->meaning.description.n ? k->meaning.description : rule->rule);
    k->file = file_of(s, k->ns);
    return s->arena.failed ? s->arena.failed : 0;
}

static int set_finish(void *set, rule_problem *problem, void *context, struct err *e)
{
    const struct problems p = {problem, context};
    const struct yara_handlers h = {.context = (void *)(uintptr_t)&p, .problem = on_problem};
    struct yara_set *s = set;
    struct set_tally nothing = {0};

    if (!yara_pack_files(&s->pack))
        return 0;
    int x = yara_compile(s->pack.texts, s->pack.count, NULL, 0, &h, &s->compiled, e);
    if (x == ERR_MISSING) /* each bad file was told */
        return 0;
    if (x == 0)
        x = yara_rules_each(s->compiled, on_rule, s);
    if (x == 0)
        x = yara_set_tests(s, false, &nothing);
    return x < 0 ? err_set(e, x, "the YARA rules cannot be listed: %s", err_name(x)) : 0;
}

static size_t set_count(const void *set)
{
    return ((const struct yara_set *)set)->nrules;
}

static bool set_at(const void *set, size_t index, struct rule_item *ret)
{
    const struct yara_set *s = set;
    if (index >= s->nrules)
        return false;
    const struct set_rule *k = &s->rules[index];
    *ret = (struct rule_item){.id = k->id,
                              .title = k->title,
                              .file = k->file,
                              .level = str_from(severity_name(k->meaning.severity)),
                              .category = k->meaning.category,
                              .points = k->meaning.points,
                              .attack = k->meaning.attack,
                              .nattack = k->meaning.nattack,
                              .positive_tests = k->positive,
                              .negative_tests = k->negative};
    return true;
}

static int set_test(const void *set, unsigned *ret_run, unsigned *ret_failed, rule_problem *problem, void *context)
{
    struct yara_set *s = (struct yara_set *)(uintptr_t)set; /* a scan uses the set's scanner */
    struct set_tally t = {.problem = problem, .context = context, .failed = s->bad_tests};
    int x = yara_set_tests(s, true, &t);
    if (x < 0)
        return x;
    *ret_run = t.run;
    *ret_failed = t.failed;
    return 0;
}

static const char *const suffixes[] = {".yar", ".yara", ".test.yml", NULL};

const struct rulekind yara_rulekind = {
    .name = "yara",
    .doc = "YARA rules over files, memory and traffic",
    .content = "content/yara",
    .suffixes = suffixes,
    .looks = set_looks,
    .open = set_open,
    .close = set_close,
    .add = set_add,
    .finish = set_finish,
    .count = set_count,
    .at = set_at,
    .test = set_test,
};
