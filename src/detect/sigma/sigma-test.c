/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tests inside rules (docs/user/sigma.md, section Tests): each event is judged with and without the index. */
#include "detect/sigma/sigma-private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct trial {
    const struct sigma_rules *r;
    struct sigma_engine *engines[2];
    size_t rule;
    bool hit;
    uint64_t index;
    sigma_problem *problem;
    void *context;
    unsigned run, failed;
};

static void on_match(void *context, const struct sigma_match *m)
{
    struct trial *t = context;
    t->hit = t->hit || m->rule == t->rule;
}

static void fail(struct trial *t, unsigned line, const char *what)
{
    t->failed++;
    if (t->problem)
        t->problem(t->context, t->r->rules[t->rule].info.file.p, line, what);
}

/* A value as a log would give it. */
static struct sigma_value value_of(const struct yaml_tree *v)
{
    struct sigma_value ret = {.kind = SIGMA_TEXT, .text = v->text};
    if (yaml_tree_is_null(v))
        return (struct sigma_value){.kind = SIGMA_NULL, .text = STR_LIT("")};
    if (v->plain && (str_eqz(v->text, "true") || str_eqz(v->text, "false")))
        ret.kind = SIGMA_BOOL;
    else if (v->plain && number_of(v->text, &ret.number))
        ret.kind = SIGMA_NUMBER;
    return ret;
}

/* NULL, or what is wrong with the event. */
static const char *fields_take(const struct sigma_engine *g, const struct yaml_tree *event, bool timed,
                               struct sigma_field *fields, struct sigma_event *ev)
{
    ev->time_ns = -1;
    for (const struct yaml_tree *f = event->child; f; f = f->next) {
        double seconds;
        if (timed && str_eqz(f->key, "time")) {
            if (!number_of(f->text, &seconds) || seconds < 0 || seconds > 1e9)
                return "'time' must be a number of seconds";
            ev->time_ns = (int64_t)(seconds * 1e9);
            continue;
        }
        if (f->kind == YAML_TREE_MAP)
            return "a field of an event has a value or a list of values";
        for (const struct yaml_tree *v = f->kind == YAML_TREE_LIST ? f->child : f; v; v = v->next) {
            if (v->kind != YAML_TREE_SCALAR)
                return "a field of an event has a value or a list of values";
            if (ev->nfields == SIGMA_EVENT_FIELDS_MAX)
                return "the event has too many fields";
            fields[ev->nfields++] = (struct sigma_field){sigma_engine_name(g, f->key), value_of(v)};
            if (v == f)
                break;
        }
    }
    ev->fields = fields;
    return NULL;
}

/* The log sources of a rule, or of all rules that a correlation stands on. */
static int sources_add(struct trial *t, struct sigma_engine *g, size_t rule, struct sigma_event *ev, unsigned depth)
{
    const struct rule *r = &t->r->rules[rule];
    uint32_t source;
    int rc = 0;
    if (r->correlation) {
        for (unsigned i = 0; i < r->correlation->nrefs && rc >= 0 && depth < SIGMA_DEPTH_MAX; i++)
            rc = sources_add(t, g, r->correlation->refs[i].rule, ev, depth + 1);
        return rc;
    }
    rc = sigma_engine_source(g, &r->info.source, &source);
    if (rc < 0)
        return rc;
    for (unsigned i = 0; i < ev->nsources; i++)
        if (ev->sources[i] == source)
            return 0;
    if (ev->nsources < SIGMA_EVENT_SOURCES_MAX)
        ev->sources[ev->nsources++] = source;
    return 0;
}

static int event_play(struct trial *t, struct sigma_engine *g, const struct yaml_tree *event, bool timed)
{
    static _Thread_local struct sigma_field fields[SIGMA_EVENT_FIELDS_MAX];
    struct sigma_event ev = {.index = t->index++};
    if (event->kind != YAML_TREE_MAP) {
        fail(t, event->line, "an event is a map of fields");
        return ERR_FORMAT;
    }
    const char *bad = fields_take(g, event, timed, fields, &ev);
    if (bad) {
        fail(t, event->line, bad);
        return ERR_FORMAT;
    }
    int rc = sources_add(t, g, t->rule, &ev, 0);
    return rc < 0 ? rc : sigma_engine_event(g, &ev);
}

/* One test: an event, or the events of a correlation. */
static int test_play(struct trial *t, struct sigma_engine *g, const struct yaml_tree *test)
{
    int rc = 0;
    t->hit = false;
    sigma_engine_reset(g);
    if (test->kind == YAML_TREE_MAP)
        rc = event_play(t, g, test, false);
    for (const struct yaml_tree *e = test->kind == YAML_TREE_LIST ? test->child : NULL; e && rc >= 0; e = e->next)
        rc = event_play(t, g, e, true);
    return rc < 0 ? rc : sigma_engine_finish(g);
}

static int tests_play(struct trial *t, const struct yaml_tree *list, bool expect)
{
    for (const struct yaml_tree *test = list ? list->child : NULL; test; test = test->next) {
        t->run++;
        for (unsigned i = 0; i < 2; i++) {
            int rc = test_play(t, t->engines[i], test);
            if (rc == -ENOMEM)
                return rc;
            if (rc == ERR_FORMAT)
                break;
            if (rc >= 0 && t->hit == expect)
                continue;
            fail(t, test->line,
                 rc < 0   ? "the test cannot be run: too large"
                 : expect ? "the rule should match this, and does not"
                          : "the rule should not match this, and does");
            break;
        }
    }
    return 0;
}

int sigma_rules_test(const struct sigma_rules *r, unsigned *ret_run, unsigned *ret_failed, sigma_problem *problem,
                     void *context)
{
    struct trial t = {.r = r, .problem = problem, .context = context};
    int rc = 0;
    for (unsigned i = 0; i < 2 && rc >= 0; i++) {
        struct sigma_options o = {.no_index = i == 1};
        rc = sigma_engine_new(r, &o, on_match, &t, &t.engines[i]);
        if (rc >= 0)
            sigma_engine_tell_all(t.engines[i]);
    }
    for (t.rule = 0; t.rule < r->count && rc >= 0; t.rule++) {
        const struct yaml_tree *tests = r->rules[t.rule].tests;
        if (!tests)
            continue;
        rc = tests_play(&t, yaml_tree_get(tests, "match"), true);
        if (rc >= 0)
            rc = tests_play(&t, yaml_tree_get(tests, "nomatch"), false);
    }
    sigma_engine_free(&t.engines[0]);
    sigma_engine_free(&t.engines[1]);
    *ret_run = t.run;
    *ret_failed = t.failed;
    return rc < 0 ? rc : 0;
}
