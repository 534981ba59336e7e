/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Logs as events for Sigma: .evtx files, and JSON as arrays, single or joined
 * objects or lines. What a file is, is told by its contents.
 *
 * Shapes of JSON: {"Event":{"System":..,"EventData":..}}; {"System":{..},
 * "EventData":{..}}; winlogbeat's {"winlog":{..}}; anything else is a flat object
 * whose nested members are named "a.b.c". Names of fields become those that
 * SigmaHQ's rules use: Provider_Name, Security_UserID, the members of EventData.
 *
 * A record's index is its place in the file from 0; one that cannot be read
 * takes a place, too. Damage and broken lines are told to the caller; reading
 * goes on behind them. Memory: one record (JSON) or 64 KiB and one record (EVTX).
 */
#ifndef BELLJAR_DETECT_SIGMA_LOG_H
#define BELLJAR_DETECT_SIGMA_LOG_H

#include "detect/sigma/sigma.h"
#include "format/evtx.h"

#define SIGMA_LOG_RECORD_MAX (16u << 20)  /* bytes of one JSON record */
#define SIGMA_LOG_MEMORY_MAX (128u << 20) /* for the values of one record */

struct sigma_log;

struct sigma_log_value {
    struct str name;
    struct sigma_value value;
};

struct sigma_log_record {
    uint64_t index;
    int64_t time_ns; /* since 1970, < 0 unknown */
    const struct sigma_log_value *values;
    size_t nvalues;
    struct sigma_source sources[SIGMA_EVENT_SOURCES_MAX]; /* texts are static or the caller's */
    unsigned nsources;                                    /* 0: nobody knows what kind of record this is */
};

/* Something that could not be read. `line` from 1 (JSON), 0: none; `offset` in the file. */
typedef void sigma_log_trouble(void *context, uint64_t record, uint64_t line, uint64_t offset, const char *text);

struct sigma_log_options {
    struct evtx_source source; /* read from 0 on, forwards only when the file is JSON: a pipe will do */
    bool lines;                /* the name says that it is one object a line */
    struct sigma_source given; /* for flat objects, in place of what they say of themselves; all empty: not given */
    sigma_log_trouble *trouble;
    void *context;
};

/* ERR_FORMAT when it is neither. The empty file is a log without records. */
int sigma_log_open(const struct sigma_log_options *o, struct sigma_log **ret, struct err *e);
void sigma_log_free(struct sigma_log **l);
/* 1: *ret is valid until the next call. 0: the end. Records that cannot be read are passed over and counted. */
int sigma_log_next(struct sigma_log *l, struct sigma_log_record *ret, struct err *e);

struct sigma_log_stats {
    uint64_t records, broken; /* broken: of which nothing, or not all, could be read */
    uint64_t dropped;         /* values beyond SIGMA_EVENT_FIELDS_MAX of a record */
    uint64_t unknown;         /* records without a source */
};
void sigma_log_stats(const struct sigma_log *l, struct sigma_log_stats *ret);

/* The table behind it (log-map.def), for documentation and tests; index from 0, false at the end. */
struct sigma_log_row {
    const char *channel;
    unsigned event; /* 0: all of the channel */
    struct sigma_source source;
};
bool sigma_log_row_at(unsigned index, struct sigma_log_row *ret);

/* "product=windows,category=process_creation"; texts are borrowed. ERR_USAGE with a sentence. */
int sigma_log_source_parse(struct str text, struct sigma_source *ret, struct err *e);

#endif
