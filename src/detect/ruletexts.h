/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Many named texts in one row of bytes: how files of rules travel between our
 * processes. Each text: u32 kind, u32 weight, u32 length and name, u32 length
 * and bytes (all LE).
 */
#ifndef BELLJAR_DETECT_RULETEXTS_H
#define BELLJAR_DETECT_RULETEXTS_H

#include "base/buf.h"
#include "base/err.h"

#define RULETEXTS_BYTES_MAX (256u << 20)
#define RULETEXTS_COUNT_MAX 100000u
#define RULETEXTS_NAME_MAX 4096u

#define RULETEXT_OFF 0xfffffffeu  /* kind: `name` is the id of a rule that is switched off */
#define RULETEXT_NONE 0xffffffffu /* kind: something else, a licence for example */

struct ruletext {
    uint32_t kind;   /* index of rulekind_at, or one of the above */
    uint32_t weight; /* of the pack's points in percent, 0..100 */
    struct str name, text;
};

struct ruletexts {
    struct ruletext *items; /* owned; their texts are borrowed from the bytes */
    size_t count;
};

int ruletexts_add(struct buf *to, const struct ruletext *t);
/* ERR_FORMAT names the offset. Weights beyond 100 and names with a NUL are malformed. */
int ruletexts_read(struct str bytes, struct ruletexts *ret, struct err *e);
void ruletexts_free(struct ruletexts *t);
void ruletexts_sort(struct ruletexts *t); /* by kind and name */

#endif
