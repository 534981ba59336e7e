/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The jailed half of `belljar sigma scan`: one process loads the rules once and
 * then reads one log after the other.
 */
#ifndef BELLJAR_CMD_SIGMA_ROLE_H
#define BELLJAR_CMD_SIGMA_ROLE_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct sigma_client;

enum sigma_level { SIGMA_LEVEL_NONE, SIGMA_INFORMATIONAL, SIGMA_LOW, SIGMA_MEDIUM, SIGMA_HIGH, SIGMA_CRITICAL };
const char *sigma_level_name(enum sigma_level l); /* "" for NONE */
/* The level of that name; SIGMA_LEVEL_NONE when there is none. */
enum sigma_level sigma_level_of(struct str name);

struct sigma_hit { /* texts and records are borrowed until the next message */
    uint64_t record;
    uint32_t rule; /* same number, same rule */
    enum sigma_level level;
    struct str id, title;
    bool correlation;
    const uint64_t *records; /* of a correlation */
    size_t nrecords;
};

struct sigma_scanned { /* a log */
    uint64_t records, broken, dropped, unknown, idle, matches, evaluated, over_budget, evicted, troubles_more;
};
struct sigma_loaded {
    uint64_t rules, rejected, inert, no_rules; /* no_rules: files that hold no Sigma rules */
};

struct sigma_client_options {
    struct str texts;        /* rules as ruletexts.h has them */
    struct str placeholders; /* YAML, or empty */
    bool no_index;
    enum sigma_level level; /* matches below are not told */
    struct str source;      /* as --logsource has it, or empty */
    void (*bad_rule)(void *context, struct str file, unsigned line, struct str reason);
    void (*trouble)(void *context, uint64_t record, uint64_t line, uint64_t offset, struct str text);
    void (*hit)(void *context, const struct sigma_hit *h);
    void *context;
};

/* Starts the process and loads the rules. The texts stay the caller's: a process that died is started again. */
int sigma_client_new(const struct sigma_client_options *o, struct sigma_client **ret, struct sigma_loaded *ret_loaded,
                     struct err *e);
void sigma_client_free(struct sigma_client **c);
/* Scans one log; lines: its name says that it is JSON by lines. */
int sigma_client_scan(struct sigma_client *c, int fd, bool lines, struct sigma_scanned *ret, struct err *e);

#endif
