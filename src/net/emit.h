/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Collects events into batches in the wire's encoding (guest/proto/wire.h,
 * "Event batch payload") with source EVENT_SOURCE_NET, and the way back.
 * A flood of one kind is limited to EMIT_PER_SECOND events per second; what is
 * left out is counted in the batch's lost total and has no sequence number.
 */
#ifndef BELLJAR_NET_EMIT_H
#define BELLJAR_NET_EMIT_H

#include "base/buf.h"
#include "base/err.h"
#include "event/event.h"

#define EMIT_PER_SECOND 10000
#define EMIT_BATCH_MAX (1u << 20)
#define EMIT_BATCH_SEND (128u << 10)

struct emit;

struct emit_status {
    uint64_t events, lost;
};

/* send: 0 or negative; a failing send loses the batch and counts it. */
int emit_new(int (*send)(void *context, const void *p, size_t n), void *context, struct emit **ret);
void emit_free(struct emit **m); /* does not flush */
/* kind, count, time_ns (CLOCK_MONOTONIC) and values must be set; strings are copied, cut at EVENT_STR_MAX. */
void emit_event(struct emit *m, const struct event *ev);
void emit_unlimited(struct emit *m); /* from now on: the last events of a run are not to be lost to the limit */
void emit_flush(struct emit *m);
const struct emit_status *emit_get_status(const struct emit *m);

/* Reads a batch: calls fn for each event (strings borrowed). 0, or ERR_FORMAT / ERR_TRUNCATED (events before the
   damage were delivered). *ret_lost is the source's lost total. */
int emit_decode(const void *p, size_t n, void (*fn)(void *context, const struct event *ev), void *context,
                uint64_t *ret_lost, struct err *e);

#endif
