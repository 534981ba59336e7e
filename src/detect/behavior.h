/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Behaviour rules: our own declarative YAML language (docs/user/behavior-rules.md),
 * compiled once, evaluated in one streaming pass over the events.
 */
#ifndef BELLJAR_DETECT_BEHAVIOR_H
#define BELLJAR_DETECT_BEHAVIOR_H

#include "detect/finding.h"
#include "event/event.h"
#include "event/proctab.h"

struct behavior_rules;
struct behavior_engine;

/* Called for every bad rule: file, line (0 unknown) and reason; loading goes on with the others. */
typedef void behavior_problem(void *context, const char *file, unsigned line, const char *reason);

int behavior_rules_new(struct behavior_rules **ret);
void behavior_rules_free(struct behavior_rules **r);
/* Adds the documents of one YAML text. Returns the number of good rules added, or negative when nothing can be read. */
int behavior_rules_add(struct behavior_rules *r, const char *file, struct str yaml, behavior_problem *problem,
                       void *context, struct err *e);
/* All *.yml and *.yaml of a folder and below it (rulefiles.h), sorted by path. */
int behavior_rules_load_dir(struct behavior_rules *r, const char *dir, behavior_problem *problem, void *context,
                            struct err *e);
/*
 * Points of the rules that are added from now on, in percent (100). Below 50 a rule
 * gives medium severity at most, with 0 it gives facts only (severity info).
 */
void behavior_rules_weight(struct behavior_rules *r, unsigned percent);
/* Switches a rule off: it finds nothing. False when there is no such rule. */
bool behavior_rules_off(struct behavior_rules *r, struct str id);
size_t behavior_rules_count(const struct behavior_rules *r);
/* What a list of rules shows. Texts are borrowed from the set. */
struct behavior_rule_info {
    struct str id, title, category, description, file;
    unsigned line;
    enum severity severity;
    unsigned points;
    const struct str *attack;
    unsigned nattack;
    unsigned positive_tests, negative_tests;
};
bool behavior_rules_at(const struct behavior_rules *r, size_t index, struct behavior_rule_info *ret);
/* Runs the tests inside the rules; *ret_failed counts; every failure goes to `problem`. */
int behavior_rules_test(const struct behavior_rules *r, unsigned *ret_run, unsigned *ret_failed,
                        behavior_problem *problem, void *context);

/*
 * Plays the event streams of a YAML text (docs/user/behavior-rules.md, section
 * Streams) through all rules. For each document `fn` gets its root and what the
 * rules found; a negative result of fn ends it. Returns the number of streams.
 */
struct yaml_tree;
typedef int behavior_stream_fn(void *context, const struct yaml_tree *stream, const struct findings *found);
int behavior_streams_play(const struct behavior_rules *r, struct str yaml, behavior_stream_fn *fn, void *context,
                          struct err *e);

/* Facts about the run that rules may refer to. */
struct behavior_facts {
    struct str sample_path; /* path of the sample in the guest */
    struct str sample_sha256;
    struct str sample_type; /* "elf", "script", ... */
    /* What triage found in it; lists are texts with one thing a line. */
    struct str sample_strings, sample_indicators, sample_anomalies;
    uint64_t sample_size;
    unsigned sample_entropy; /* percent of 8 bits per byte */
    bool sample_stripped, sample_static;
    struct str platform; /* "linux", ...: rules for other platforms rest; empty: all work */
};

/* Both are borrowed and must outlive the engine. */
int behavior_engine_new(const struct behavior_rules *r, const struct proctab *procs, const struct behavior_facts *facts,
                        struct behavior_engine **ret);
/* Must be called for every event, after proctab_event; p is what that returned. 0 or -ENOMEM / ERR_LIMIT. */
int behavior_engine_event(struct behavior_engine *g, const struct event *ev, const struct proc *p);
/* Ends absences and counts, and moves the findings out. */
int behavior_engine_finish(struct behavior_engine *g, struct findings *ret);
void behavior_engine_free(struct behavior_engine **g);
/* A program of the machine that asks DNS on behalf of others: its questions belong to nobody. */
bool behavior_is_resolver(const struct proc *p);

#endif
