/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "queue/queue.h"

#include "os/file.h"
#include "queue/private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_MS 1000

struct worker {
    struct queue *queue;
    struct role_process process;
    struct loop_fd *watch;
    char name[WORKER_NAME_MAX];
};

struct queue {
    struct queue_options o;
    struct worker workers[QUEUE_WORKERS_MAX];
    struct loop_timer *timer, *sweeper;
    uint64_t started; /* workers so far, for their names */
};

static void say(const struct queue *q, const char *what, const char *why)
{
    char text[ERR_TEXT_MAX + 128];

    snprintf(text, sizeof(text), "%s%s%s", what, *why ? ": " : "", why);
    if (q->o.log)
        q->o.log(text);
}

/* The worker's channel has ended: so has it, or it is made to. */
static void worker_gone(void *context, unsigned events)
{
    struct worker *w = context;
    struct queue *q = w->queue;
    struct err e = {0};
    char how[128] = "", text[192];
    int status = 0, back;
    (void)events;

    loop_remove_fd(&w->watch);
    if (role_wait(&w->process, 2000, &status) == 0 && status != 0) {
        role_describe_status(status, how, sizeof(how));
        snprintf(text, sizeof(text), "a worker %s", how);
        say(q, text, "");
    }
    role_stop(&w->process);
    if ((back = job_recover(q->o.store, w->name, &e)) < 0)
        say(q, "jobs cannot be given back", e.text);
    else if (back > 0)
        say(q, "its analysis waits again", "");
    w->name[0] = 0;
    queue_wake(q);
}

static int worker_start(struct queue *q, struct worker *w, struct err *e)
{
    int r;

    *w = (struct worker){.queue = q};
    snprintf(w->name, sizeof(w->name), "%d-%llu", (int)getpid(), (unsigned long long)++q->started);
    if ((r = role_start(&worker_role, &w->process, e)) == 0 &&
        (r = ipc_send(w->process.ipc, WORKER_BEGIN, w->name, strlen(w->name), NULL, 0, e)) == 0)
        r = loop_add_fd(q->o.loop, ipc_fd(w->process.ipc), LOOP_READ, worker_gone, w, &w->watch);
    if (r < 0) {
        role_stop(&w->process);
        w->name[0] = 0;
    }
    return r;
}

static void look(void *context)
{
    struct queue *q = context;
    struct err e = {0};
    int64_t waiting;

    if (job_recover(q->o.store, NULL, &e) < 0)
        say(q, "the queue cannot be read", e.text);
    waiting = job_waiting(q->o.store);
    /* A worker that has just started has not taken its job yet. */
    for (unsigned i = 0; i < q->o.workers; i++)
        if (q->workers[i].name[0] && !job_of_worker(q->o.store, q->workers[i].name))
            waiting--;
    for (unsigned i = 0; i < q->o.workers && waiting > 0; i++) {
        if (q->workers[i].name[0])
            continue;
        if (worker_start(q, &q->workers[i], &e) < 0) {
            say(q, "a worker cannot be started", e.text);
            break;
        }
        waiting--;
    }
}

static int remove_part(void *context, int64_t id)
{
    char *path = path_format("%s/uploads/%lld.part", store_dir(context), (long long)id);

    if (!path)
        return -ENOMEM;
    unlink(path);
    free(path);
    return 0;
}

static int remove_case(void *context, struct str folder)
{
    char *path = path_format("%s/cases/%.*s", store_dir(context), STR_ARG(folder));
    int r = path ? file_remove_tree(path, NULL) : -ENOMEM;

    free(path);
    return r == -ENOENT ? 0 : r;
}

static void sweep(void *context)
{
    struct queue *q = context;
    struct err e = {0};

    if (submission_abandon_old(q->o.store, QUEUE_EMPTY_SECONDS, QUEUE_CUT_SECONDS, remove_part, q->o.store, &e) < 0)
        say(q, "uploads that were cut off cannot be ended", e.text);
    if (submission_expire(q->o.store, 100, remove_case, q->o.store, &e) < 0)
        say(q, "what is too old cannot be removed", e.text);
}

int queue_new(const struct queue_options *o, struct queue **ret, struct err *e)
{
    struct queue *q = calloc(1, sizeof(*q));
    int r, back;

    if (!q)
        return err_set(e, -ENOMEM, "out of memory");
    q->o = *o;
    if (q->o.workers > QUEUE_WORKERS_MAX)
        q->o.workers = QUEUE_WORKERS_MAX;
    if ((r = back = job_recover_all(o->store, e)) < 0)
        goto out;
    if (back)
        say(q, "analyses that were cut off earlier wait again", "");
    if ((r = loop_add_timer(o->loop, 1, LOOK_MS, look, q, &q->timer)) == 0)
        r = loop_add_timer(o->loop, QUEUE_SWEEP_SECONDS * 1000, QUEUE_SWEEP_SECONDS * 1000, sweep, q, &q->sweeper);
out:
    if (r < 0)
        queue_free(&q);
    else
        *ret = q;
    return r < 0 ? r : 0;
}

void queue_free(struct queue **queue)
{
    struct queue *q = queue ? *queue : NULL;

    if (!q)
        return;
    loop_remove_timer(&q->timer);
    loop_remove_timer(&q->sweeper);
    for (unsigned i = 0; i < QUEUE_WORKERS_MAX; i++) {
        loop_remove_fd(&q->workers[i].watch);
        role_stop(&q->workers[i].process);
    }
    free(q);
    *queue = NULL;
}

void queue_wake(struct queue *q)
{
    loop_remove_timer(&q->timer);
    loop_add_timer(q->o.loop, 1, LOOK_MS, look, q, &q->timer);
}
