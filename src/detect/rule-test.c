/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests inside rules: event streams written in YAML, played through a real process table and engine. */
#include "detect/rule.h"

#include "base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define SAMPLE_PID 1000
#define SAMPLE_PATH "/home/user/sample"
#define STEP_NS 10000000 /* between events that do not say their time */
#define REPEAT_MAX 5000
#define PIDS_SEEN_MAX 4096

struct stream {
    struct proctab *procs;
    struct behavior_engine *engine;
    struct behavior_facts facts;
    int64_t now;
    uint64_t seq[EVENT_SOURCE_MAX];
    uint32_t seen[PIDS_SEEN_MAX]; /* pids that were announced */
    unsigned nseen;
    struct arena texts; /* of events: the process table and the engine may keep none of it */
    struct err *err;
};

static bool pid_seen(const struct stream *s, uint32_t pid)
{
    for (unsigned i = 0; i < s->nseen; i++)
        if (s->seen[i] == pid)
            return true;
    return false;
}

static int stream_send(struct stream *s, struct event *ev)
{
    if (ev->source >= EVENT_SOURCE_MAX)
        return err_set(s->err, ERR_FORMAT, "no such source");
    ev->seq = ++s->seq[ev->source];
    const struct proc *p = proctab_event(s->procs, ev);
    if (!p)
        return err_set(s->err, -ENOMEM, "no memory for the process table");
    if (!pid_seen(s, ev->pid) && s->nseen < PIDS_SEEN_MAX)
        s->seen[s->nseen++] = ev->pid;
    int rc = behavior_engine_event(s->engine, ev, p);
    return rc < 0 ? err_set(s->err, rc, "the engine failed") : 0;
}

/* {i} in a text becomes the number of the repetition. */
static struct str text_expand(struct stream *s, struct str t, unsigned i)
{
    struct buf b;
    struct str rest = t;
    ptrdiff_t at;
    if (str_find(t, STR_LIT("{i}")) < 0)
        return t;
    buf_init(&b, EVENT_STR_MAX + 16);
    while ((at = str_find(rest, STR_LIT("{i}"))) >= 0) {
        buf_add(&b, rest.p, (size_t)at);
        buf_addf(&b, "%u", i);
        rest = str_sub(rest, (size_t)at + 3, rest.n);
    }
    buf_add_str(&b, rest);
    struct str r = arena_str(&s->texts, buf_str(&b));
    buf_free(&b);
    return r;
}

static int field_read(struct stream *s, const struct yaml_tree *n, enum event_type type, unsigned i,
                      struct event_value *ret)
{
    bool flag;
    int64_t number;
    struct str t = text_expand(s, n->text, i);
    if (n->kind != YAML_TREE_SCALAR)
        return err_set(s->err, ERR_FORMAT, "line %u: a value must be text", n->line);
    switch (type) {
    case EV_STR:
    case EV_TEXT:
        ret->s = t.p ? t : STR_LIT("");
        return 0;
    case EV_BOOL:
        if (yaml_tree_bool(n, &flag) < 0)
            return err_set(s->err, ERR_FORMAT, "line %u: true or false is wanted", n->line);
        ret->u = flag;
        return 0;
    default:
        if (number_parse(t, type == EV_NS, &number) < 0)
            return err_set(s->err, ERR_FORMAT, "line %u: '%.*s' is not a number", n->line, STR_ARG(t));
        ret->u = (uint64_t)number;
        return 0;
    }
}

/* Keys of an event that are not fields of its kind. */
static int head_read(struct stream *s, const struct yaml_tree *n, unsigned i, struct event *ev, bool *ret_known)
{
    int64_t v;
    static const char *const sources[] = {"", "tracer", "agent", "net", "host"};
    *ret_known = true;
    if (str_eqz(n->key, "kind") || str_eqz(n->key, "repeat"))
        return 0;
    if (str_eqz(n->key, "pid")) {
        if (number_parse(text_expand(s, n->text, i), false, &v) < 0 || v < 0 || v > UINT32_MAX)
            return err_set(s->err, ERR_FORMAT, "line %u: bad pid", n->line);
        ev->pid = ev->tid = (uint32_t)v;
        return 0;
    }
    if (str_eqz(n->key, "at") || str_eqz(n->key, "after")) {
        if (number_parse(n->text, true, &v) < 0)
            return err_set(s->err, ERR_FORMAT, "line %u: a time with its unit is wanted", n->line);
        ev->time_ns = s->now = str_eqz(n->key, "at") ? v : s->now - STEP_NS + v;
        return 0;
    }
    if (str_eqz(n->key, "source")) {
        for (uint8_t k = 1; k < 5; k++)
            if (str_eqz(n->text, sources[k])) {
                ev->source = k;
                return 0;
            }
        return err_set(s->err, ERR_FORMAT, "line %u: source is tracer, agent, net or host", n->line);
    }
    *ret_known = false;
    return 0;
}

/* A pid that nobody announced is forked first, by the sample unless said otherwise. */
static int fork_send(struct stream *s, const struct event *ev)
{
    uint64_t parent = SAMPLE_PID;
    if (ev->pid == 0 || pid_seen(s, ev->pid))
        return 0;
    if (ev->kind == EVENT_PROCESS_START)
        return 0;
    if (ev->kind == EVENT_PROCESS_EXEC && event_u(ev, EVF_PROCESS_EXEC_ParentProcessId))
        parent = event_u(ev, EVF_PROCESS_EXEC_ParentProcessId);
    struct event fork = {.kind = EVENT_PROCESS_START,
                         .source = EVENT_SOURCE_TRACER,
                         .count = EVF_PROCESS_START__COUNT,
                         .time_ns = ev->time_ns,
                         .pid = ev->pid,
                         .tid = ev->pid};
    fork.f[EVF_PROCESS_START_ParentProcessId].u = parent;
    return stream_send(s, &fork);
}

static int event_play(struct stream *s, const struct yaml_tree *n, unsigned i)
{
    const struct yaml_tree *kind = yaml_tree_get(n, "kind");
    const struct event_kind_info *k = kind ? event_kind_by_name(kind->text) : NULL;
    if (!k)
        return err_set(s->err, ERR_FORMAT, "line %u: the event has no known kind", n->line);
    struct event ev = {
        .kind = k->kind, .source = EVENT_SOURCE_TRACER, .count = k->count, .pid = SAMPLE_PID, .tid = SAMPLE_PID};
    if (k->kind >= EVENT_NET_FLOW && k->kind <= EVENT_NET_SCAN) { /* seen by the simulated internet */
        ev.source = EVENT_SOURCE_NET;
        ev.pid = ev.tid = 0;
    }
    s->now += STEP_NS;
    ev.time_ns = s->now;
    for (unsigned f = 0; f < k->count; f++)
        if (k->fields[f].type == EV_STR || k->fields[f].type == EV_TEXT)
            ev.f[f].s = STR_LIT("");
    if (k->kind == EVENT_PROCESS_EXEC)
        ev.f[EVF_PROCESS_EXEC_ParentProcessId].u = SAMPLE_PID;
    for (const struct yaml_tree *c = n->child; c; c = c->next) {
        bool known;
        int rc = head_read(s, c, i, &ev, &known);
        if (rc < 0)
            return rc;
        if (known)
            continue;
        int slot = event_field_slot(k, c->key);
        if (slot < 0)
            return err_set(s->err, ERR_FORMAT, "line %u: %s has no field '%.*s'", c->line, k->name, STR_ARG(c->key));
        rc = field_read(s, c, k->fields[slot].type, i, &ev.f[slot]);
        if (rc < 0)
            return rc;
    }
    /* A program in place of the sample keeps the sample's parent. */
    if (k->kind == EVENT_PROCESS_EXEC && ev.pid == SAMPLE_PID && !yaml_tree_get(n, "ParentProcessId"))
        ev.f[EVF_PROCESS_EXEC_ParentProcessId].u = 1;
    int rc = fork_send(s, &ev);
    return rc < 0 ? rc : stream_send(s, &ev);
}

static int sample_start(struct stream *s)
{
    struct event ev = {.kind = EVENT_RUN_SAMPLE,
                       .source = EVENT_SOURCE_AGENT,
                       .count = EVF_RUN_SAMPLE__COUNT,
                       .pid = SAMPLE_PID,
                       .tid = SAMPLE_PID};
    ev.f[EVF_RUN_SAMPLE_Path].s = STR_LIT(SAMPLE_PATH);
    ev.f[EVF_RUN_SAMPLE_CommandLine].s = STR_LIT(SAMPLE_PATH);
    ev.f[EVF_RUN_SAMPLE_User].s = STR_LIT("root");
    ev.f[EVF_RUN_SAMPLE_CurrentDirectory].s = STR_LIT("/home/user");
    int rc = stream_send(s, &ev);
    struct event exec = {.kind = EVENT_PROCESS_EXEC,
                         .source = EVENT_SOURCE_TRACER,
                         .count = EVF_PROCESS_EXEC__COUNT,
                         .pid = SAMPLE_PID,
                         .tid = SAMPLE_PID};
    exec.f[EVF_PROCESS_EXEC_Image].s = STR_LIT(SAMPLE_PATH);
    exec.f[EVF_PROCESS_EXEC_CommandLine].s = STR_LIT(SAMPLE_PATH);
    exec.f[EVF_PROCESS_EXEC_CurrentDirectory].s = STR_LIT("/home/user");
    exec.f[EVF_PROCESS_EXEC_Script].s = exec.f[EVF_PROCESS_EXEC_Environment].s = STR_LIT("");
    exec.f[EVF_PROCESS_EXEC_ParentProcessId].u = 1;
    return rc < 0 ? rc : stream_send(s, &exec);
}

/* A list as one text with a line for each. */
static int lines_join(struct stream *s, const struct yaml_tree *n, struct str *ret)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    if (n->kind == YAML_TREE_SCALAR)
        buf_add_str(&b, n->text);
    for (const struct yaml_tree *k = n->child; k; k = k->next) {
        buf_add_str(&b, k->text);
        buf_u8(&b, '\n');
    }
    *ret = arena_str(&s->texts, buf_str(&b));
    buf_free(&b);
    return ret->p ? 0 : err_set(s->err, -ENOMEM, "no memory");
}

static int sample_number(struct stream *s, const struct yaml_tree *n, int64_t max, int64_t *ret)
{
    if (n->kind != YAML_TREE_SCALAR || number_parse(n->text, false, ret) < 0 || *ret < 0 || *ret > max)
        return err_set(s->err, ERR_FORMAT, "line %u: '%.*s' is not a number that fits", n->line, STR_ARG(n->key));
    return 0;
}

static int sample_fact(struct stream *s, const struct yaml_tree *n)
{
    struct behavior_facts *f = &s->facts;
    int64_t number = 0;
    int rc = 0;
    if (str_eqz(n->key, "type")) {
        f->sample_type = n->text;
    } else if (str_eqz(n->key, "size")) {
        rc = sample_number(s, n, INT64_MAX, &number);
        f->sample_size = (uint64_t)number;
    } else if (str_eqz(n->key, "entropy")) {
        rc = sample_number(s, n, 100, &number);
        f->sample_entropy = (unsigned)number;
    } else if (str_eqz(n->key, "strings")) {
        rc = lines_join(s, n, &f->sample_strings);
    } else if (str_eqz(n->key, "indicators")) {
        rc = lines_join(s, n, &f->sample_indicators);
    } else if (str_eqz(n->key, "anomalies")) {
        rc = lines_join(s, n, &f->sample_anomalies);
    } else if (str_eqz(n->key, "stripped")) {
        rc = yaml_tree_bool(n, &f->sample_stripped);
    } else if (str_eqz(n->key, "static")) {
        rc = yaml_tree_bool(n, &f->sample_static);
    } else {
        rc = ERR_FORMAT;
    }
    if (rc == ERR_FORMAT)
        err_set(s->err, rc, "line %u: a sample has no such '%.*s'", n->line, STR_ARG(n->key));
    return rc;
}

/* sample: {type, size, entropy, strings, indicators, anomalies, stripped, static}: what triage would have found */
static int sample_facts(struct stream *s, const struct yaml_tree *sample)
{
    int rc =
        sample->kind == YAML_TREE_MAP ? 0 : err_set(s->err, ERR_FORMAT, "line %u: sample must be a map", sample->line);
    for (const struct yaml_tree *n = rc < 0 ? NULL : sample->child; n && rc >= 0; n = n->next)
        rc = sample_fact(s, n);
    if (!s->facts.sample_size)
        s->facts.sample_size = 1;
    return rc;
}

/* The sample starts, then the events of the list. */
static int stream_play(const struct behavior_rules *r, size_t only, const struct yaml_tree *sample,
                       const struct yaml_tree *events, struct findings *ret, struct err *e)
{
    struct stream s = {.err = e, .facts = {.sample_path = STR_LIT(SAMPLE_PATH), .sample_type = STR_LIT("elf")}};
    arena_init(&s.texts, 64 << 20);
    int rc = sample ? sample_facts(&s, sample) : 0;
    if (rc >= 0 && ((rc = proctab_new(100000, &s.procs)) < 0 ||
                    (rc = behavior_engine_new_one(r, only, s.procs, &s.facts, &s.engine)) < 0))
        err_set(e, rc, "cannot make the engine");
    if (rc >= 0)
        rc = sample_start(&s);
    for (const struct yaml_tree *n = events->child; n && rc >= 0; n = n->next) {
        const struct yaml_tree *repeat = yaml_tree_get(n, "repeat");
        int64_t times = 1;
        if (repeat && (number_parse(repeat->text, false, &times) < 0 || times < 1 || times > REPEAT_MAX))
            rc = err_set(e, ERR_FORMAT, "line %u: repeat is 1 to %d", repeat->line, REPEAT_MAX);
        for (int64_t i = 0; i < times && rc >= 0; i++)
            rc = event_play(&s, n, (unsigned)i);
    }
    if (rc >= 0 && (rc = behavior_engine_finish(s.engine, ret)) < 0)
        err_set(e, rc, "the engine failed at the end");
    behavior_engine_free(&s.engine);
    proctab_free(&s.procs);
    arena_free(&s.texts);
    return rc < 0 ? rc : 0;
}

static void fail_tell(const struct rule *r, const struct yaml_tree *test, const char *what, const char *more,
                      behavior_problem *problem, void *context)
{
    char text[640];
    const struct yaml_tree *name = yaml_tree_get(test, "name");
    snprintf(text, sizeof(text), "%.*s: test '%.*s' %s%s%s", STR_ARG(r->id),
             STR_ARG(name ? name->text : STR_LIT("without name")), what, more ? ": " : "", more ? more : "");
    if (problem)
        problem(context, r->file.p, test->line, text);
}

/* title: the sentence that a positive test must give. */
static bool finding_right(const struct finding *f, const struct rule *r, const struct yaml_tree *title,
                          const struct yaml_tree *count, bool *ret_found)
{
    int64_t n;
    if (!str_eq(f->rule, r->id))
        return false;
    *ret_found = true;
    if (title && !str_eq(title->text, f->title))
        return false;
    return !count || (number_parse(count->text, false, &n) >= 0 && (uint64_t)n == f->count);
}

static bool test_run(const struct behavior_rules *set, size_t index, const struct yaml_tree *test, bool positive,
                     behavior_problem *problem, void *context)
{
    const struct rule *r = set->rules[index];
    const struct yaml_tree *events = yaml_tree_get(test, "events");
    struct findings found = {0};
    struct err e = {0};
    bool any = false, right = false;
    if (!events || events->kind != YAML_TREE_LIST || !events->count) {
        fail_tell(r, test, "has no events", NULL, problem, context);
        return false;
    }
    if (stream_play(set, index, yaml_tree_get(test, "sample"), events, &found, &e) < 0) {
        fail_tell(r, test, "cannot be played", e.text, problem, context);
        return false;
    }
    for (size_t i = 0; i < found.count; i++)
        right = finding_right(&found.items[i], r, yaml_tree_get(test, "title"), yaml_tree_get(test, "count"), &any) ||
                right;
    bool ok = positive ? right : !any;
    char title[256] = "";
    for (size_t i = 0; i < found.count; i++)
        if (str_eq(found.items[i].rule, r->id))
            snprintf(title, sizeof(title), "%.*s (%llu times)", STR_ARG(found.items[i].title),
                     (unsigned long long)found.items[i].count);
    if (!ok && positive)
        fail_tell(r, test, any ? "hit with another sentence or count" : "did not hit", any ? title : NULL, problem,
                  context);
    else if (!ok)
        fail_tell(r, test, "hit though it must not", title, problem, context);
    findings_free(&found);
    return ok;
}

int behavior_rules_test(const struct behavior_rules *r, unsigned *ret_run, unsigned *ret_failed,
                        behavior_problem *problem, void *context)
{
    unsigned run = 0, failed = 0;
    for (size_t i = 0; i < r->count; i++) {
        const struct yaml_tree *tests = r->rules[i]->tests;
        static const char *const sides[] = {"negative", "positive"};
        for (int side = 0; side < 2; side++) {
            const struct yaml_tree *list = yaml_tree_get(tests, sides[side]);
            char text[256];
            if (!list || list->kind != YAML_TREE_LIST || !list->count) {
                snprintf(text, sizeof(text), "%.*s: no %s test", STR_ARG(r->rules[i]->id), sides[side]);
                run++;
                failed++;
                if (problem)
                    problem(context, r->rules[i]->file.p, r->rules[i]->line, text);
                continue;
            }
            for (const struct yaml_tree *t = list->child; t; t = t->next) {
                run++;
                failed += !test_run(r, i, t, side == 1, problem, context);
            }
        }
    }
    *ret_run = run;
    *ret_failed = failed;
    return 0;
}

int behavior_streams_play(const struct behavior_rules *r, struct str yaml, behavior_stream_fn *fn, void *context,
                          struct err *e)
{
    struct arena a;
    struct yaml_documents docs;
    unsigned line;
    int played = 0;
    arena_init(&a, 64 << 20);
    int rc = yaml_tree_parse(yaml, &a, &docs, &line, e);
    if (rc < 0)
        err_prefix(e, "line %u", line);
    for (const struct yaml_tree *d = docs.first; rc >= 0 && d; d = d->next) {
        const struct yaml_tree *events = yaml_tree_get(d, "events");
        struct findings found = {0};
        if (yaml_tree_is_null(d))
            continue;
        if (!events || events->kind != YAML_TREE_LIST) {
            rc = err_set(e, ERR_FORMAT, "line %u: a stream without events", d->line);
            break;
        }
        rc = stream_play(r, SIZE_MAX, yaml_tree_get(d, "sample"), events, &found, e);
        if (rc >= 0)
            rc = fn(context, d, &found);
        findings_free(&found);
        played++;
    }
    arena_free(&a);
    return rc < 0 ? rc : played;
}
