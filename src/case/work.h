/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The way of one case: triage, plan, image, run, observe. The CLI today and
 * the worker of the server tomorrow drive the same function.
 */
#ifndef BELLJAR_CASE_WORK_H
#define BELLJAR_CASE_WORK_H

#include "case/case.h"
#include "case/observe.h"
#include "case/runner.h"

struct work_handlers { /* all optional */
    void *context;
    void (*stage)(void *context, const char *sentence);                            /* a new stage began */
    void (*build)(void *context, const char *step, uint64_t done, uint64_t total); /* the guest is being made */
    void (*progress)(void *context, const struct runner_progress *p);
    volatile int *stop; /* becomes non-zero: end the run, keep the evidence, make the report */
};

/* The whole way. The case's state ends as "done" or "failed". */
int work_case(const struct case_folder *c, const struct work_handlers *h, struct observe_result *ret, struct err *e);
/* Only the last stage, from what the folder holds. */
int work_report(const struct case_folder *c, struct observe_result *ret, struct err *e);
/*
 * Image, snapshot and the record of the idle machine (baseline.txt and passwd
 * beside the snapshot); builds what is missing.
 */
int work_system(const char *name, const struct work_handlers *h, struct image *ret_image, struct snapshot *ret_snapshot,
                struct err *e);

#endif
