/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From static facts and options to what is started in the guest.
 */
#ifndef BELLJAR_CASE_PLAN_H
#define BELLJAR_CASE_PLAN_H

#include "base/arena.h"
#include "base/err.h"
#include "case/case.h"

#include <jansson.h>

#define PLAN_ARGS_MAX 256

/* Undoes jsonw_bytes (base/jsonw.h) in place: \xNN becomes the byte. NUL stays written out. Returns z; NULL is fine. */
char *plan_bytes(char *z);

struct plan {
    struct arena arena;
    const char *refused;    /* sentence: why nothing can be started; the report is then static only */
    const char *guest_path; /* where the sample is put; NULL when there is none */
    unsigned guest_mode;
    const char *user, *cwd;
    const char *path; /* program; "" = argv[0] is a shell line */
    const char *argv[PLAN_ARGS_MAX];
    unsigned seconds;
};

/* submission and static facts as parsed JSON (borrowed). */
int plan_make(const json_t *submission, const json_t *facts, struct plan *ret, struct err *e);
void plan_clear(struct plan *p);
/* Splits like a POSIX shell: quotes and backslashes, no expansion. Number of words, or ERR_FORMAT / ERR_LIMIT. */
int plan_split(struct arena *a, const char *line, const char **ret, size_t max, struct err *e);

#endif
