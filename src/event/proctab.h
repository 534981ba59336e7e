/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The process table: who is who at each moment of the event stream.
 *
 * Fed with every event in order; keeps one `struct proc` per process instance
 * (pids are re-used, `uid` here is not), its ancestry, and its lineage: does
 * it belong to the sample? Capped by count; beyond the cap new processes are
 * counted and share one overflow entry (said in the report).
 */
#ifndef BELLJAR_EVENT_PROCTAB_H
#define BELLJAR_EVENT_PROCTAB_H

#include "event/event.h"

struct proctab;

enum proc_lineage {
    PROC_SYSTEM = 0,  /* the guest's own */
    PROC_SAMPLE = 1,  /* the sample or its descendant */
    PROC_ADOPTED = 2, /* started by cron, systemd, at, udev, a shell's start-up ... because the sample arranged it */
};

struct proc {
    uint32_t n; /* unique number in this run, from 1 */
    uint32_t pid;
    uint32_t parent; /* n of the parent, 0 unknown */
    uint8_t lineage; /* enum proc_lineage */
    bool exited, execed, anonymous;
    int64_t start_ns, exec_ns, exit_ns;
    uint32_t exit_code, signal;
    uint32_t uid, euid;
    uint32_t threads; /* ever started, the first included */
    uint64_t events;  /* of this process */
    /* all borrowed from the table's own string storage; empty when unknown. */
    struct str image, cmdline, cwd, script, environment;
    const char *adopted_because; /* sentence for PROC_ADOPTED, else NULL */
};

int proctab_new(uint32_t max_procs, struct proctab **ret);
void proctab_free(struct proctab **t);
/*
 * Takes one event; returns the process it belongs to (never NULL after
 * success: an event of a pid that nobody announced makes an entry). The
 * pointer stays valid until the table is freed. Children inherit image and
 * command line at fork, exec replaces them.
 */
const struct proc *proctab_event(struct proctab *t, const struct event *ev);
const struct proc *proctab_get(const struct proctab *t, uint32_t n);              /* 1..proctab_count */
const struct proc *proctab_parent(const struct proctab *t, const struct proc *p); /* NULL without one */
const struct proc *proctab_by_pid(const struct proctab *t, uint32_t pid);         /* the newest with that pid */
uint32_t proctab_count(const struct proctab *t);
/*
 * Processes beyond the cap: as many as process.start announced. They share the last entry, whose lineage is the
 * sample's if one of them is.
 */
uint64_t proctab_overflow(const struct proctab *t);
/* Name for a user id: from the guest's passwd table ("root", "daemon", ...); "uid 1234" otherwise. */
void proctab_user_set(struct proctab *t, uint32_t uid, struct str name);
struct str proctab_user(const struct proctab *t, uint32_t uid);
/*
 * The idle machine's own noise (borrowed; NULL = none): a process that cron or
 * systemd starts as they do in an idle machine is not adopted, unless it runs
 * a file of the sample. Before the first event.
 */
struct baseline;
void proctab_baseline_set(struct proctab *t, const struct baseline *b);
/* True when a list (paths written by the sample, strings) reached its cap: adoption and texts may be incomplete. */
bool proctab_limited(const struct proctab *t);

#endif
