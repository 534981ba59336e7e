/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From findings to a verdict. The model is published in docs/user/verdict.md;
 * every point names the finding that gave it.
 */
#ifndef BELLJAR_DETECT_SCORE_H
#define BELLJAR_DETECT_SCORE_H

#include "detect/allowlist.h"
#include "detect/finding.h"

#define ADVICE_MAX 16
#define ADVICE_EVENTS_MAX 4
#define SCORE_NONE UINT32_MAX

enum verdict_word { VERDICT_UNKNOWN, VERDICT_CLEAN, VERDICT_SUSPICIOUS, VERDICT_MALICIOUS };
const char *verdict_name(enum verdict_word w);

/* An event that advice rests on, and what it says of it. source 0: none was seen. */
struct score_hint {
    struct evidence event;
    char text[160]; /* a name of something in it: an address, a file; cut, any bytes */
    uint64_t count;
};

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
    unsigned exit_code; /* of the first program */
    /* What was seen that asks for another run. */
    struct score_hint ended;    /* the first program ended */
    struct score_hint slept;    /* the last sleep of the sample, when it lasts to the end of the run; text: how long */
    struct score_hint silent;   /* it said something in the network that nothing answered; text: to whom */
    struct score_hint captured; /* a program that it made, of which there is a copy; text: its path */
    /* What the allow-list is asked about; both may be empty. */
    struct str sha256, path;
    const struct allowlist *allow; /* NULL: none */
};

struct score_part {   /* one line of "why this score" */
    uint32_t finding; /* index in findings */
    unsigned points;  /* after capping; may be 0 (capped away) */
    const char *note; /* "capped by category", NULL */
    uint32_t same_as; /* the finding that saw the same thing and counts instead, or SCORE_NONE */
};

struct advice {
    char text[256];
    uint32_t finding; /* that triggers it, or SCORE_NONE */
    struct evidence events[ADVICE_EVENTS_MAX];
    unsigned nevents; /* 0: it rests on the completeness of the run alone */
};

struct verdict {
    enum verdict_word word;
    unsigned score;              /* 0..100 */
    unsigned confidence;         /* 0..5 */
    char reason[256];            /* one sentence for the head of the report */
    const char *unknown_because; /* for VERDICT_UNKNOWN */
    struct score_part *parts;    /* owned */
    size_t nparts;
    unsigned high; /* findings of high severity: one is enough for the strategy "at least one malicious signature" */
    unsigned classes[CLASS_COUNT]; /* 0..10 */
    char confidence_reason[256];
    struct advice advice[ADVICE_MAX]; /* sentences: what to do next, with the evidence that triggers them */
    unsigned nadvice;
    char threat_name[96];    /* "" unknown */
    uint32_t threat_finding; /* whose rule knows the name; SCORE_NONE: it comes from the classes */
    /* On the allow-list: word is clean and score 0; this is what they would be. */
    bool allowed;
    char allowed_by[256]; /* the line that matched */
    enum verdict_word word_without;
    unsigned score_without;
};

int score_judge(const struct findings *f, const struct score_facts *facts, struct verdict *ret, struct err *e);
void verdict_clear(struct verdict *v);

/*
 * For every finding the stronger one that saw the same thing, or SCORE_NONE; order
 * names the findings from strong to weak. docs/user/verdict.md, "Seen twice".
 */
void score_same(const struct findings *f, const uint32_t *order, uint32_t *ret);

/* Points of a Sigma level ("informational" ... "critical"); 0 for other words. */
unsigned score_sigma_points(struct str level);

#endif
