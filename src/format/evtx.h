/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Windows event logs (.evtx): every record that is there, in the order of the
 * file, each as a small tree.
 *
 * Sources: Microsoft [MS-EVEN6] sections 2.2.12 (SimpleBinXml) to 2.2.17 for the
 * binary XML; for the file, its chunks and records, and for what damage looks
 * like, the libevtx project's "Windows XML Event Log (EVTX) format" (sections
 * "File header", "Chunk", "Event record", "Binary XML", "Corruption scenarios").
 *
 * Memory is flat: one chunk (64 KiB) at a time. Damage is passed over: the
 * header's numbers are compared, not believed; chunks are looked for at their
 * places and, where none is, at every byte; records are looked for behind a
 * damaged one. Each oddity is an anomaly with its offset in the file.
 *
 * What lies behind the used part of a sound chunk (old records that were
 * overwritten in part) is not read. When a chunk's checksum is wrong, records
 * there count if their numbers go on.
 */
#ifndef BELLJAR_FORMAT_EVTX_H
#define BELLJAR_FORMAT_EVTX_H

#include "base/err.h"
#include "base/str.h"
#include "format/anomaly.h"

#include <sys/types.h>

#define EVTX_CHUNK_SIZE 65536u
#define EVTX_DEPTH_MAX 48                /* elements inside elements, nested documents included */
#define EVTX_NESTING_MAX 8               /* documents as values inside documents */
#define EVTX_ELEMENTS_MAX 16384          /* of one record */
#define EVTX_RECORD_BYTES_MAX (4u << 20) /* memory of one record's tree */
#define EVTX_CHUNK_ELEMENTS_MAX 262144u  /* of all records of a chunk: real ones have some thousands */
#define EVTX_CHUNK_PARTS_MAX 4194304u    /* pieces of templates and documents, each as often as it is put in */
#define EVTX_CHUNK_WORK_MAX (256u << 20) /* memory of the trees of all records of a chunk, one after the other */
#define EVTX_CHUNK_BYTES_MAX (16u << 20) /* memory of one chunk's templates and names */
#define EVTX_TEMPLATES_MAX 512           /* of one chunk */

enum evtx_kind {
    EVTX_NULL,
    EVTX_TEXT,
    EVTX_INT,      /* i */
    EVTX_UNSIGNED, /* u */
    EVTX_REAL,     /* d */
    EVTX_BOOL,     /* u: 0 or 1 */
    EVTX_HEX,      /* u; text "0x1f" */
    EVTX_BINARY,   /* text: upper-case hex digits */
    EVTX_GUID,     /* text: "{5770385F-C22A-43E0-BF4C-06F5698FFBD9}" */
    EVTX_TIME,     /* i: nanoseconds since 1970; text "2025-11-27T07:22:22.033828Z" */
    EVTX_SID,      /* text: "S-1-5-18" */
};

struct evtx_value {
    enum evtx_kind kind;
    struct str text; /* of every kind; UTF-8 */
    union {
        int64_t i;
        uint64_t u;
        double d;
    };
    const struct evtx_value *next; /* of an array */
};

struct evtx_attribute {
    struct str name;
    struct evtx_value value;
    const struct evtx_attribute *next;
};

struct evtx_element {
    struct str name;
    const struct evtx_attribute *attributes;
    const struct evtx_element *child, *next;
    const struct evtx_value *value; /* NULL: none. Mixed contents are one text; an array is a list. */
};

struct evtx_record {
    uint64_t number; /* 0-based, in the order of the file; every record found counts, damaged ones too */
    uint64_t id;     /* the log's own number */
    int64_t written_ns;
    uint64_t offset; /* in the file */
    uint32_t size;
    bool recovered;                  /* found behind damage, or behind what the headers call used */
    bool damaged;                    /* its contents could not be read to their end: what there is, is given */
    const struct evtx_element *root; /* usually one element "Event"; NULL when nothing could be read */
};

/* Where the bytes are: fills up to n of them, returns how many (fewer only at the end) or a negative code. */
struct evtx_source {
    ssize_t (*read)(void *context, uint64_t offset, void *p, size_t n);
    void *context;
};

struct evtx;

/* ERR_FORMAT when the first 4 KiB and the 64 KiB behind it show neither a file header nor a chunk. */
int evtx_new(const struct evtx_source *s, struct evtx **ret, struct err *e);
void evtx_free(struct evtx **x);
/* 1: *ret is the next record, its tree valid until the next call. 0: the end. Negative: reading failed. */
int evtx_next(struct evtx *x, struct evtx_record *ret, struct err *e);
const struct anomalies *evtx_anomalies(const struct evtx *x);
uint64_t evtx_chunks(const struct evtx *x); /* read so far */
/* True for the first bytes of an event log, or of one chunk of it. */
bool evtx_signature(const void *p, size_t n);

/* A source in memory. Borrowed. */
struct evtx_memory {
    const void *data;
    size_t size;
};
struct evtx_source evtx_memory_source(struct evtx_memory *m);

/*
 * A record as one JSON object, as the common tools write it:
 * {"Event":{"System":{"Provider":{"#attributes":{"Name":..}}, "EventID":1,..},"EventData":{"Name":"value",..}}}.
 * Numbers and booleans are such; <Data Name="x"> becomes "x"; equal names get "_1", "_2"; values without a name are
 * {"Data":{"#text":[..]}}.
 */
void evtx_json(struct jsonw *w, const struct evtx_record *r);
/* As XML without white space between elements. Characters that XML cannot hold become U+FFFD. */
void evtx_xml(struct buf *b, const struct evtx_record *r);

#endif
