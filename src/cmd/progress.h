/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Progress of an analysis for people: one living line on a terminal, plain lines elsewhere; all on standard error. */
#ifndef BELLJAR_CMD_PROGRESS_H
#define BELLJAR_CMD_PROGRESS_H

#include "case/work.h"

#include <stdio.h>

struct progress_view {
    bool terminal;
    bool line_open;         /* a living line is on the screen */
    uint64_t last_plain_ms; /* elsewhere: at most one line in this while */
    char last_phase[24];
};

/* Fills the handlers' callbacks. */
void progress_view_init(struct progress_view *v, struct work_handlers *h);
void progress_view_end(struct progress_view *v);
void progress_print_verdict(FILE *to, const struct case_folder *c, const struct observe_result *r);

#endif
