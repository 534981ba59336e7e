/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How fast a log is judged: a log of a made-up run is written, then read with
 * a) nothing else, b) the process table, c) the process table and an engine
 * without rules, d) with all rules. Prints events/s and the growth of memory
 * at the half and at the end (flat means: no growth in the second half).
 *
 * Times are of the processor, so that other work on the machine does not count.
 *
 * bench-behavior [events [folder of rules]]
 */
#include "detect/behavior.h"
#include "event/evlog.h"

#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#ifndef BENCH_RULES
#define BENCH_RULES "content/behavior"
#endif

#define SAMPLE 1000

static struct str text(char *to, size_t n, const char *format, unsigned a, unsigned b)
{
    static const char *const folders[] = {"home/user/Documents", "usr/share/doc",      "tmp",     "var/log/app",
                                          "home/user/.cache/x",  "usr/lib/python3.13", "etc/opt", "srv/data"};
    int len = snprintf(to, n, format, folders[a % 8], b);
    return (struct str){to, (size_t)len};
}

static void exec_make(struct event *ev, char *scratch, size_t n)
{
    static const char *const images[] = {"/usr/bin/bash",       "/usr/bin/cat", "/usr/bin/grep", "/usr/bin/sed",
                                         "/usr/bin/python3.13", "/usr/bin/ls",  "/usr/bin/find", "/tmp/worker"};
    unsigned i = bench_random(8);
    ev->kind = EVENT_PROCESS_EXEC;
    ev->count = EVF_PROCESS_EXEC__COUNT;
    for (unsigned k = 0; k < ev->count; k++)
        ev->f[k].s = STR_LIT("");
    ev->f[EVF_PROCESS_EXEC_Image].s = str_from(images[i]);
    int len = snprintf(scratch, n, "%s -a --some-option=%u /home/user/Documents/file%u.txt", images[i],
                       bench_random(50), bench_random(5000));
    ev->f[EVF_PROCESS_EXEC_CommandLine].s = (struct str){scratch, (size_t)len};
    ev->f[EVF_PROCESS_EXEC_CurrentDirectory].s = STR_LIT("/home/user");
    ev->f[EVF_PROCESS_EXEC_Environment].s = STR_LIT("PATH=/usr/bin:/bin\nHOME=/home/user");
    ev->f[EVF_PROCESS_EXEC_ParentProcessId].u = SAMPLE;
}

static void file_make(struct event *ev, char *scratch, size_t n)
{
    static const struct {
        uint16_t kind;
        uint8_t count;
    } kinds[] = {{EVENT_FILE_CREATE, EVF_FILE_CREATE__COUNT}, {EVENT_FILE_WRITE, EVF_FILE_WRITE__COUNT},
                 {EVENT_FILE_OPEN, EVF_FILE_OPEN__COUNT},     {EVENT_FILE_DELETE, EVF_FILE_DELETE__COUNT},
                 {EVENT_FILE_READ, EVF_FILE_READ__COUNT},     {EVENT_FILE_MAP_EXEC, EVF_FILE_MAP_EXEC__COUNT},
                 {EVENT_FILE_LIST, EVF_FILE_LIST__COUNT}};
    unsigned i = bench_random(7);
    ev->kind = kinds[i].kind;
    ev->count = kinds[i].count;
    /* Half of the names are new, half come again. */
    ev->f[0].s = text(scratch, n, "/%s/part-%07u.dat", bench_random(8),
                      bench_random(2) ? bench_random(1000) : bench_random(4000000));
    ev->f[1].u = 420;
}

static void other_make(struct event *ev, char *scratch, size_t n)
{
    switch (bench_random(4)) {
    case 0:
        ev->kind = EVENT_NET_CONNECT;
        ev->count = EVF_NET_CONNECT__COUNT;
        ev->f[0].s = STR_LIT("tcp");
        ev->f[1].s = (struct str){scratch, (size_t)snprintf(scratch, n, "203.0.113.%u", bench_random(250))};
        ev->f[2].u = 443;
        ev->f[3].s = STR_LIT("10.0.2.15");
        ev->f[4].u = 30000 + bench_random(20000);
        break;
    case 1:
        ev->kind = EVENT_MEMORY_PROTECT;
        ev->count = EVF_MEMORY_PROTECT__COUNT;
        ev->f[2].s = STR_LIT("r-x");
        break;
    case 2:
        ev->kind = EVENT_SIGNAL_SEND;
        ev->count = EVF_SIGNAL_SEND__COUNT;
        ev->f[0].u = 17;
        ev->f[1].u = SAMPLE;
        break;
    default:
        ev->kind = EVENT_PROCESS_STATS;
        ev->count = EVF_PROCESS_STATS__COUNT;
        break;
    }
}

static int log_write(const char *path, unsigned events)
{
    struct evlog_writer *w;
    struct err e;
    if (evlog_create(path, &w, &e) < 0)
        return fprintf(stderr, "%s\n", e.text), -1;
    unsigned next_pid = SAMPLE, live = SAMPLE;
    for (unsigned i = 0; i < events; i++) {
        char scratch[256];
        struct event ev = {.source = EVENT_SOURCE_TRACER, .seq = i + 1, .time_ns = (int64_t)i * 60000};
        unsigned dice = bench_random(100);
        ev.pid = ev.tid = live;
        if (i == 0) {
            ev.kind = EVENT_RUN_SAMPLE;
            ev.count = EVF_RUN_SAMPLE__COUNT;
            for (unsigned k = 0; k < ev.count; k++)
                ev.f[k].s = STR_LIT("/home/user/sample");
        } else if (dice < 4) {
            ev.kind = EVENT_PROCESS_START;
            ev.count = EVF_PROCESS_START__COUNT;
            ev.f[0].u = SAMPLE;
            ev.pid = ev.tid = live = ++next_pid;
        } else if (dice < 8) {
            exec_make(&ev, scratch, sizeof(scratch));
        } else if (dice < 12 && live != SAMPLE) {
            ev.kind = EVENT_PROCESS_EXIT;
            ev.count = EVF_PROCESS_EXIT__COUNT;
            live = SAMPLE;
        } else if (dice < 80) {
            file_make(&ev, scratch, sizeof(scratch));
        } else {
            other_make(&ev, scratch, sizeof(scratch));
        }
        if (evlog_append(w, &ev, &e) < 0)
            return fprintf(stderr, "%s\n", e.text), -1;
    }
    return evlog_close(&w, &e);
}

enum stage { STAGE_READ, STAGE_PROCS, STAGE_ENGINE };

static int judge(const char *path, enum stage stage, const struct behavior_rules *rules, const char *what,
                 unsigned events)
{
    struct behavior_facts facts = {.sample_path = STR_LIT("/home/user/sample"), .sample_type = STR_LIT("elf")};
    struct evlog_reader *r = NULL;
    struct proctab *procs = NULL;
    struct behavior_engine *g = NULL;
    struct findings found = {0};
    struct event ev;
    struct err e = {0};
    uint64_t n = 0;
    long half = 0;
    double t = bench_cpu();
    int rc = evlog_open(path, &r, &e);
    if (rc >= 0)
        rc = proctab_new(200000, &procs);
    if (rc >= 0 && stage == STAGE_ENGINE)
        rc = behavior_engine_new(rules, procs, &facts, &g);
    while (rc >= 0 && (rc = evlog_next(r, &ev, &e)) == 1) {
        const struct proc *p = stage >= STAGE_PROCS ? proctab_event(procs, &ev) : NULL;
        if (g && (rc = behavior_engine_event(g, &ev, p)) < 0)
            break;
        if (++n == events / 2)
            half = bench_memory_kib();
    }
    long end = bench_memory_kib();
    if (rc >= 0 && g)
        rc = behavior_engine_finish(g, &found);
    t = bench_cpu() - t;
    if (rc >= 0)
        printf("%-34s %9.0f events/s  %6.0f ns/event  memory %ld KiB, %+ld in the second half, %zu findings\n", what,
               (double)n / t, t * 1e9 / (double)(n ? n : 1), end, end - half, found.count);
    else
        fprintf(stderr, "%s: %s\n", what, e.text);
    for (size_t i = 0; getenv("BENCH_SHOW") && i < found.count; i++)
        printf("    %6llu %.*s\n", (unsigned long long)found.items[i].count, STR_ARG(found.items[i].title));
    findings_free(&found);
    behavior_engine_free(&g);
    proctab_free(&procs);
    evlog_reader_free(&r);
    return rc;
}

int main(int argc, char **argv)
{
    unsigned events = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000000;
    const char *dir = argc > 2 ? argv[2] : BENCH_RULES;
    char path[] = "/tmp/bench-behavior-XXXXXX";
    struct behavior_rules *none, *all;
    struct err e = {0};
    int fd = mkstemp(path);
    if (fd < 0 || behavior_rules_new(&none) < 0 || behavior_rules_new(&all) < 0)
        return 1;
    close(fd);
    unlink(path);
    double t = bench_cpu();
    int n = behavior_rules_load_dir(all, dir, NULL, NULL, &e);
    if (n < 0)
        return fprintf(stderr, "%s\n", e.text), 1;
    printf("%d rules loaded in %.1f ms\n", n, (bench_cpu() - t) * 1e3);
    int rc = log_write(path, events);
    if (rc >= 0)
        rc = judge(path, STAGE_READ, NULL, "log", events);
    if (rc >= 0)
        rc = judge(path, STAGE_PROCS, NULL, "log + processes", events);
    if (rc >= 0)
        rc = judge(path, STAGE_ENGINE, none, "log + processes + 0 rules", events);
    if (rc >= 0)
        rc = judge(path, STAGE_ENGINE, all, "log + processes + all rules", events);
    unlink(path);
    behavior_rules_free(&none);
    behavior_rules_free(&all);
    return rc < 0;
}
