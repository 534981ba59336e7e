/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The run: from START over the sample's life to DONE. */
#include "parts.h"
#include "capture.h"
#include "feed.h"
#include "follow.h"
#include "start.h"
#include "stats.h"
#include "trace.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECOND 1000000000ull
#define EXIT_SETTLE_NS                                                                                                 \
    (150 * 1000000ull) /* nothing alive for so long: really the end, not a gap between two events                      \
                        */

static struct {
    struct sample_process sample;
    uint64_t next_second, none_since, finish_deadline;
    bool finish_asked, flushed;
    uint32_t flags;
} run;

int parts_open(struct agent *a)
{
    a->feed = feed_new(a->channel);
    a->follow = follow_new();
    if (!a->feed || !a->follow || capture_open(a) < 0 || stats_open(a) < 0 || trace_open(a) < 0)
        return -ENOMEM;
    return 0;
}

void parts_prepare(struct agent *a)
{
    trace_wait(a);
    if (!trace_works(a))
        agent_log(a, "tracer: %s", trace_state(a));
}

const char *parts_tracer_state(const struct agent *a)
{
    return trace_state(a);
}

/* ---- START ----------------------------------------------------------------- */

static void tell_sample(struct agent *a, const struct launch *l)
{
    struct wire_event ev = {.kind = EVENT_RUN_SAMPLE, .count = EVF_RUN_SAMPLE__COUNT, .time = a->start_ns};

    ev.pid = ev.tid = a->sample_pid;
    ev_text(&ev, EVF_RUN_SAMPLE_Path, l->path);
    ev_text(&ev, EVF_RUN_SAMPLE_CommandLine, l->command_line);
    ev_text(&ev, EVF_RUN_SAMPLE_User, l->user.name);
    ev_text(&ev, EVF_RUN_SAMPLE_CurrentDirectory, l->cwd);
    feed_event(a->feed, EVENT_SOURCE_AGENT, &ev);
}

static void answer_started(struct agent *a)
{
    uint8_t space[64];
    struct wire_put w = {.p = space, .cap = sizeof(space)};

    wire_put_u32(&w, WIRE_START);
    wire_put_u32(&w, 0);
    wire_put_str(&w, "", 0);
    wire_put_u32(&w, a->sample_pid);
    wire_put_u64(&w, a->start_ns);
    channel_send(a->channel, LANE_CONTROL, WIRE_RESULT, w.p, w.len);
}

static void refuse_start(struct agent *a, const struct launch *l, int code)
{
    char text[256];

    if (code == -ENOENT)
        snprintf(text, sizeof(text), "the file or the interpreter that it names is not there");
    else
        snprintf(text, sizeof(text), "%s", strerror(-code));
    feed_note(a->feed, "start-failed", "%.200s: %s", l->path, text);
    agent_result(a, WIRE_START, code, text);
    feed_release(a->feed);
}

static int launch_sample(struct agent *a, const struct launch *l)
{
    struct timespec t;
    int r = start_fork(l, &run.sample);

    if (r < 0)
        return r;
    a->sample_pid = run.sample.pid;
    trace_drain(a); /* the forks above are not the sample's story */
    follow_root(a->follow, run.sample.pid);
    feed_begin(a->feed);
    trace_sample(a, run.sample.pid);
    trace_scan(a);
    clock_gettime(CLOCK_REALTIME, &t);
    a->start_realtime = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
    stats_begin(a);
    a->start_ns = now_boot();
    tell_sample(a, l);
    r = start_release(&run.sample);
    if (r < 0) {
        a->start_ns = 0;
        start_close(&run.sample);
    }
    return r;
}

void parts_start(struct agent *a, const uint8_t *p, size_t n)
{
    const char *why = "";
    struct launch l;
    int r = launch_parse(&l, p, n, &why);

    if (r < 0) {
        agent_result(a, WIRE_START, r, why);
        return;
    }
    parts_prepare(a);
    planners_wait(a);
    struct capture_limits limits = {.file_max = l.file_max, .total_max = l.total_max, .dump_max = l.dump_max};
    capture_begin(a, &limits);
    r = launch_sample(a, &l);
    if (r < 0) {
        refuse_start(a, &l, r);
    } else {
        a->state = AGENT_STARTED;
        answer_started(a);
        feed_release(a->feed);
        start_watch_output(a, &run.sample);
    }
    launch_free(&l);
}

/* ---- the sample's life ----------------------------------------------------- */

static void look_for_end(struct agent *a, uint64_t now)
{
    uint8_t space[16];
    struct wire_put w = {.p = space, .cap = sizeof(space)};
    uint32_t signal_number;
    int code;

    if (follow_alive(a->follow) > 0) {
        run.none_since = 0;
        return;
    }
    if (!run.none_since)
        run.none_since = now;
    if (now - run.none_since < EXIT_SETTLE_NS)
        return;
    a->exited_sent = true;
    follow_root_status(a->follow, &code, &signal_number);
    feed_note(a->feed, "all-exited", "no process of the sample is left");
    feed_flush(a->feed);
    stats_status(a);
    wire_put_u32(&w, (uint32_t)code);
    wire_put_u32(&w, signal_number);
    channel_send(a->channel, LANE_EVENTS, WIRE_EXITED, w.p, w.len);
}

static void each_second(struct agent *a)
{
    stats_second(a);
    if (a->state == AGENT_STARTED)
        follow_verify(a->follow, trace_works(a));
    stats_status(a);
}

/* ---- FINISH ---------------------------------------------------------------- */

/* The sample stands still while the last things are looked at. */
static void stop_sample(struct agent *a)
{
    uint32_t pids[64], from = 0;
    size_t n;

    while ((n = follow_list(a->follow, from, pids, 64)) > 0) {
        for (size_t i = 0; i < n; i++)
            kill((pid_t)pids[i], SIGSTOP);
        from = pids[n - 1];
    }
}

void parts_finish(struct agent *a, const uint8_t *p, size_t n)
{
    struct wire_get r = {.p = p, .n = n};
    uint64_t budget = wire_get_u32(&r);

    if (a->start_ns) {
        trace_drain(a);
        stop_sample(a);
        stats_second(a);
    }
    a->state = AGENT_FINISHING;
    run.finish_deadline = now_boot() + budget * 1000000u;
    /* Three quarters for looking, the rest for sending. */
    capture_finish(a, now_boot() + budget * 750000u);
}

static void send_done(struct agent *a)
{
    uint8_t space[64];
    struct wire_put w = {.p = space, .cap = sizeof(space)};

    wire_put_u32(&w, run.flags);
    stats_put(a, &w);
    channel_send(a->channel, LANE_CONTROL, WIRE_DONE, w.p, w.len);
    a->state = AGENT_DONE;
}

static void go_on_finishing(struct agent *a, uint64_t now)
{
    bool in_time, late = now > run.finish_deadline;

    if (!run.flushed && (capture_finished(a, &in_time) || late)) {
        if (late || !in_time)
            run.flags |= 1;
        if (run.flags & 1)
            feed_note(a->feed, "finish-budget", "the time for the last collection ended before everything was seen");
        trace_drain(a);
        if (a->start_ns)
            trace_syscalls(a);
        feed_flush(a->feed);
        run.flushed = true;
    }
    if (run.flushed && (channel_queued(a->channel) == 0 || late))
        send_done(a);
}

void parts_tick(struct agent *a, uint64_t now)
{
    if (a->state == AGENT_FINISHING) {
        go_on_finishing(a, now);
        return;
    }
    if (a->state != AGENT_STARTED)
        return;
    if (now >= run.next_second) {
        run.next_second = now + SECOND;
        each_second(a);
    }
    capture_watchdog(a, now);
    if (!a->exited_sent)
        look_for_end(a, now);
    feed_flush(a->feed);
}
