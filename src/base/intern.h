/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Interned strings: equal bytes, equal id. Ids are dense and start at 1;
 * 0 means "no string". The empty string is a string and gets an id.
 * Pointers stay valid as long as the table lives. The hash is seeded per
 * table (SipHash), so a sample cannot craft collisions.
 */
#ifndef BELLJAR_BASE_INTERN_H
#define BELLJAR_BASE_INTERN_H

#include "base/str.h"

struct intern;

/* max_bytes caps text plus tables. 0 or -ENOMEM. */
int intern_new(size_t max_bytes, struct intern **ret);
void intern_free(struct intern **t);
/* Returns the id, or 0 when memory or the cap ended (the table stays usable). */
uint32_t intern_add(struct intern *t, struct str s);
/* As intern_add; *ret_new tells whether the string was not there before. */
uint32_t intern_add_new(struct intern *t, struct str s, bool *ret_new);
uint32_t intern_find(const struct intern *t, struct str s); /* 0 = not there */
struct str intern_get(const struct intern *t, uint32_t id); /* STR_NONE for 0 or unknown ids */
uint32_t intern_count(const struct intern *t);              /* ids are 1..count */

#endif
