/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What to do next: sentences that name what triggered them. */
#ifndef BELLJAR_DETECT_SCORE_ADVICE_H
#define BELLJAR_DETECT_SCORE_ADVICE_H

#include "detect/score.h"

/* Points that all findings of one category may give together. */
unsigned score_category_max(struct str category);
void score_advise(const struct findings *f, const struct score_facts *facts, struct verdict *v);

#endif
