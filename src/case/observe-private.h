/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between the supervisor's half (observe.c) and the jailed half (observe-role.c). */
#ifndef BELLJAR_CASE_OBSERVE_PRIVATE_H
#define BELLJAR_CASE_OBSERVE_PRIVATE_H

#include "case/observe.h"
#include "report/report.h"

enum observe_message {
    OBSERVE_BEGIN = 1,  /* no payload; descriptors below */
    OBSERVE_DONE = 2,   /* u32 word, score, confidence, findings; u64 events; reason */
    OBSERVE_FAILED = 3, /* sentence */
};

#define OBSERVE_WRITERS 2 /* json, html: the rows of report/writers.c that are always made */

enum observe_fd {
    OBSERVE_RULES,
    OBSERVE_LOG,
    OBSERVE_FACTS, /* framed texts, in the order of enum observe_fact */
    OBSERVE_OUT,   /* one per writer */
    OBSERVE_FDS = OBSERVE_OUT + OBSERVE_WRITERS,
};

enum observe_fact {
    OBSERVE_ID,
    OBSERVE_SUBMISSION,
    OBSERVE_STATIC,
    OBSERVE_RUN,
    OBSERVE_BASELINE,
    OBSERVE_PASSWD,
    OBSERVE_FACTS_COUNT
};

/* u32 length and bytes for each fact; missing files are empty. */
int observe_pack_facts(const struct case_folder *c, const char *passwd_path, const char *baseline_path, int *ret_fd,
                       struct err *e);

#endif
