/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside of log*.c. */
#ifndef BELLJAR_DETECT_SIGMA_LOG_PRIVATE_H
#define BELLJAR_DETECT_SIGMA_LOG_PRIVATE_H

#include "base/arena.h"
#include "base/buf.h"
#include "detect/sigma/log.h"
#include "format/json.h"

enum log_mode { LOG_EVTX, LOG_LINES, LOG_VALUES, LOG_EMPTY };

struct sigma_log {
    struct sigma_log_options o;
    enum log_mode mode;
    struct sigma_log_stats stats;
    uint64_t index;      /* of the next record */
    struct arena memory; /* of the record */

    /* what the record at hand has become */
    struct sigma_log_value *values;
    size_t nvalues;
    int64_t time_ns;
    bool windows; /* it says channel and number itself, in a shape that only such records have */
    struct str channel, provider;
    uint64_t event;

    /* EVTX */
    struct evtx *evtx;
    unsigned told; /* anomalies */

    /* JSON */
    struct buf bytes; /* read, not used yet; the first `used` of it are */
    size_t used;
    uint64_t offset; /* in the file, of bytes.data[0] */
    uint64_t line;   /* of bytes.data[used], from 1 */
    bool ended;
    unsigned endless;             /* records without an end */
    bool array;                   /* inside of one at the top */
    const struct json_node *rest; /* members of {"Records":[..]} that are still to come */
};

/* log.c */
void log_trouble(struct sigma_log *l, uint64_t line, uint64_t offset, const char *text);
/* Adds a value; what is beyond the cap is counted. */
void log_add(struct sigma_log *l, struct str name, struct sigma_value v);
void log_add_text(struct sigma_log *l, struct str name, struct str text);
const struct sigma_log_value *log_get(const struct sigma_log *l, const char *name); /* first of that name, any case */
/* Texts put together in the record's memory; STR_NONE when that is full. */
struct str log_join(struct sigma_log *l, struct str a, const char *between, struct str b);
/* RFC 3339 and what is near to it, or a number since 1970 in s, ms, us or ns. -1: no time. */
int64_t log_time(struct str text);

/* log-evtx.c, log-json.c: 1 a record was taken apart, 0 the end, negative */
int log_evtx_open(struct sigma_log *l, struct err *e);
int log_evtx_next(struct sigma_log *l, struct err *e);
int log_json_open(struct sigma_log *l, struct err *e);
int log_json_next(struct sigma_log *l, struct err *e);

/* log-shape.c: a JSON object becomes values */
void log_shape(struct sigma_log *l, const struct json_node *root);

/* log-map.c: sources, and values under the names that rules of these sources use */
void log_map(struct sigma_log *l, struct sigma_log_record *ret);

#endif
