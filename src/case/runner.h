/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One run: restores a machine, puts the sample in, records, ends, cleans up.
 * Lives in a process of its own (role "runner"), so that whatever the guest
 * does to it, the supervisor stays and makes a report of what there is.
 */
#ifndef BELLJAR_CASE_RUNNER_H
#define BELLJAR_CASE_RUNNER_H

#include "base/err.h"
#include "case/plan.h"
#include "machine/image.h"
#include "os/role.h"

extern const struct role runner_role;

struct runner_progress {
    char phase[24];  /* restore, start, run, collect, stop */
    char doing[160]; /* what the sample does now, a sentence fragment */
    uint64_t events, events_per_second, lost;
    uint32_t alive;
    unsigned elapsed_ms, total_ms;
};

struct runner_options {
    const char *run_dir;     /* existing: runs/1 */
    const char *sample_path; /* host file, or NULL */
    const struct plan *plan;
    const struct image *image;
    const struct snapshot *snapshot;
    bool idle; /* records an idle machine: for the baseline */
    void (*progress)(void *context, const struct runner_progress *p);
    void *context;
    volatile int *stop; /* set by a signal handler: end the run now, keep the evidence */
};

/*
 * Runs to the end. 0 when run.json was written (whatever happened in the guest);
 * negative when the runner itself failed, with run.json written by us as far as known.
 */
int runner_run(const struct runner_options *o, struct err *e);

#endif
