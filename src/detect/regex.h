/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Regular expressions of rules: PCRE2 with limits, and the plain text that any
 * match of one must contain, so that an index finds the few strings worth trying.
 */
#ifndef BELLJAR_DETECT_REGEX_H
#define BELLJAR_DETECT_REGEX_H

#include "base/err.h"
#include "base/str.h"

#define REGEX_BYTES_MAX 2048
#define REGEX_LITERALS_MAX 32

struct regex {
    void *code; /* the caller frees it with regex_free */
    /*
     * At least one of these stands in every string that matches, case aside.
     * Parts of the given text. None: nothing is known.
     */
    struct str literals[REGEX_LITERALS_MAX];
    unsigned nliterals;
};

/* flags: any of "ims". Such flags in front of the text, "(?im)", are taken too. */
int regex_new(struct str re, const char *flags, struct regex *ret, struct err *e);
void regex_free(void *code); /* NULL is fine */
/* Anywhere in s. A match given up for its limits is no match and adds one to *limits_hit. */
bool regex_matches(void *code, struct str s, uint64_t *limits_hit);

#endif
