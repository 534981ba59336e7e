/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All text patterns that rules have for one field, tried in one walk over the
 * string: an Aho-Corasick automaton over the patterns' literals, anchors and
 * case checked where a literal ends, globs and regular expressions tried once
 * when their literal was seen.
 */
#ifndef BELLJAR_DETECT_SCAN_H
#define BELLJAR_DETECT_SCAN_H

#include "detect/rule.h"

#define SCAN_CELLS_MAX (16u << 20) /* of the automaton; patterns beyond are tried one by one */

struct scan;

/* Of the matchers of `field` for which want[] is set. NULL in *ret when there are none. */
int scan_new(const struct behavior_rules *set, uint16_t field, const bool *want, struct scan **ret);
void scan_free(struct scan **s);
/* Most ids that scan_run can give. */
unsigned scan_max(const struct scan *s);
/* Writes the ids of the matchers that fit, each once, in no order; returns how many. */
unsigned scan_run(struct scan *s, struct str text, uint16_t *ret_ids, uint64_t *limits_hit);

/* One lazy matcher against one string. */
bool scan_lazy(const struct behavior_rules *set, uint16_t matcher, struct str text, uint64_t *limits_hit);

#endif
