/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the rows of the table of rule kinds share. */
#ifndef BELLJAR_DETECT_RULEKIND_PRIVATE_H
#define BELLJAR_DETECT_RULEKIND_PRIVATE_H

#include "detect/rulekind.h"

extern const char *const rulekind_yaml_suffixes[];
/* How many lines begin with one of the words and a colon, without indentation. */
unsigned rulekind_keys(struct str text, const char *const *words);

extern const struct rulekind sigma_rulekind;

#endif
