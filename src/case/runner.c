/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "case/runner-private.h"

#include "base/jsonw.h"
#include "case/slot.h"
#include "conf/conf.h"
#include "os/file.h"
#include "os/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HELLO_TIMEOUT_MS 20000
#define PUT_TIMEOUT_MS 120000
#define START_TIMEOUT_MS 30000
#define FINISH_BUDGET_MS 20000
#define TURN_MS 100
#define PROGRESS_MS 250
/* What is in the log by then stays when we are killed, and is seen by `belljar events --follow`. */
#define FLUSH_MS 1000
/* After the last process of the sample ended: time for packets and closes in flight. */
#define QUIET_MS 1500
/* Cron looks every minute, and timers often run each minute: what the sample arranged shows itself within this. */
#define ARRANGED_MS 75000
/* A unit that waits for no time starts when it is told to, or at the next boot. */
#define ARRANGED_UNIT_MS 6000
/* Behind the limit of the log, so that what is told at the end of a run (counts, copies) still gets in. */
#define LOG_TAIL_MIN (1u << 20)
/* Given back when the run is over: its facts and its report must fit on a disk that the run filled. */
#define RESERVE_BYTES (16u << 20)
#define RESERVE_NAME "reserve"
/* The agent reports every second; a guest that is silent for this long is gone or hangs. */
#define SILENCE_MS 25000
/* The agent says which process is the sample within this; what the tracer says of it before is kept back. */
#define HOLD_MS 3000
#define OUTPUT_MAX (4u << 20)

static uint64_t clock_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- events ---------------------------------------------------------------------------- */

/* What the progress line says of an event: a word, and which of its fields. */
static const struct {
    uint16_t kind;
    const char *word;
    unsigned field;
} doings[] = {
    {EVENT_PROCESS_EXEC, "runs", EVF_PROCESS_EXEC_CommandLine},
    {EVENT_FILE_CREATE, "creates", EVF_FILE_CREATE_TargetFilename},
    {EVENT_FILE_DELETE, "deletes", EVF_FILE_DELETE_TargetFilename},
    {EVENT_DNS_QUERY, "looks up", EVF_DNS_QUERY_QueryName},
    {EVENT_HTTP_REQUEST, "asks for", EVF_HTTP_REQUEST_Url},
    {EVENT_TIME_SLEEP, "sleeps", EVF_TIME_SLEEP_Duration},
};

static void note_progress(struct runner *r, const struct event *ev, const struct proc *p)
{
    char *out = r->progress.doing;
    size_t n = sizeof(r->progress.doing);

    if (p->lineage == PROC_SYSTEM && ev->source != EVENT_SOURCE_NET)
        return;
    for (size_t i = 0; i < sizeof(doings) / sizeof(*doings); i++) {
        if (doings[i].kind != ev->kind)
            continue;
        if (ev->kind == EVENT_TIME_SLEEP)
            snprintf(out, n, "%s %.1f s", doings[i].word, (double)event_u(ev, doings[i].field) / 1e9);
        else
            snprintf(out, n, "%s %.*s", doings[i].word, STR_ARG(event_s(ev, doings[i].field)));
        return;
    }
}

/* Did the sample leave something that another program will start later? Then a quiet machine is not a finished one. */
static void note_arranged(struct runner *r, const struct event *ev, const struct proc *p)
{
    static const struct {
        const char *begins, *ends;
        uint64_t wait_ms;
    } places[] = {
        {"/etc/cron", "", ARRANGED_MS},
        {"/var/spool/cron", "", ARRANGED_MS},
        {"/var/spool/at", "", ARRANGED_MS},
        {"/etc/anacrontab", "", ARRANGED_MS},
        {"/etc/systemd/", ".timer", ARRANGED_MS},
        {"/run/systemd/system/", ".timer", ARRANGED_MS},
        {"/lib/systemd/system/", ".timer", ARRANGED_MS},
        {"/usr/lib/systemd/system/", ".timer", ARRANGED_MS},
        {"/usr/local/lib/systemd/system/", ".timer", ARRANGED_MS},
        {"/etc/systemd/", "", ARRANGED_UNIT_MS},
        {"/run/systemd/system/", "", ARRANGED_UNIT_MS},
        {"/lib/systemd/system/", "", ARRANGED_UNIT_MS},
        {"/usr/lib/systemd/system/", "", ARRANGED_UNIT_MS},
        {"/usr/local/lib/systemd/system/", "", ARRANGED_UNIT_MS},
    };
    uint64_t until;
    struct str path;

    if (p->lineage == PROC_SYSTEM || (ev->kind != EVENT_FILE_CREATE && ev->kind != EVENT_FILE_WRITE &&
                                      ev->kind != EVENT_FILE_RENAME && ev->kind != EVENT_FILE_LINK))
        return;
    path = event_s(ev, ev->kind == EVENT_FILE_RENAME ? EVF_FILE_RENAME_TargetFilename
                       : ev->kind == EVENT_FILE_LINK ? EVF_FILE_LINK_TargetFilename
                                                     : 0);
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
        if (str_starts(path, str_from(places[i].begins)) && str_ends(path, str_from(places[i].ends))) {
            until = loop_now_ms() + places[i].wait_ms;
            r->arranged_until_ms = until > r->arranged_until_ms ? until : r->arranged_until_ms;
            return;
        }
}

static void take_event(void *context, const struct event *ev)
{
    struct runner *r = context;
    const struct proc *p;

    if (r->failed < 0)
        return;
    p = proctab_event(r->procs, ev);
    r->progress.events++;
    if (p) {
        note_progress(r, ev, p);
        note_arranged(r, ev, p);
    }
    if (r->log_max &&
        evlog_writer_bytes(r->log) >= r->log_max + (r->log_max / 4 > LOG_TAIL_MIN ? r->log_max / 4 : LOG_TAIL_MIN))
        r->left_out[ev->source < EVENT_SOURCE_MAX ? ev->source : 0]++;
    else
        r->failed = evlog_append(r->log, ev, &r->error);
}

static void on_event(void *context, const struct event *ev)
{
    struct runner *r = context;
    event_hold_event(&r->hold, ev, take_event, r);
}

static void on_lost(void *context, uint8_t source, uint64_t total)
{
    struct runner *r = context;
    if (source < EVENT_SOURCE_MAX && total > r->lost[source])
        r->lost[source] = total;
    r->progress.lost = 0;
    for (unsigned i = 0; i < EVENT_SOURCE_MAX; i++)
        r->progress.lost += r->lost[i];
    if (r->failed >= 0)
        r->failed = evlog_lost(r->log, source, total, &r->error);
}

/* What the limit of the log kept out counts as lost. */
static void tell_left_out(struct runner *r)
{
    for (uint8_t i = 0; i < EVENT_SOURCE_MAX; i++)
        if (r->left_out[i])
            on_lost(r, i, r->lost[i] + r->left_out[i]);
}

/* The host's own remarks go into the same log, so that the report has one time line. Number 0: the log counts. */
static void add_note(struct runner *r, const char *code, const char *text)
{
    struct event ev = {.kind = EVENT_RUN_NOTE, .source = EVENT_SOURCE_HOST, .count = EVF_RUN_NOTE__COUNT};

    ev.time_ns = r->session ? session_time(r->session, clock_ns(CLOCK_MONOTONIC)) : -1;
    ev.f[EVF_RUN_NOTE_Code].s = str_from(code);
    ev.f[EVF_RUN_NOTE_Text].s = str_from(text);
    on_event(r, &ev);
}

/* ---- artefacts --------------------------------------------------------------------------- */

static void on_capture(void *context, int kind, struct str name, int fd, uint64_t size, const char sha256[SHA256_HEX],
                       bool truncated)
{
    struct runner *r = context;
    char *path, from[64];
    struct err e;

    (void)truncated;
    path = path_format("%s/%s/%s", r->o->run_dir, kind == 2 ? "memory" : "dropped", sha256);
    snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
    if (!path || (!file_exists(path) && file_copy(from, path, 0400, &e) < 0)) {
        r->captures_failed++;
        r->store_error = path ? e.code : -ENOMEM;
    } else if (kind == 2) {
        r->dumps++;
        r->dump_bytes += size;
    } else {
        r->captures++;
        r->capture_bytes += size;
    }
    (void)name;
    free(path);
}

static void on_output(void *context, int stream, struct str bytes)
{
    struct runner *r = context;
    size_t room = OUTPUT_MAX - r->output_bytes, n = bytes.n < room ? bytes.n : room;

    (void)stream;
    r->output_total += bytes.n;
    if (n && r->output_fd >= 0 && file_write_all(r->output_fd, bytes.p, n) == 0)
        r->output_bytes += n;
}

static void on_log(void *context, struct str text)
{
    struct runner *r = context;
    buf_addf(&r->agent_log, "%.*s\n", STR_ARG(text));
}

/* ---- life of a run ------------------------------------------------------------------------ */

static void say(struct runner *r, const char *phase)
{
    snprintf(r->progress.phase, sizeof(r->progress.phase), "%s", phase);
    if (r->o->progress)
        r->o->progress(r->o->context, &r->progress);
}

static void end_run(struct runner *r, const char *word, const char *format, ...)
{
    va_list ap;

    if (r->ended)
        return;
    r->ended = word;
    va_start(ap, format);
    vsnprintf(r->ended_text, sizeof(r->ended_text), format, ap);
    va_end(ap);
}

static int make_reserve(struct runner *r, struct err *e)
{
    char *path = path_join(r->o->run_dir, RESERVE_NAME);
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600) : -1, x = 0;

    if (!path)
        x = err_set(e, -ENOMEM, "out of memory");
    else if (fd < 0)
        x = err_errno(e, "cannot write into %s", r->o->run_dir);
    else if ((x = -posix_fallocate(fd, 0, RESERVE_BYTES)) < 0) {
        unlink(path);
        err_set(e, x, "%s has no room for a run (%u MiB at the least): %s", r->o->run_dir, RESERVE_BYTES >> 20,
                err_name(x));
    }
    if (fd >= 0)
        close(fd);
    free(path);
    return x;
}

static int open_outputs(struct runner *r, struct err *e)
{
    static const char *const folders[] = {"dropped", "memory", "spool"};
    char *path = NULL;
    int x = 0;

    for (size_t i = 0; i < 3 && x == 0; i++) {
        path = path_join(r->o->run_dir, folders[i]);
        x = path ? file_mkdirs(path, 0700, e) : err_set(e, -ENOMEM, "out of memory");
        free(path);
    }
    if (x < 0 || (x = make_reserve(r, e)) < 0)
        return x;
    r->log_max = conf_number(r->conf, CONF_EVENTS_MAX_BYTES);
    if (!(path = path_join(r->o->run_dir, "events.bjl")))
        return err_set(e, -ENOMEM, "out of memory");
    x = evlog_create(path, &r->log, e);
    free(path);
    if (x < 0)
        return x;
    if ((path = path_join(r->o->run_dir, "output.txt")))
        r->output_fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    free(path);
    return 0;
}

static int start_net_and_machine(struct runner *r, struct err *e)
{
    struct machine_options mo = {.image = r->o->image,
                                 .snapshot = r->o->snapshot,
                                 .run_dir = r->o->run_dir,
                                 .net_fd = -1,
                                 .disk_max = conf_number(r->conf, CONF_DISK_MAX)};
    char *pcap = path_join(r->o->run_dir, "traffic.pcap");
    int pair[2], x;

    if (!pcap)
        return err_set(e, -ENOMEM, "out of memory");
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        free(pcap);
        return err_errno(e, "cannot make the machine's cable");
    }
    x = net_client_start(pcap, pair[0], &r->net, e);
    mo.net_fd = pair[1];
    if (x == 0)
        x = machine_start(&mo, &r->machine, e);
    close(pair[0]);
    close(pair[1]);
    free(pcap);
    return x;
}

/* Every run is another machine: names and numbers that a sample could remember differ. */
static void make_identity(struct runner *r)
{
    static const char *const names[] = {"desk", "ws", "srv", "node", "box", "lap", "pc", "office"};
    static const uint8_t vendors[][3] = {
        {0x3c, 0x52, 0x82}, {0xa4, 0xbb, 0x6d}, {0x00, 0x25, 0x90}, {0xd8, 0x9e, 0xf3}};
    uint8_t rnd[24];

    random_bytes(rnd, sizeof(rnd));
    snprintf(r->hostname, sizeof(r->hostname), "%s-%u", names[rnd[0] % 8], 10u + rnd[1] % 90u);
    hex_encode(rnd + 2, 16, r->machine_id);
    memcpy(r->mac, vendors[rnd[18] % 4], 3);
    memcpy(r->mac + 3, rnd + 19, 3);
}

static int greet(struct runner *r, struct err *e)
{
    struct session_handlers h = {
        .context = r, .event = on_event, .lost = on_lost, .capture = on_capture, .output = on_output, .log = on_log};
    struct session_identity id = {.hostname = r->hostname, .machine_id = r->machine_id};
    char *spool = path_join(r->o->run_dir, "spool");
    int x;

    memcpy(id.mac, r->mac, 6);
    if (!spool)
        return err_set(e, -ENOMEM, "out of memory");
    x = session_new(machine_agent_fd(r->machine), spool, &h, &r->session, e);
    free(spool);
    return x < 0 ? x : session_hello(r->session, &id, HELLO_TIMEOUT_MS, e);
}

/* Names of the guest's users, for the report: asked on the idle machine, where nobody could have changed them. */
static void keep_passwd(struct runner *r)
{
    char *path = path_join(r->o->run_dir, "passwd");
    struct buf out;
    int code;

    buf_init(&out, 1u << 20);
    if (path && session_run(r->session, "cat /etc/passwd", &out, &code, START_TIMEOUT_MS, NULL) == 0 && code == 0)
        file_write_atomic(path, out.data, out.len, 0644, NULL);
    buf_free(&out);
    free(path);
}

static int put_and_start(struct runner *r, struct err *e)
{
    const struct plan *p = r->o->plan;
    struct session_start so = {.user = p->user,
                               .cwd = p->cwd,
                               .path = p->path,
                               .argv = p->argv,
                               .capture_file_max = conf_number(r->conf, CONF_CAPTURE_FILE_MAX),
                               .capture_total_max = conf_number(r->conf, CONF_CAPTURE_TOTAL_MAX),
                               .dump_total_max = conf_number(r->conf, CONF_DUMP_TOTAL_MAX)};
    int x = 0;

    if (r->o->idle)
        keep_passwd(r);
    if (p->guest_path && r->o->sample_path) {
        int fd = open(r->o->sample_path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return err_errno(e, "cannot open the stored sample");
        x = session_put_file(r->session, fd, p->guest_path, p->guest_mode, p->user, PUT_TIMEOUT_MS, e);
        close(fd);
        if (x < 0)
            return x;
    }
    if ((x = session_clock_sync(r->session, e)) < 0)
        return x;
    r->start_real = clock_ns(CLOCK_REALTIME);
    event_hold_begin(&r->hold);
    x = session_start_sample(r->session, &so, START_TIMEOUT_MS, &r->root_pid, e);
    if (x == 0)
        r->started = true;
    else
        event_hold_end(&r->hold, take_event, r);
    return x;
}

static void on_net_event(void *context, const struct event *ev)
{
    struct runner *r = context;
    struct event own = *ev;

    own.time_ns = ev->time_ns > 0 ? session_time(r->session, (uint64_t)ev->time_ns) : -1;
    on_event(r, &own);
}

/* The last word on the network: its counters, and what it had to leave out. */
static void take_net_status(struct runner *r)
{
    r->net_status = *net_client_status(r->net);
    if (r->net_status.lost > r->net_lost_told) {
        r->net_lost_told = r->net_status.lost;
        on_lost(r, EVENT_SOURCE_NET, r->net_status.lost);
    }
}

static void check_machine(struct runner *r)
{
    char why[256] = "";

    switch (machine_poll(r->machine, why, sizeof(why))) {
    case MACHINE_RUNNING:
        return;
    case MACHINE_SHUT_DOWN:
        end_run(r, "powered-off", "the machine was powered off from inside");
        break;
    case MACHINE_RESET:
        end_run(r, "rebooted", "the machine was rebooted from inside");
        break;
    case MACHINE_PANICKED:
        end_run(r, "panicked", "the machine's kernel panicked");
        break;
    case MACHINE_BROKEN:
        end_run(r, "machine-broken", "the machine broke: %s", why);
        break;
    }
    r->machine_gone = true;
}

static void check_end(struct runner *r, uint64_t begun)
{
    const struct session_status *s = session_status(r->session);
    uint64_t now = loop_now_ms();

    if (r->o->stop && *r->o->stop)
        end_run(r, "stopped", "stopped by the user");
    if (now - begun >= r->o->plan->seconds * 1000ull)
        end_run(r, "time", "the planned time was over");
    if (s->last_heard_ms && now - s->last_heard_ms > SILENCE_MS)
        end_run(r, "silent", "the machine stopped talking to us");
    if (!s->sample_ended) {
        r->quiet_since = 0;
        return;
    }
    if (!r->quiet_since)
        r->quiet_since = now;
    if (now < r->arranged_until_ms)
        return;
    if (now - r->quiet_since >= QUIET_MS)
        end_run(r, "all-exited", "every process of the sample ended");
}

static void show_progress(struct runner *r, uint64_t begun, uint64_t *last, uint64_t *last_events)
{
    uint64_t now = loop_now_ms();

    if (now - *last < PROGRESS_MS)
        return;
    r->progress.events_per_second = (r->progress.events - *last_events) * 1000 / (now - *last);
    *last_events = r->progress.events;
    *last = now;
    r->progress.elapsed_ms = (unsigned)(now - begun);
    r->progress.total_ms = r->o->plan->seconds * 1000;
    r->progress.alive = session_status(r->session)->alive;
    if (r->quiet_since && now < r->arranged_until_ms)
        snprintf(r->progress.doing, sizeof(r->progress.doing), "waits for what cron or systemd will start");
    say(r, "run");
}

static void keep_log(struct runner *r, uint64_t *last)
{
    uint64_t now = loop_now_ms();

    if (r->failed < 0 || now - *last < FLUSH_MS)
        return;
    *last = now;
    r->failed = evlog_flush(r->log, &r->error);
}

/* Ends that this computer is to blame for. */
static void check_host(struct runner *r)
{
    int store = r->store_error ? r->store_error : session_status(r->session)->store_error;

    if (r->failed < 0)
        end_run(r, "host-failed", "%s", r->error.text);
    else if (store < 0)
        end_run(r, "host-failed", "copies of files could not be stored in %s: %s", r->o->run_dir, err_name(store));
    else if (evlog_writer_bytes(r->log) >= r->log_max)
        end_run(r, "log-full", "the event log reached its limit of %llu bytes (setting events-max-bytes)",
                (unsigned long long)r->log_max);
}

static void record(struct runner *r)
{
    uint64_t begun = loop_now_ms(), last = begun, flushed = begun, last_events = r->progress.events;
    struct err e;

    while (!r->ended) {
        int x = session_turn(r->session, TURN_MS, &e);

        if (x < 0) {
            /* QEMU's own word (reboot, power-off) comes a moment after the channel closes. */
            for (int i = 0; i < 20 && !r->ended; i++) {
                check_machine(r);
                if (!r->ended)
                    poll(NULL, 0, 50);
            }
            end_run(r, "channel", "the channel to the machine broke: %s", e.text);
            r->machine_gone = true;
        }
        if (r->net && net_client_poll(r->net, on_net_event, r, &e) < 0) {
            add_note(r, "net-lost", e.text);
            r->net_failed = true;
            take_net_status(r);
            net_client_stop(&r->net);
        }
        check_machine(r);
        check_end(r, begun);
        if (loop_now_ms() - begun >= HOLD_MS || r->ended)
            event_hold_end(&r->hold, take_event, r);
        keep_log(r, &flushed);
        check_host(r);
        show_progress(r, begun, &last, &last_events);
    }
    r->ran_ms = loop_now_ms() - begun;
    evlog_flush(r->log, NULL);
}

static void collect(struct runner *r)
{
    struct err e;

    say(r, "collect");
    r->private_bytes = r->machine ? machine_private_bytes(r->machine) : 0;
    if (!r->machine_gone && r->session && session_finish(r->session, FINISH_BUDGET_MS, &e) < 0) {
        r->collect_failed = true;
        add_note(r, "collect-failed", e.text);
    }
    if (r->net) {
        if (net_client_finish(r->net, 3000, on_net_event, r, &e) < 0) {
            r->net_failed = true;
            add_note(r, "net-lost", e.text);
        }
        take_net_status(r);
    }
    say(r, "stop");
}

/* Ends the machine and gives back the room that only a run needs: on a full disk, what is written next needs it. */
static void end_machine(struct runner *r)
{
    char *spool = path_join(r->o->run_dir, "spool"), *reserve = path_join(r->o->run_dir, RESERVE_NAME);

    session_free(&r->session);
    machine_stop(&r->machine);
    net_client_stop(&r->net);
    if (spool)
        file_remove_tree(spool, NULL);
    if (reserve)
        unlink(reserve);
    free(spool);
    free(reserve);
}

static void release(struct runner *r)
{
    if (r->output_fd >= 0)
        close(r->output_fd);
    slot_leave(&r->slot);
    conf_free(&r->conf);
    proctab_free(&r->procs);
    buf_free(&r->agent_log);
    event_hold_free(&r->hold);
}

/* 0: go on waiting for a machine. */
static int wait_for_slot(void *context)
{
    struct runner *r = context;

    say(r, "wait for a machine");
    return r->o->stop && *r->o->stop;
}

int runner_run(const struct runner_options *o, struct err *e)
{
    struct runner r = {.o = o, .output_fd = -1, .slot = -1};
    int x, y;

    buf_init(&r.agent_log, 256u << 10);
    make_identity(&r);
    if ((x = conf_load(NULL, &r.conf, e)) < 0 || (x = proctab_new(200000, &r.procs)) < 0 ||
        (x = open_outputs(&r, e)) < 0)
        goto out;
    if ((x = slot_take((unsigned)conf_number(r.conf, CONF_MACHINES), wait_for_slot, &r, &r.slot, e)) < 0)
        goto out;
    say(&r, "restore");
    if ((x = start_net_and_machine(&r, e)) < 0 || (x = greet(&r, e)) < 0) {
        end_run(&r, "machine-failed", "the machine could not be made ready: %s", e ? e->text : "");
        r.machine_gone = true;
    } else {
        snprintf(r.tracer, sizeof(r.tracer), "%s", session_tracer_state(r.session));
        say(&r, "start");
        if ((x = put_and_start(&r, e)) < 0) {
            /* The guest is fine, the sample is not startable: a fact about the sample, not our failure. Only a user
               whom the guest does not know is a mistake of who asked. */
            end_run(&r, "not-started", "%s", e ? e->text : "the sample could not be started");
            x = x == -ESRCH ? x : 0;
            collect(&r);
        } else {
            record(&r);
            collect(&r);
            if (!strcmp(r.ended, "host-failed"))
                x = err_set(e, r.failed < 0 ? r.failed : -EIO, "%s", r.ended_text);
        }
    }
out:
    if (r.log) {
        if (r.session) {
            r.session_status = *session_status(r.session);
            r.clock_known = session_clock_error(r.session, &r.clock_error_ns);
        }
        tell_left_out(&r);
        r.log_status = *evlog_writer_status(r.log);
        end_machine(&r);
        y = evlog_close(&r.log, x < 0 ? NULL : e);
        if (x == 0)
            x = y;
    }
    end_machine(&r);
    y = runner_write_facts(&r, x < 0 ? NULL : e);
    release(&r);
    return x < 0 ? x : y;
}
