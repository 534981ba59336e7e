/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "case/judge-facts.h"

#include "case/plan.h"

#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A first process that dies by a fault within this time counts as a crash at start. */
#define CRASH_NS 2000000000ll

static json_t *parse(struct str text, const char *what, struct err *e, int *ret)
{
    json_error_t je;
    json_t *j;

    *ret = 0;
    if (!text.n)
        return json_object();
    j = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &je);
    if (!json_is_object(j)) {
        json_decref(j);
        *ret = err_set(e, ERR_FORMAT, "%s is damaged: line %d: %s", what, je.line, je.text);
        return NULL;
    }
    return j;
}

static char *copy(const json_t *o, const char *key)
{
    const char *v = json_string_value(json_object_get(o, key));
    return strdup(v ? v : "");
}

static bool flag(const json_t *o, const char *key)
{
    return json_is_true(json_object_get(o, key));
}

/* Ends that are ours, not the sample's: it went on, and nothing was written down any more. */
static bool record_cut(const char *ended)
{
    return ended && (!strcmp(ended, "log-full") || !strcmp(ended, "host-failed"));
}

static void read_run(struct judge_facts *f, const json_t *run)
{
    const json_t *channel = json_object_get(run, "channel"), *machine = json_object_get(run, "machine");
    const char *tracer = json_string_value(json_object_get(channel, "tracer"));
    const char *ended = json_string_value(json_object_get(run, "ended"));

    f->score.started = flag(run, "started");
    f->score.ran_ns = json_integer_value(json_object_get(run, "ran_ms")) * 1000000;
    f->score.planned_ns = json_integer_value(json_object_get(run, "planned_ms")) * 1000000;
    /* The first program may be long gone ("sample_ended") while what it left behind goes on. */
    f->score.ended_by_itself = ended && !strcmp(ended, "all-exited");
    f->score.machine_alive = flag(machine, "alive_at_end");
    f->score.channel_intact = flag(channel, "collected") &&
                              !json_integer_value(json_object_get(channel, "missed_frames")) &&
                              !json_integer_value(json_object_get(channel, "bad_batches"));
    /* A tracer with holes saw less than it should: no better than a channel with holes. */
    f->score.channel_intact &= tracer && !strcmp(tracer, "ok");
    /* Copies that could not be stored (a full disk here) are evidence that is missing. */
    f->score.channel_intact &= !json_integer_value(json_object_get(json_object_get(run, "artefacts"), "files_failed"));
    f->score.channel_intact &= !record_cut(ended);
    f->score.lost = (uint64_t)json_integer_value(json_object_get(channel, "tracer_lost"));
    f->score.network_simulated = flag(json_object_get(run, "network"), "intact");
    f->score.exit_code = (unsigned)json_integer_value(json_object_get(run, "exit_code"));
    f->root_pid = (uint32_t)json_integer_value(json_object_get(run, "root_pid"));
    if (!f->score.started)
        f->why_not = copy(run, "ended_text");
}

#define LINES_MAX (8u << 20)

static void add_line(struct buf *to, const json_t *text)
{
    const char *v = json_string_value(text);
    if (v) {
        buf_addz(to, v);
        buf_u8(to, '\n');
    }
}

/* What rules may ask of the sample. Texts that do not fit are left out. */
static void read_static(struct judge_facts *f, const json_t *facts)
{
    const json_t *elf = json_object_get(facts, "elf"), *item;
    double entropy = json_number_value(json_object_get(facts, "entropy"));
    json_t *list;
    const char *key;
    size_t i;

    buf_init(&f->strings, LINES_MAX);
    buf_init(&f->indicators, LINES_MAX);
    buf_init(&f->anomalies, LINES_MAX);
    f->size = (uint64_t)json_integer_value(json_object_get(facts, "size"));
    f->entropy = entropy > 0 && entropy <= 8 ? (unsigned)(entropy * 100 / 8) : 0;
    f->stripped = flag(elf, "stripped");
    f->is_static = flag(elf, "static");
    json_array_foreach(json_object_get(json_object_get(facts, "strings"), "items"), i, item)
        add_line(&f->strings, json_object_get(item, "text"));
    json_object_foreach(json_object_get(facts, "indicators"), key, list) json_array_foreach(list, i, item)
        add_line(&f->indicators, json_is_object(item) ? json_object_get(item, "text") : item);
    json_array_foreach(json_object_get(facts, "anomalies"), i, item)
        add_line(&f->anomalies, json_object_get(item, "what"));
}

/* A URL that could not be fetched was not analysed, whatever wget did meanwhile. */
static void judge_fetch(struct judge_facts *f, const json_t *submission, const json_t *run)
{
    const char *kind = json_string_value(json_object_get(submission, "kind"));
    long long code = json_integer_value(json_object_get(run, "exit_code"));

    if (!kind || strcmp(kind, "url") || !f->score.started || !flag(run, "sample_ended") || code <= 0)
        return;
    f->score.started = false;
    if (asprintf(&f->why_not, "the URL could not be fetched (wget ended with status %lld)", code) < 0)
        f->why_not = NULL;
}

int judge_facts_read(struct judge_facts *f, struct str submission, struct str facts, struct str run, struct err *e)
{
    json_t *js = NULL, *jf = NULL, *jr = NULL;
    int r;

    if (!(js = parse(submission, "submission.json", e, &r)) || !(jf = parse(facts, "static.json", e, &r)) ||
        !(jr = parse(run, "run.json", e, &r)))
        goto out;
    f->sha256 = copy(js, "sha256");
    f->origin = plan_bytes(copy(js, "path"));
    f->type = copy(jf, "type");
    f->sample_path = plan_bytes(copy(jr, "sample_path"));
    read_static(f, jf);
    read_run(f, jr);
    judge_fetch(f, js, jr);
    f->cut_off = !json_object_get(jr, "channel"); /* not written by the runner (case/run-facts.c) */
    if (f->cut_off)
        f->score.planned_ns = json_integer_value(json_object_get(js, "seconds")) * 1000000000;
    if (!run.n || (f->why_not && !*f->why_not)) {
        free(f->why_not);
        f->why_not = strdup("the run was cut off before it began");
    }
    f->score.not_started_because = f->why_not;
    if (!f->sha256 || !f->origin || !f->type || !f->sample_path)
        r = err_set(e, -ENOMEM, "out of memory");
out:
    json_decref(js);
    json_decref(jf);
    json_decref(jr);
    return r;
}

void judge_facts_event(struct judge_facts *f, const struct event *ev, const struct proc *p)
{
    if (ev->kind == EVENT_RUN_SAMPLE)
        f->root_seen = true;
    judge_hints_event(&f->hints, ev, p);
    if (ev->time_ns > f->last_ns)
        f->last_ns = ev->time_ns;
    if (p->lineage != PROC_SYSTEM)
        f->score.events++;
    if (ev->kind != EVENT_PROCESS_EXIT || ev->time_ns > CRASH_NS || f->ncrashes == JUDGE_CRASHES_MAX)
        return;
    switch (event_u(ev, EVF_PROCESS_EXIT_Signal)) {
    case SIGSEGV:
    case SIGILL:
    case SIGBUS:
    case SIGABRT:
    case SIGFPE:
        f->crashes[f->ncrashes++] = ev->pid;
        break;
    default:
        break;
    }
}

void judge_facts_finish(struct judge_facts *f, const struct evlog_status *log)
{
    if (f->cut_off && f->root_seen) {
        f->score.started = true;
        f->score.not_started_because = NULL;
        f->score.ran_ns = f->last_ns;
        f->score.channel_intact = false;
    }
    for (unsigned i = 0; i < f->ncrashes; i++)
        if (f->crashes[i] == f->root_pid)
            f->score.crashed = true;
    for (unsigned i = 0; i < EVENT_SOURCE_MAX; i++) {
        if (log->source[i].gaps || (i != EVENT_SOURCE_TRACER && log->source[i].lost))
            f->score.channel_intact = false;
        if (i == EVENT_SOURCE_TRACER && log->source[i].lost > f->score.lost)
            f->score.lost = log->source[i].lost;
    }
    if (log->bad_blocks || log->torn_tail)
        f->score.channel_intact = false;
    judge_hints_finish(&f->hints, &f->score);
}

int judge_facts_allow(struct judge_facts *f, struct str texts, struct findings *findings, struct err *e)
{
    int r = allowlist_parse(texts, &f->allow, e);
    char text[400];

    if (r < 0)
        return r;
    f->score.allow = &f->allow;
    f->score.sha256 = str_from(f->sha256);
    f->score.path = str_from(f->origin);
    if (!f->allow.problems)
        return 0;
    snprintf(text, sizeof(text), "%u line%s of the allow-list cannot be used: %s", f->allow.problems,
             f->allow.problems == 1 ? "" : "s", f->allow.problem);
    struct str title = arena_str(&findings->arena, str_from(text));
    struct finding *n = title.p ? findings_add(findings) : NULL;
    if (n)
        *n = (struct finding){.rule = STR_LIT("belljar.allow-list"),
                              .title = title,
                              .category = STR_LIT("System Summary"),
                              .severity = SEVERITY_INFO,
                              .count = 1};
    return 0;
}

void judge_facts_clear(struct judge_facts *f)
{
    free(f->sample_path);
    free(f->sha256);
    buf_free(&f->strings);
    buf_free(&f->indicators);
    buf_free(&f->anomalies);
    free(f->origin);
    free(f->type);
    free(f->why_not);
    allowlist_free(&f->allow);
    *f = (struct judge_facts){0};
}
