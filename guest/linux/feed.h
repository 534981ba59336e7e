/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Events on their way out: one batch per source is being filled; it leaves
 * when it is large enough or at the next tick. Thread-safe.
 *
 * Numbering: only events that really went into the channel's queue have
 * numbers, without gaps; what the queue could not take, and what the tracer
 * itself lost, is in the batch's lost_total. So the host can tell "lost in the
 * guest" from "lost on the wire".
 */
#ifndef BELLJAR_AGENT_FEED_H
#define BELLJAR_AGENT_FEED_H

#include "agent.h"
#include "event/event.h"
#include "proto/events.h"

struct feed *feed_new(struct channel *c); /* NULL without memory */
/* Before this, events are only counted. From here on they are batched; they leave once feed_release was called. */
void feed_begin(struct feed *f);
void feed_release(struct feed *f);
void feed_event(struct feed *f, uint8_t source, const struct wire_event *ev);
/* What the source itself lost so far (the tracer's ring). */
void feed_lost_before(struct feed *f, uint8_t source, uint64_t total);
void feed_flush(struct feed *f);
uint64_t feed_sent(struct feed *f, uint8_t source);
uint64_t feed_lost(struct feed *f, uint8_t source);

/* The agent's own events. */
void feed_note(struct feed *f, const char *code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Short ways to fill fields. */
static inline void ev_text(struct wire_event *ev, unsigned slot, const char *z)
{
    ev->f[slot].s = z;
    ev->f[slot].n = strlen(z);
}
static inline void ev_number(struct wire_event *ev, unsigned slot, uint64_t v)
{
    ev->f[slot].u = v;
}

#endif
