/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Speed of the event log and the process table: bench-evlog [EVENTS [FILE]].
 * A mix like a busy sample's: many paths, some processes, network, few texts.
 */
#include "event/evlog.h"
#include "event/proctab.h"

#include "base/intern.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define PATHS 20000
#define COMMANDS 500

static char paths[PATHS][64];
static char commands[COMMANDS][96];

static double clock_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Of this program alone, so that neighbours on the machine do not count. */
static double cpu_now(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static long peak_kib(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

static uint64_t state = 88172645463325252u;
static uint32_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 20);
}

static struct str path(void)
{
    return str_from(paths[next_random() % PATHS]);
}

static void event_make(uint64_t i, struct event *ev)
{
    uint32_t r = next_random() % 100;

    ev->source = EVENT_SOURCE_TRACER;
    ev->seq = i + 1;
    ev->time_ns = (int64_t)i * 3000;
    ev->pid = 1000 + (uint32_t)(i / 400) % 30000;
    ev->tid = ev->pid;
    for (int k = 0; k < 11; k++)
        ev->f[k] = (struct event_value){0};
    if (i % 400 == 0) {
        ev->kind = EVENT_PROCESS_START;
        ev->count = 2;
        ev->f[0].u = ev->pid - 1;
    } else if (i % 400 == 1) {
        ev->kind = EVENT_PROCESS_EXEC;
        ev->count = EVF_PROCESS_EXEC__COUNT;
        ev->f[0].s = path();
        ev->f[1].s = str_from(commands[next_random() % COMMANDS]);
        ev->f[2].s = STR_LIT("/home/user");
        ev->f[4].u = ev->pid - 1;
        ev->f[8].s = STR_LIT("PATH=/usr/bin:/bin");
    } else if (i % 400 == 399) {
        ev->kind = EVENT_PROCESS_EXIT;
        ev->count = 2;
    } else if (r < 30) {
        ev->kind = EVENT_FILE_CREATE;
        ev->count = 2;
        ev->f[0].s = path();
        ev->f[1].u = 0644;
    } else if (r < 70) {
        ev->kind = EVENT_FILE_WRITE;
        ev->count = 3;
        ev->f[0].s = path();
        ev->f[1].u = ev->f[2].u = next_random();
    } else if (r < 80) {
        ev->kind = EVENT_FILE_RENAME;
        ev->count = 2;
        ev->f[0].s = path();
        ev->f[1].s = path();
    } else if (r < 90) {
        ev->kind = EVENT_FILE_LIST;
        ev->count = 1;
        ev->f[0].s = path();
    } else {
        ev->kind = EVENT_NET_CONNECT;
        ev->count = 5;
        ev->f[0].s = STR_LIT("tcp");
        ev->f[1].s = STR_LIT("203.0.113.7");
        ev->f[2].u = 443;
        ev->f[4].u = 30000 + next_random() % 20000;
    }
}

static void say(const char *what, uint64_t n, double wall, double cpu)
{
    printf("%-28s %8.0f k events/s wall, %8.0f k events/s of CPU time\n", what, (double)n / wall / 1e3,
           (double)n / cpu / 1e3);
}

static int fatal(const char *what, const struct err *e)
{
    fprintf(stderr, "bench-evlog: %s: %s\n", what, e->text);
    return 1;
}

static int log_write(const char *file, uint64_t events)
{
    struct evlog_writer *w;
    struct event ev;
    struct err e;
    struct stat st;

    /* What making the events costs is taken off. */
    state = 1;
    double cpu = cpu_now(), wall = clock_now();
    for (uint64_t i = 0; i < events; i++)
        event_make(i, &ev);
    double make_cpu = cpu_now() - cpu, make_wall = clock_now() - wall;

    state = 1;
    if (evlog_create(file, &w, &e) < 0)
        return fatal("create", &e);
    cpu = cpu_now();
    wall = clock_now();
    for (uint64_t i = 0; i < events; i++) {
        event_make(i, &ev);
        if (evlog_append(w, &ev, &e) < 0)
            return fatal("append", &e);
    }
    if (evlog_flush(w, &e) < 0)
        return fatal("flush", &e);
    say("append", events, clock_now() - wall - make_wall, cpu_now() - cpu - make_cpu);
    cpu = cpu_now();
    if (evlog_close(&w, &e) < 0)
        return fatal("close", &e);
    if (stat(file, &st) == 0)
        printf("%-28s %8.1f bytes/event; footer in %.3f s of CPU time\n", "size", (double)st.st_size / (double)events,
               cpu_now() - cpu);
    return 0;
}

static int log_read(const char *file, const char *what, struct proctab *t, uint32_t pid)
{
    struct evlog_reader *r;
    struct event ev;
    struct err e;
    uint64_t n = 0;

    if (evlog_open(file, &r, &e) < 0)
        return fatal("open", &e);
    evlog_filter(r, pid, 0);
    double cpu = cpu_now(), wall = clock_now();
    while (evlog_next(r, &ev, &e) == 1) {
        n++;
        if (t && !proctab_event(t, &ev))
            return 1;
    }
    wall = clock_now() - wall;
    cpu = cpu_now() - cpu;
    if (pid)
        printf("%-28s %8.1f ms of CPU time for %llu events\n", what, cpu * 1e3, (unsigned long long)n);
    else
        say(what, n, wall, cpu);
    evlog_reader_free(&r);
    return 0;
}

int main(int argc, char **argv)
{
    uint64_t events = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
    char file[64] = "/tmp/bench-evlog.bjl";
    struct event sample = {.kind = EVENT_RUN_SAMPLE, .source = EVENT_SOURCE_AGENT, .pid = 999, .tid = 999};
    struct proctab *t;

    if (argc > 2)
        snprintf(file, sizeof(file), "%s", argv[2]);
    for (int i = 0; i < PATHS; i++)
        snprintf(paths[i], sizeof(paths[i]), "/home/user/documents/folder-%d/file-%d.txt", i % 100, i);
    for (int i = 0; i < COMMANDS; i++)
        snprintf(commands[i], sizeof(commands[i]), "/bin/sh -c 'cat /home/user/documents/%d | grep secret'", i);
    unlink(file);
    long before = peak_kib();
    int failed = !events || log_write(file, events);
    if (!failed)
        failed = log_read(file, "read", NULL, 0);
    if (!failed && proctab_new(200000, &t) == 0) {
        proctab_event(t, &sample);
        failed = log_read(file, "read and process table", t, 0);
        printf("%-28s %u processes\n", "process table", proctab_count(t));
        proctab_free(&t);
    }
    if (!failed)
        failed = log_read(file, "read one process by index", NULL, 1100);
    printf("%-28s %8ld KiB at the start, at most %ld KiB\n", "resident memory", before, peak_kib());
    unlink(file);
    return failed;
}
