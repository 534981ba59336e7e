/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * submission/chunked-sample (contract, section 4). The chunks of a submission
 * are written into one file, uploads/<id>.part, at their places; which are there
 * is in the table `upload`. The last one that was missing makes the case.
 */
#include "api/submit.h"

#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZE_MAX_BYTES (512ull << 20)
#define CHUNKS_MAX 65536

struct chunk {
    int64_t id;
    uint64_t size, chunk_size, count, index, this_size; /* index from 1 */
};

static bool number(struct http_request *q, const char *name, uint64_t *ret)
{
    const struct str *s = http_param(q, name);

    if (!s) {
        joe_error(q, JOE_MISSING, 0, "The parameter %s is missing.", name);
        return false;
    }
    if (str_u64(*s, 10, ret) < 0) {
        joe_error(q, JOE_INVALID, 0, "The parameter %s takes a number.", name);
        return false;
    }
    return true;
}

/* The numbers must agree with each other and with the bytes that came. */
static bool chunk_read(struct http_request *q, struct chunk *ret)
{
    if (!joe_id(q, "submission_id", &ret->id) || !number(q, "file-size", &ret->size) ||
        !number(q, "chunk-size", &ret->chunk_size) || !number(q, "chunk-count", &ret->count) ||
        !number(q, "current-chunk-index", &ret->index) || !number(q, "current-chunk-size", &ret->this_size))
        return false;
    if (q->nfiles != 1 || !str_eqz(q->files[0].field, "chunk")) {
        joe_error(q, JOE_MISSING, 0, "The file part chunk is missing.");
        return false;
    }
    if (ret->size == 0 || ret->size > SIZE_MAX_BYTES || ret->chunk_size == 0 || ret->count > CHUNKS_MAX ||
        ret->count != (ret->size + ret->chunk_size - 1) / ret->chunk_size) {
        joe_error(q, JOE_INVALID, 0, "The parameters file-size, chunk-size and chunk-count do not agree.");
        return false;
    }
    if (ret->index == 0 || ret->index > ret->count) {
        joe_error(q, JOE_INVALID, 0, "The parameter current-chunk-index is beyond chunk-count.");
        return false;
    }
    uint64_t from = (ret->index - 1) * ret->chunk_size, left = ret->size - from;
    if (ret->this_size != (left < ret->chunk_size ? left : ret->chunk_size) || q->files[0].size != ret->this_size) {
        joe_error(q, JOE_INVALID, 0, "The parameter current-chunk-size does not fit the chunk.");
        return false;
    }
    return true;
}

struct waiting {
    struct str *name;
    struct buf *options;
    char *status;
    size_t nstatus;
    int64_t account;
};

static int keep_waiting(void *context, const struct submission *x)
{
    struct waiting *w = context;
    w->account = x->account;
    w->name->p = str_dup(x->name);
    w->name->n = x->name.n;
    snprintf(w->status, w->nstatus, "%.*s", STR_ARG(x->status));
    return buf_add_str(w->options, x->options);
}

/* Takes note of a chunk; *ret_whole when none is missing. One transaction, so that two chunks at once agree. */
static int chunk_note(struct store *s, const struct chunk *c, bool *ret_whole, struct err *e)
{
    struct db *d = store_db(s);
    struct db_cursor q = {0};
    char *map = NULL;
    int r;

    if ((r = db_begin(d, e)) < 0)
        return r;
    if ((r = db_query(d, &q, e, "SELECT size, chunk_size, chunks FROM upload WHERE submission = $1", "i", c->id)) < 0)
        goto out;
    if ((r = db_next(&q, e)) == 1) {
        if ((uint64_t)db_i64(&q, 0) != c->size || (uint64_t)db_i64(&q, 1) != c->chunk_size)
            r = err_set(e, ERR_USAGE, "the chunks of this submission had another file-size or chunk-size before");
        else
            map = str_dup(db_text(&q, 2));
    } else if (r == 0 && (map = malloc(c->count + 1))) {
        memset(map, '.', c->count);
        map[c->count] = 0;
    }
    db_end(&q);
    if (r < 0)
        goto out;
    if (!map) {
        r = err_set(e, -ENOMEM, "out of memory");
        goto out;
    }
    map[c->index - 1] = 'x';
    *ret_whole = !strchr(map, '.');
    r = db_run(d, e,
               "INSERT INTO upload (submission, size, chunk_size, chunks, changed) VALUES ($1, $2, $3, $4, $5) "
               "ON CONFLICT (submission) DO UPDATE SET chunks = $4, changed = $5",
               "iiisi", c->id, (int64_t)c->size, (int64_t)c->chunk_size, map, store_now());
out:
    free(map);
    if (r < 0)
        db_rollback(d);
    return r < 0 ? r : db_commit(d, e);
}

static int chunk_write(const char *path, const struct chunk *c, int from, struct err *e)
{
    loff_t in = 0, out = (loff_t)((c->index - 1) * c->chunk_size);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), r = 0;
    char block[65536];

    if (fd < 0)
        return err_errno(e, "cannot store the chunk");
    while (r == 0 && in < (loff_t)c->this_size) {
        ssize_t n = pread(from, block, sizeof(block), in);
        if (n <= 0 || pwrite(fd, block, (size_t)n, out) != n)
            r = n == 0 ? err_set(e, ERR_TRUNCATED, "the chunk is shorter than it was")
                       : err_errno(e, "cannot store the chunk");
        in += n;
        out += n;
    }
    close(fd);
    return r;
}

/* All chunks are there: the case and its job. */
static int finish(struct http_request *q, struct store *s, const struct viewer *v, int64_t id, struct waiting *w,
                  const char *path, struct err *e)
{
    const struct api *api = q->context;
    json_t *options = json_loadb((const char *)w->options->data, w->options->len, JSON_ALLOW_NUL, NULL);
    int64_t analysis = 0, same = id;
    struct viewer owner = *v;
    struct submit x = {0};
    int r = options ? submit_resume(options, *w->name, &x, e)
                    : err_set(e, ERR_FORMAT, "the options of the submission cannot be read");

    if (x.seconds == 0)
        x.seconds = api->default_seconds;
    owner.account = w->account;
    if (r == 0)
        r = submit_store(s, &owner, &x, path, id, &same, &analysis, e);
    json_decref(options);
    if (r == 0) {
        unlink(path);
        if (api->submitted)
            api->submitted(api->context);
    }
    return r == ERR_CONFLICT ? 0 : r; /* the same last chunk twice: it is done already */
}

static int answer(struct http_request *q, int64_t id)
{
    struct jsonw w;

    joe_begin(q, &w);
    jsonw_object(&w);
    jsonw_key(&w, "submission_id");
    joe_number(&w, id);
    jsonw_object_end(&w);
    return joe_end(q, &w);
}

int joe_submission_chunk(struct http_request *q, struct err *e)
{
    const struct api *api = q->context;
    char status[32] = "", *path = NULL;
    struct str name = STR_NONE;
    struct buf options;
    struct waiting w = {&name, &options, status, sizeof(status), 0};
    struct store *s;
    struct viewer v;
    struct chunk c;
    bool whole = false;
    int r;

    if (!joe_enter(q, &s, &v, true) || !chunk_read(q, &c))
        return 0;
    buf_init(&options, 4u << 20);
    if ((r = submission_get(s, &v, c.id, keep_waiting, &w, e)) < 0)
        goto out;
    if (w.account != v.account) {
        r = err_set(e, ERR_MISSING, "there is no submission %lld", (long long)c.id);
        goto out;
    }
    if (strcmp(status, "accepted") != 0) { /* a repeated chunk of an upload that is whole by now */
        r = 0;
        goto out;
    }
    if (!(path = path_format("%s/%lld.part", api->upload_dir, (long long)c.id)))
        r = err_set(e, -ENOMEM, "out of memory");
    else if ((r = chunk_write(path, &c, q->files[0].fd, e)) == 0 && (r = chunk_note(s, &c, &whole, e)) == 0 && whole)
        r = finish(q, s, &v, c.id, &w, path, e);
out:
    free(path);
    free((char *)(uintptr_t)name.p);
    buf_free(&options);
    return r < 0 ? joe_failed(q, r, e) : answer(q, c.id);
}
