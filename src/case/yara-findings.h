/* SPDX-License-Identifier: GPL-3.0-or-later */
/* yara.json -> findings: one per rule, with the artefacts and places that show it. */
#ifndef BELLJAR_CASE_YARA_FINDINGS_H
#define BELLJAR_CASE_YARA_FINDINGS_H

#include "detect/finding.h"
#include "report/report.h"

/* text: yara.json, may be empty. r names captured files; may be NULL. Malformed text is an error that says where. */
int yara_findings(struct str text, const struct report *r, struct findings *f, struct err *e);

#endif
