/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Made-up runs for tests of the report: a dropper's story told through the
 * real event log, process table and report. Nothing of it is malicious or was
 * ever run.
 */
#ifndef BELLJAR_REPORT_FIXTURE_H
#define BELLJAR_REPORT_FIXTURE_H

#include "report/report.h"

struct fixture {
    char log_path[256];
    struct proctab *procs;
    struct report *report;
    struct findings findings;
    struct verdict verdict;
    struct score_facts facts;
    struct evlog_status log;
    struct evlog_writer *writer; /* while the story is told */
    uint64_t seq[EVENT_SOURCE_MAX];
    struct event ev;
    bool told; /* the dropper's story: with hits of YARA rules */
    int failed;
};

int fixture_begin(struct fixture *x, const char *dir);
/* Starts an event; the strings given to the adders are borrowed until fixture_send. */
void fixture_event(struct fixture *x, uint16_t kind, uint8_t source, uint32_t pid, double time);
void fixture_s(struct fixture *x, const char *s);
void fixture_n(struct fixture *x, const char *p, size_t n);
void fixture_u(struct fixture *x, uint64_t u);
uint64_t fixture_send(struct fixture *x); /* its number */
void fixture_finding(struct fixture *x, const char *rule, const char *title, const char *category,
                     enum severity severity, unsigned points, const char *attack);
void fixture_evidence(struct fixture *x, uint8_t source, uint64_t seq, double time, uint32_t pid);
/* Tells the story of a dropper. */
void fixture_dropper(struct fixture *x);
/* A run in which nothing ran. */
void fixture_nothing(struct fixture *x);
/* Closes the log and finishes the report. */
int fixture_end(struct fixture *x, struct err *e);
void fixture_free(struct fixture *x);

#endif
