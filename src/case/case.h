/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A case: one submission and everything that came of it, as a folder of plain
 * files. Each stage reads and writes the folder and can be run again alone.
 *
 *   submission.json  what was asked for           state.json  how far it is, and which process works on it
 *   sample/<sha256>  the sample, never executable static.json what triage found
 *   runs/1/          run.json events.bjl traffic.pcap dropped/ memory/ output.txt
 *   report.json report.html
 */
#ifndef BELLJAR_CASE_CASE_H
#define BELLJAR_CASE_CASE_H

#include "base/err.h"
#include "base/hash.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define CASE_TIME_MIN 5 /* seconds; the CLI's documented range is 30-500, tests use less */
#define CASE_TIME_MAX 500
#define CASE_SAMPLE_MAX (512ull << 20)

enum case_kind { CASE_FILE, CASE_URL, CASE_COMMAND };

struct case_options {
    enum case_kind kind;
    const char *target; /* path of the file, the URL, or the command line */
    const char *name;   /* original file name; NULL: from the path */
    const char *system; /* image name */
    const char *user;   /* "root", or a user of the guest */
    const char *args;   /* further arguments, split like a shell does; NULL */
    unsigned seconds;
    const char *out_dir; /* NULL: below the data folder; else a link there leads to it */
};

struct case_folder {
    char *id, *dir;
    int lock_fd; /* flock on state.json's lock file while we work */
};

/* Makes the folder, stores the sample under its hash. The source must be a readable regular file (kind file). */
int case_create(const struct case_options *o, struct case_folder *ret, struct err *e);
/* An existing one by id, by folder, or "last". */
int case_open(const char *id, struct case_folder *ret, struct err *e);
/* For who changes an existing one; ERR_CONFLICT when another process works on it. case_clear releases it. */
int case_lock(struct case_folder *c, struct err *e);
bool case_is_worked_on(const struct case_folder *c);
void case_clear(struct case_folder *c);

/* One JSON file of a case; whoever made the folder, only plain files are read. */
json_t *case_json(const char *dir, const char *name, struct err *e);
/* malloc'ed path inside the folder */
char *case_path(const struct case_folder *c, const char *relative);
/* Removes what a run needs only while it runs; for runs whose runner was killed. */
void case_tidy(const struct case_folder *c);
/* created, triage, running, observing, done, failed, interrupted. `detail` may be NULL. */
int case_state_set(const struct case_folder *c, const char *state, const char *detail, struct err *e);

struct case_interrupted {
    char *id, *dir, *state;
};
/*
 * Finds cases in the data folder whose worker is gone though they are not
 * finished, marks them "interrupted", and calls fn for each.
 */
int case_recover(void (*fn)(void *context, const struct case_interrupted *c), void *context, struct err *e);
/* Newest first: id, state, name. */
int case_each(void (*fn)(void *context, const char *id, const char *dir, const char *state), void *context,
              struct err *e);

#endif
