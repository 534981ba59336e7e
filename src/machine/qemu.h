/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Starting QEMU: the one place that knows its command line.
 *
 * QEMU opens nothing by name: disks, memory, state, kernel and all sockets
 * reach it as descriptors. So it runs as a uid of its own (when we are root)
 * that may read nothing, with QEMU's seccomp filter on, without any network of
 * the host, and dies with the thread that started it.
 *
 * The machine is the same for template and runs, or a snapshot could not be
 * restored: q35 with virtio disk, network, serial port and random numbers.
 */
#ifndef BELLJAR_MACHINE_QEMU_H
#define BELLJAR_MACHINE_QEMU_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define QEMU_DISKS_MAX 4
#define QEMU_UID_FIRST 64200 /* of 200; outside of what distributions hand out */
/* What the guest sees as the name of the agent's port: an ordinary one. */
#define QEMU_PORT_NAME "org.qemu.guest_agent.0"

struct qemu_options {
    const char *accel; /* "tcg" or "kvm" */
    unsigned memory_mib, cpus;
    const char *command_line; /* the kernel's */
    int kernel_fd, initrd_fd;
    /* qcow2 files: each one is the backing file of the next; the last is written to. None: no disk. */
    int disk_fd[QEMU_DISKS_MAX];
    unsigned disks;
    int ram_fd;       /* -1: anonymous memory */
    bool ram_private; /* map ram_fd copy-on-write (restore) instead of shared (template) */
    int state_fd;     /* restore: read from here, -1: boot. Template: the state is written there later (/dev/fdset/9) */
    bool incoming;
    int qmp_fd, agent_fd, net_fd; /* connected sockets; agent_fd -1: a port that nobody listens to */
    int log_fd;                   /* QEMU's own words */
    int kvm_fd;                   /* /dev/kvm, when accel is "kvm" */
    uint64_t file_max;            /* RLIMIT_FSIZE, 0 = none: writes behind it fail in the guest as disk errors */
    uid_t uid;                    /* 0 = ours */
};

#define QEMU_STATE_URI "file:/dev/fdset/9"

/* A zeroed struct with all descriptors -1. */
void qemu_options_init(struct qemu_options *o);
/* NULL-terminated argument vector in the arena; NULL on no memory. */
const char *const *qemu_arguments(const struct qemu_options *o, struct arena *a);
int qemu_start(const struct qemu_options *o, pid_t *ret_pid, struct err *e);
/* SHA-256 (hex) over everything of the command line that a snapshot depends on. */
int qemu_machine_hash(const char *accel, unsigned memory_mib, unsigned cpus, char ret[65]);
/* The uid for a new QEMU: one of our range when we are root, else 0 (= ours). */
uid_t qemu_uid(void);

#endif
