/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Numbers of the log format that writer and reader share. The format itself
 * is told in docs/dev/event-log.md.
 */
#ifndef BELLJAR_EVENT_EVLOG_FORMAT_H
#define BELLJAR_EVENT_EVLOG_FORMAT_H

#include "base/reader.h"
#include "event/event.h"

#define EVLOG_VERSION 1
#define EVLOG_FILE_MAGIC "BJEVLOG\n" /* 8 bytes */
#define EVLOG_FILE_HEADER 24
#define EVLOG_BLOCK_MAGIC 0x424c4a42u /* "BJLB" */
#define EVLOG_BLOCK_HEADER 56
#define EVLOG_TRAILER 16
#define EVLOG_TRAILER_MAGIC 0x454c4a42u /* "BJLE" */

#define EVLOG_BLOCK_TARGET (64u * 1024)      /* a block is written when it reaches this */
#define EVLOG_SECTION_MAX (4u << 20)         /* a section of an event block is never larger */
#define EVLOG_FOOTER_MAX (256u << 20)        /* nor a footer */
#define EVLOG_INTERN_MAX ((size_t)256 << 20) /* string table, text and tables */
#define EVLOG_STRINGS_MAX (8u << 20)         /* ids are below this */
#define EVLOG_INTERN_STR_MAX 4096            /* longer strings stay in place: they hardly repeat */
#define EVLOG_INDEX_MAX (4u << 20)           /* pairs of (pid or kind, block) that the index holds */
#define EVLOG_KIND_OTHER EVENT_KIND_MAX      /* all kinds from here up share one index list */
#define EVLOG_RECORD_FIXED 80                /* upper bound of a record without its fields */
#define EVLOG_FIELD_FIXED 12                 /* upper bound of a field without its bytes */

enum { EVLOG_BLOCK_EVENTS = 1, EVLOG_BLOCK_FOOTER = 2 };

/* First byte of a record; the low three bits are the source. */
enum {
    EVLOG_SOURCE_BITS = 0x07,
    EVLOG_NEXT_SEQ = 0x08, /* seq is that source's last one in this block plus one; otherwise it follows */
    EVLOG_SAME_PID = 0x10, /* pid as in the record before; otherwise it follows */
    EVLOG_MAIN_TID = 0x20, /* tid equals pid; otherwise it follows */
    EVLOG_LOSS = 0x40,     /* not an event: the source's total of lost events */
    EVLOG_FLAGS_KNOWN = 0x7f,
};

/* In-place tags of fields beyond the schema. */
enum { EVLOG_EXTRA_NUMBER = 0, EVLOG_EXTRA_TEXT = 1 };

struct evlog_block {
    uint32_t file; /* random number of the file: text of a sample that looks like a block does not know it */
    uint8_t type;
    uint32_t strings_len, records_len;
    uint32_t records;
    uint64_t first_event; /* events in the blocks before this one */
    uint32_t first_string, strings;
    uint32_t strings_crc, records_crc;
    uint32_t number; /* blocks before this one */
};

void evlog_block_write(uint8_t out[EVLOG_BLOCK_HEADER], const struct evlog_block *b);
/* False when the bytes are not a sound block header. */
bool evlog_block_read(const uint8_t in[EVLOG_BLOCK_HEADER], struct evlog_block *ret);
void evlog_file_write(uint8_t out[EVLOG_FILE_HEADER], uint32_t file);
/* 0; ERR_UNSUPPORTED for another version; ERR_FORMAT when damaged. */
int evlog_file_read(const uint8_t in[EVLOG_FILE_HEADER], uint32_t *ret_file);

struct evlog_writer;
/* For tests: interns `count` strings only, so that the way behind the cap is walked without filling it. */
void evlog_strings_limit(struct evlog_writer *w, uint32_t count);

#endif
