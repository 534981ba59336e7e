/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A worker: one job, from the lease to the result. */
#include "queue/queue.h"

#include "case/work.h"
#include "os/file.h"
#include "queue/private.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RENEW_SECONDS (QUEUE_LEASE_SECONDS / 4)
#define INDICATORS_MAX 5000
#define REPORT_MAX (1u << 30)

struct worker_state {
    struct store *store; /* of the renewing thread */
    char name[WORKER_NAME_MAX];
    struct job job;
    volatile int stop;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool done;
};

/* Keeps the lease while the other thread works; a cancelled job, or one that was taken from us, is stopped. */
static void *renew(void *context)
{
    struct worker_state *w = context;
    struct timespec until;
    bool cancel = false;

    pthread_mutex_lock(&w->lock);
    while (!w->done) {
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += 1;
        pthread_cond_timedwait(&w->wake, &w->lock, &until);
        int r = w->done ? 0 : job_renew(w->store, w->job.id, w->name, QUEUE_LEASE_SECONDS, &cancel, NULL);
        if (cancel || r == ERR_CONFLICT)
            w->stop = 1;
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* ---- from report.json to a result ----------------------------------------------------------------------------------
 */

struct reading {
    struct job_indicator items[INDICATORS_MAX];
    size_t n;
};

static void indicator_add(struct reading *x, const char *kind, const json_t *value)
{
    if (x->n < INDICATORS_MAX && json_is_string(value) && json_string_length(value) <= STORE_NAME_MAX)
        x->items[x->n++] = (struct job_indicator){kind, {json_string_value(value), json_string_length(value)}};
}

static void read_indicators(struct reading *x, const json_t *report)
{
    static const struct {
        const char *type, *kind;
    } types[] = {{"domain", "domain"}, {"ip", "ip"},          {"ipv4", "ip"},     {"ipv6", "ip"},
                 {"url", "url"},       {"sha256", "dropped"}, {"file", "dropped"}};
    const json_t *item;
    size_t i;

    json_array_foreach(json_object_get(report, "indicators"), i, item)
    {
        const char *type = json_string_value(json_object_get(item, "type"));
        for (size_t k = 0; type && k < sizeof(types) / sizeof(*types); k++)
            if (!strcmp(type, types[k].type))
                indicator_add(x, types[k].kind, json_object_get(item, "value"));
    }
    json_array_foreach(json_object_get(report, "findings"), i, item)
        indicator_add(x, "rule", json_object_get(item, "rule"));
}

static bool rule_begins(const struct reading *x, const char *prefix)
{
    for (size_t i = 0; i < x->n; i++)
        if (!strcmp(x->items[i].kind, "rule") && str_starts(x->items[i].value, str_from(prefix)))
            return true;
    return false;
}

static int write_result(struct store *s, const struct worker_state *w, const struct case_folder *c,
                        const struct observe_result *o, const struct err *failed, struct err *e)
{
    char *path = case_path(c, "report.json");
    json_t *report = path ? json_load_file(path, JSON_ALLOW_NUL, NULL) : NULL;
    const json_t *verdict = json_object_get(report, "verdict");
    struct reading *x = calloc(1, sizeof(*x));
    int r = -ENOMEM;

    if (x) {
        read_indicators(x, report);
        struct job_result result = {
            .detection = verdict_name(o->word),
            .score = o->score,
            .confidence = o->confidence,
            .threat = json_string_value(json_object_get(verdict, "threat_name")),
            .error = failed->code ? failed->text : NULL,
            .indicators = x->items,
            .nindicators = x->n,
            .yara = rule_begins(x, "yara:"),
            .sigma = rule_begins(x, "sigma:"),
        };
        r = job_done(s, w->job.id, w->name, &result, e);
    }
    free(x);
    json_decref(report);
    free(path);
    return r;
}

/* What a start that was cut off left is not mixed with what this one makes. */
static void clean(const struct case_folder *c)
{
    static const char *const parts[] = {"runs", "report.json", "report.html", "static.json"};

    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        char *path = case_path(c, parts[i]);
        if (path)
            file_remove_tree(path, NULL);
        free(path);
    }
}

static int work(struct worker_state *w, struct store *s, struct err *e)
{
    struct work_handlers h = {.stop = &w->stop};
    struct observe_result o = {0};
    struct case_folder c = {.lock_fd = -1};
    struct err failed = {0};
    int r = case_open(w->job.folder, &c, &failed);

    if (r == 0 && (r = case_lock(&c, &failed)) == 0) {
        if (w->job.tries > 1)
            clean(&c);
        r = work_case(&c, &h, &o, &failed);
    }
    if (r == 0)
        failed.code = 0;
    if (!c.dir) {
        struct job_result result = {.detection = "unknown", .error = failed.text};
        r = job_done(s, w->job.id, w->name, &result, e);
    } else {
        r = write_result(s, w, &c, &o, &failed, e);
    }
    /* Deleted meanwhile: nobody else removes what we wrote. */
    if (r == ERR_CONFLICT && c.dir && !analysis_exists(s, w->job.analysis))
        file_remove_tree(c.dir, NULL);
    case_clear(&c);
    return r;
}

static int worker_run(struct ipc *parent)
{
    struct worker_state w = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};
    struct store *s = NULL;
    struct ipc_message m;
    struct err e = {0};
    char *data = path_data_dir();
    pthread_t thread;
    int r;

    if ((r = ipc_receive(parent, -1, &m, &e)) != 1 || m.type != WORKER_BEGIN || m.length >= sizeof(w.name) || !data) {
        r = ERR_PEER;
        goto out;
    }
    memcpy(w.name, m.payload, m.length);
    if ((r = store_open(data, &s, &e)) < 0 || (r = store_open(data, &w.store, &e)) < 0 ||
        (r = job_take(s, w.name, QUEUE_LEASE_SECONDS, &w.job, &e)) <= 0)
        goto out;
    if (pthread_create(&thread, NULL, renew, &w) != 0) {
        r = err_set(&e, -EAGAIN, "no thread");
        goto out;
    }
    r = work(&w, s, &e);
    pthread_mutex_lock(&w.lock);
    w.done = true;
    pthread_cond_signal(&w.wake);
    pthread_mutex_unlock(&w.lock);
    pthread_join(thread, NULL);
out:
    if (r < 0 && e.code)
        fprintf(stderr, "belljar: worker: %s\n", e.text);
    store_close(&s);
    store_close(&w.store);
    free(data);
    return r < 0 && r != ERR_CONFLICT ? 1 : 0;
}

const struct role worker_role = {
    .name = "worker",
    .doc = "takes one job of the queue and analyses it",
    .run = worker_run,
};
