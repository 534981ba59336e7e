/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "event/proctab.h"
#include "base/intern.h"
#include "event/proctab-private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define PIDS_MIN 1024
#define ANCESTORS_MAX 4096

int proctab_new(uint32_t max_procs, struct proctab **ret)
{
    struct proctab *t = calloc(1, sizeof(*t));

    if (!t)
        return -ENOMEM;
    /* The last entry is for what overflows. */
    t->max = max_procs < 2 ? 2 : max_procs > UINT32_MAX / 4 ? UINT32_MAX / 4 : max_procs;
    t->chunks = calloc(t->max / PROCTAB_CHUNK + 1, sizeof(*t->chunks));
    t->pids = calloc(PIDS_MIN, sizeof(*t->pids));
    t->pids_cap = PIDS_MIN;
    arena_init(&t->reasons, PROCTAB_REASONS_MAX);
    if (!t->chunks || !t->pids || intern_new(PROCTAB_STRINGS_MAX, &t->strings) < 0 ||
        intern_new(PROCTAB_WRITTEN_MAX, &t->written) < 0) {
        proctab_free(&t);
        return -ENOMEM;
    }
    *ret = t;
    return 0;
}

void proctab_free(struct proctab **table)
{
    struct proctab *t = table ? *table : NULL;

    if (!t)
        return;
    for (uint32_t i = 0; t->chunks && i <= t->max / PROCTAB_CHUNK; i++)
        free(t->chunks[i]);
    free(t->chunks);
    free(t->pids);
    intern_free(&t->strings);
    intern_free(&t->written);
    arena_free(&t->reasons);
    free(t);
    *table = NULL;
}

static struct proc_entry *entry_at(const struct proctab *t, uint32_t n)
{
    if (n == 0 || n > t->count)
        return NULL;
    return &t->chunks[(n - 1) / PROCTAB_CHUNK][(n - 1) % PROCTAB_CHUNK];
}

static struct pid_slot *pid_slot(struct pid_slot *table, uint32_t cap, uint32_t pid)
{
    uint32_t at = (pid * 0x9e3779b1u) >> 7 & (cap - 1);

    while (table[at].n && table[at].pid != pid)
        at = (at + 1) & (cap - 1);
    return &table[at];
}

static bool pids_grow(struct proctab *t)
{
    uint32_t cap = t->pids_cap * 2;
    struct pid_slot *table = calloc(cap, sizeof(*table));

    if (!table)
        return false;
    for (uint32_t i = 0; i < t->pids_cap; i++) {
        if (t->pids[i].n)
            *pid_slot(table, cap, t->pids[i].pid) = t->pids[i];
    }
    free(t->pids);
    t->pids = table;
    t->pids_cap = cap;
    return true;
}

/* The newest process of a pid. */
static struct proc_entry *by_pid(const struct proctab *t, uint32_t pid)
{
    return entry_at(t, pid_slot(t->pids, t->pids_cap, pid)->n);
}

static struct proc_entry *entry_alloc(struct proctab *t)
{
    struct proc_entry **chunk = &t->chunks[t->count / PROCTAB_CHUNK];

    if (!*chunk)
        *chunk = calloc(PROCTAB_CHUNK, sizeof(**chunk));
    if (!*chunk)
        return NULL;
    struct proc_entry *entry = &(*chunk)[t->count % PROCTAB_CHUNK];
    entry->pub.n = ++t->count;
    entry->pub.threads = 1;
    return entry;
}

static struct proc_entry *overflow_entry(struct proctab *t)
{
    if (!t->overflow_entry) {
        t->overflow_entry = entry_alloc(t);
        if (t->overflow_entry)
            t->overflow_entry->announced = true;
    }
    return t->overflow_entry;
}

/* A new process instance of this pid, or the overflow entry; NULL without memory. */
static struct proc_entry *entry_new(struct proctab *t, uint32_t pid, int64_t time, bool announced)
{
    bool full = t->count >= t->max - 1;

    if (!full && t->pids_count >= t->pids_cap / 4 * 3 && !pids_grow(t))
        return NULL;
    struct pid_slot *slot = pid_slot(t->pids, t->pids_cap, pid);
    struct proc_entry *entry = full ? overflow_entry(t) : entry_alloc(t);
    if (!entry)
        return NULL;
    if (full) {
        t->overflow += announced;
        if (slot->n) /* the pid was re-used: the old process is not meant any more */
            slot->n = entry->pub.n;
        return entry;
    }
    t->pids_count += slot->n == 0;
    *slot = (struct pid_slot){pid, entry->pub.n};
    entry->pub.pid = pid;
    entry->pub.start_ns = time;
    entry->announced = announced;
    return entry;
}

static struct str keep(struct proctab *t, struct str s)
{
    uint32_t id = s.n ? intern_add(t->strings, s) : 0;

    t->limited |= s.n && !id;
    return intern_get(t->strings, id);
}

static void lineage_inherit(struct proc *p, const struct proc *parent)
{
    if (p->lineage == PROC_SYSTEM && parent->lineage != PROC_SYSTEM) {
        p->lineage = parent->lineage;
        p->adopted_because = parent->adopted_because;
    }
}

/* A forked process is a copy of its parent until it executes something. */
static void inherit(struct proc *p, const struct proc *parent)
{
    p->parent = parent->n;
    p->image = parent->image;
    p->cmdline = parent->cmdline;
    p->cwd = parent->cwd;
    p->script = parent->script;
    p->environment = parent->environment;
    p->anonymous = parent->anonymous;
    p->uid = parent->uid;
    p->euid = parent->euid;
    lineage_inherit(p, parent);
}

/*
 * May p hang below this parent? Two lying or misordered events could make a
 * ring otherwise. New entries have nobody below them, so this walk is for
 * entries that were made out of order only.
 */
static bool parent_fits(const struct proctab *t, const struct proc *p, const struct proc *parent)
{
    for (unsigned depth = 0; parent && depth < ANCESTORS_MAX; depth++) {
        if (parent == p)
            return false;
        parent = proctab_parent(t, parent);
    }
    return !parent;
}

static struct proc_entry *parent_get(struct proctab *t, uint32_t pid, int64_t time)
{
    struct proc_entry *parent = by_pid(t, pid);

    return parent ? parent : entry_new(t, pid, time, false);
}

static struct proc_entry *on_start(struct proctab *t, const struct event *ev)
{
    uint32_t parent_pid = (uint32_t)event_u(ev, EVF_PROCESS_START_ParentProcessId);
    struct proc_entry *parent = parent_pid != ev->pid ? parent_get(t, parent_pid, ev->time_ns) : NULL;
    struct proc_entry *entry = by_pid(t, ev->pid);

    /* An entry that only an event out of order made is this very process. */
    bool known = entry && !entry->announced && !entry->pub.exited && entry != t->overflow_entry;
    if (!known)
        entry = entry_new(t, ev->pid, ev->time_ns, true);
    if (!entry)
        return NULL;
    entry->announced = true;
    if (entry == t->overflow_entry) {
        if (parent)
            lineage_inherit(&entry->pub, &parent->pub);
    } else if (parent && (!known || parent_fits(t, &entry->pub, &parent->pub))) {
        inherit(&entry->pub, &parent->pub);
        entry->pub.start_ns = ev->time_ns;
    }
    return entry;
}

static struct proc_entry *on_exec(struct proctab *t, const struct event *ev)
{
    struct proc_entry *entry = by_pid(t, ev->pid);

    /* A process that ended cannot execute: the fork of a new one with the same pid was lost. */
    if (!entry || (entry->pub.exited && entry != t->overflow_entry))
        entry = entry_new(t, ev->pid, ev->time_ns, false);
    if (!entry)
        return NULL;
    entry->announced = true;
    struct proc *p = &entry->pub;
    if (!p->parent && entry != t->overflow_entry && ev->count > EVF_PROCESS_EXEC_ParentProcessId) {
        uint32_t parent_pid = (uint32_t)event_u(ev, EVF_PROCESS_EXEC_ParentProcessId);
        struct proc_entry *parent = parent_pid && parent_pid != ev->pid ? parent_get(t, parent_pid, ev->time_ns) : NULL;
        if (parent && parent_fits(t, p, &parent->pub)) {
            p->parent = parent->pub.n;
            lineage_inherit(p, &parent->pub);
        }
    }
    if (entry == t->overflow_entry)
        return entry;
    p->image = keep(t, event_s(ev, EVF_PROCESS_EXEC_Image));
    p->cmdline = keep(t, event_s(ev, EVF_PROCESS_EXEC_CommandLine));
    p->cwd = keep(t, event_s(ev, EVF_PROCESS_EXEC_CurrentDirectory));
    p->script = keep(t, event_s(ev, EVF_PROCESS_EXEC_Script));
    p->environment = keep(t, event_s(ev, EVF_PROCESS_EXEC_Environment));
    p->anonymous = event_u(ev, EVF_PROCESS_EXEC_Anonymous) != 0;
    p->uid = (uint32_t)event_u(ev, EVF_PROCESS_EXEC_Uid);
    p->euid = (uint32_t)event_u(ev, EVF_PROCESS_EXEC_EUid);
    p->exec_ns = ev->time_ns;
    p->execed = true;
    return entry;
}

/* Whatever the sample forked before we were told that it is the sample belongs to it too. */
static void descendants_mark(struct proctab *t, const struct proc *root)
{
    for (uint32_t n = root->n + 1; n <= t->count; n++) {
        struct proc_entry *entry = entry_at(t, n), *parent = entry_at(t, entry->pub.parent);
        if (parent)
            lineage_inherit(&entry->pub, &parent->pub);
    }
}

static struct proc_entry *on_sample(struct proctab *t, const struct event *ev)
{
    struct proc_entry *entry = by_pid(t, ev->pid);

    if (!entry || (entry->pub.exited && entry->pub.exit_ns < ev->time_ns))
        entry = entry_new(t, ev->pid, ev->time_ns, true);
    if (!entry)
        return NULL;
    struct proc *p = &entry->pub;
    t->sample_started = true;
    p->lineage = PROC_SAMPLE;
    p->adopted_because = NULL;
    if (!p->execed && entry != t->overflow_entry) {
        p->image = keep(t, event_s(ev, EVF_RUN_SAMPLE_Path));
        p->cmdline = keep(t, event_s(ev, EVF_RUN_SAMPLE_CommandLine));
        p->cwd = keep(t, event_s(ev, EVF_RUN_SAMPLE_CurrentDirectory));
    }
    descendants_mark(t, p);
    return entry;
}

static void exit_note(struct proc *p, const struct event *ev)
{
    p->exited = true;
    p->exit_ns = ev->time_ns;
    p->exit_code = (uint32_t)event_u(ev, EVF_PROCESS_EXIT_ExitCode);
    p->signal = (uint32_t)event_u(ev, EVF_PROCESS_EXIT_Signal);
}

const struct proc *proctab_event(struct proctab *t, const struct event *ev)
{
    struct proc_entry *entry;

    if (ev->kind == EVENT_PROCESS_START)
        entry = on_start(t, ev);
    else if (ev->kind == EVENT_PROCESS_EXEC)
        entry = on_exec(t, ev);
    else if (ev->kind == EVENT_RUN_SAMPLE)
        entry = on_sample(t, ev);
    else
        entry = by_pid(t, ev->pid);
    if (!entry)
        entry = entry_new(t, ev->pid, ev->time_ns, false);
    if (!entry)
        return NULL;

    struct proc *p = &entry->pub;
    p->events++;
    if (ev->kind == EVENT_PROCESS_EXIT && entry != t->overflow_entry)
        exit_note(p, ev);
    else if (ev->kind == EVENT_THREAD_START)
        p->threads++;
    else if (ev->kind == EVENT_CRED_SETID && entry != t->overflow_entry)
        p->euid = (uint32_t)event_u(ev, EVF_CRED_SETID_NewUid);
    if (p->lineage != PROC_SYSTEM)
        proctab_adopt_learn(t, ev);
    else if (ev->kind == EVENT_PROCESS_EXEC && t->sample_started && entry != t->overflow_entry)
        proctab_adopt_judge(t, p, ev);
    return p;
}

const struct proc *proctab_get(const struct proctab *t, uint32_t n)
{
    struct proc_entry *entry = entry_at(t, n);

    return entry ? &entry->pub : NULL;
}

const struct proc *proctab_parent(const struct proctab *t, const struct proc *p)
{
    return proctab_get(t, p->parent);
}

const struct proc *proctab_by_pid(const struct proctab *t, uint32_t pid)
{
    struct proc_entry *entry = by_pid(t, pid);

    return entry ? &entry->pub : NULL;
}

uint32_t proctab_count(const struct proctab *t)
{
    return t->count;
}

uint64_t proctab_overflow(const struct proctab *t)
{
    return t->overflow;
}

bool proctab_limited(const struct proctab *t)
{
    return t->limited;
}

void proctab_baseline_set(struct proctab *t, const struct baseline *b)
{
    t->baseline = b;
}

/* The slot of a user, or the free one where it belongs. */
static struct user_slot *user_slot(const struct proctab *t, uint32_t uid)
{
    uint32_t at = (uid * 0x9e3779b1u) >> 9 & (PROCTAB_USERS - 1);

    while (t->users[at].used && t->users[at].uid != uid)
        at = (at + 1) & (PROCTAB_USERS - 1);
    return (struct user_slot *)&t->users[at];
}

void proctab_user_set(struct proctab *t, uint32_t uid, struct str name)
{
    struct user_slot *slot = user_slot(t, uid);

    if (!slot->used) {
        /* A quarter stays free, so that searches end soon. */
        if (t->users_count >= PROCTAB_USERS / 4 * 3) {
            t->limited = true;
            return;
        }
        t->users_count++;
    }
    *slot = (struct user_slot){uid, true, keep(t, name)};
}

struct str proctab_user(const struct proctab *t, uint32_t uid)
{
    struct user_slot *slot = user_slot(t, uid);
    char text[32];

    if (slot->used && slot->name.n)
        return slot->name;
    /* Names that are made up are kept like the others; the table behind a const pointer is a cache here. */
    int n = snprintf(text, sizeof(text), "uid %u", uid);
    uint32_t id = intern_add(t->strings, (struct str){text, (size_t)n});
    return id ? intern_get(t->strings, id) : STR_LIT("uid ?");
}
