/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The idle machine's own noise, recorded once per snapshot and kept beside it:
 * baseline.txt (event/baseline.h) and the guest's passwd file for user names.
 */
#ifndef BELLJAR_CASE_BASELINE_RUN_H
#define BELLJAR_CASE_BASELINE_RUN_H

#include "case/work.h"

int baseline_run_ensure(const struct image *image, const struct snapshot *snapshot, const struct work_handlers *h,
                        struct err *e);
/* Of the idle machine's run.json: NULL when it was seen to its end without holes, else a sentence. */
const char *baseline_run_unsound(const json_t *run);
/* malloc'ed paths (files may be missing) of the system's current snapshot; NULL when there is none. */
void baseline_run_paths(const char *system, char **ret_baseline, char **ret_passwd);

#endif
