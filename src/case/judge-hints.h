/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was seen in a run that asks for another one: the advice of the verdict rests on it (detect/score.h). */
#ifndef BELLJAR_CASE_JUDGE_HINTS_H
#define BELLJAR_CASE_JUDGE_HINTS_H

#include "detect/score.h"
#include "event/event.h"
#include "event/proctab.h"

#define JUDGE_CAPTURES_MAX 256 /* copies of files that are remembered; later ones are not advised on */

struct judge_hints {
    struct score_hint ended, slept, silent, captured;
    int64_t slept_until_ns;
    uint32_t root_pid;
    struct judge_capture {
        uint64_t path; /* hash */
        struct evidence event;
    } captures[JUDGE_CAPTURES_MAX];
    unsigned ncaptures;
};

void judge_hints_event(struct judge_hints *h, const struct event *ev, const struct proc *p);
/* Puts what holds at the end into the facts. */
void judge_hints_finish(const struct judge_hints *h, struct score_facts *s);

#endif
