/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One cgroup (version 2) per run, below our own: limits for everything in it
 * and a kill that forgets nobody. Optional: where the system does not permit
 * it, cgroup_new says why and the caller goes on without.
 */
#ifndef BELLJAR_OS_CGROUP_H
#define BELLJAR_OS_CGROUP_H

#include "base/err.h"

#include <stdint.h>
#include <sys/types.h>

struct cgroup;

struct cgroup_limits {
    uint64_t memory_max;  /* bytes, 0 = none; swap is then forbidden */
    uint32_t pids_max;    /* 0 = none */
    uint32_t cpu_percent; /* of one CPU (200 = two CPUs), 0 = none */
};

/*
 * Makes "belljar-NAME" below our own group. ERR_UNSUPPORTED when there is no
 * cgroup v2 or no permission. When the group can be made but a limit cannot be
 * set (its controller is not handed to us), it succeeds without that limit and
 * cgroup_missing names it.
 */
int cgroup_new(const char *name, const struct cgroup_limits *limits, struct cgroup **ret, struct err *e);
const char *cgroup_missing(const struct cgroup *c); /* "" or "memory, cpu: ..." */
int cgroup_add(struct cgroup *c, pid_t pid, struct err *e);
uint64_t cgroup_memory_peak(const struct cgroup *c); /* 0 when not known */
uint64_t cgroup_oom_kills(const struct cgroup *c);
/* Kills everybody in it (again and again until it is empty, at most 5 s). */
int cgroup_kill(struct cgroup *c, struct err *e);
/* Kills what is left, removes the group, frees. */
void cgroup_free(struct cgroup **c);

#endif
