/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Observation, judgement and report in one streaming pass over a run's log,
 * inside a jail without files or network: everything comes and goes by descriptors.
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
    uint64_t events;
    uint32_t findings;
    char reason[256];
    uint64_t took_ms;
};

/*
 * Reads the case folder, writes report.json and report.html (atomically: never half a report).
 * passwd_path and baseline_path belong to the snapshot that the run used; missing files are allowed.
 */
int observe_case(const struct case_folder *c, const char *passwd_path, const char *baseline_path,
                 struct observe_result *ret, struct err *e);

#endif
