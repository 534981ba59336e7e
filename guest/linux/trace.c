/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "trace.h"
#include "capture.h"
#include "feed.h"
#include "follow.h"

#ifdef AGENT_TRACER
#include "tracer.h"
#endif

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef AGENT_TRACER

#define POLL_MS 100

struct trace {
    struct agent *agent;
    struct tracer *tracer;
    pthread_mutex_t lock; /* a tracer is for one thread at a time */
    pthread_cond_t done;  /* opened, or given up */
    pthread_t thread;
    bool opened, works;
    char state[900];
    uint64_t lost_at_start; /* in the template and before the sample */
    _Atomic uint64_t seen;
    bool scanning;
};

static void keep_books(struct agent *a, const struct tracer_event *ev)
{
    switch (ev->kind) {
    case EVENT_PROCESS_START:
        follow_started(a->follow, ev->pid, ev->from_sample);
        break;
    case EVENT_PROCESS_EXIT:
        follow_ended(a->follow, ev->pid, (int)ev->f[EVF_PROCESS_EXIT_ExitCode].u,
                     (uint32_t)ev->f[EVF_PROCESS_EXIT_Signal].u);
        break;
    default:
        if (ev->from_sample)
            follow_joined(a->follow, ev->pid);
    }
}

static void on_event(void *context, const struct tracer_event *ev)
{
    struct trace *t = context;
    struct agent *a = t->agent;
    struct wire_event w = {.kind = ev->kind, .count = ev->nfields, .pid = ev->pid, .tid = ev->tid, .time = ev->time};

    if (ev->kind == TRACER_MEMORY) {
        if (a->start_ns)
            capture_piece(a, ev->pid, ev->f[0].u, (unsigned)ev->f[1].u, ev->f[2].u != 0, ev->f[3].s, ev->f[3].n);
        return;
    }
    if (ev->hold)
        capture_hold(a, ev->pid, ev->kind == EVENT_PROCESS_EXEC ? "exec" : "wx");
    if (t->scanning && ev->pid == a->sample_pid)
        return; /* still our own image: its exec will tell what it is */
    atomic_fetch_add(&t->seen, 1);
    if (t->scanning)
        w.time = now_boot();
    else
        keep_books(a, ev);
    for (unsigned i = 0; i < ev->nfields && i < WIRE_EVENT_FIELDS; i++)
        w.f[i] = (struct wire_value){.u = ev->f[i].u, .s = ev->f[i].s, .n = ev->f[i].n};
    feed_event(a->feed, EVENT_SOURCE_TRACER, &w);
}

/* Loading takes from one to some tens of seconds under emulation: meanwhile the guest boots on. */
static void open_tracer(struct trace *t)
{
    struct tracer *tracer = NULL;
    char why[sizeof(t->state)] = "";
    int r = tracer_open(&tracer, why, sizeof(why));

    if (r >= 0)
        tracer_hide(tracer, (uint32_t)t->agent->self);
    pthread_mutex_lock(&t->lock);
    if (r == 0)
        snprintf(t->state, sizeof(t->state), "ok");
    else
        snprintf(t->state, sizeof(t->state), "%s", why[0] ? why : strerror(r < 0 ? -r : EIO));
    t->tracer = tracer;
    t->works = r >= 0;
    t->opened = true;
    pthread_cond_broadcast(&t->done);
    pthread_mutex_unlock(&t->lock);
}

static void *drain_for_ever(void *context)
{
    struct trace *t = context;

    open_tracer(t);
    if (!t->works)
        return NULL;
    struct pollfd p = {.fd = tracer_fd(t->tracer), .events = POLLIN};
    for (;;) {
        poll(&p, 1, POLL_MS);
        trace_drain(t->agent);
    }
}

int trace_open(struct agent *a)
{
    struct trace *t = calloc(1, sizeof(*t));

    if (!t)
        return -ENOMEM;
    a->trace = t;
    t->agent = a;
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->done, NULL);
    return -pthread_create(&t->thread, NULL, drain_for_ever, t);
}

void trace_wait(struct agent *a)
{
    struct trace *t = a->trace;

    pthread_mutex_lock(&t->lock);
    while (!t->opened)
        pthread_cond_wait(&t->done, &t->lock);
    pthread_mutex_unlock(&t->lock);
}

void trace_drain(struct agent *a)
{
    struct trace *t = a->trace;

    if (!trace_works(a))
        return;
    pthread_mutex_lock(&t->lock);
    tracer_poll(t->tracer, 0, on_event, t);
    uint64_t lost = tracer_lost(t->tracer);
    pthread_mutex_unlock(&t->lock);
    feed_lost_before(a->feed, EVENT_SOURCE_TRACER, lost - t->lost_at_start);
}

bool trace_works(const struct agent *a)
{
    return a->trace && a->trace->works;
}

const char *trace_state(const struct agent *a)
{
    return a->trace ? a->trace->state : "the tracer was not started";
}

uint64_t trace_seen(const struct agent *a)
{
    return a->trace ? atomic_load(&a->trace->seen) : 0;
}

void trace_sample(struct agent *a, uint32_t pid)
{
    struct trace *t = a->trace;

    if (!trace_works(a))
        return;
    pthread_mutex_lock(&t->lock);
    t->lost_at_start = tracer_lost(t->tracer);
    int r = tracer_sample(t->tracer, pid);
    pthread_mutex_unlock(&t->lock);
    if (r < 0)
        agent_log(a, "the tracer cannot follow the sample: %s", strerror(-r));
}

void trace_scan(struct agent *a)
{
    struct trace *t = a->trace;

    if (!trace_works(a))
        return;
    pthread_mutex_lock(&t->lock);
    t->scanning = true;
    tracer_scan(t->tracer, on_event, t);
    t->scanning = false;
    pthread_mutex_unlock(&t->lock);
}

void trace_syscalls(struct agent *a)
{
    struct trace *t = a->trace;

    if (!trace_works(a))
        return;
    pthread_mutex_lock(&t->lock);
    tracer_syscalls_flush(t->tracer, on_event, t);
    pthread_mutex_unlock(&t->lock);
}

#else /* a build without the tracer, for tests of the rest */

int trace_open(struct agent *a)
{
    (void)a;
    return 0;
}
void trace_wait(struct agent *a)
{
    (void)a;
}
bool trace_works(const struct agent *a)
{
    (void)a;
    return false;
}
const char *trace_state(const struct agent *a)
{
    (void)a;
    return "built without the tracer";
}
void trace_sample(struct agent *a, uint32_t pid)
{
    (void)a;
    (void)pid;
}
void trace_scan(struct agent *a)
{
    (void)a;
}
void trace_syscalls(struct agent *a)
{
    (void)a;
}
void trace_drain(struct agent *a)
{
    (void)a;
}
uint64_t trace_seen(const struct agent *a)
{
    (void)a;
    return 0;
}

#endif
