/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the two halves of the process table share: keeping (proctab.c) and adopting (proctab-adopt.c). */
#ifndef BELLJAR_EVENT_PROCTAB_PRIVATE_H
#define BELLJAR_EVENT_PROCTAB_PRIVATE_H

#include "base/arena.h"
#include "event/proctab.h"

struct intern;

#define PROCTAB_STRINGS_MAX ((size_t)256 << 20)
#define PROCTAB_WRITTEN_MAX ((size_t)64 << 20)
#define PROCTAB_REASONS_MAX ((size_t)16 << 20)
#define PROCTAB_CHUNK 512
#define PROCTAB_USERS 4096 /* power of two */

struct proc_entry {
    struct proc pub; /* first: entries and procs convert */
    bool announced;  /* its start or exec was seen; otherwise only its number is known */
};

struct pid_slot {
    uint32_t pid, n; /* n 0: free */
};

struct user_slot {
    uint32_t uid;
    bool used;
    struct str name;
};

struct proctab {
    struct proc_entry **chunks;
    uint32_t count, max;
    struct pid_slot *pids; /* the newest process of each pid; power of two */
    uint32_t pids_cap, pids_count;
    uint64_t overflow;
    struct proc_entry *overflow_entry;
    struct intern *strings;
    bool limited;
    /* adoption */
    bool sample_started;
    struct intern *written; /* paths that the sample made or changed */
    struct str cron_path;   /* the last one below a folder of cron or at; borrowed from `written` */
    struct str unit_path;   /* the same for systemd and init */
    const char *unit_tool;  /* systemctl, systemd-run, service: it was run by the sample */
    struct arena reasons;
    const struct baseline *baseline;
    struct user_slot users[PROCTAB_USERS];
    uint32_t users_count;
};

/* A sample-lineage process did this: remembers paths and tools. */
void proctab_adopt_learn(struct proctab *t, const struct event *ev);
/* A system process executed something: becomes PROC_ADOPTED when the sample arranged it. */
void proctab_adopt_judge(struct proctab *t, struct proc *p, const struct event *ev);

#endif
