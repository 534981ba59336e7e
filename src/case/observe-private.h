/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between the supervisor's half (observe.c) and the jailed half (observe-role.c). */
#ifndef BELLJAR_CASE_OBSERVE_PRIVATE_H
#define BELLJAR_CASE_OBSERVE_PRIVATE_H

#include "case/observe.h"
#include "report/report.h"

/*
 * BEGIN, then the role reads what the log has and goes on reading as it grows. FINISH: no more will come; the role
 * reads to the end and answers once.
 */
enum observe_message {
    OBSERVE_BEGIN = 1,  /* descriptors: one per enum observe_fd */
    OBSERVE_FINISH = 2, /* descriptors: the facts as they are now, then one per writer */
    OBSERVE_DONE = 3,   /* u32 word, score, confidence, findings; u64 events, events of the sample; reason */
    OBSERVE_FAILED = 4, /* u8: 1 = another sample than at the beginning; sentence */
};

#define OBSERVE_WRITERS 2 /* json, html: the rows of report/writers.c that are always made */

enum observe_fd {
    OBSERVE_RULES,
    OBSERVE_LOG,
    OBSERVE_FACTS, /* framed texts, in the order of enum observe_fact */
    OBSERVE_BEGIN_FDS,
};
#define OBSERVE_FINISH_FDS (1 + OBSERVE_WRITERS)

enum observe_fact {
    OBSERVE_ID,
    OBSERVE_SUBMISSION,
    OBSERVE_STATIC,
    OBSERVE_RUN,
    OBSERVE_BASELINE,
    OBSERVE_PASSWD,
    OBSERVE_YARA,  /* yara.json */
    OBSERVE_ALLOW, /* texts of the allow-list */
    OBSERVE_FACTS_COUNT
};

/*
 * u32 length and bytes for each fact; missing files are empty. While the run goes on (in->live) there is no run.json:
 * its place is taken by an object with the path of the sample alone.
 */
int observe_pack_facts(const struct case_folder *c, const struct observe_inputs *in, int *ret_fd, struct err *e);

#endif
