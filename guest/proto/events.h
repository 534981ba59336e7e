/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Batches of events as they stand in a WIRE_EVENTS payload (layout: wire.h).
 * Types and number of fields come from src/event/schema.def, which both ends
 * are built with. Freestanding: no allocation; strings are borrowed.
 */
#ifndef BELLJAR_PROTO_EVENTS_H
#define BELLJAR_PROTO_EVENTS_H

#include "proto/wire.h"

#define WIRE_EVENT_FIELDS 16

struct wire_value {
    uint64_t u; /* numbers; I64 as two's complement */
    const char *s;
    size_t n; /* length of s */
};

struct wire_event {
    uint16_t kind;
    uint8_t count; /* fields present, 0..the schema's */
    uint32_t pid, tid;
    uint64_t time; /* sender's CLOCK_BOOTTIME, ns */
    struct wire_value f[WIRE_EVENT_FIELDS];
};

/* Number of fields of a kind, or -1 for kinds that the schema does not know. */
int wire_event_fields(uint16_t kind);
/* True when the field is a string. False also for what does not exist. */
bool wire_event_is_text(uint16_t kind, unsigned slot);

struct wire_batch {
    struct wire_put put;
    uint64_t previous; /* time of the last record */
    uint32_t count;
};

/* Begins a batch in caller's space. `first_seq` is the number of the first event that will be added. */
void wire_batch_begin(struct wire_batch *b, void *space, size_t cap, uint8_t source, uint64_t base_time,
                      uint64_t first_seq, uint64_t lost_total);
/* False when the kind is unknown, the field count wrong, or it does not fit: the batch is then as before. */
bool wire_batch_add(struct wire_batch *b, const struct wire_event *ev);

struct wire_batch_in {
    struct wire_get get;
    uint8_t source;
    uint64_t base_time, seq /* of the next event */, lost_total;
    uint64_t previous;
};

/* False when the head is malformed. */
bool wire_batch_open(struct wire_batch_in *b, const void *payload, size_t n);
/* 1: an event (strings borrowed from the payload), 0: the end, -1: malformed or of an unknown kind: the rest is lost.
 */
int wire_batch_next(struct wire_batch_in *b, struct wire_event *ret);

#endif
