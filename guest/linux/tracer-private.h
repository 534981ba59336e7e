/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the tracer share. */
#ifndef BELLJAR_GUEST_TRACER_PRIVATE_H
#define BELLJAR_GUEST_TRACER_PRIVATE_H

#include "tracer-decode.h"

#include <bpf/libbpf.h>

#include "bpf/record.h"

struct tracer_bpf;

struct tracer {
    struct tracer_bpf *skel;
    struct ring_buffer *ring;
    struct tracer_decoder *decoder;
    int cpus;
    const char *without; /* during tracer_open_without() */
    uint64_t bad;        /* records that could not be read */
    tracer_fn *fn;       /* of the poll that runs */
    void *ctx;
    int states, counts, counts32, hidden, lost; /* maps */
};

/* tracer_open() without the BPF programs whose names begin with one of these words, separated by commas. */
int tracer_open_without(struct tracer **ret, const char *without, char *why, size_t n);
int tracer_pidfd(uint32_t pid); /* or -errno */
/* Flags of a process (enum process_flag), 0 when it has none. */
uint32_t tracer_flags(struct tracer *t, uint32_t pid);
/* Next numeric name of /proc: > 0, or 0 at the end. */
uint32_t tracer_next_pid(void *dir);

#endif
