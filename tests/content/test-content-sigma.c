/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The Sigma rules that come with Belljar: complete, true to their own tests, and silent on ordinary programs. */
#include "detect/attack.h"
#include "detect/finding.h"
#include "detect/sigma/sigma.h"
#include "detect/yaml.h"
#include "event/event.h"

#include "base/buf.h"
#include "os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define CONTENT "../../content/sigma"
#define STREAMS "../../src/detect/streams/"
#define PIDS_MAX 16

static void on_problem(void *context, const char *file, unsigned line, const char *reason)
{
    (void)context;
    fail_msg("%s:%u: %s", file, line, reason);
}

static struct sigma_rules *rules_load(void)
{
    struct sigma_rules *r;
    struct err e = {0};
    assert_int_equal(sigma_rules_new(&r), 0);
    if (sigma_rules_load_dir(r, CONTENT, on_problem, NULL, &e) < 0 || sigma_rules_compile(r, on_problem, NULL, &e) < 0)
        fail_msg("%s", e.text);
    return r;
}

static bool is_level(struct str s)
{
    static const char *const levels[] = {"informational", "low", "medium", "high", "critical"};
    for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++)
        if (str_eqz(s, levels[i]))
            return true;
    return false;
}

/* A random UUID, version 4: xxxxxxxx-xxxx-4xxx-[89ab]xxx-xxxxxxxxxxxx. */
static bool is_uuid4(struct str s)
{
    if (s.n != 36 || s.p[14] != '4' || !memchr("89ab", s.p[19], 4))
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (i == 8 || i == 13 || i == 18 || i == 23 ? s.p[i] != '-' : !memchr("0123456789abcdef", s.p[i], 16))
            return false;
    return true;
}

static void rule_check(const struct sigma_rule_info *i)
{
#define NEED(x, what)                                                                                                  \
    if (!(x))                                                                                                          \
    fail_msg("%.*s, line %u: %s", STR_ARG(i->file), i->line, what)
    NEED(is_uuid4(i->id), "the id is no random UUID");
    NEED(i->title.n >= 8 && i->title.n <= 110, "the title is too short or too long");
    NEED(i->description.n && i->description.p[i->description.n - 1] == '.', "the description is no sentence");
    NEED(str_eqz(i->author, "Belljar"), "it is not ours");
    NEED(is_level(i->level), "unknown level");
    NEED(i->nattack > 0, "no technique");
    NEED(i->nfalsepositives > 0, "no word on false positives");
    NEED(i->positive_tests > 0 && i->negative_tests > 0, "a test that matches and one that nearly matches are needed");
    NEED(!i->inert, "it can never match");
    for (unsigned a = 0; a < i->nattack; a++) {
        const struct attack_technique *t = attack_technique(i->attack[a]);
        NEED(t && str_eqz(i->attack[a], t->id), "a technique is unknown or has another number now");
    }
#undef NEED
}

static void every_rule_is_complete(void **state)
{
    struct sigma_rules *r = rules_load();
    struct sigma_rule_info i, j;
    unsigned correlations = 0;
    (void)state;
    assert_true(sigma_rules_count(r) >= 100);
    for (size_t k = 0; sigma_rules_at(r, k, &i); k++) {
        rule_check(&i);
        correlations += i.correlation;
        for (size_t m = 0; m < k && sigma_rules_at(r, m, &j); m++)
            if (str_eq(i.id, j.id) || str_eq(i.title, j.title))
                fail_msg("%.*s and %.*s have the same id or title", STR_ARG(i.file), STR_ARG(j.file));
    }
    assert_true(correlations >= 4);
    sigma_rules_free(&r);
}

static void every_test_passes(void **state)
{
    struct sigma_rules *r = rules_load();
    unsigned run = 0, failed = 0;
    (void)state;
    assert_int_equal(sigma_rules_test(r, &run, &failed, on_problem, NULL), 0);
    assert_int_equal(failed, 0);
    assert_true(run >= 2 * sigma_rules_count(r));
    sigma_rules_free(&r);
}

/* ---- streams ------------------------------------------------------------------------------------------------- */

struct play {
    const struct sigma_rules *rules;
    struct sigma_engine *g;
    struct str stream; /* name */
    struct {
        uint64_t pid;
        struct str image;
    } procs[PIDS_MAX]; /* Image of each process so far */
    unsigned nprocs, loud, events;
};

static void on_match(void *context, const struct sigma_match *m)
{
    struct play *p = context;
    struct sigma_rule_info i;
    assert_true(sigma_rules_at(p->rules, m->rule, &i));
    if (str_eqz(i.level, "informational") || str_eqz(i.level, "low"))
        return;
    p->loud++;
    print_message("%.*s: %.*s (%.*s)\n", STR_ARG(p->stream), STR_ARG(i.title), STR_ARG(i.level));
}

static struct str image_of(struct play *p, const struct yaml_tree *ev, bool exec)
{
    const struct yaml_tree *pid = yaml_tree_get(ev, "pid"), *image = yaml_tree_get(ev, "Image");
    uint64_t n = 1000;
    if (pid && str_u64(pid->text, 10, &n) < 0)
        n = 1; /* "{i}": many processes of one kind */
    for (unsigned i = 0; i < p->nprocs; i++)
        if (p->procs[i].pid == n) {
            if (exec)
                p->procs[i].image = image->text;
            return p->procs[i].image;
        }
    if (!exec || p->nprocs == PIDS_MAX)
        return STR_NONE;
    p->procs[p->nprocs].pid = n;
    p->procs[p->nprocs++].image = image->text;
    return image->text;
}

static void field_add(struct play *p, struct sigma_field *fields, size_t *n, const char *name, struct str text)
{
    double number = 0;
    uint64_t u;
    bool digits = str_u64(text, 10, &u) == 0;
    if (digits)
        number = (double)u;
    fields[(*n)++] = (struct sigma_field){sigma_engine_name(p->g, str_from(name)),
                                          {digits ? SIGMA_NUMBER : SIGMA_TEXT, text, number}};
}

/* The names that Sigma has for fields of the categories dns and proxy. */
static const char *sigma_name(const char *category, struct str field)
{
    static const struct {
        const char *category, *ours, *sigma;
    } names[] = {
        {"dns_query", "QueryName", "query"},
        {"dns_query", "QueryType", "record_type"},
        {"dns_query", "QueryResults", "answer"},
        {"proxy", "Url", "c-uri"},
        {"proxy", "Host", "cs-host"},
        {"proxy", "Method", "cs-method"},
        {"proxy", "UserAgent", "c-useragent"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(names[i].category, category) == 0 && str_eqz(field, names[i].ours))
            return names[i].sigma;
    return NULL;
}

static void event_play(struct play *p, const struct yaml_tree *ev)
{
    const struct event_kind_info *k = event_kind_by_name(yaml_tree_get(ev, "kind")->text);
    struct sigma_field fields[32];
    struct sigma_event out = {.index = p->events++, .time_ns = p->events * 1000000000ll, .fields = fields};
    assert_non_null(k);
    bool exec = strcmp(k->sigma, "process_creation") == 0;
    struct str image = image_of(p, ev, exec);
    if (!*k->sigma)
        return;
    const char *category = strcmp(k->sigma, "dns_query") == 0 ? "dns" : k->sigma;
    struct sigma_source src = {.category = str_from(category)};
    if (strcmp(category, "dns") && strcmp(category, "proxy"))
        src.product = STR_LIT("linux");
    int rc = sigma_engine_source(p->g, &src, &out.sources[0]);
    assert_true(rc >= 0);
    out.nsources = 1;
    for (const struct yaml_tree *f = ev->child; f && out.nfields < 30; f = f->next) {
        char name[64];
        snprintf(name, sizeof(name), "%.*s", STR_ARG(f->key));
        const char *other = sigma_name(k->sigma, f->key);
        if (f->kind == YAML_TREE_SCALAR && !str_eqz(f->key, "kind") && !str_eqz(f->key, "pid"))
            field_add(p, fields, &out.nfields, other ? other : name, f->text);
    }
    if (!exec && image.n)
        field_add(p, fields, &out.nfields, "Image", image);
    assert_int_equal(sigma_engine_event(p->g, &out), 0);
}

/* Plays every stream of a file; returns how many there are, and how many matches of medium and more in *ret_loud. */
static unsigned streams_play(const char *path, unsigned *ret_loud)
{
    struct sigma_rules *r = rules_load();
    struct yaml_documents docs;
    struct arena arena;
    struct buf text;
    struct err e = {0};
    struct play p = {.rules = r};
    arena_init(&arena, 64u << 20);
    if (file_read(path, 1 << 20, &text, &e) < 0 || yaml_tree_parse(buf_str(&text), &arena, &docs, NULL, &e) < 0)
        fail_msg("%s", e.text);
    for (const struct yaml_tree *d = docs.first; d; d = d->next) {
        const struct yaml_tree *events = yaml_tree_get(d, "events");
        p.stream = yaml_tree_get(d, "name")->text;
        p.nprocs = p.events = 0;
        assert_int_equal(sigma_engine_new(r, NULL, on_match, &p, &p.g), 0);
        for (const struct yaml_tree *ev = events->child; ev; ev = ev->next)
            event_play(&p, ev);
        assert_int_equal(sigma_engine_finish(p.g), 0);
        sigma_engine_free(&p.g);
    }
    *ret_loud = p.loud;
    buf_free(&text);
    arena_free(&arena);
    sigma_rules_free(&r);
    return docs.count;
}

static void ordinary_programs_are_silent(void **state)
{
    unsigned loud;
    (void)state;
    assert_true(streams_play(STREAMS "ordinary.yml", &loud) >= 20);
    assert_int_equal(loud, 0);
}

static void stories_of_malware_are_heard(void **state)
{
    unsigned loud;
    (void)state;
    assert_true(streams_play(STREAMS "hostile.yml", &loud) >= 5);
    assert_true(loud >= 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_is_complete),
        cmocka_unit_test(every_test_passes),
        cmocka_unit_test(ordinary_programs_are_silent),
        cmocka_unit_test(stories_of_malware_are_heard),
    };
    return cmocka_run_group_tests_name("content-sigma", tests, NULL, NULL);
}
