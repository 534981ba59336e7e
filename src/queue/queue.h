/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The queue's supervisor: starts a worker process for each job that waits, as
 * many as there are machines, and gives back the jobs of workers that died.
 *
 * It also ends uploads that never came whole, and removes what was to be kept for
 * some days only.
 *
 * A worker is a process for one job: it takes the job with a lease, renews it
 * while the analysis goes on, and writes the result. When it dies, in whatever
 * way, its machine dies with it, its job waits again, and after JOB_TRIES_MAX
 * starts the analysis ends with the reason. One supervisor per data folder.
 */
#ifndef BELLJAR_QUEUE_QUEUE_H
#define BELLJAR_QUEUE_QUEUE_H

#include "os/loop.h"
#include "os/role.h"
#include "store/store.h"

#define QUEUE_WORKERS_MAX 64
#define QUEUE_LEASE_SECONDS 60

extern const struct role worker_role;

#define QUEUE_SWEEP_SECONDS 30 /* between two looks at what is to be removed */
#define QUEUE_EMPTY_SECONDS 60 /* an announced upload without a chunk: it was an empty file (joe-api, section 4) */
#define QUEUE_CUT_SECONDS 3600 /* an upload that stopped in the middle */

struct queue_options {
    struct loop *loop;
    struct store *store;
    unsigned workers; /* at the same time */
    void (*log)(const char *sentence);
};

struct queue;
/* Also gives back what an earlier supervisor left under way. */
int queue_new(const struct queue_options *o, struct queue **ret, struct err *e);
/* Ends the workers: what they did is given back by the next start. */
void queue_free(struct queue **q);
/* There may be work: look now instead of within the second. */
void queue_wake(struct queue *q);

#endif
