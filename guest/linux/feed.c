/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feed.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_SPACE (512u << 10)
#define BATCH_LEAVES (32u << 10)
#define SOURCES 3 /* 0 unused */

struct lane {
    struct wire_batch batch;
    uint8_t *space;
    bool open;
    uint64_t next_seq;    /* of the next event that will be sent */
    uint64_t dropped;     /* by us: queue full, too long, unknown */
    uint64_t lost_before; /* by the source */
};

struct feed {
    struct channel *channel;
    pthread_mutex_t lock;
    bool begun, released;
    struct lane lanes[SOURCES];
};

struct feed *feed_new(struct channel *c)
{
    struct feed *f = calloc(1, sizeof(*f));

    if (!f)
        return NULL;
    f->channel = c;
    pthread_mutex_init(&f->lock, NULL);
    for (int i = 1; i < SOURCES; i++) {
        f->lanes[i].next_seq = 1;
        f->lanes[i].space = malloc(BATCH_SPACE);
        if (!f->lanes[i].space)
            return NULL; /* the caller gives up: no memory at boot */
    }
    return f;
}

static void leave(struct feed *f, uint8_t source)
{
    struct lane *l = &f->lanes[source];

    if (!l->open)
        return;
    l->open = false;
    if (channel_send(f->channel, LANE_EVENTS, WIRE_EVENTS, l->space, l->batch.put.len) < 0)
        l->dropped += l->batch.count;
    else
        l->next_seq += l->batch.count;
}

static void add(struct feed *f, uint8_t source, const struct wire_event *ev)
{
    struct lane *l = &f->lanes[source];

    for (int attempt = 0; attempt < 2; attempt++) {
        if (!l->open) {
            wire_batch_begin(&l->batch, l->space, BATCH_SPACE, source, ev->time, l->next_seq,
                             l->dropped + l->lost_before);
            l->open = true;
        }
        if (wire_batch_add(&l->batch, ev)) {
            if (f->released && l->batch.put.len >= BATCH_LEAVES)
                leave(f, source);
            return;
        }
        if (l->batch.count == 0)
            break; /* does not even fit alone */
        leave(f, source);
    }
    l->dropped++;
}

void feed_event(struct feed *f, uint8_t source, const struct wire_event *ev)
{
    pthread_mutex_lock(&f->lock);
    if (f->begun)
        add(f, source, ev);
    pthread_mutex_unlock(&f->lock);
}

void feed_begin(struct feed *f)
{
    pthread_mutex_lock(&f->lock);
    f->begun = true;
    pthread_mutex_unlock(&f->lock);
}

void feed_flush(struct feed *f)
{
    pthread_mutex_lock(&f->lock);
    for (uint8_t i = 1; f->released && i < SOURCES; i++)
        leave(f, i);
    pthread_mutex_unlock(&f->lock);
}

void feed_release(struct feed *f)
{
    pthread_mutex_lock(&f->lock);
    f->released = true;
    pthread_mutex_unlock(&f->lock);
    feed_flush(f);
}

void feed_lost_before(struct feed *f, uint8_t source, uint64_t total)
{
    pthread_mutex_lock(&f->lock);
    f->lanes[source].lost_before = total;
    pthread_mutex_unlock(&f->lock);
}

uint64_t feed_sent(struct feed *f, uint8_t source)
{
    pthread_mutex_lock(&f->lock);
    uint64_t n = f->lanes[source].next_seq - 1 + (f->lanes[source].open ? f->lanes[source].batch.count : 0);
    pthread_mutex_unlock(&f->lock);
    return n;
}

uint64_t feed_lost(struct feed *f, uint8_t source)
{
    pthread_mutex_lock(&f->lock);
    uint64_t n = f->lanes[source].dropped + f->lanes[source].lost_before;
    pthread_mutex_unlock(&f->lock);
    return n;
}

void feed_note(struct feed *f, const char *code, const char *format, ...)
{
    struct wire_event ev = {.kind = EVENT_RUN_NOTE, .count = EVF_RUN_NOTE__COUNT, .time = now_boot()};
    char text[512];
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    ev_text(&ev, EVF_RUN_NOTE_Code, code);
    ev_text(&ev, EVF_RUN_NOTE_Text, text);
    feed_event(f, EVENT_SOURCE_AGENT, &ev);
}
