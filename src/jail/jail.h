/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The jail: four stages, each with a contract.
 *
 *  1 initial  close every descriptor but 0-3, empty environment, umask 077,
 *             new session, no core dumps, die with the parent.
 *  2 user     unprivileged uid/gid (as root: a uid of our own range; else a
 *             user namespace), no supplementary groups, no capabilities,
 *             new network, ipc, pid(where possible), uts and mount namespaces.
 *  3 prefork  the root becomes an empty read-only tmpfs; limits on memory, CPU time,
 *             open files, file size, processes.
 *  4 postfork no_new_privs, not dumpable, Landlock (no file access at all unless
 *             the profile names paths), seccomp allow-list of the profile: anything
 *             else kills.
 *
 * Work that needs files (loading rules, opening the log) is handed in as
 * descriptors. When a stage cannot be had on this kernel, jail_enter fails
 * unless the profile allows that degradation; `belljar doctor` shows what there is.
 */
#ifndef BELLJAR_JAIL_JAIL_H
#define BELLJAR_JAIL_JAIL_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* The user ids of jails when root starts them; one is drawn at random. Inside a user namespace the first stands for the
 * user. */
#define JAIL_UID_FIRST 64300u
#define JAIL_UID_COUNT 256u

struct jail_profile {
    const char *name;
    uint64_t memory_max;    /* bytes, 0 = none */
    unsigned cpu_seconds;   /* 0 = none */
    unsigned files_max;     /* open descriptors; 0 = 32 */
    uint64_t file_size_max; /* RLIMIT_FSIZE: no file (memfd too) may grow beyond; 0 = no file may be written at all */
    bool keep_root;         /* true: file system stays visible, Landlock rules below limit it */
    const char *const *read_paths;  /* Landlock: read-only subtrees (keep_root only) */
    const char *const *write_paths; /* Landlock: read-write subtrees (keep_root only) */
    bool threads;                   /* clone() of threads is allowed */
    bool keep_user;                 /* same user as before, without capabilities: for who works on our own files */
    bool listener;                  /* accept() on a listening socket that was given to it */
};

struct jail_support { /* what this kernel and user can do */
    bool user_namespace, network_namespace, seccomp, own_uid;
    int landlock_abi; /* 0 = none */
};

int jail_enter(const struct jail_profile *p, struct err *e);
void jail_probe(struct jail_support *ret);

#endif
