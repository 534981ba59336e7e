/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "event/hold.h"

#include <stdlib.h>
#include <string.h>

void event_hold_begin(struct event_hold *h)
{
    memset(h, 0, sizeof(*h));
    arena_init(&h->arena, EVENT_HOLD_BYTES);
    h->active = true;
}

void event_hold_free(struct event_hold *h)
{
    arena_free(&h->arena);
    free(h->items);
    memset(h, 0, sizeof(*h));
}

static bool keep(struct event_hold *h, const struct event *ev)
{
    struct event *own;

    if (h->count == EVENT_HOLD_MAX)
        return false;
    if (h->count == h->cap) {
        size_t cap = h->cap ? h->cap * 2 : 64;
        struct event *grown = realloc(h->items, cap * sizeof(*grown));
        if (!grown)
            return false;
        h->items = grown;
        h->cap = cap;
    }
    own = &h->items[h->count];
    *own = *ev;
    for (unsigned i = 0; i < ev->count && i < EVENT_FIELDS_MAX; i++)
        if (ev->f[i].s.n)
            own->f[i].s = arena_str(&h->arena, ev->f[i].s);
    if (h->arena.failed)
        return false;
    h->count++;
    return true;
}

/* `sample`: run.sample, to be given before its process does anything; or NULL. */
static void give(struct event_hold *h, const struct event *sample, event_hold_fn fn, void *context)
{
    h->active = false; /* what fn makes of an event must not come back to us */
    for (size_t i = 0; i < h->count; i++) {
        if (sample && h->items[i].pid == sample->pid) {
            fn(context, sample);
            sample = NULL;
        }
        fn(context, &h->items[i]);
    }
    if (sample)
        fn(context, sample);
    event_hold_free(h);
}

void event_hold_event(struct event_hold *h, const struct event *ev, event_hold_fn fn, void *context)
{
    if (h->active && ev->kind == EVENT_RUN_SAMPLE) {
        give(h, ev, fn, context);
    } else if (!h->active || !keep(h, ev)) {
        event_hold_end(h, fn, context);
        fn(context, ev);
    }
}

void event_hold_end(struct event_hold *h, event_hold_fn fn, void *context)
{
    if (h->active)
        give(h, NULL, fn, context);
}
