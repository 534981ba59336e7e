/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The error object: one code and one sentence for people.
 *
 * Convention of the whole project: a function that can fail returns 0 (or a
 * non-negative count) on success and a negative code on failure; when it takes
 * a `struct err *`, it fills it on failure only. The pointer may be NULL.
 * Library code never logs; the caller at the top prints the sentence.
 *
 * A sentence says what happened, where, and, when it is known, what to do:
 * "cannot open /x/y: Permission denied". No trailing full stop or newline.
 */
#ifndef BELLJAR_BASE_ERR_H
#define BELLJAR_BASE_ERR_H

#include <stdarg.h>
#include <stddef.h>

/* Codes are negative errno values, or one of these (below every errno). */
enum {
    ERR_FORMAT = -1001,      /* input is malformed */
    ERR_TRUNCATED = -1002,   /* input ends too early */
    ERR_LIMIT = -1003,       /* a limit of ours was reached */
    ERR_UNSUPPORTED = -1004, /* well-formed, but not something we do */
    ERR_MISSING = -1005,     /* a thing that was asked for is not there */
    ERR_PEER = -1006,        /* the other side broke the protocol or went away */
    ERR_TIMEOUT = -1007,     /* a deadline passed */
    ERR_CONFLICT = -1008,    /* state does not allow it (already exists, busy) */
    ERR_USAGE = -1009,       /* the caller's words are wrong (CLI, config) */
};

#define ERR_TEXT_MAX 512

struct err {
    int code;
    char text[ERR_TEXT_MAX]; /* always NUL-terminated; may be cut with "..." */
};

/* Sets code and text, returns `code`. `e` may be NULL. */
int err_set(struct err *e, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* As err_set with code -errno and ": strerror" appended; returns -errno. */
int err_errno(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts context in front of an existing text ("reading X: " + text). Returns e->code (or -1 if e is NULL). */
int err_prefix(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A short word for a code: "format", "truncated", "limit", ... or strerror's text. Never NULL. */
const char *err_name(int code);

#endif
