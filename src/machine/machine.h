/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One running machine. This is the seam: QEMU today; native Windows guests,
 * physical machines over TCP and phones later. Above it nobody knows about
 * virtio-serial: a machine has an agent descriptor (a byte stream that speaks
 * guest/proto) and a descriptor for Ethernet frames.
 */
#ifndef BELLJAR_MACHINE_MACHINE_H
#define BELLJAR_MACHINE_MACHINE_H

#include "base/err.h"
#include "machine/image.h"

#include <stdbool.h>
#include <sys/types.h>

struct machine;

struct machine_options {
    const struct image *image;
    const struct snapshot *snapshot;
    const char *run_dir; /* existing folder for the overlay disk, sockets, QEMU's log */
    int net_fd;        /* QEMU's end of a stream socket pair (4-byte big-endian length + frame); borrowed, may be closed
                          after the start. The other end goes to the net role; -1: a cable with nothing on it */
    uint64_t disk_max; /* bytes that the overlay may grow to; writes behind it fail in the guest. 0: no limit */
};

enum machine_state {
    MACHINE_RUNNING,
    MACHINE_SHUT_DOWN /* guest powered off */,
    MACHINE_RESET /* guest rebooted */,
    MACHINE_PANICKED,
    MACHINE_BROKEN /* QEMU died or internal error */
};

int machine_start(const struct machine_options *o, struct machine **ret, struct err *e);
int machine_agent_fd(const struct machine *m); /* non-blocking stream, borrowed */
/* Descriptor that becomes readable when something happened to the machine; then call machine_poll. */
int machine_event_fd(const struct machine *m);
enum machine_state machine_poll(struct machine *m, char *ret_reason, size_t n);
pid_t machine_pid(const struct machine *m);
uint64_t machine_private_bytes(const struct machine *m); /* private dirty memory of QEMU */
/* Kills QEMU, removes the overlay and sockets. Never fails. */
void machine_stop(struct machine **m);

struct accel_probe {
    bool usable;
    char reason[256]; /* why not, or "a guest booted in 0.4 s" */
};
/* Boots a kernel with KVM and waits for its sign of life; cached per boot of the host in the cache folder. */
int machine_probe_kvm(const struct image *i, struct accel_probe *ret, struct err *e);
/* "10.0.2"; ERR_MISSING without QEMU, ERR_UNSUPPORTED when older than 10. */
int machine_qemu_version(char *ret, size_t n, struct err *e);

#endif
