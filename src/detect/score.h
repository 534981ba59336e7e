/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From findings to a verdict. The model is published in docs/user/verdict.md;
 * every point names the finding that gave it.
 */
#ifndef BELLJAR_DETECT_SCORE_H
#define BELLJAR_DETECT_SCORE_H

#include "detect/finding.h"

enum verdict_word { VERDICT_UNKNOWN, VERDICT_CLEAN, VERDICT_SUSPICIOUS, VERDICT_MALICIOUS };
const char *verdict_name(enum verdict_word w);

/* How much of the plan happened; an honest verdict depends on it. */
struct score_facts {
    bool started;                    /* the sample's first program really ran */
    const char *not_started_because; /* sentence, when !started */
    bool crashed;                    /* died by SIGSEGV, SIGILL, SIGBUS, SIGABRT soon after start */
    bool channel_intact;             /* no gap, agent alive to the end */
    bool machine_alive;              /* guest did not panic, power off or hang before the end */
    uint64_t events, lost;
    int64_t ran_ns, planned_ns;
    bool ended_by_itself; /* every process of the sample ended */
    bool network_simulated;
};

struct score_part {   /* one line of "why this score" */
    uint32_t finding; /* index in findings */
    unsigned points;  /* after capping; may be 0 (capped away) */
    const char *note; /* "capped by category", NULL */
};

struct verdict {
    enum verdict_word word;
    unsigned score;              /* 0..100 */
    unsigned confidence;         /* 0..5 */
    char reason[256];            /* one sentence for the head of the report */
    const char *unknown_because; /* for VERDICT_UNKNOWN */
    struct score_part *parts;    /* owned */
    size_t nparts;
    unsigned classes[CLASS_COUNT]; /* 0..10 */
    char confidence_reason[256];
    char advice[8][256]; /* sentences: what to do next, with the evidence that triggers them */
    unsigned nadvice;
};

int score_judge(const struct findings *f, const struct score_facts *facts, struct verdict *ret, struct err *e);
void verdict_clear(struct verdict *v);

#endif
