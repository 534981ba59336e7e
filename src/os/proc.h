/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What /proc tells about a process. Reads are bounded; names of processes may
 * hold any byte. ERR_MISSING when the process is gone.
 */
#ifndef BELLJAR_OS_PROC_H
#define BELLJAR_OS_PROC_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PROC_CHILDREN_MAX 4096

struct proc_stat {
    pid_t pid, ppid, pgrp, session;
    char state;                  /* R S D Z T ... */
    char name[64];               /* comm, as the kernel gives it */
    uint64_t user_ns, system_ns; /* CPU time used (resolution: one clock tick, usually 10 ms) */
    uint64_t start_ticks;        /* since boot; with the boot id it names a process for good */
    uint32_t threads;
};

struct proc_memory {
    uint64_t rss, private_dirty, shared, swap; /* bytes; private_dirty: what ending the process would give back */
};

int proc_stat_read(pid_t pid, struct proc_stat *ret, struct err *e);
/* From smaps_rollup; needs to be the same user, or root. */
int proc_memory_read(pid_t pid, struct proc_memory *ret, struct err *e);
/* Direct children, at most max; returns how many there are (may be more than max). */
int proc_children(pid_t pid, pid_t *ret, unsigned max, struct err *e);
#define PROC_BOOT_ID_SIZE 37
/* "b2c5a1f0-..." of the running kernel. */
int proc_boot_id(char ret[PROC_BOOT_ID_SIZE], struct err *e);
/*
 * Is the process that was written down as (boot id, pid, start_ticks) still
 * there? Pids are used again, after a reboot at once: the pid alone says nothing.
 */
bool proc_is_alive(const char *boot_id, pid_t pid, uint64_t start_ticks);

#endif
