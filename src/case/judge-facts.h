/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the verdict must know besides the findings: did it start, how long did
 * it run, is the record whole? Read from the case's JSON files and the events.
 */
#ifndef BELLJAR_CASE_JUDGE_FACTS_H
#define BELLJAR_CASE_JUDGE_FACTS_H

#include "base/err.h"
#include "case/judge-hints.h"
#include "detect/score.h"
#include "event/evlog.h"
#include "event/proctab.h"

#define JUDGE_CRASHES_MAX 1024

struct judge_facts {
    struct score_facts score;
    char *sample_path, *sha256, *type, *why_not; /* owned */
    uint32_t root_pid;
    bool root_seen;
    bool cut_off;    /* no run.json of the runner: what ran is known from the log alone */
    int64_t last_ns; /* of the latest event */
    /* Processes that a fault ended right after the start; which of them is the sample's first is known at the end. */
    uint32_t crashes[JUDGE_CRASHES_MAX];
    unsigned ncrashes;
    struct judge_hints hints;
    char *origin; /* where the sample lay when it was submitted; "" unknown; owned */
    struct allowlist allow;
    struct buf strings, indicators, anomalies; /* what triage found in the sample, one thing a line */
    uint64_t size;
    unsigned entropy; /* percent of 8 bits per byte */
    bool stripped, is_static;
};

/* Texts are JSON objects; static and run may be empty. Before or after the events, once. */
int judge_facts_read(struct judge_facts *f, struct str submission, struct str facts, struct str run, struct err *e);
void judge_facts_event(struct judge_facts *f, const struct event *ev, const struct proc *p);
void judge_facts_finish(struct judge_facts *f, const struct evlog_status *log);
/* What the allow-list says (allowlist.h); before the end. A list that cannot be read is said in a finding. */
int judge_facts_allow(struct judge_facts *f, struct str texts, struct findings *findings, struct err *e);
void judge_facts_clear(struct judge_facts *f);

#endif
