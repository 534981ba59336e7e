/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was submitted, and the analyses and jobs that come of it. */
#include "store/private.h"

#include <errno.h>

/* One analysis with its runs, tags and jobs, inside a transaction. */
static int analysis_add(struct store *s, int64_t submission, const struct submission_new *n, int64_t *ret,
                        struct err *e)
{
    int64_t id;
    int r = store_id_next(s, &id, e);

    if (r == 0)
        r = db_run(s->db, e,
                   "INSERT INTO analysis (id, submission, name, status, md5, sha1, sha256, size, created, encrypted, "
                   "folder, cache_key) VALUES ($1, $2, $3, 'submitted', $4, $5, $6, $7, $8, $9, $10, $11)",
                   "iitsssiiiss", id, submission, str_sub(n->name, 0, STORE_NAME_MAX), n->md5 ? n->md5 : "",
                   n->sha1 ? n->sha1 : "", n->sha256 ? n->sha256 : "", n->size, store_now(), (int64_t)n->encrypted,
                   n->folder ? n->folder : "", n->cache_key ? n->cache_key : "");
    for (size_t i = 0; r >= 0 && i < n->ntags; i++)
        r = db_run(s->db, e, "INSERT INTO tag (tag, analysis) VALUES ($1, $2) ON CONFLICT DO NOTHING", "ti", n->tags[i],
                   id);
    for (size_t i = 0; r >= 0 && i < n->nsystems; i++)
        r = db_run(s->db, e, "INSERT INTO run (analysis, n, system) VALUES ($1, $2, $3)", "iit", id, (int64_t)i,
                   n->systems[i]);
    if (r >= 0)
        r = db_run(s->db, e,
                   "INSERT INTO job (analysis, account, system, priority, state, created) "
                   "VALUES ($1, $2, $3, $4, 'waiting', $5)",
                   "iitii", id, n->account, n->nsystems ? n->systems[0] : STR_LIT(""), (int64_t)n->priority,
                   store_now());
    if (r < 0)
        return r;
    *ret = id;
    return 0;
}

static int submission_add(struct store *s, int64_t id, const struct submission_new *n, struct err *e)
{
    int64_t now = store_now();
    /* A submission of nobody's team stores null, which a parameter of type 'i' cannot say. */
    int r =
        db_run(s->db, e,
               "INSERT INTO submission (id, account, team, visibility, kind, name, target, status, created, changed, "
               "options, comments, delete_at) VALUES ($1, $2, nullif($3, 0), $4, $5, $6, $7, $8, $9, $9, $10, $11, "
               "$12)",
               "iiissttsitti", id, n->account, n->team, n->visibility, n->kind, str_sub(n->name, 0, STORE_NAME_MAX),
               n->target, n->waits_for_upload ? "accepted" : "submitted", now, n->options,
               str_sub(n->comments, 0, STORE_COMMENT_MAX), n->delete_at);
    return r < 0 ? r : 0;
}

int submission_create(struct store *s, const struct submission_new *n, int64_t *ret_id, int64_t *ret_analysis,
                      struct err *e)
{
    int64_t id = 0, analysis = 0;
    int r;

    if ((r = db_begin(s->db, e)) < 0)
        return r;
    if ((r = store_quota_use(s, n->account, e)) == 0 && (r = store_id_next(s, &id, e)) == 0 &&
        (r = submission_add(s, id, n, e)) == 0 && !n->waits_for_upload)
        r = analysis_add(s, id, n, &analysis, e);
    if (r < 0) {
        db_rollback(s->db);
        return r;
    }
    if ((r = db_commit(s->db, e)) < 0)
        return r;
    *ret_id = id;
    *ret_analysis = analysis;
    return 0;
}

int submission_ready(struct store *s, int64_t id, const struct submission_new *n, int64_t *ret_analysis, struct err *e)
{
    int64_t analysis = 0;
    int r;

    if ((r = db_begin(s->db, e)) < 0)
        return r;
    r = db_run(s->db, e,
               "UPDATE submission SET status = 'submitted', changed = $2 WHERE id = $1 AND status = 'accepted'", "ii",
               id, store_now());
    if (r == 0)
        r = err_set(e, ERR_CONFLICT, "this submission does not wait for an upload");
    if (r > 0)
        r = db_run(s->db, e, "DELETE FROM upload WHERE submission = $1", "i", id);
    if (r >= 0)
        r = analysis_add(s, id, n, &analysis, e);
    if (r < 0) {
        db_rollback(s->db);
        return r;
    }
    if ((r = db_commit(s->db, e)) < 0)
        return r;
    *ret_analysis = analysis;
    return 0;
}

int submission_abandon(struct store *s, int64_t id, struct err *e)
{
    int r = db_run(s->db, e,
                   "UPDATE submission SET status = 'finished', changed = $2 WHERE id = $1 AND status = 'accepted'",
                   "ii", id, store_now());
    if (r > 0)
        r = db_run(s->db, e, "DELETE FROM upload WHERE submission = $1", "i", id);
    return r < 0 ? r : 0;
}

#define SUBMISSION_COLUMNS                                                                                             \
    "s.id, s.account, s.created, s.changed, s.visibility, s.kind, s.name, s.target, s.status, s.options, s.comments"

static int each_submission(struct db_cursor *c, submission_fn *fn, void *context, struct err *e)
{
    int r, n = 0;

    while ((r = db_next(c, e)) == 1) {
        struct submission x = {
            .id = db_i64(c, 0),
            .account = db_i64(c, 1),
            .created = db_i64(c, 2),
            .changed = db_i64(c, 3),
            .visibility = db_text(c, 4),
            .kind = db_text(c, 5),
            .name = db_text(c, 6),
            .target = db_text(c, 7),
            .status = db_text(c, 8),
            .options = db_text(c, 9),
            .comments = db_text(c, 10),
        };
        n++;
        if ((r = fn(context, &x)) < 0)
            break;
    }
    db_end(c);
    return r < 0 ? r : n;
}

int submission_get(struct store *s, const struct viewer *v, int64_t id, submission_fn *fn, void *context, struct err *e)
{
    struct db_cursor c = {0};
    int r = db_query(s->db, &c, e, "SELECT " SUBMISSION_COLUMNS " FROM submission s WHERE s.id = $4 AND " STORE_VISIBLE,
                     "iiii", STORE_VIEWER(v), id);

    if (r == 0)
        r = each_submission(&c, fn, context, e);
    return r < 0 ? r : r == 0 ? err_set(e, ERR_MISSING, "there is no submission %lld", (long long)id) : 0;
}

int submission_list(struct store *s, const struct viewer *v, bool shared, int64_t before, unsigned max,
                    submission_fn *fn, void *context, struct err *e)
{
    struct db_cursor c = {0};
    int r = db_query(s->db, &c, e,
                     "SELECT " SUBMISSION_COLUMNS " FROM submission s WHERE ($4 = 0 OR s.id < $4) AND "
                     "($5 = 1 OR s.account = $1) AND " STORE_VISIBLE " ORDER BY s.id DESC LIMIT $6",
                     "iiiiii", STORE_VIEWER(v), before, (int64_t)shared, (int64_t)max);
    if (r == 0)
        r = each_submission(&c, fn, context, e);
    return r < 0 ? r : 0;
}

static int each_folder(struct db_cursor *c, folder_fn *fn, void *context, struct err *e)
{
    int r;

    while ((r = db_next(c, e)) == 1)
        if (db_text(c, 0).n && (r = fn(context, db_text(c, 0))) < 0)
            break;
    db_end(c);
    return r < 0 ? r : 0;
}

/* Folders first: when a crash comes between, the rows still name what is to be removed. */
int submission_delete(struct store *s, const struct viewer *v, int64_t id, folder_fn *fn, void *context, struct err *e)
{
    struct db_cursor c = {0};
    int64_t found = 0;
    int r =
        db_number(s->db, &found, NULL, "SELECT s.id FROM submission s WHERE s.id = $3 AND (s.account = $1 OR $2 = 1)",
                  "iii", v->account, (int64_t)(v->role == ROLE_ADMIN), id);

    if (r == ERR_MISSING)
        return err_set(e, r, "there is no submission %lld", (long long)id);
    if (r == 0)
        r = db_query(s->db, &c, e, "SELECT folder FROM analysis WHERE submission = $1", "i", id);
    if (r == 0)
        r = each_folder(&c, fn, context, e);
    if (r == 0)
        r = db_run(s->db, e, "DELETE FROM submission WHERE id = $1", "i", id);
    return r < 0 ? r : 0;
}

#define SWEEP_MAX 1000

/* The numbers that a query gives, before anything is changed. */
static int numbers(struct db_cursor *c, int64_t *ret, unsigned max, struct err *e)
{
    unsigned n = 0;
    int r = 0;

    while (n < max && (r = db_next(c, e)) == 1)
        ret[n++] = db_i64(c, 0);
    db_end(c);
    return r < 0 ? r : (int)n;
}

int submission_abandon_old(struct store *s, int64_t empty, int64_t cut, number_fn *fn, void *context, struct err *e)
{
    int64_t ids[SWEEP_MAX];
    struct db_cursor c = {0};
    int n, r = db_query(s->db, &c, e,
                        "SELECT s.id FROM submission s LEFT JOIN upload u ON u.submission = s.id WHERE "
                        "s.status = 'accepted' AND ((u.submission IS NULL AND s.created <= $1) OR u.changed <= $2)",
                        "ii", store_now() - empty, store_now() - cut);

    if (r < 0 || (n = r = numbers(&c, ids, SWEEP_MAX, e)) < 0)
        return r;
    for (int i = 0; i < n; i++)
        if ((r = submission_abandon(s, ids[i], e)) < 0 || (r = fn(context, ids[i])) < 0)
            return r;
    return n;
}

int submission_expire(struct store *s, unsigned max, folder_fn *fn, void *context, struct err *e)
{
    static const struct viewer everybody = {.account = -1, .role = ROLE_ADMIN, .write = true};
    int64_t ids[SWEEP_MAX];
    struct db_cursor c = {0};
    /* Not while an analysis is under way: it ends within minutes. */
    int n, r = db_query(s->db, &c, e,
                        "SELECT id FROM submission WHERE delete_at > 0 AND delete_at <= $1 AND status = 'finished' "
                        "ORDER BY id",
                        "i", store_now());

    if (r < 0 || (n = r = numbers(&c, ids, max < SWEEP_MAX ? max : SWEEP_MAX, e)) < 0)
        return r;
    for (int i = 0; i < n; i++)
        if ((r = submission_delete(s, &everybody, ids[i], fn, context, e)) < 0)
            return r;
    return n;
}
