/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The stages of the jail, for jail.c only. Each says what holds before and after it. */
#ifndef BELLJAR_JAIL_STAGES_H
#define BELLJAR_JAIL_STAGES_H

#include "jail/jail.h"

#include <sys/types.h>

struct jail_state {
    const struct jail_profile *profile;
    bool weak;       /* BELLJAR_JAIL=weak: go on without namespaces and own uid, if they cannot be had */
    bool namespaces; /* user stage: we are in namespaces of our own and may mount in them */
    bool own_uid;    /* user stage: uid is to change to the one below, after the mounts */
    uid_t uid;
    pid_t parent; /* getppid() at the beginning; 0 in a pid namespace of our own */
};

/*
 * Before: any single-threaded process. After: descriptors 0-3 only, no
 * environment, umask 077, own session, no core dumps, SIGKILL when the parent ends.
 */
int jail_initial(struct jail_state *s, struct err *e);
/*
 * Before: initial. After: own user namespace (unless root could do without),
 * network, ipc, uts, cgroup and mount namespace; all mounts private. Root is
 * still root: the next stage needs it.
 */
int jail_user_enter(struct jail_state *s, struct err *e);
/* Before: user_enter. After: "/" is an empty read-only tmpfs (unless keep_root), the old root is out of reach. */
int jail_root(struct jail_state *s, struct err *e);
/*
 * Before: root. After: uid and gid of our own range (as root), no supplementary
 * groups, no capability in any set and none to be had again, no_new_privs;
 * still dies with the parent, which is known to be alive.
 */
int jail_user_leave(struct jail_state *s, struct err *e);
/* After: rlimits of the profile. */
int jail_limits(struct jail_state *s, struct err *e);
/* Needs no_new_privs. After: file access by path only below the paths of the profile; no TCP, no abstract sockets, no
 * signals out. */
int jail_landlock(struct jail_state *s, struct err *e);
/* Needs no_new_privs. After: only the system calls of the profile. The last stage. */
int jail_seccomp(struct jail_state *s, struct err *e);

/* All of them in order. Without the last one only for the test that proves the others. */
int jail_stages_run(struct jail_state *s, bool with_seccomp, struct err *e);

/* Also for jail_probe */
int jail_landlock_abi(void); /* 0 = none */

#endif
