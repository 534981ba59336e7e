/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Observation, judgement and report in one streaming pass over a run's log,
 * inside a jail without files or network: everything comes and goes by descriptors.
 * The pass can begin while the run goes on; the report is then ready soon after its end.
 */
#ifndef BELLJAR_CASE_OBSERVE_H
#define BELLJAR_CASE_OBSERVE_H

#include "base/err.h"
#include "case/case.h"
#include "detect/score.h"
#include "os/role.h"

extern const struct role observe_role;

struct observe_result {
    enum verdict_word word;
    unsigned score, confidence;
    uint64_t events, events_sample; /* in the log; of these, the sample's */
    uint32_t findings;
    char reason[256];
    uint64_t took_ms;
};

/* What belongs to the snapshot that the run uses (missing files are allowed), and what only the plan knows yet. */
struct observe_inputs {
    const char *passwd_path, *baseline_path;
    bool live;               /* the run goes on: events.bjl is there and grows, run.json is not there yet */
    const char *sample_path; /* live only: where the plan puts the sample in the guest, "" = nowhere */
};

/* A process that observes one case. */
struct observer;

/*
 * Starts one; it reads the log from here on, also while that grows. What it sees does not depend on when it reads: the
 * same log gives the same report. Strings are not kept.
 */
int observe_begin(const struct case_folder *c, const struct observe_inputs *in, struct observer **ret, struct err *e);
/*
 * The run is over and run.json is there: waits for the end, puts report.json and report.html in place (atomically:
 * never half a report) and frees the observer, also on failure. ERR_CONFLICT: run.json tells of another sample than was
 * said at the beginning; observe again, from the start. result->took_ms counts from here.
 */
int observe_finish(const struct case_folder *c, struct observer **o, struct observe_result *ret, struct err *e);
/* Ends it without a report. NULL inside is fine. */
void observe_drop(struct observer **o);
/* Begin and finish: the whole log of a run that is over. */
int observe_case(const struct case_folder *c, const char *passwd_path, const char *baseline_path,
                 struct observe_result *ret, struct err *e);

#endif
