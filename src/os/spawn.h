/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Starting other programs (qemu, mke2fs ...): no shell, explicit argv, explicit
 * descriptors, dies with the parent, own process group.
 *
 * "With the parent" means the thread that called spawn (PR_SET_PDEATHSIG):
 * start from a thread that lives as long as the child shall.
 */
#ifndef BELLJAR_OS_SPAWN_H
#define BELLJAR_OS_SPAWN_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <sys/types.h>

struct spawn_options {
    const char *const *argv; /* NULL-terminated; argv[0] is searched in PATH unless it has a '/' */
    const char *const *envp; /* NULL: keep ours */
    const char *cwd;         /* NULL: keep ours */
    int in, out, err;        /* descriptors, or -1 for /dev/null */
    const int *keep;         /* further descriptors that stay open under the same number */
    unsigned nkeep;
    uid_t uid; /* 0 = keep; otherwise uid and gid are dropped to this before exec (root only) */
    bool own_group;
    uint64_t memory_max, files_max; /* rlimits, 0 = keep */
    uint64_t
        file_size_max; /* no file may grow beyond; a write behind it raises SIGXFSZ, or EFBIG where that is ignored */
};

/* Returns after exec worked; when it did not (no such program, limit, user), that is the error. The caller reaps. */
int spawn(const struct spawn_options *o, pid_t *ret_pid, struct err *e);
/* Runs to the end, takes stdout+stderr (capped at out->max; the rest is read and dropped); error when the exit status
 * is not 0. */
int spawn_run(const char *const *argv, struct buf *out /* or NULL */, int timeout_ms, struct err *e);

#endif
