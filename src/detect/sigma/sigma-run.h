/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sigma over the events of a run: each event of ours is shown to the rules as
 * the log lines that other tools would have written about it (sigma-views.c):
 * Linux process_creation, file_event ..., auditd's records, dns, proxy. Hits
 * become findings like those of the behaviour rules.
 *
 * What the guest's own programs do is not shown; what they did on the wire and
 * nobody else did is.
 */
#ifndef BELLJAR_DETECT_SIGMA_SIGMA_RUN_H
#define BELLJAR_DETECT_SIGMA_SIGMA_RUN_H

#include "detect/finding.h"
#include "detect/sigma/sigma.h"
#include "event/event.h"
#include "event/proctab.h"

struct sigma_run;

/* Both are borrowed and must outlive it; the rules must be compiled. */
int sigma_run_new(const struct sigma_rules *r, const struct proctab *procs, struct sigma_run **ret);
void sigma_run_free(struct sigma_run **s);
/*
 * For every event, in order, after proctab_event; p is what that returned, NULL when no process is known. 0, or
 * -ENOMEM.
 */
int sigma_run_event(struct sigma_run *s, const struct event *ev, const struct proc *p);
/*
 * Ends the correlations and adds one finding for each rule that hit, in the order of the rules: id "sigma:ID", the
 * rule's title, a category by its ATT&CK tactic, points by its level and the weight of its pack. Texts are copied.
 * Reaching a cap adds a finding "sigma.limits" of severity info.
 */
int sigma_run_finish(struct sigma_run *s, struct findings *ret);
void sigma_run_stats(const struct sigma_run *s, struct sigma_stats *ret);

/* Severity of a Sigma level: informational info, low, medium, and high for high and critical; medium without one. */
enum severity sigma_level_severity(struct str level);
/* Category of findings for the tags of a rule: that of its gravest tactic. */
const char *sigma_category(const struct str *tags, unsigned n);

#endif
