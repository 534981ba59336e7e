/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the main loop starts and drives besides the channel. */
#ifndef BELLJAR_AGENT_PARTS_H
#define BELLJAR_AGENT_PARTS_H

#include "agent.h"

/* Before BOOTED: memory, tracer, threads. Negative only when the agent could not work at all. */
int parts_open(struct agent *a);
/* Before the snapshot (or the first HELLO): waits until the tracer is attached. */
void parts_prepare(struct agent *a);
/* About every 50 ms from the main loop. */
void parts_tick(struct agent *a, uint64_t now);
/* What READY says: "ok", or what the tracer lacks. */
const char *parts_tracer_state(const struct agent *a);
/* planners.c: cron ends before the snapshot, and is started under the right clock; START waits until it is there. */
void planners_stop(struct agent *a);
void planners_start(void);
void planners_wait(struct agent *a);
void parts_start(struct agent *a, const uint8_t *p, size_t n);
void parts_finish(struct agent *a, const uint8_t *p, size_t n);

#endif
