/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What machine.c, snapshot.c and probe.c share: a QEMU with its sockets. */
#ifndef BELLJAR_MACHINE_MACHINE_PRIVATE_H
#define BELLJAR_MACHINE_MACHINE_PRIVATE_H

#include "machine/machine.h"
#include "machine/qemu.h"
#include "machine/qmp.h"

#include "base/buf.h"
#include "os/cgroup.h"

struct machine {
    pid_t pid; /* 0: not started or already reaped */
    struct qmp *qmp;
    int agent_fd;
    int net_hold; /* the far end of a cable with nothing on it, or -1 */
    int lock_fd;  /* shared lock on the snapshot, or -1 */
    char *overlay, *log;
    struct cgroup *cgroup;
    enum machine_state state;
    char reason[256];
    bool resumed, stopped;
    bool ours; /* a stop that we asked for */
};

#define MACHINE_LOG "qemu.log"
#define QMP_TIMEOUT_MS 10000

/*
 * Fills in the socket descriptors of *o, starts QEMU and shakes hands. Descriptors in *o are borrowed. log_path:
 * copied; NULL: QEMU's words are lost. The machine is freed by machine_stop. want_agent: with a channel for the agent.
 */
int machine_launch(struct qemu_options *o, const char *log_path, bool want_agent, struct machine **ret, struct err *e);
/* "QEMU says: <last line of the log>" or "". */
void machine_last_words(const struct machine *m, char *ret, size_t n);
/* What the guest wrote to its serial console lately; 0 or negative. Inits *ret. */
int machine_console(struct machine *m, struct buf *ret, struct err *e);
/* Opens a file for QEMU: ERR_MISSING names it. */
int machine_open(const char *path, int flags, int *ret_fd, struct err *e);

#endif
