/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The eBPF tracer of the Linux guest: what every process of the system does,
 * as events of src/event/schema.def, in the order in which the kernel recorded
 * them (their times may be out of order by microseconds between CPUs).
 *
 * One thread uses a tracer. Needs root, BTF and BPF LSM (the LSM only for
 * hiding). Design, hooks, costs and limits: docs/dev/tracer.md.
 */
#ifndef BELLJAR_GUEST_TRACER_H
#define BELLJAR_GUEST_TRACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* EVENT_PROCESS_EXEC = 11, ... (the same numbers as event/event.h, which the guest does not include) */
#ifndef BELLJAR_EVENT_EVENT_H
enum event_kind {
#define EV_KIND(num, sym, name, sigma, doc) EVENT_##sym = num,
#define EV_FIELD(sym, field, type, doc)
#define EV_END(sym)
#include "event/schema.def"
#undef EV_KIND
#undef EV_FIELD
#undef EV_END
};
#endif

#define TRACER_FIELDS_MAX 16

struct tracer;

struct tracer_field {
    uint64_t u;    /* U64, HEX, BOOL, NS; I64 as two's complement */
    const char *s; /* STR, TEXT: valid during the callback, NUL-terminated too; NULL for numbers */
    size_t n;
};

enum tracer_internal {
    TRACER_MEMORY = 0xff02, /* no event: a piece of W+X memory of a sample process that is about to end and cannot be
                               stopped any more. f[0].u address, f[1].u protection (PROT_*), f[2].u 1 on the last piece
                               of the region, f[3].s/n bytes (at most 4096; none: the page was never touched). Pieces of
                               one region follow each other. */
};

struct tracer_event {
    uint16_t kind;    /* enum event_kind, or enum tracer_internal */
    bool from_sample; /* the process descends from the sample, or runs a file that the sample wrote */
    bool hold; /* the process (pid) stops (SIGSTOP) as soon as it returns to user mode: look at it, then send SIGCONT.
                  Always send it, also on failure; the stop may come some microseconds after this event. */
    uint64_t time; /* CLOCK_BOOTTIME, ns; 0 in a scan */
    uint32_t pid, tid;
    uint8_t nfields;
    struct tracer_field f[TRACER_FIELDS_MAX]; /* by slot: EVF_* order of the schema */
};

typedef void tracer_fn(void *ctx, const struct tracer_event *ev);

/*
 * Loads and attaches everything. 0: all; > 0: that many hooks are missing and
 * `why` names them, the others work; < 0: -errno, nothing works and `why` says
 * why. Takes about a second under emulation: do it before the snapshot.
 */
int tracer_open(struct tracer **ret, char *why, size_t n);

/*
 * Makes a process invisible: not traced; signals and ptrace are refused
 * (EPERM; ESRCH from tgkill), other calls do not find it; its folder in /proc is neither listed nor found. Children
 * forked later are not hidden. At most 64. 0 or -errno.
 */
int tracer_hide(struct tracer *t, uint32_t tgid);

/* Marks a process as the sample's first one: its descendants get from_sample. Call it before it executes. 0 or -errno.
 */
int tracer_sample(struct tracer *t, uint32_t pid);

/* Readable when there may be events. */
int tracer_fd(struct tracer *t);

/* Waits up to timeout_ms (0: not at all, -1: for ever) and delivers what is there. Number of records taken, or -errno.
 */
int tracer_poll(struct tracer *t, int timeout_ms, tracer_fn *fn, void *ctx);

/* The processes that exist now, as EVENT_PROCESS_EXEC with time 0, from /proc. Kernel threads and hidden ones are left
 * out. */
int tracer_scan(struct tracer *t, tracer_fn *fn, void *ctx);

/* EVENT_PROCESS_SYSCALLS for every living process (once, at the end; the counters go on). */
int tracer_syscalls_flush(struct tracer *t, tracer_fn *fn, void *ctx);

/* Events that are missing: no room in the ring, no space to build a record, or a record that could not be read. */
uint64_t tracer_lost(struct tracer *t);
/* The same by CPU (ring and space only), for CPUs 0..n-1. Returns the number of CPUs. */
int tracer_lost_per_cpu(struct tracer *t, uint64_t *ret, int n);

void tracer_close(struct tracer **t);

#endif
