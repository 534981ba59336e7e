/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The report: one model, filled by one streaming pass and the case's facts;
 * every format is one writer over the model (one row in report/writers.c).
 */
#ifndef BELLJAR_REPORT_REPORT_H
#define BELLJAR_REPORT_REPORT_H

#include "base/err.h"
#include "detect/finding.h"
#include "detect/score.h"
#include "event/event.h"
#include "event/evlog.h"
#include "event/proctab.h"

struct report; /* the model */

int report_new(const struct proctab *procs, struct report **ret);
void report_free(struct report **r);
/* Every event once, in order, after proctab_event. Collects files, network, memory, statistics, timeline; capped, flat.
 */
int report_event(struct report *r, const struct event *ev, const struct proc *p);

/* What else the model needs; all borrowed until report_free. JSON texts are objects as in docs/reference. */
struct report_facts {
    const char *case_id;
    const char *submission_json; /* submission.json */
    const char *static_json;     /* static.json, or NULL */
    const char *run_json;        /* run.json */
    const char *yara_json;       /* yara.json, or NULL */
    const struct findings *findings;
    const struct verdict *verdict;
    const struct score_facts *completeness;
    const struct evlog_status *log;
    const char *log_path; /* events.bjl for a second pass, or NULL */
    int log_fd;           /* > 0: the same as a descriptor (used first; borrowed): the jail has no paths */
};
int report_finish(struct report *r, const struct report_facts *f, struct err *e);

/* Where a captured file with these contents was in the guest; STR_NONE when not known. */
struct str report_capture_path(const struct report *r, struct str sha256);

struct report_writer {
    const char *name; /* "json", "html" */
    const char *file; /* "report.json" */
    const char *mime, *doc;
    int (*write)(const struct report *r, int fd, struct err *e);
};
const struct report_writer *report_writer_at(unsigned index); /* NULL at the end */
const struct report_writer *report_writer_by_name(const char *name);

#endif
