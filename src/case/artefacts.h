/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * YARA over what a case has: the sample while its run goes on, files that it
 * dropped and memory that was dumped as they appear, and traffic at the end.
 * The result is yara.json in the case folder (docs/user/yara.md).
 *
 * A process of its own (role "artefacts", no jail: it opens the case's files)
 * drives the jailed scanner. Whatever happens to it, the case goes on; then
 * yara.json says why nothing was scanned.
 */
#ifndef BELLJAR_CASE_ARTEFACTS_H
#define BELLJAR_CASE_ARTEFACTS_H

#include "base/err.h"
#include "case/case.h"
#include "os/role.h"

#define ARTEFACTS_MAX 4000                /* scanned per case; more are counted */
#define ARTEFACT_BYTES_MAX (512ull << 20) /* larger ones are named as not scanned */
#define ARTEFACTS_FINISH_S 15             /* after the end of the run; what is left then is named as not scanned */

extern const struct role artefacts_role;

struct artefacts;

/* Begins with the sample; looks for new artefacts until artefacts_finish. */
int artefacts_begin(const struct case_folder *c, struct artefacts **ret, struct err *e);
/* The run is over: scans what is left, writes yara.json, frees. On failure yara.json holds the reason. */
int artefacts_finish(const struct case_folder *c, struct artefacts **a, struct err *e);
/* Ends it. NULL inside is fine. */
void artefacts_drop(struct artefacts **a);
/* Begin and finish: for a run that is over. */
int artefacts_scan(const struct case_folder *c, struct err *e);

#endif
