/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The jailed half: rules, log and facts come in as descriptors, reports go out
 * through descriptors. Nothing else of the machine is within reach.
 */
#include "case/observe-private.h"

#include "base/reader.h"
#include "case/judge-facts.h"
#include "case/yara-findings.h"
#include "detect/behavior.h"
#include "detect/rulekind.h"
#include "detect/ruletexts.h"
#include "detect/sigma/sigma-run.h"
#include "event/baseline.h"
#include "event/evlog.h"
#include "event/proctab.h"
#include "jail/jail.h"
#include "os/file.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FACTS_MAX (96u << 20)
#define PROCS_MAX 200000

#define FOLLOW_MS 200 /* how often a log that grows is looked at */

struct facts {
    struct buf text;
    struct str fact[OBSERVE_FACTS_COUNT];
};

struct observation {
    struct buf rules_text;
    struct facts begun, over;  /* as they were when the log was opened, and after the run */
    struct judge_facts sample; /* what was said of the sample at the beginning: the rules work with it */
    struct behavior_rules *rules;
    struct behavior_engine *engine;
    struct sigma_rules *sigma;
    struct sigma_run *sigma_run; /* NULL without a Sigma rule */
    struct proctab *procs;
    struct baseline *baseline;
    struct report *report;
    struct evlog_reader *log;
    struct findings findings;
    struct verdict verdict;
    struct judge_facts judge;
    uint64_t noise; /* events of the idle machine that were left out */
};

static int read_facts(struct facts *f, int fd, struct err *e)
{
    struct reader r;
    int x = file_read_fd(fd, FACTS_MAX, &f->text, e);

    if (x < 0)
        return x;
    reader_init(&r, f->text.data, f->text.len);
    for (int i = 0; i < OBSERVE_FACTS_COUNT; i++) {
        f->fact[i] = reader_str(&r, reader_u32le(&r));
        reader_skip(&r, 1); /* each is followed by a NUL, so that it can be used as text */
    }
    return reader_err(&r, e);
}

/* A bad rule is reported by `belljar rules check`; here the good ones count. */
static void add_rules(struct observation *o, const struct ruletext *t)
{
    const struct rulekind *k = rulekind_at(t->kind);
    char name[RULETEXTS_NAME_MAX + 1];

    snprintf(name, sizeof(name), "%.*s", STR_ARG(t->name));
    if (k && !strcmp(k->name, "behavior")) {
        behavior_rules_weight(o->rules, t->weight);
        behavior_rules_add(o->rules, name, t->text, NULL, NULL, NULL);
    } else if (k && !strcmp(k->name, "sigma")) {
        sigma_rules_weight(o->sigma, t->weight);
        sigma_rules_add(o->sigma, name, t->text, NULL, NULL, NULL);
    }
}

static int read_judge_facts(struct judge_facts *ret, const struct facts *f, struct err *e)
{
    return judge_facts_read(ret, f->fact[OBSERVE_SUBMISSION], f->fact[OBSERVE_STATIC], f->fact[OBSERVE_RUN], e);
}

static int read_rules(struct observation *o, int fd, struct err *e)
{
    struct ruletexts texts;
    int x;

    if ((x = file_read_fd(fd, RULETEXTS_BYTES_MAX, &o->rules_text, e)) < 0 || (x = behavior_rules_new(&o->rules)) < 0 ||
        (x = sigma_rules_new(&o->sigma)) < 0 || (x = ruletexts_read(buf_str(&o->rules_text), &texts, e)) < 0)
        return x;
    for (size_t i = 0; i < texts.count; i++)
        add_rules(o, &texts.items[i]);
    for (size_t i = 0; i < texts.count; i++)
        if (texts.items[i].kind == RULETEXT_OFF) {
            behavior_rules_off(o->rules, texts.items[i].name);
            sigma_rules_off(o->sigma, texts.items[i].name);
        }
    ruletexts_free(&texts);
    if ((x = sigma_rules_compile(o->sigma, NULL, NULL, e)) < 0)
        return x;
    return behavior_rules_count(o->rules) ? 0 : err_set(e, ERR_MISSING, "there is not one behaviour rule");
}

/* "name:x:uid:..." lines of the guest's passwd file. */
static void read_passwd(struct observation *o)
{
    struct str rest = o->begun.fact[OBSERVE_PASSWD], line;

    while (str_split(&rest, '\n', &line)) {
        struct str name, skip, uid;
        uint64_t number;
        if (str_split(&line, ':', &name) && str_split(&line, ':', &skip) && str_split(&line, ':', &uid) &&
            str_u64(uid, 10, &number) == 0 && number <= UINT32_MAX)
            proctab_user_set(o->procs, (uint32_t)number, name);
    }
}

static int prepare(struct observation *o, const int *fds, struct err *e)
{
    struct behavior_facts bf = {0};
    int x;

    if ((x = read_facts(&o->begun, fds[OBSERVE_FACTS], e)) < 0 || (x = read_rules(o, fds[OBSERVE_RULES], e)) < 0 ||
        (x = read_judge_facts(&o->sample, &o->begun, e)) < 0)
        return x;
    if ((x = proctab_new(PROCS_MAX, &o->procs)) < 0 || (x = report_new(o->procs, &o->report)) < 0)
        return err_set(e, x, "out of memory");
    read_passwd(o);
    struct str baseline = o->begun.fact[OBSERVE_BASELINE];
    if (baseline.n && (x = baseline_parse(baseline, &o->baseline, e)) < 0)
        return x;
    if (o->baseline)
        proctab_baseline_set(o->procs, o->baseline);
    bf.sample_path = str_from(o->sample.sample_path);
    bf.sample_sha256 = str_from(o->sample.sha256);
    bf.sample_type = str_from(o->sample.type);
    bf.sample_strings = buf_str(&o->sample.strings);
    bf.sample_indicators = buf_str(&o->sample.indicators);
    bf.sample_anomalies = buf_str(&o->sample.anomalies);
    bf.sample_size = o->sample.size;
    bf.sample_entropy = o->sample.entropy;
    bf.sample_stripped = o->sample.stripped;
    bf.sample_static = o->sample.is_static;
    bf.platform = STR_LIT("linux"); /* every guest there is */
    if ((x = behavior_engine_new(o->rules, o->procs, &bf, &o->engine)) < 0)
        return err_set(e, x, "the rules could not be made ready");
    if (sigma_rules_count(o->sigma) && (x = sigma_run_new(o->sigma, o->procs, &o->sigma_run)) < 0)
        return err_set(e, x, "the Sigma rules could not be made ready");
    int own = dup(fds[OBSERVE_LOG]);
    return own < 0 ? err_errno(e, "cannot open the event log") : evlog_open_fd(own, &o->log, e);
}

static int one_event(struct observation *o, const struct event *ev)
{
    const struct proc *p = proctab_event(o->procs, ev);
    int x;

    if (!p)
        return -ENOMEM;
    judge_facts_event(&o->judge, ev, p);
    if (p->lineage == PROC_SYSTEM && o->baseline && ev->source == EVENT_SOURCE_TRACER &&
        baseline_has(o->baseline, ev, p)) {
        o->noise++;
        return 0;
    }
    if ((x = behavior_engine_event(o->engine, ev, p)) < 0 && x != ERR_LIMIT)
        return x;
    if (o->sigma_run && (x = sigma_run_event(o->sigma_run, ev, p)) < 0)
        return x;
    return report_event(o->report, ev, p);
}

/* Everything that the log holds by now. */
static int stream(struct observation *o, struct err *e)
{
    struct event ev;
    int x;

    while ((x = evlog_next(o->log, &ev, e)) == 1)
        if ((x = one_event(o, &ev)) < 0)
            return err_set(e, x, "event %llu could not be taken in", (unsigned long long)ev.seq);
    return x;
}

/* The rules were told of the sample before the run; the report speaks of the one that ran. */
static int same_sample(const struct observation *o)
{
    return !strcmp(o->sample.sample_path, o->judge.sample_path) && !strcmp(o->sample.sha256, o->judge.sha256) &&
           !strcmp(o->sample.type, o->judge.type);
}

static int judge_and_write(struct observation *o, int log_fd, const int *out_fds, struct err *e)
{
    const struct evlog_status *status = evlog_reader_status(o->log);
    const struct str *fact = o->over.fact;
    struct report_facts f = {.findings = &o->findings, .verdict = &o->verdict, .log = status, .log_fd = log_fd};
    int x;

    if ((x = behavior_engine_finish(o->engine, &o->findings)) < 0)
        return err_set(e, x, "the rules could not be finished");
    if (o->sigma_run && (x = sigma_run_finish(o->sigma_run, &o->findings)) < 0)
        return err_set(e, x, "the Sigma rules could not be finished");
    if ((x = yara_findings(fact[OBSERVE_YARA], o->report, &o->findings, e)) < 0)
        return x;
    judge_facts_finish(&o->judge, status);
    if ((x = judge_facts_allow(&o->judge, fact[OBSERVE_ALLOW], &o->findings, e)) < 0)
        return x;
    if ((x = score_judge(&o->findings, &o->judge.score, &o->verdict, e)) < 0)
        return x;
    f.case_id = fact[OBSERVE_ID].p;
    f.submission_json = fact[OBSERVE_SUBMISSION].p;
    f.static_json = fact[OBSERVE_STATIC].n ? fact[OBSERVE_STATIC].p : NULL;
    f.run_json = fact[OBSERVE_RUN].n ? fact[OBSERVE_RUN].p : "{}";
    f.yara_json = fact[OBSERVE_YARA].n ? fact[OBSERVE_YARA].p : NULL;
    f.completeness = &o->judge.score;
    if ((x = report_finish(o->report, &f, e)) < 0)
        return x;
    for (unsigned i = 0; i < OBSERVE_WRITERS; i++)
        if ((x = report_writer_at(i)->write(o->report, out_fds[i], e)) < 0)
            return x;
    return 0;
}

/* Reads along until the run is over; an error waits for that too, because nobody listens before. */
static int follow(struct ipc *parent, struct observation *o, int x, struct ipc_message *ret, struct err *e)
{
    int got;

    for (;;) {
        if (x == 0)
            x = stream(o, e);
        got = ipc_receive(parent, x < 0 ? -1 : FOLLOW_MS, ret, NULL);
        if (got == ERR_TIMEOUT)
            continue;
        if (got != 1 || ret->type != OBSERVE_FINISH || ret->nfds != OBSERVE_FINISH_FDS)
            return -EPIPE;
        return x;
    }
}

static int finish(struct observation *o, int log_fd, const int *fds, struct err *e)
{
    int x;

    if ((x = stream(o, e)) < 0 || (x = read_facts(&o->over, fds[0], e)) < 0 ||
        (x = read_judge_facts(&o->judge, &o->over, e)) < 0)
        return x;
    if (!same_sample(o))
        return err_set(e, ERR_CONFLICT, "it was begun for another sample than the one that ran");
    return judge_and_write(o, log_fd, fds + 1, e);
}

static int answer(struct ipc *parent, struct observation *o, int x, const struct err *e)
{
    struct buf b;

    buf_init(&b, 4096);
    if (x < 0) {
        buf_u8(&b, x == ERR_CONFLICT);
        buf_addz(&b, e->text);
    } else {
        buf_u32le(&b, o->verdict.word);
        buf_u32le(&b, o->verdict.score);
        buf_u32le(&b, o->verdict.confidence);
        buf_u32le(&b, (uint32_t)o->findings.count);
        buf_u64le(&b, evlog_reader_status(o->log)->events);
        buf_u64le(&b, o->judge.score.events);
        buf_addz(&b, o->verdict.reason);
    }
    x = ipc_send(parent, x < 0 ? OBSERVE_FAILED : OBSERVE_DONE, b.data, b.len, NULL, 0, NULL);
    buf_free(&b);
    return x;
}

static void release(struct observation *o)
{
    behavior_engine_free(&o->engine);
    behavior_rules_free(&o->rules);
    sigma_run_free(&o->sigma_run);
    sigma_rules_free(&o->sigma);
    report_free(&o->report);
    proctab_free(&o->procs);
    baseline_free(&o->baseline);
    evlog_reader_free(&o->log);
    findings_free(&o->findings);
    verdict_clear(&o->verdict);
    judge_facts_clear(&o->judge);
    judge_facts_clear(&o->sample);
    buf_free(&o->rules_text);
    buf_free(&o->begun.text);
    buf_free(&o->over.text);
}

static int observe_role_run(struct ipc *parent)
{
    struct observation o = {0};
    struct ipc_message begin, end;
    struct err e = {0};
    int x = ipc_receive(parent, 10000, &begin, &e);

    if (x != 1 || begin.type != OBSERVE_BEGIN || begin.nfds != OBSERVE_BEGIN_FDS)
        return 2;
    /* Ctrl-C goes to every process of the terminal's group; the supervisor alone decides that the run ends. */
    signal(SIGINT, SIG_IGN);
    findings_init(&o.findings);
    x = follow(parent, &o, prepare(&o, begin.fds, &e), &end, &e);
    if (x == 0)
        x = finish(&o, begin.fds[OBSERVE_LOG], end.fds, &e);
    if (x != -EPIPE)
        x = answer(parent, &o, x, &e);
    release(&o);
    return x < 0;
}

static const struct jail_profile observe_jail = {
    .name = "observe",
    .memory_max = 3ull << 30,
    .cpu_seconds = 600,
    .files_max = 32,
    .file_size_max = 1ull << 30,
};

const struct role observe_role = {
    .name = "observe",
    .doc = "reads a run's events, applies the rules, writes the reports",
    .jail = &observe_jail,
    .run = observe_role_run,
};
