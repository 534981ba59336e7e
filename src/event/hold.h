/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Events kept back for a moment, so that what comes first stands first.
 *
 * The tracer and the agent write at the same time: the tracer's "process 519 executed /bin/sh" may reach us before the
 * agent's "519 is the sample". A reader that takes events one by one would then take the sample's first and most
 * telling event for one of the system. From the order to start the sample until the agent's word, the runner keeps
 * events here.
 */
#ifndef BELLJAR_EVENT_HOLD_H
#define BELLJAR_EVENT_HOLD_H

#include "base/arena.h"
#include "event/event.h"

#include <stdbool.h>

#define EVENT_HOLD_MAX 4096         /* events */
#define EVENT_HOLD_BYTES (4u << 20) /* of their texts */

struct event_hold {
    struct arena arena;
    struct event *items;
    size_t count, cap;
    bool active;
};

typedef void (*event_hold_fn)(void *context, const struct event *ev);

void event_hold_begin(struct event_hold *h);
/*
 * Takes the event, or gives it to fn at once when nothing is held (any more). The event of the sample's start
 * (run.sample) ends the holding: it is given before the first event of its process, everything else in the order of
 * arrival. When there is no more room, all are given and the holding ends.
 */
void event_hold_event(struct event_hold *h, const struct event *ev, event_hold_fn fn, void *context);
/* Gives what is held, and ends. For a start that did not happen, or takes too long. */
void event_hold_end(struct event_hold *h, event_hold_fn fn, void *context);
void event_hold_free(struct event_hold *h); /* drops what is held; safe on a zeroed one */

#endif
