/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From the end of a run to the finished report: a log of EVENTS events, read in
 * the jailed role with the process table, all behaviour rules and both reports.
 * Once the whole log after the run, as `belljar report ID --again` does, and once as `belljar analyze` does:
 * the role reads along while the log is written, EVENTS_PER_SECOND a second.
 * bench-observe [EVENTS [EVENTS_PER_SECOND]]
 */
#include "case/observe.h"
#include "case/runner.h"
#include "cmd/roles.h"
#include "event/evlog.h"
#include "os/file.h"
#include "os/loop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATHS 5000

static uint64_t state = 88172645463325252u;
static uint32_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 20);
}

static char paths[PATHS][64];

/* A busy sample: one process in 400 events, files of a home folder, some network and sleeps. */
static void event_make(uint64_t i, struct event *ev)
{
    uint32_t r = next_random() % 100, slot;
    struct str path = str_from(paths[next_random() % PATHS]);

    *ev = (struct event){.source = EVENT_SOURCE_TRACER, .seq = i + 1, .time_ns = (int64_t)i * 30000};
    ev->pid = ev->tid = 1000 + (uint32_t)(i / 400) % 30000;
    uint32_t parent = 1000 + (ev->pid - 1000) / 20; /* twenty children each */
    if (i == 0) {
        ev->kind = EVENT_RUN_SAMPLE;
        ev->count = EVF_RUN_SAMPLE__COUNT;
        ev->f[EVF_RUN_SAMPLE_Path].s = STR_LIT("/root/sample");
    } else if (i % 400 == 0) {
        ev->kind = EVENT_PROCESS_START;
        ev->count = EVF_PROCESS_START__COUNT;
        ev->f[EVF_PROCESS_START_ParentProcessId].u = parent;
    } else if (i % 400 == 1) {
        ev->kind = EVENT_PROCESS_EXEC;
        ev->count = EVF_PROCESS_EXEC__COUNT;
        ev->f[EVF_PROCESS_EXEC_Image].s = STR_LIT("/usr/bin/dash");
        ev->f[EVF_PROCESS_EXEC_CommandLine].s = STR_LIT("sh -c 'cp a b; rm c'");
        ev->f[EVF_PROCESS_EXEC_ParentProcessId].u = parent;
    } else {
        static const uint16_t kinds[] = {EVENT_FILE_CREATE, EVENT_FILE_OPEN,     EVENT_FILE_WRITE, EVENT_FILE_DELETE,
                                         EVENT_FILE_READ,   EVENT_FILE_MAP_EXEC, EVENT_FILE_LIST,  EVENT_FILE_CHMOD};
        ev->kind = r < 92 ? kinds[r % 8] : r < 96 ? EVENT_NET_CONNECT : EVENT_TIME_SLEEP;
        ev->count = event_kind_info(ev->kind)->count;
        slot = ev->kind == EVENT_NET_CONNECT ? EVF_NET_CONNECT_DestinationIp : 0;
        if (ev->kind == EVENT_TIME_SLEEP) {
            ev->f[0].u = 100000000;
            return;
        }
        ev->f[slot].s = ev->kind == EVENT_NET_CONNECT ? STR_LIT("203.0.113.9") : path;
        if (ev->kind == EVENT_NET_CONNECT) {
            ev->f[EVF_NET_CONNECT_Protocol].s = STR_LIT("tcp");
            ev->f[EVF_NET_CONNECT_DestinationPort].u = 443;
        }
    }
}

/* per_second 0: as fast as it goes. */
static int fill(struct evlog_writer *w, uint64_t events, uint64_t per_second, struct err *e)
{
    struct event ev;
    uint64_t begun = loop_now_ms(), told = 0;
    int r = 0;

    for (uint64_t i = 0; r == 0 && i < events; i++) {
        event_make(i, &ev);
        r = evlog_append(w, &ev, e);
        while (per_second && i % 1000 == 0 && loop_now_ms() - begun < i * 1000 / per_second)
            usleep(1000);
        if (per_second && i / per_second > told) {
            told = i / per_second;
            r = evlog_flush(w, e);
        }
    }
    return r;
}

static int write_text(const char *dir, const char *name, const char *text, struct err *e)
{
    char *path = path_join(dir, name);
    int r = path ? file_write_atomic(path, text, strlen(text), 0600, e) : -1;
    free(path);
    return r;
}

static const char run_json[] =
    "{\"started\": true, \"root_pid\": 1000, \"ran_ms\": 30000, \"planned_ms\": 30000, \"sample_ended\": true, "
    "\"machine\": {\"alive_at_end\": true}, \"channel\": {\"collected\": true}, \"network\": {\"intact\": true}}";

static int make_case(const char *dir, struct evlog_writer **ret, struct err *e)
{
    char *runs = path_join(dir, "runs/1"), *log = path_join(dir, "runs/1/events.bjl");
    int r = runs && log ? file_mkdirs(runs, 0700, e) : -1;

    state = 88172645463325252u;
    if (r == 0)
        r = write_text(dir, "submission.json", "{\"id\": \"bench\", \"kind\": \"file\", \"name\": \"sample\"}", e);
    if (r == 0)
        r = evlog_create(log, ret, e);
    free(runs);
    free(log);
    return r;
}

/* Of the roles that ended: a busy computer makes time pass, but not this. */
static uint64_t processor_ms(void)
{
    struct rusage u;
    getrusage(RUSAGE_CHILDREN, &u);
    return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
           (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

static void print_result(const char *what, const char *dir, const struct observe_result *result, uint64_t cpu_ms)
{
    char *html = path_join(dir, "report.html");
    struct stat st = {0};

    if (html)
        stat(html, &st);
    printf("%s: %" PRIu64 " events: report after %" PRIu64 " ms (%.0f events/s), %" PRIu64
           " ms of processor time in all, %u findings, report.html %lld KiB\n",
           what, result->events, result->took_ms,
           result->took_ms ? (double)result->events * 1000 / (double)result->took_ms : 0, cpu_ms, result->findings,
           (long long)st.st_size >> 10);
    fflush(stdout);
    free(html);
}

static int bench(uint64_t events, uint64_t per_second, struct err *e)
{
    char dir[] = "/tmp/belljar-bench-XXXXXX";
    struct case_folder c = {.id = (char *)"bench", .dir = dir, .lock_fd = -1};
    struct observe_inputs in = {.live = true, .sample_path = ""};
    struct observe_result result = {0};
    struct observer *o = NULL;
    struct evlog_writer *w = NULL;
    uint64_t cpu_ms = processor_ms();
    int r = mkdtemp(dir) ? make_case(dir, &w, e) : -1;

    if (r == 0 && per_second)
        r = observe_begin(&c, &in, &o, e);
    if (r == 0)
        r = fill(w, events, per_second, e);
    if (r == 0 && (r = evlog_close(&w, e)) == 0)
        r = write_text(dir, "runs/1/run.json", run_json, e);
    if (r == 0)
        r = o ? observe_finish(&c, &o, &result, e) : observe_case(&c, NULL, NULL, &result, e);
    if (r == 0)
        print_result(per_second ? "read along" : "whole log", dir, &result, processor_ms() - cpu_ms);
    observe_drop(&o);
    evlog_abandon(&w);
    file_remove_tree(dir, NULL);
    return r;
}

int main(int argc, char **argv)
{
    uint64_t events = 1000000, per_second = 100000;
    struct err e = {0};
    int r = role_main(argc, argv, roles);

    if (r >= 0)
        return r;
    if (argc > 1)
        events = strtoull(argv[1], NULL, 10);
    if (argc > 2)
        per_second = strtoull(argv[2], NULL, 10);
    for (unsigned i = 0; i < PATHS; i++)
        snprintf(paths[i], sizeof(paths[i]), "/home/jonas/Documents/%u/file-%u.txt", i % 40, i);
    r = bench(events, 0, &e);
    if (r == 0 && per_second)
        r = bench(events, per_second, &e);
    if (r < 0)
        fprintf(stderr, "%s\n", e.text);
    return r < 0;
}
