/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One event, as it travels between the wire, the log, the process table and
 * the rules. Kinds and fields come from schema.def.
 */
#ifndef BELLJAR_EVENT_EVENT_H
#define BELLJAR_EVENT_EVENT_H

#include "base/str.h"

#define EVENT_FIELDS_MAX 16
#define EVENT_KIND_MAX 256 /* numbers are below this */
/* One string of an event; longer ones are cut by the producer, which says so. */
#define EVENT_STR_MAX (64 * 1024)

enum event_type { EV_U64, EV_I64, EV_HEX, EV_BOOL, EV_STR, EV_TEXT, EV_NS };

/* clang-format off: the schema is included as code */
/* EVENT_PROCESS_EXEC = 11, ... */
enum event_kind {
#define EV_KIND(num, sym, name, sigma, doc) EVENT_##sym = num,
#define EV_FIELD(sym, field, type, doc)
#define EV_END(sym)
#include "event/schema-all.def"
#undef EV_KIND
#undef EV_FIELD
#undef EV_END
};

/* Slots: EVF_PROCESS_EXEC_Image = 0, EVF_PROCESS_EXEC_CommandLine = 1, ..., EVF_PROCESS_EXEC__COUNT */
#define EV_KIND(num, sym, name, sigma, doc) enum {
#define EV_FIELD(sym, field, type, doc) EVF_##sym##_##field,
#define EV_END(sym)                                                                                                    \
    EVF_##sym##__COUNT                                                                                                 \
    }                                                                                                                  \
    ;
#include "event/schema-all.def"
#undef EV_KIND
#undef EV_FIELD
#undef EV_END
/* clang-format on */

/* Who counted the event. Each source numbers its events from 1 without gaps. */
enum event_source {
    EVENT_SOURCE_TRACER = 1, /* BPF programs in the guest, through the agent */
    EVENT_SOURCE_AGENT = 2,  /* the agent itself: captures, statistics, notes */
    EVENT_SOURCE_NET = 3,    /* the simulated internet on the host */
    EVENT_SOURCE_HOST = 4,   /* the runner on the host */
    EVENT_SOURCE_MAX = 8,
};

struct event_value {
    uint64_t u;   /* U64, HEX, BOOL, NS; I64 as two's complement */
    uint32_t id;  /* intern id of s in the log's table; 0 when not interned (TEXT, or straight from the wire) */
    struct str s; /* STR, TEXT: borrowed */
};

struct event {
    uint16_t kind; /* enum event_kind; an unknown number is legal (newer producer) */
    uint8_t source;
    uint8_t count;   /* fields present: may be fewer than the schema's (older producer) */
    uint64_t seq;    /* per source, from 1 */
    int64_t time_ns; /* since the sample's start */
    uint32_t pid, tid;
    struct event_value f[EVENT_FIELDS_MAX];
};

struct event_field_info {
    const char *name, *doc;
    enum event_type type;
};
struct event_kind_info {
    uint16_t kind;
    const char *name;  /* "process.exec" */
    const char *sigma; /* Sigma category or "" */
    const char *doc;
    uint8_t count;
    const struct event_field_info *fields;
};

/* NULL for unknown numbers. */
const struct event_kind_info *event_kind_info(uint16_t kind);
const struct event_kind_info *event_kind_by_name(struct str name);
/* Iterates all kinds in the order of the schema: index 0.. until NULL. */
const struct event_kind_info *event_kind_at(size_t index);
/* Slot of a field by name, or -1. */
int event_field_slot(const struct event_kind_info *k, struct str field);

static inline struct str event_s(const struct event *e, unsigned slot)
{
    return slot < e->count ? e->f[slot].s : STR_NONE;
}
static inline uint64_t event_u(const struct event *e, unsigned slot)
{
    return slot < e->count ? e->f[slot].u : 0;
}

struct jsonw;
/* Writes the event as one JSON object: {"seq","source","time","kind","pid","tid", fields...}. */
void event_json(struct jsonw *w, const struct event *e);
const char *event_source_name(uint8_t source); /* "tracer", "agent", "net", "host", "unknown" */

#endif
