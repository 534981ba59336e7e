/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sigma: rules of specification 2.1 compiled once and evaluated over a stream of
 * events (https://sigmahq.io/sigma-specification, versions 2.1.0 of "Sigma Rules",
 * "Sigma Modifiers" and "Sigma Correlation Rules").
 *
 * An event is a set of named values plus the log sources it belongs to. A rule is
 * evaluated on an event when each part of its logsource (product, category,
 * service) that it gives is equal to that part of one of the event's sources.
 * Logic is two-valued: an absent field makes a selection false, and "not" of it true.
 *
 * Names and texts are compared without regard to case unless a modifier says so.
 */
#ifndef BELLJAR_DETECT_SIGMA_SIGMA_H
#define BELLJAR_DETECT_SIGMA_SIGMA_H

#include "base/arena.h"
#include "base/err.h"

struct sigma_rules;
struct sigma_engine;

/* ---- rules --------------------------------------------------------------------------------------------------- */

/* Called for every bad rule: file, line (0 unknown) and reason; loading goes on with the others. */
typedef void sigma_problem(void *context, const char *file, unsigned line, const char *reason);

int sigma_rules_new(struct sigma_rules **ret);
void sigma_rules_free(struct sigma_rules **r);
/* Values of %name% for the modifier `expand`; without them a rule that uses it is loaded and stays inert. */
int sigma_rules_placeholder(struct sigma_rules *r, struct str name, const struct str *values, size_t n);
/* Points of the rules that are added from now on, in percent (100); see score.h for what little weight means. */
void sigma_rules_weight(struct sigma_rules *r, unsigned percent);
/*
 * Switches a rule off, by its id: it tells nothing, though correlations may still use it. Before compiling. False
 * when there is no such rule.
 */
bool sigma_rules_off(struct sigma_rules *r, struct str id);
/* Adds all documents of one YAML text; returns how many good rules were added, or negative when nothing can be read. */
int sigma_rules_add(struct sigma_rules *r, const char *file, struct str yaml, sigma_problem *problem, void *context,
                    struct err *e);
/* All *.yml and *.yaml below a folder, sorted by path. */
int sigma_rules_load_dir(struct sigma_rules *r, const char *dir, sigma_problem *problem, void *context, struct err *e);
/* After the last rule: resolves correlations and filters, builds the index. Its problems are reported like bad rules.
 */
int sigma_rules_compile(struct sigma_rules *r, sigma_problem *problem, void *context, struct err *e);
size_t sigma_rules_count(const struct sigma_rules *r);

struct sigma_source {
    struct str product, category, service; /* empty: not given */
};

struct sigma_rule_info { /* texts are borrowed from the set */
    struct str id, title, description, level, status, author, file;
    unsigned line;
    struct sigma_source source;
    const struct str *tags;
    unsigned ntags;
    const struct str *attack; /* ids from the tags, upper case: "T1059.004" */
    unsigned nattack;
    const struct str *falsepositives;
    unsigned nfalsepositives;
    bool correlation;
    bool inert;                              /* uses placeholders that have no values, or is switched off */
    unsigned weight;                         /* sigma_rules_weight */
    unsigned positive_tests, negative_tests; /* of our own rules: key "tests" */
};
bool sigma_rules_at(const struct sigma_rules *r, size_t index, struct sigma_rule_info *ret);
/* Runs the tests inside our own rules (docs/user/sigma.md, section Tests). */
int sigma_rules_test(const struct sigma_rules *r, unsigned *ret_run, unsigned *ret_failed, sigma_problem *problem,
                     void *context);

/* ---- events -------------------------------------------------------------------------------------------------- */

enum sigma_kind { SIGMA_NULL, SIGMA_TEXT, SIGMA_NUMBER, SIGMA_BOOL };

struct sigma_value {
    enum sigma_kind kind;
    struct str text; /* of every kind: what text comparisons see ("", "4688", "true") */
    double number;   /* SIGMA_NUMBER */
};

/* One named value. A field with several values stands several times, one behind the other. */
struct sigma_field {
    uint32_t name; /* sigma_engine_name; 0: a name that no rule asks for (seen by keywords only) */
    struct sigma_value value;
};

#define SIGMA_EVENT_SOURCES_MAX 8
#define SIGMA_EVENT_FIELDS_MAX 1024

struct sigma_event {
    uint64_t index;                            /* the caller's number of it; comes back in matches */
    int64_t time_ns;                           /* since 1970; for correlation and the time modifiers; < 0 unknown */
    uint32_t sources[SIGMA_EVENT_SOURCES_MAX]; /* sigma_engine_source */
    unsigned nsources;
    const struct sigma_field *fields;
    size_t nfields;
    struct str raw; /* the line of text, for keywords; empty: keywords look at all values */
};

struct sigma_match {
    size_t rule;                     /* for sigma_rules_at */
    const struct sigma_event *event; /* the one that made it true */
    const uint64_t *events;          /* of a correlation: indices of all that count, oldest first; else NULL */
    size_t nevents;
};
typedef void sigma_match_fn(void *context, const struct sigma_match *m);

struct sigma_options {
    bool no_index; /* evaluate every rule of the log source: for tests and benchmarks, same hits */
    /*
     * Milliseconds; 0: no bound. When rules that were given up have cost more, they are asked no more: whoever writes
     * the events must not be able to spend all the time there is. Each event counts in over_budget still.
     */
    uint32_t lost_ms_max;
};
/* The rules are borrowed, must be compiled and outlive the engine. */
int sigma_engine_new(const struct sigma_rules *r, const struct sigma_options *o, sigma_match_fn *fn, void *context,
                     struct sigma_engine **ret);
void sigma_engine_free(struct sigma_engine **g);
/* Number of a field's name for struct sigma_field; 0 when no rule asks for it. Same answer for the engine's life. */
uint32_t sigma_engine_name(const struct sigma_engine *g, struct str name);
/* Number of a source (texts compared without case); ERR_LIMIT when there are too many different ones. */
int sigma_engine_source(struct sigma_engine *g, const struct sigma_source *s, uint32_t *ret);
/* True when no rule can ever look at events of this source. */
bool sigma_engine_source_idle(const struct sigma_engine *g, uint32_t source);
/* ERR_LIMIT: more than 32 MiB of text, or too many fields; the event is left out, the engine goes on. */
int sigma_engine_event(struct sigma_engine *g, const struct sigma_event *ev);
/*
 * Ends the windows of correlations. A correlation that is decided at the end of its window (one with an upper bound,
 * a sum, an average ...) names its last event; only `index` and `time_ns` of that are set.
 */
int sigma_engine_finish(struct sigma_engine *g);

struct sigma_stats {
    uint64_t events, evaluated, matches;
    uint64_t over_budget; /* rules given up on one event: they took longer than 2 s, or a regex hit its limit */
    uint64_t evicted;     /* groups or events that correlations had to forget: too many */
};
void sigma_engine_stats(const struct sigma_engine *g, struct sigma_stats *ret);

#endif
