/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The files of a folder of rules: all regular files below it with one of the
 * wanted endings, sorted by path. Names that begin with '.' are left out, links
 * to files are followed, folders behind links are not.
 */
#ifndef BELLJAR_DETECT_RULEFILES_H
#define BELLJAR_DETECT_RULEFILES_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define RULEFILES_DEPTH_MAX 16
#define RULEFILES_MAX 100000

struct rulefiles {
    char **items; /* paths; owned */
    size_t count, cap;
};

/* True when the name is wanted. NULL in its place: every file. */
typedef bool rulefiles_want(const char *name);

/* ERR_LIMIT beyond RULEFILES_MAX files or RULEFILES_DEPTH_MAX folders: never a silent half. */
int rulefiles_list(const char *dir, rulefiles_want *want, struct rulefiles *ret, struct err *e);
void rulefiles_free(struct rulefiles *f);

#endif
