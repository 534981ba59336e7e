/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Inside the EVTX parser. Binary XML is read in two steps: bytes become parts
 * (a template's once per chunk), and parts with values become the elements that
 * a caller sees.
 */
#ifndef BELLJAR_FORMAT_EVTX_PRIVATE_H
#define BELLJAR_FORMAT_EVTX_PRIVATE_H

#include "base/arena.h"
#include "base/reader.h"
#include "format/evtx.h"

#define EVTX_NAME_SLOTS 1024 /* powers of two */
#define EVTX_TEMPLATE_SLOTS 1024

/* Value types: [MS-EVEN6] 2.2.20; an array has EVTX_ARRAY set. */
enum {
    EVTX_T_NULL = 0x00,
    EVTX_T_STRING = 0x01,
    EVTX_T_ANSI = 0x02,
    EVTX_T_INT8 = 0x03,
    EVTX_T_UINT8 = 0x04,
    EVTX_T_INT16 = 0x05,
    EVTX_T_UINT16 = 0x06,
    EVTX_T_INT32 = 0x07,
    EVTX_T_UINT32 = 0x08,
    EVTX_T_INT64 = 0x09,
    EVTX_T_UINT64 = 0x0a,
    EVTX_T_REAL32 = 0x0b,
    EVTX_T_REAL64 = 0x0c,
    EVTX_T_BOOL = 0x0d,
    EVTX_T_BINARY = 0x0e,
    EVTX_T_GUID = 0x0f,
    EVTX_T_SIZE = 0x10,
    EVTX_T_FILETIME = 0x11,
    EVTX_T_SYSTEMTIME = 0x12,
    EVTX_T_SID = 0x13,
    EVTX_T_HEX32 = 0x14,
    EVTX_T_HEX64 = 0x15,
    EVTX_T_HANDLE = 0x20,
    EVTX_T_BINXML = 0x21,
    EVTX_T_XML = 0x23,
    EVTX_ARRAY = 0x80,
};

enum evtx_part_kind { EVTX_PART_TEXT, EVTX_PART_VALUE, EVTX_PART_ELEMENT, EVTX_PART_INSTANCE };

struct evtx_part_attribute {
    struct str name;
    struct evtx_part *value;
    struct evtx_part_attribute *next;
};

struct evtx_part {
    enum evtx_part_kind kind;
    bool optional;   /* VALUE: nothing at all when the value is null */
    uint16_t index;  /* VALUE: which */
    struct str text; /* TEXT; ELEMENT: its name */
    struct evtx_part_attribute *attributes;
    struct evtx_part *content; /* ELEMENT; INSTANCE: the template's parts */
    struct evtx_slot *slots;   /* INSTANCE */
    unsigned nslots;
    struct evtx_part *next;
};

/* One value of a template instance: its bytes, and what they were made into. */
struct evtx_slot {
    uint8_t type;
    bool ready;
    struct reader bytes;
    const struct evtx_value *value; /* NULL: null, or a document */
    struct evtx_part *document;
};

struct evtx_name {
    uint32_t offset; /* in the chunk; 0: free */
    uint32_t size;   /* of its bytes there */
    struct str text;
};
struct evtx_template {
    uint32_t offset; /* of its definition; 0: free */
    struct evtx_part *parts;
    bool damaged;
};

struct evtx_chunk {
    struct reader in; /* its bytes; origin: its place in the file */
    size_t size;
    size_t pos;                     /* of the next record */
    size_t end;                     /* where records end by the header; `size` when that is not to be believed */
    bool sound;                     /* checksums are right, or there are none */
    uint64_t last_id;               /* of the record before */
    bool any, lost;                 /* a record was read; the place of the next is a guess */
    bool whole;                     /* of the record at hand: both its sizes agree */
    uint64_t elements, work, parts; /* of its records so far */
    struct arena memory;
    struct evtx_name names[EVTX_NAME_SLOTS];
    struct evtx_template templates[EVTX_TEMPLATE_SLOTS];
    unsigned nnames, ntemplates;
};

struct evtx {
    struct evtx_source source;
    struct anomalies anomalies;
    struct evtx_chunk chunk;
    struct arena memory; /* of the record */
    uint64_t offset;     /* of the next chunk */
    uint64_t records, chunks, chunks_said;
    bool checksums, header, ended, in_chunk, counted;
    unsigned elements;   /* of the record */
    const char *trouble; /* of the record: static, machine-readable; NULL none */
    const char *trouble_text;
    uint64_t trouble_offset;
    uint8_t bytes[EVTX_CHUNK_SIZE];
};

/* The first trouble of a record counts. */
void evtx_trouble(struct evtx *x, const char *what, const char *text, uint64_t offset);

/* evtx-bxml.c: reads a record's document; what could be read, NULL when nothing. */
const struct evtx_element *evtx_document(struct evtx *x, struct reader *r);

/* evtx-value.c: one value, or a list for an array; NULL for null (and when memory ends: x->memory.failed). */
const struct evtx_value *evtx_value_make(struct evtx *x, uint8_t type, struct reader *r);
int64_t evtx_filetime_ns(uint64_t filetime);

#endif
