/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes Windows event logs for tests and benchmarks, as Windows does: an outer
 * template for the event, a nested document for its data, names and templates
 * at their first use in each chunk. Not for hostile input: a mistake of the
 * caller aborts.
 */
#ifndef BELLJAR_TESTS_EVTX_MAKE_H
#define BELLJAR_TESTS_EVTX_MAKE_H

#include "base/buf.h"

#define EVTX_MAKE_NAMES 512
#define EVTX_MAKE_TEMPLATES 128

struct evtx_make_value {
    uint8_t type; /* as in the format: 0x01 text ... */
    const void *data;
    size_t n;
};

struct evtx_make_field {
    const char *name; /* NULL: <Data> without a name */
    const char *text; /* a text value; NULL: `value` */
    struct evtx_make_value value;
};

struct evtx_make_event {
    const char *provider, *channel, *computer;
    unsigned id;
    uint64_t filetime;     /* 0: the writer's clock, a second further for each event */
    const char *user_data; /* not NULL: <UserData><NAME>.. with the fields as elements */
    const struct evtx_make_field *fields;
    unsigned nfields;
};

struct evtx_make {
    struct buf file, chunk;
    struct {
        char name[80];
        uint32_t offset;
    } names[EVTX_MAKE_NAMES];
    struct {
        char key[2048];
        uint32_t offset;
    } templates[EVTX_MAKE_TEMPLATES];
    unsigned nnames, ntemplates, chunks;
    uint64_t next_id, first_id, clock;
    uint32_t last_record;
};

void evtx_make_begin(struct evtx_make *m);
void evtx_make_add(struct evtx_make *m, const struct evtx_make_event *ev);
/* A record whose binary XML behind the fragment header `write` writes, with the functions below. */
void evtx_make_raw(struct evtx_make *m, void (*write)(struct evtx_make *m, void *context), void *context);
/* The whole file: *ret is owned by the caller. */
void evtx_make_end(struct evtx_make *m, struct buf *ret);

/* Binary XML. Each "open" returns what its "close" wants. */
struct evtx_make_element {
    size_t size_at, list_at;
};
struct evtx_make_element evtx_make_open(struct evtx_make *m, const char *name, bool attributes, bool dependency);
void evtx_make_attribute(struct evtx_make *m, const char *name, bool more);
void evtx_make_attributes_end(struct evtx_make *m, const struct evtx_make_element *e);
void evtx_make_content(struct evtx_make *m);                                        /* > */
void evtx_make_close(struct evtx_make *m, const struct evtx_make_element *e);       /* </x> */
void evtx_make_close_empty(struct evtx_make *m, const struct evtx_make_element *e); /* /> */
void evtx_make_text(struct evtx_make *m, const char *text);
void evtx_make_substitution(struct evtx_make *m, unsigned index, uint8_t type, bool optional);
void evtx_make_name(struct evtx_make *m, const char *name); /* its offset, and the name at its first use */
/* 0x0c and the definition: what `write` writes, once a chunk and key. */
void evtx_make_template(struct evtx_make *m, const char *key, void (*write)(struct evtx_make *m, void *context),
                        void *context);
void evtx_make_values(struct evtx_make *m, const struct evtx_make_value *values, unsigned n);
/* UTF-16 of a UTF-8 text, in a buffer of the caller's; returns bytes. */
size_t evtx_make_utf16(const char *text, uint8_t *to, size_t room);
/* The check sums of a file are made right again (after a test changed bytes). */
void evtx_make_sums(uint8_t *file, size_t n);

#endif
