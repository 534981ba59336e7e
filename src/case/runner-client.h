/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The supervisor's end of the runner role. */
#ifndef BELLJAR_CASE_RUNNER_CLIENT_H
#define BELLJAR_CASE_RUNNER_CLIENT_H

#include "base/err.h"
#include "case/work.h"

/*
 * Starts a runner process on the case folder and follows it to its end. When
 * the runner dies, its machine dies with it and the error says how; what it
 * wrote stays. `case_dir` NULL: an idle machine is recorded for `seconds`
 * (for the baseline), with the guest's passwd file in run_dir/passwd.
 */
int runner_client_run(const char *case_dir, const char *run_dir, const char *system, const struct work_handlers *h,
                      struct err *e);
int runner_client_idle(const char *run_dir, const char *system, unsigned seconds, const struct work_handlers *h,
                       struct err *e);

#endif
