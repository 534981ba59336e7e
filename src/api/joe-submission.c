/* SPDX-License-Identifier: GPL-3.0-or-later */
/* submission/…: new, list, info, delete. Chunks are in joe-chunk.c. */
#include "api/submit.h"

#include "os/file.h"

#include <errno.h>
#include <stdlib.h>

#define PAGE 50

/* Both forms of submitting; the answer differs only in its shape. */
static int submit(struct http_request *q, int64_t *ret_id, int64_t *ret_analysis, bool *ret_answered, struct err *e)
{
    const struct api *api = q->context;
    struct submit x = {0};
    struct store *s;
    struct viewer v;
    int r = 0;

    *ret_answered = true;
    if (!joe_enter(q, &s, &v, true))
        return 0;
    if (submit_read(q, &x)) {
        r = submit_store(s, &v, &x, x.sample ? x.sample->path : NULL, 0, ret_id, ret_analysis, e);
        if (r < 0)
            r = joe_failed(q, r, e);
        else
            *ret_answered = false;
        if (!*ret_answered && *ret_analysis && api->submitted)
            api->submitted(api->context);
    }
    submit_clear(&x);
    return r;
}

int joe_submission_new(struct http_request *q, struct err *e)
{
    int64_t id = 0, analysis = 0;
    struct jsonw w;
    bool answered;
    int r = submit(q, &id, &analysis, &answered, e);

    if (r < 0 || answered)
        return r;
    joe_begin(q, &w);
    jsonw_object(&w);
    jsonw_key(&w, "submission_id");
    joe_number(&w, id);
    jsonw_object_end(&w);
    return joe_end(q, &w);
}

int joe_analysis_submit(struct http_request *q, struct err *e)
{
    int64_t id = 0, analysis = 0;
    struct jsonw w;
    bool answered;
    int r = submit(q, &id, &analysis, &answered, e);

    if (r < 0 || answered)
        return r;
    joe_begin(q, &w);
    jsonw_object(&w);
    jsonw_karray(&w, "webids");
    if (analysis)
        joe_number(&w, analysis);
    jsonw_array_end(&w);
    jsonw_object_end(&w);
    return joe_end(q, &w);
}

struct writing {
    struct jsonw *w;
    struct store *s;
    const struct viewer *v;
    unsigned count, max;
    int64_t last;
    bool relevant;
};

static int write_analysis(void *context, const struct analysis *a)
{
    struct writing *x = context;
    return joe_analysis_write(x->w, x->s, a);
}

/* The analyses come worst first, so the first is the most relevant. */
static int write_relevant(void *context, const struct analysis *a)
{
    struct writing *x = context;

    if (x->relevant)
        return 0;
    x->relevant = true;
    jsonw_kobject(x->w, "most_relevant_analysis");
    jsonw_key(x->w, "webid");
    joe_number(x->w, a->id);
    jsonw_kstr(x->w, "detection", a->detection);
    jsonw_ki64(x->w, "score", a->score);
    jsonw_object_end(x->w);
    return 0;
}

static int write_submission(void *context, const struct submission *a)
{
    struct writing *x = context;
    struct err e;
    int r = 0;

    x->count++;
    x->last = a->id;
    if (x->max && x->count > x->max) /* one more was asked for, only to know that there is more */
        return 0;
    jsonw_object(x->w);
    jsonw_key(x->w, "submission_id");
    joe_number(x->w, a->id);
    jsonw_kstr(x->w, "name", a->name);
    jsonw_kstr(x->w, "status", a->status);
    joe_time(x->w, "time", a->created);
    if (!str_eqz(a->status, "accepted")) {
        x->relevant = false;
        r = analysis_of_submission(x->s, x->v, a->id, write_relevant, x, &e);
        if (!x->relevant) {
            jsonw_key(x->w, "most_relevant_analysis");
            jsonw_null(x->w);
        }
        jsonw_karray(x->w, "analyses");
        if (r == 0)
            r = analysis_of_submission(x->s, x->v, a->id, write_analysis, x, &e);
        jsonw_array_end(x->w);
    }
    jsonw_object_end(x->w);
    return r;
}

int joe_submission_info(struct http_request *q, struct err *e)
{
    struct store *s;
    struct viewer v;
    struct jsonw w;
    int64_t id;
    int r;

    if (!joe_enter(q, &s, &v, false) || !joe_id(q, "submission_id", &id))
        return 0;
    struct writing x = {.w = &w, .s = s, .v = &v};
    joe_begin(q, &w);
    if ((r = submission_get(s, &v, id, write_submission, &x, e)) < 0)
        return joe_failed(q, r, e);
    return joe_end(q, &w);
}

int joe_submission_list(struct http_request *q, struct err *e)
{
    const struct str *next, *shared;
    struct store *s;
    struct viewer v;
    struct jsonw w;
    uint64_t before = 0;
    int r;

    if (!joe_enter(q, &s, &v, false))
        return 0;
    next = http_param(q, "pagination_next");
    shared = http_param(q, "include-shared");
    if (next && next->n && (str_u64(*next, 10, &before) < 0 || before > INT64_MAX))
        return joe_error(q, JOE_INVALID, 0, "The parameter pagination_next is not one that was given out.");
    struct writing x = {.w = &w, .s = s, .v = &v, .max = PAGE};
    joe_begin(q, &w);
    jsonw_array(&w);
    r = submission_list(s, &v, shared && str_eqz(*shared, "1"), (int64_t)before, PAGE + 1, write_submission, &x, e);
    if (r < 0)
        return r;
    jsonw_array_end(&w);
    return joe_page_end(q, &w, x.count > PAGE ? x.last + 1 : 0);
}

struct removing {
    const char *data_dir;
    struct err *e;
};

static int remove_folder(void *context, struct str folder)
{
    struct removing *x = context;
    char *path = path_format("%s/cases/%.*s", x->data_dir, STR_ARG(folder));
    int r = path ? file_remove_tree(path, x->e) : err_set(x->e, -ENOMEM, "out of memory");

    free(path);
    return r == -ENOENT ? 0 : r;
}

typedef int delete_fn(struct store *s, const struct viewer *v, int64_t id, folder_fn *fn, void *context, struct err *e);

static int remove_entry(struct http_request *q, const char *name, delete_fn *fn, struct err *e)
{
    struct removing x = {((const struct api *)q->context)->data_dir, e};
    struct store *s;
    struct viewer v;
    struct jsonw w;
    int64_t id;
    int r;

    if (!joe_enter(q, &s, &v, true) || !joe_id(q, name, &id))
        return 0;
    if ((r = fn(s, &v, id, remove_folder, &x, e)) < 0)
        return joe_failed(q, r, e);
    joe_begin(q, &w);
    jsonw_object(&w);
    jsonw_kbool(&w, "deleted", true);
    jsonw_object_end(&w);
    return joe_end(q, &w);
}

int joe_submission_delete(struct http_request *q, struct err *e)
{
    return remove_entry(q, "submission_id", submission_delete, e);
}

int joe_analysis_delete(struct http_request *q, struct err *e)
{
    return remove_entry(q, "webid", analysis_delete, e);
}
