/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Roles: the program re-executes itself for every job that touches hostile
 * bytes. A role is one table row (cmd/roles.c): name, sentence, jail profile,
 * function. The child gets a fresh address space, an empty environment, its
 * channel to the parent as descriptor 3 and nothing else; it enters its jail
 * before the function runs. It dies with its parent (PR_SET_PDEATHSIG; "parent"
 * is the thread that called role_start). Standard input and output are
 * /dev/null, standard error too except in sanitizer builds. It is the first
 * process of a pid namespace where that is permitted: SIGTERM from outside has
 * no effect then. Ends by abort() and by the CPU limit show as exit status 128 + signal
 * (role_describe_status knows). Writing beyond the file size limit fails with EFBIG.
 *
 * role_start returns when the child is in its jail and about to run its
 * function; a jail that cannot be had is role_start's error.
 * role_main is in the library bj_jail, the rest in bj_os.
 */
#ifndef BELLJAR_OS_ROLE_H
#define BELLJAR_OS_ROLE_H

#include "base/err.h"
#include "os/ipc.h"

#include <sys/types.h>

struct jail_profile; /* jail/jail.h */

struct role {
    const char *name;
    const char *doc;
    const struct jail_profile *jail; /* NULL: no jail, the parent's environment and standard error are kept */
    int (*run)(struct ipc *parent);  /* returns the exit status 0..125 */
};

struct role_process {
    pid_t pid; /* 0 when not running */
    struct ipc *ipc;
};

/* How the re-executed binary recognises itself: argv[1] == "--role", argv[2] = name. */
#define ROLE_FLAG "--role"

int role_start(const struct role *r, struct role_process *ret, struct err *e);
/* Kills (SIGKILL) when still there, reaps, frees the channel. Safe on a zeroed struct. */
void role_stop(struct role_process *p);
/* Waits up to timeout_ms (-1: for ever) for the end; *ret_status as from waitpid. ERR_TIMEOUT when it still runs,
 * ERR_MISSING when pid is 0. Whoever reaps it otherwise (loop_add_child) sets pid to 0. */
int role_wait(struct role_process *p, int timeout_ms, int *ret_status);
/* "exited with status 3", "killed by signal 31 (seccomp: forbidden system call)", ... */
void role_describe_status(int status, char *ret, size_t n);
/* main() calls this first: when argv is a role, runs it and returns its exit status, else -1. */
int role_main(int argc, char **argv, const struct role *const *table);

#endif
