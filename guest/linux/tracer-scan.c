/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is already there when somebody asks: processes from /proc, counters of living processes. */
#include "tracer-private.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SCAN_TEXT 32768

struct scan {
    char image[4096], args[SCAN_TEXT], joined[SCAN_TEXT * 2], cwd[4096], env[SCAN_TEXT], picked[SCAN_TEXT],
        status[4096];
};

static ssize_t read_file(uint32_t pid, const char *name, char *to, size_t cap)
{
    char path[64];
    size_t n = 0;

    snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    while (n < cap - 1) {
        ssize_t k = read(fd, to + n, cap - 1 - n);
        if (k <= 0)
            break;
        n += (size_t)k;
    }
    close(fd);
    to[n] = 0;
    return (ssize_t)n;
}

static ssize_t read_link(uint32_t pid, const char *name, char *to, size_t cap)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
    ssize_t n = readlink(path, to, cap - 1);
    to[n < 0 ? 0 : n] = 0;
    return n;
}

static uint64_t status_number(const char *status, const char *key, unsigned skip)
{
    const char *p = strstr(status, key);
    if (!p)
        return 0;
    p += strlen(key);
    char *end = (char *)p;
    uint64_t v = 0;
    for (unsigned i = 0; i <= skip; i++)
        v = strtoull(end, &end, 10);
    return v;
}

uint32_t tracer_next_pid(void *dir)
{
    struct dirent *e;

    while ((e = readdir(dir))) {
        char *end;
        unsigned long v = strtoul(e->d_name, &end, 10);
        if (*end == 0 && v > 0 && v < UINT32_MAX)
            return (uint32_t)v;
    }
    return 0;
}

static void set_text(struct tracer_event *ev, unsigned slot, const char *s, size_t n)
{
    ev->f[slot].s = s;
    ev->f[slot].n = n;
}

/* False for kernel threads and processes that are gone. */
static bool scan_one(uint32_t pid, struct scan *s, struct tracer_event *ev)
{
    ssize_t image = read_link(pid, "exe", s->image, sizeof(s->image));
    ssize_t args = read_file(pid, "cmdline", s->args, sizeof(s->args));
    if (image <= 0 || args < 0 || read_file(pid, "status", s->status, sizeof(s->status)) < 0)
        return false;
    if (args > 0 && s->args[args - 1] == 0)
        args--; /* the last NUL ends an argument, it does not begin one */
    ssize_t cwd = read_link(pid, "cwd", s->cwd, sizeof(s->cwd));
    ssize_t env = read_file(pid, "environ", s->env, sizeof(s->env));
    static const char deleted[] = " (deleted)";
    bool anonymous = (size_t)image >= sizeof(deleted) && strcmp(s->image + image - (sizeof(deleted) - 1), deleted) == 0;
    if (anonymous)
        image -= (ssize_t)sizeof(deleted) - 1;

    *ev = (struct tracer_event){.kind = EVENT_PROCESS_EXEC, .pid = pid, .tid = pid, .nfields = 11};
    set_text(ev, 0, s->image, (size_t)image);
    s->image[image] = 0;
    set_text(ev, 1, s->joined, tracer_join_args(s->joined, sizeof(s->joined), s->args, (size_t)args));
    set_text(ev, 2, s->cwd, cwd > 0 ? (size_t)cwd : 0);
    set_text(ev, 3, "", 0);
    ev->f[4].u = status_number(s->status, "\nPPid:", 0);
    ev->f[5].u = status_number(s->status, "\nUid:", 0);
    ev->f[6].u = status_number(s->status, "\nUid:", 1);
    ev->f[7].u = status_number(s->status, "\nGid:", 0);
    set_text(ev, 8, s->picked, tracer_pick_env(s->picked, sizeof(s->picked), s->env, env > 0 ? (size_t)env : 0));
    ev->f[9].u = anonymous;
    ev->f[10].u = args == SCAN_TEXT - 1;
    return true;
}

int tracer_scan(struct tracer *t, tracer_fn *fn, void *ctx)
{
    struct scan *s = malloc(sizeof(*s));
    DIR *dir = opendir("/proc");
    struct tracer_event ev;
    uint32_t pid;
    int n = -ENOMEM;

    if (!s || !dir)
        goto out;
    n = 0;
    while ((pid = tracer_next_pid(dir))) {
        uint32_t flags = tracer_flags(t, pid);
        if ((flags & PROCESS_HIDDEN) || !scan_one(pid, s, &ev))
            continue;
        ev.from_sample = flags & PROCESS_SAMPLE;
        fn(ctx, &ev);
        n++;
    }
out:
    if (dir)
        closedir(dir);
    free(s);
    return n;
}

/* A record like the one that the kernel makes at exit, so that one piece of code formats both. */
static size_t counts_record(struct tracer *t, uint32_t pid, uint8_t *to, uint32_t flags)
{
    struct process_counts c = {0};
    struct process_counts32 c32 = {0};
    struct record_header h = {.pid = pid, .tid = pid, .kind = EVENT_PROCESS_SYSCALLS, .count = 1};
    uint16_t pairs = 0;
    size_t n = sizeof(h) + 3;
    int fd = tracer_pidfd(pid);

    if (fd < 0)
        return 0;
    bpf_map_lookup_elem(t->counts, &fd, &c);
    bpf_map_lookup_elem(t->counts32, &fd, &c32);
    close(fd);
    for (unsigned i = 0; i < SYSCALLS_64 + SYSCALLS_32; i++) {
        bool compat = i >= SYSCALLS_64;
        uint16_t nr = (uint16_t)(compat ? (i - SYSCALLS_64) | 0x8000 : i);
        uint64_t v = compat ? c32.compat[i - SYSCALLS_64] : c.native[i];
        if (v == 0)
            continue;
        memcpy(to + n, &nr, 2);
        memcpy(to + n + 2, &v, 8);
        n += 10;
        pairs++;
    }
    if (pairs == 0)
        return 0;
    struct timespec now;
    clock_gettime(CLOCK_BOOTTIME, &now);
    h.time = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    h.length = (uint32_t)n;
    h.flags = flags & PROCESS_SAMPLE ? RECORD_SAMPLE : 0;
    memcpy(to, &h, sizeof(h));
    to[sizeof(h)] = TAG_COUNTS;
    memcpy(to + sizeof(h) + 1, &pairs, 2);
    return n;
}

int tracer_syscalls_flush(struct tracer *t, tracer_fn *fn, void *ctx)
{
    uint8_t *record = malloc(RECORD_MAX);
    DIR *dir = opendir("/proc");
    uint32_t pid;
    int n = -ENOMEM;

    if (!record || !dir)
        goto out;
    n = 0;
    while ((pid = tracer_next_pid(dir))) {
        uint32_t flags = tracer_flags(t, pid);
        size_t len = flags & PROCESS_HIDDEN ? 0 : counts_record(t, pid, record, flags);
        if (len > 0 && tracer_decode(t->decoder, record, len, fn, ctx) == 0)
            n++;
    }
out:
    if (dir)
        closedir(dir);
    free(record);
    return n;
}
