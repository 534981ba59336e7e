/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From an accepted request to a submission: what both APIs and the pages share.
 * Every field is checked against joe-options.def before anything is stored.
 */
#ifndef BELLJAR_API_SUBMIT_H
#define BELLJAR_API_SUBMIT_H

#include "api/api.h"

#define SUBMIT_TAGS_MAX 32
#define SUBMIT_SYSTEMS_MAX 8
#define SUBMIT_SAMPLE_NAME_MAX 255 /* bytes, as in a guest's file system */

enum submit_kind {
    SUBMIT_NOTHING,
    SUBMIT_FILE,
    SUBMIT_CHUNKED,
    SUBMIT_SAMPLE_URL,
    SUBMIT_URL,
    SUBMIT_COMMAND,
    SUBMIT_COOKBOOK
};

struct submit {
    enum submit_kind kind;
    struct str target;        /* file name, address or command line, as it came */
    struct http_file *sample; /* SUBMIT_FILE */
    struct str systems[SUBMIT_SYSTEMS_MAX], tags[SUBMIT_TAGS_MAX], comments, arguments;
    size_t nsystems, ntags;
    uint64_t seconds, priority, delete_after_days;
    bool normal_user, report_cache;
    struct buf options; /* JSON of all fields but the key, with "warnings" */
};

/* False when the answer is already written. submit_clear in either case. */
bool submit_read(struct http_request *q, struct submit *ret);
void submit_clear(struct submit *x);
/*
 * Makes the case and the rows. `path`: the sample on disk (kinds with a file), copied. With id != 0 the submission is
 * there already and waited for its upload. options of a waiting one are read by submit_resume.
 */
int submit_store(struct store *s, const struct viewer *v, const struct submit *x, const char *path, int64_t id,
                 int64_t *ret_id, int64_t *ret_analysis, struct err *e);
/* The options of a submission that waited, from its JSON. Texts are in ret->options' memory's lifetime: `json`. */
typedef struct json_t json_t;
int submit_resume(const json_t *options, struct str name, struct submit *ret, struct err *e);
/* The last part of a path of either system, as valid UTF-8 of at most SUBMIT_SAMPLE_NAME_MAX bytes; never empty. */
void submit_name(struct str name, char ret[SUBMIT_SAMPLE_NAME_MAX + 1]);

#endif
