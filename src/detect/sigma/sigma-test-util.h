/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For tests: events written in YAML, rules judged with and without the index. */
#ifndef BELLJAR_DETECT_SIGMA_SIGMA_TEST_UTIL_H
#define BELLJAR_DETECT_SIGMA_SIGMA_TEST_UTIL_H

#include "base/buf.h"
#include "detect/sigma/sigma.h"
#include "detect/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct seen {
    unsigned problems, line;
    char problem[512];
    unsigned matches;
    uint64_t hash;    /* of (rule, event) pairs in their order */
    char events[256]; /* of the last correlation: "1 2 5" */
    uint64_t last;    /* event of the last match */
    size_t rule;
};

static inline void seen_problem(void *context, const char *file, unsigned line, const char *reason)
{
    struct seen *s = context;
    (void)file;
    s->problems++;
    s->line = line;
    snprintf(s->problem, sizeof(s->problem), "%s", reason);
}

static inline void seen_match(void *context, const struct sigma_match *m)
{
    struct seen *s = context;
    size_t at = 0;
    s->matches++;
    s->hash = (s->hash ^ (m->rule * 131071 + m->event->index)) * 0x100000001b3u;
    s->last = m->event->index;
    s->rule = m->rule;
    s->events[0] = '\0';
    for (size_t i = 0; i < m->nevents && at + 24 < sizeof(s->events); i++)
        at += (size_t)snprintf(s->events + at, sizeof(s->events) - at, "%s%llu", i ? " " : "",
                               (unsigned long long)m->events[i]);
}

/* The rules of a text, compiled; problems in *s. */
static inline struct sigma_rules *rules_of(const char *yaml, struct seen *s)
{
    struct sigma_rules *r;
    struct err e = {0};
    assert_int_equal(sigma_rules_new(&r), 0);
    sigma_rules_add(r, "test", str_from(yaml), seen_problem, s, &e);
    if (sigma_rules_compile(r, seen_problem, s, &e) < 0)
        fail_msg("%s", e.text);
    return r;
}

static inline struct sigma_value seen_value(const struct yaml_tree *v)
{
    struct sigma_value ret = {.kind = SIGMA_TEXT, .text = v->text};
    char *end;
    if (yaml_tree_is_null(v))
        ret = (struct sigma_value){.kind = SIGMA_NULL, .text = STR_LIT("")};
    else if (v->plain && (str_eqz(v->text, "true") || str_eqz(v->text, "false")))
        ret.kind = SIGMA_BOOL;
    else if (v->plain) {
        ret.number = strtod(v->text.p, &end);
        if (end != v->text.p && *end == '\0')
            ret.kind = SIGMA_NUMBER;
    }
    return ret;
}

/*
 * Plays a list of events: each a map of fields; "@time" is its time in seconds, "@raw" its line, "@category" its
 * category (else "test"). Product and service are "p" and "s".
 */
static inline void play_events(const struct sigma_rules *r, bool no_index, const char *yaml, struct seen *s)
{
    static struct sigma_field fields[SIGMA_EVENT_FIELDS_MAX];
    struct sigma_options o = {.no_index = no_index};
    struct sigma_engine *g;
    struct yaml_documents docs;
    struct arena a;
    struct err e = {0};
    arena_init(&a, 64 << 20);
    if (yaml_tree_parse(str_from(yaml), &a, &docs, NULL, &e) < 0)
        fail_msg("%s: %s", yaml, e.text);
    assert_int_equal(sigma_engine_new(r, &o, seen_match, s, &g), 0);
    uint64_t index = 0;
    for (const struct yaml_tree *k = docs.first ? docs.first->child : NULL; k; k = k->next) {
        struct sigma_event ev = {.index = index++, .time_ns = -1, .fields = fields, .nsources = 1};
        struct sigma_source source = {STR_LIT("p"), STR_LIT("test"), STR_LIT("s")};
        for (const struct yaml_tree *f = k->child; f; f = f->next) {
            if (str_eqz(f->key, "@time"))
                ev.time_ns = (int64_t)(strtod(f->text.p, NULL) * 1e9);
            else if (str_eqz(f->key, "@raw"))
                ev.raw = f->text;
            else if (str_eqz(f->key, "@category"))
                source.category = f->text;
            else
                for (const struct yaml_tree *v = f->kind == YAML_TREE_LIST ? f->child : f; v; v = v->next) {
                    fields[ev.nfields++] = (struct sigma_field){sigma_engine_name(g, f->key), seen_value(v)};
                    if (v == f)
                        break;
                }
        }
        assert_int_equal(sigma_engine_source(g, &source, &ev.sources[0]), 0);
        assert_int_equal(sigma_engine_event(g, &ev), 0);
    }
    assert_int_equal(sigma_engine_finish(g), 0);
    sigma_engine_free(&g);
    arena_free(&a);
}

#endif
