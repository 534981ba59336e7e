/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tracer.h"

#include "tracer-private.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <linux/types.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tracer.skel.h"

#define TARGETS_MAX 512
#define MISSING_MAX 32 /* programs that may fail before the rest is given up */

/* libbpf talks through one global function; these hold what it said during tracer_open(). */
static char last_error[512];
static char failed_program[64];

static int listen_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
    char line[512];

    if (level == LIBBPF_DEBUG)
        return 0;
    int n = vsnprintf(line, sizeof(line), format, args);
    if (n <= 0)
        return n;
    line[strcspn(line, "\n")] = 0;
    const char *p = strstr(line, "prog '");
    const char *end = p ? strchr(p + 6, '\'') : NULL;
    if (end && (strstr(line, "load failed") || strstr(line, "failed to load") || strstr(line, "failed to find"))) {
        if (failed_program[0] == 0)
            snprintf(failed_program, sizeof(failed_program), "%.*s", (int)(end - p - 6), p + 6);
    }
    if (level == LIBBPF_WARN && last_error[0] == 0)
        snprintf(last_error, sizeof(last_error), "%s", line);
    return n;
}

struct missing {
    char name[MISSING_MAX][64];
    int count;
};

static bool missing_has(const struct missing *m, const char *name)
{
    for (int i = 0; i < m->count; i++)
        if (strcmp(m->name[i], name) == 0)
            return true;
    return false;
}

static bool missing_add(struct missing *m, const char *name)
{
    if (m->count == MISSING_MAX || missing_has(m, name))
        return false;
    snprintf(m->name[m->count++], sizeof(m->name[0]), "%s", name);
    return true;
}

/* ---- what the kernel has ------------------------------------------------------------ */

struct target {
    char name[96];
    const char *program;
    bool found;
};

static int target_compare(const void *a, const void *b)
{
    return strcmp(((const struct target *)a)->name, ((const struct target *)b)->name);
}

/* The name in the kernel's BTF of what a program attaches to; false when the section says nothing. */
static bool target_name(char *to, size_t cap, const char *section)
{
    const char *slash = strchr(section, '/');

    if (!slash)
        return false;
    const char *prefix = strncmp(section, "tp_btf/", 7) == 0 ? "btf_trace_"
                         : strncmp(section, "lsm", 3) == 0   ? "bpf_lsm_"
                                                             : "";
    return snprintf(to, cap, "%s%s", prefix, slash + 1) < (int)cap;
}

/* Marks programs whose target the kernel does not have. One pass: looking each up would take seconds under emulation.
 */
static int find_missing(const struct tracer *t, struct missing *m)
{
    struct btf *btf = btf__load_vmlinux_btf();
    struct bpf_program *prog;
    size_t n = 0;

    if (!btf) {
        snprintf(last_error, sizeof(last_error), "the kernel has no BTF");
        return -ENOENT;
    }
    struct target *targets = calloc(TARGETS_MAX, sizeof(*targets));
    bpf_object__for_each_program(prog, t->skel->obj)
    {
        if (targets && n < TARGETS_MAX &&
            target_name(targets[n].name, sizeof(targets[n].name), bpf_program__section_name(prog)))
            targets[n++].program = bpf_program__name(prog);
    }
    if (targets)
        qsort(targets, n, sizeof(*targets), target_compare);
    for (uint32_t id = 1; targets && id < btf__type_cnt(btf); id++) {
        const struct btf_type *type = btf__type_by_id(btf, id);
        if (!btf_is_func(type) && !btf_is_typedef(type))
            continue;
        struct target key = {.program = NULL}, *hit;
        snprintf(key.name, sizeof(key.name), "%s", btf__name_by_offset(btf, type->name_off));
        if ((hit = bsearch(&key, targets, n, sizeof(*targets), target_compare))) {
            /* several programs may share a target */
            while (hit > targets && target_compare(hit - 1, &key) == 0)
                hit--;
            for (; hit < targets + n && target_compare(hit, &key) == 0; hit++)
                hit->found = true;
        }
    }
    for (size_t i = 0; i < n; i++)
        if (!targets[i].found)
            missing_add(m, targets[i].program);
    free(targets);
    btf__free(btf);
    return 0;
}

/* Programs whose names begin with one of the words (separated by commas) are left out: for measurements. */
static void leave_out(struct tracer *t, const char *words)
{
    struct bpf_program *prog;

    bpf_object__for_each_program(prog, t->skel->obj)
    {
        for (const char *w = words; w && *w;) {
            size_t n = strcspn(w, ",");
            if (strncmp(bpf_program__name(prog), w, n) == 0)
                bpf_program__set_autoload(prog, false);
            w += n;
            w += *w == ',';
        }
    }
}

/* Opens and loads without the missing ones; on failure tells which program it was in failed_program. */
static int load_once(struct tracer *t, struct missing *m, bool first)
{
    struct bpf_program *prog;
    int r = 0;

    last_error[0] = failed_program[0] = 0;
    t->skel = tracer_bpf__open();
    if (!t->skel)
        return -errno;
    bpf_map__set_max_entries(t->skel->maps.slots, (uint32_t)t->cpus * RECORD_SLOTS);
    if (first)
        r = find_missing(t, m);
    bpf_object__for_each_program(prog, t->skel->obj)
    {
        if (missing_has(m, bpf_program__name(prog)))
            bpf_program__set_autoload(prog, false);
    }
    leave_out(t, t->without);
    if (r == 0)
        r = tracer_bpf__load(t->skel);
    if (r < 0) {
        tracer_bpf__destroy(t->skel);
        t->skel = NULL;
    }
    return r;
}

static int load(struct tracer *t, struct missing *m)
{
    bool first = true;

    for (;; first = false) {
        int r = load_once(t, m, first);
        if (r >= 0 || failed_program[0] == 0 || !missing_add(m, failed_program))
            return r;
    }
}

static int attach(struct tracer *t, struct missing *m)
{
    struct bpf_program *prog;
    int done = 0;

    bpf_object__for_each_program(prog, t->skel->obj)
    {
        if (!bpf_program__autoload(prog))
            continue; /* missing or left out */
        struct bpf_link *link = bpf_program__attach(prog);
        if (!link)
            missing_add(m, bpf_program__name(prog));
        else
            done++; /* the link lives as long as this process: its descriptor is never closed before the end */
    }
    return done > 0 ? 0 : -EPERM;
}

static void explain(const struct missing *m, char *why, size_t n)
{
    size_t at = 0;

    if (n == 0)
        return;
    why[0] = 0;
    for (int i = 0; i < m->count && at < n; i++) {
        int k = snprintf(why + at, n - at, "%s%s", i ? " " : "missing hooks: ", m->name[i]);
        at += k > 0 ? (size_t)k : 0;
    }
}

static int on_record(void *ctx, void *data, size_t n)
{
    struct tracer *t = ctx;

    if (tracer_decode(t->decoder, data, n, t->fn, t->ctx) < 0)
        t->bad++;
    return 0;
}

static void find_maps(struct tracer *t)
{
    t->states = bpf_map__fd(t->skel->maps.states);
    t->counts = bpf_map__fd(t->skel->maps.counts);
    t->counts32 = bpf_map__fd(t->skel->maps.counts32);
    t->hidden = bpf_map__fd(t->skel->maps.hidden);
    t->lost = bpf_map__fd(t->skel->maps.lost);
}

int tracer_open(struct tracer **ret, char *why, size_t n)
{
    return tracer_open_without(ret, NULL, why, n);
}

int tracer_open_without(struct tracer **ret, const char *without, char *why, size_t n)
{
    struct missing *m = calloc(1, sizeof(*m));
    struct tracer *t = calloc(1, sizeof(*t));
    int r = -ENOMEM;

    libbpf_set_print(listen_libbpf);
    snprintf(last_error, sizeof(last_error), "no memory");
    if (!t || !m || !(t->decoder = tracer_decoder_new()))
        goto out;
    t->without = without;
    t->cpus = libbpf_num_possible_cpus();
    if (t->cpus < 1)
        t->cpus = 1;
    r = load(t, m);
    if (r < 0)
        goto out;
    find_maps(t);
    r = attach(t, m);
    if (r < 0)
        goto out;
    t->ring = ring_buffer__new(bpf_map__fd(t->skel->maps.ring), on_record, t, NULL);
    if (!t->ring) {
        r = -errno;
        goto out;
    }
    explain(m, why, n);
    r = m->count;
    *ret = t;
    t = NULL;
out:
    if (r < 0 && n > 0)
        snprintf(why, n, "%s", last_error);
    tracer_close(&t);
    free(m);
    return r;
}

void tracer_close(struct tracer **t)
{
    if (!t || !*t)
        return;
    ring_buffer__free((*t)->ring);
    tracer_bpf__destroy((*t)->skel);
    tracer_decoder_free(&(*t)->decoder);
    free(*t);
    *t = NULL;
}

int tracer_pidfd(uint32_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
    return fd < 0 ? -errno : fd;
}

uint32_t tracer_flags(struct tracer *t, uint32_t pid)
{
    struct process_state s = {0};
    int fd = tracer_pidfd(pid);

    if (fd < 0)
        return 0;
    int r = bpf_map_lookup_elem(t->states, &fd, &s);
    close(fd);
    return r == 0 ? s.flags : 0;
}

static int set_flags(struct tracer *t, uint32_t pid, uint32_t flags)
{
    int fd = tracer_pidfd(pid), r = -EAGAIN;

    if (fd < 0)
        return fd;
    /* EAGAIN: the process got its first storage of another map at the same moment. */
    for (int i = 0; i < 1000 && r == -EAGAIN; i++) {
        struct process_state s = {0};
        bpf_map_lookup_elem(t->states, &fd, &s);
        s.flags |= flags;
        r = bpf_map_update_elem(t->states, &fd, &s, BPF_ANY);
    }
    close(fd);
    return r;
}

int tracer_hide(struct tracer *t, uint32_t tgid)
{
    uint8_t one = 1;
    int r = set_flags(t, tgid, PROCESS_HIDDEN);

    if (r < 0)
        return r;
    r = bpf_map_update_elem(t->hidden, &tgid, &one, BPF_ANY);
    t->skel->bss->hiding = 1;
    return r;
}

int tracer_sample(struct tracer *t, uint32_t pid)
{
    return set_flags(t, pid, PROCESS_SAMPLE);
}

int tracer_fd(struct tracer *t)
{
    return ring_buffer__epoll_fd(t->ring);
}

int tracer_poll(struct tracer *t, int timeout_ms, tracer_fn *fn, void *ctx)
{
    t->fn = fn;
    t->ctx = ctx;
    int n = ring_buffer__poll(t->ring, timeout_ms);
    return n == -EINTR ? 0 : n;
}

int tracer_lost_per_cpu(struct tracer *t, uint64_t *ret, int n)
{
    uint64_t *values = calloc((size_t)t->cpus, sizeof(*values));

    for (int c = 0; c < n; c++)
        ret[c] = 0;
    for (uint32_t reason = 0; values && reason < LOST_REASONS; reason++) {
        if (bpf_map_lookup_elem(t->lost, &reason, values) < 0)
            continue;
        for (int c = 0; c < n && c < t->cpus; c++)
            ret[c] += values[c];
    }
    free(values);
    return t->cpus;
}

uint64_t tracer_lost(struct tracer *t)
{
    uint64_t per_cpu[256], sum = t->bad + tracer_decoder_lost(t->decoder);
    int n = tracer_lost_per_cpu(t, per_cpu, 256);

    for (int c = 0; c < n && c < 256; c++)
        sum += per_cpu[c];
    return sum;
}
