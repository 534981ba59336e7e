/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * events.bjl: the append-only log of one run.
 *
 * Written while the run goes on, read while it grows, never rewritten. It is a
 * sequence of blocks; each has a header (magic, sizes, CRC-32C, first event's
 * ordinal) and holds string definitions and records. Strings are interned over
 * the whole file; fields of type TEXT are stored in place. At close a footer
 * block holds the index: per process and per kind the blocks that hold its
 * events; a file without footer (crash) is read by walking, and says so.
 * A torn or damaged block is skipped to the next good one and counted:
 * see struct evlog_status. The exact format is in docs/dev/event-log.md.
 */
#ifndef BELLJAR_EVENT_EVLOG_H
#define BELLJAR_EVENT_EVLOG_H

#include "base/err.h"
#include "event/event.h"

#define EVLOG_BYTES_MAX (64ull << 30) /* neither written nor read beyond this */

struct evlog_writer;
struct evlog_reader;
struct intern;

struct evlog_source_status {
    uint64_t events; /* records of this source in the log */
    uint64_t lost;   /* as reported by the source (ring overflow ...) */
    uint64_t gaps;   /* sequence numbers that never came */
    uint64_t last_seq;
    uint64_t repeated; /* numbers that came again or in the wrong order */
};

struct evlog_status {
    uint64_t events, blocks;
    uint64_t first_bad_offset; /* of the first damaged block */
    uint64_t bad_blocks;
    bool complete;  /* closed properly: has its footer */
    bool torn_tail; /* the last block is cut */
    struct evlog_source_status source[EVENT_SOURCE_MAX];
    uint64_t damaged_events; /* events that were in damaged blocks */
    uint64_t lost_strings;   /* values shown as "(lost)": their definition was in a damaged block */
    uint64_t cut_strings;    /* strings cut at EVENT_STR_MAX by the writer (known from the footer when reading) */
};

/* Creates the file (O_EXCL). */
int evlog_create(const char *path, struct evlog_writer **ret, struct err *e);
/* As evlog_create on an owned descriptor. */
int evlog_create_fd(int fd, struct evlog_writer **ret, struct err *e);
/*
 * Copies everything it needs out of ev. Strings longer than EVENT_STR_MAX are
 * cut (and counted). A seq of 0 means "number it for me". After a failure the
 * log takes nothing more: every later call returns the first error.
 */
int evlog_append(struct evlog_writer *w, const struct event *ev, struct err *e);
/* The source says it lost `total` events so far. Also put in the log in order. */
int evlog_lost(struct evlog_writer *w, uint8_t source, uint64_t total, struct err *e);
/* Makes everything appended so far visible to readers (write, no fsync). Also done every 64 KiB. */
int evlog_flush(struct evlog_writer *w, struct err *e);
/* Bytes of the file so far, with what waits to be written; the footer (some 2 % on top) comes at the close. */
uint64_t evlog_writer_bytes(const struct evlog_writer *w);
const struct evlog_status *evlog_writer_status(const struct evlog_writer *w);
/* Writes the footer, fsyncs, frees. */
int evlog_close(struct evlog_writer **w, struct err *e);
/* Frees without a footer (tests, abandoned runs). */
void evlog_abandon(struct evlog_writer **w);

int evlog_open(const char *path, struct evlog_reader **ret, struct err *e);
int evlog_open_fd(int fd, struct evlog_reader **ret, struct err *e); /* owns fd */
void evlog_reader_free(struct evlog_reader **r);
/*
 * 1: *ret is the next event (borrowed until the next call; interned strings
 * until the reader is freed). 0: no more now (call again when the file grew).
 * Negative: reading failed altogether (I/O). Damage is not an error: it is
 * counted in the status.
 */
int evlog_next(struct evlog_reader *r, struct event *ret, struct err *e);
/*
 * Only events of these; 0 / 0 = no filter. Uses the index when the file has
 * one; the status then holds the counts of the whole log from the start.
 * Before the first evlog_next.
 */
void evlog_filter(struct evlog_reader *r, uint32_t pid, uint16_t kind);
const struct evlog_status *evlog_reader_status(const struct evlog_reader *r);
const struct intern *evlog_strings(const struct evlog_reader *r);

#endif
