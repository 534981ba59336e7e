/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Counted, borrowed strings. `struct str` owns nothing, need not be
 * NUL-terminated and may hold any byte: names of files, arguments of samples.
 */
#ifndef BELLJAR_BASE_STR_H
#define BELLJAR_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p; /* may be NULL when n is 0 */
    size_t n;
};

#define STR_LIT(s) ((struct str){("" s), sizeof(s) - 1})
#define STR_NONE ((struct str){NULL, 0})
/* For printf("%.*s", STR_ARG(x)); cuts at INT_MAX. */
#define STR_ARG(s) (int)((s).n > 0x7fffffff ? 0x7fffffff : (s).n), ((s).p ? (s).p : "")

static inline struct str str_from(const char *z) /* z may be NULL */
{
    return (struct str){z, z ? strlen(z) : 0};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_eqz(struct str a, const char *z);
bool str_ieq(struct str a, struct str b); /* ASCII case folding only */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
bool str_istarts(struct str s, struct str prefix);
bool str_iends(struct str s, struct str suffix);
/* Offset of needle in s or -1. An empty needle is found at 0. The i form folds ASCII case. */
ptrdiff_t str_find(struct str s, struct str needle);
ptrdiff_t str_ifind(struct str s, struct str needle);
struct str str_sub(struct str s, size_t from, size_t n); /* clamps to s */
struct str str_trim(struct str s);                       /* ASCII white space at both ends */
struct str str_basename(struct str path);                /* text behind the last '/'; s itself without one */
struct str str_dirname(struct str path);                 /* "/a" for "/a/b", "/" for "/b", "." without '/' */
/* Splits off the text up to `sep` from *rest; false when *rest is exhausted (p == NULL). */
bool str_split(struct str *rest, char sep, struct str *ret_part);
/* Unsigned number, whole string, base 10 or 16 ("0x" allowed with base 16). 0 or ERR_FORMAT / ERR_LIMIT. */
int str_u64(struct str s, int base, uint64_t *ret);
/* malloc'ed NUL-terminated copy, NULL on no memory. Embedded NULs are kept. */
char *str_dup(struct str s);

/*
 * Shell-style glob over bytes: '*' any run, '?' one byte, '[a-z]' classes, '\\' quotes.
 * '*' also matches '/'. Linear in practice: at most one back-track point.
 */
bool str_glob(struct str pattern, struct str s, bool fold_case);

/* Length of the valid UTF-8 sequence at p (1-4), or 0 when invalid (overlong, surrogate, > U+10FFFF, cut). */
int utf8_len(const char *p, size_t n);
bool utf8_valid(struct str s);
/* Writes a character (at most U+10FFFF) as 1 to 4 bytes; returns how many. */
size_t utf8_put(char *to, uint32_t c);

#endif
