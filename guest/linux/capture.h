/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Copies of what the sample makes: files when they are closed after writing,
 * executables without a name, memfds, memory regions. One thread does it all,
 * so a large file holds up neither the tracer nor the channel. When the way
 * out is full the thread waits; fanotify's queue (in the kernel, unlimited)
 * keeps what comes meanwhile.
 */
#ifndef BELLJAR_AGENT_CAPTURE_H
#define BELLJAR_AGENT_CAPTURE_H

#include "agent.h"

struct capture_limits {
    uint64_t file_max, total_max, dump_max; /* bytes */
};

int capture_open(struct agent *a);
/* From START on. */
void capture_begin(struct agent *a, const struct capture_limits *limits);
/* The tracer stopped this process: look at it, then let it go on. Any thread. */
void capture_hold(struct agent *a, uint32_t pid, const char *reason);
/* A piece of memory that the tracer read from a dying process. Any thread; the bytes are copied. */
void capture_piece(struct agent *a, uint32_t pid, uint64_t address, unsigned protection, bool last, const void *p,
                   size_t n);
/* Last work, until `deadline` (now_boot): what was not captured yet. Then capture_finished says true. */
void capture_finish(struct agent *a, uint64_t deadline);
bool capture_finished(const struct agent *a, bool *ret_in_time);
/* Lets go what was held too long (whatever the thread is doing). From the main loop. */
void capture_watchdog(struct agent *a, uint64_t now);

#endif
