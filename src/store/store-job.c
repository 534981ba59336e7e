/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Jobs: taken with a lease, renewed, ended, given back when a worker died. */
#include "store/private.h"

#include <stdio.h>

int job_take(struct store *s, const char *worker, int64_t lease_seconds, struct job *ret, struct err *e)
{
    struct db_cursor c = {0};
    struct job j = {0};
    int r;

    if ((r = db_begin(s->db, e)) < 0)
        return r;
    /* Fair: among equal priorities, who has least under way comes first. */
    r = db_query(s->db, &c, e,
                 "SELECT j.id, j.analysis, j.tries, j.system, a.folder FROM job j JOIN analysis a ON a.id = j.analysis "
                 "WHERE j.state = 'waiting' ORDER BY j.priority DESC, "
                 "(SELECT count(*) FROM job x WHERE x.state = 'leased' AND x.account = j.account), j.id LIMIT 1",
                 "");
    if (r == 0 && (r = db_next(&c, e)) == 1) {
        j = (struct job){.id = db_i64(&c, 0), .analysis = db_i64(&c, 1), .tries = db_i64(&c, 2) + 1};
        snprintf(j.system, sizeof(j.system), "%.*s", STR_ARG(db_text(&c, 3)));
        snprintf(j.folder, sizeof(j.folder), "%.*s", STR_ARG(db_text(&c, 4)));
    }
    db_end(&c);
    if (r <= 0) {
        db_rollback(s->db);
        return r;
    }
    r = db_run(s->db, e, "UPDATE job SET state = 'leased', worker = $2, lease = $3, tries = tries + 1 WHERE id = $1",
               "isi", j.id, worker, store_now() + lease_seconds);
    if (r >= 0)
        r = db_run(s->db, e, "UPDATE analysis SET status = 'running', started = $2 WHERE id = $1", "ii", j.analysis,
                   store_now());
    if (r >= 0)
        r = db_run(s->db, e,
                   "UPDATE submission SET status = 'running', changed = $2 WHERE status = 'submitted' AND id = "
                   "(SELECT submission FROM analysis WHERE id = $1)",
                   "ii", j.analysis, store_now());
    if (r < 0) {
        db_rollback(s->db);
        return r;
    }
    if ((r = db_commit(s->db, e)) < 0)
        return r;
    *ret = j;
    return 1;
}

int job_renew(struct store *s, int64_t id, const char *worker, int64_t lease_seconds, bool *ret_cancel, struct err *e)
{
    int64_t cancel = 0;
    int r = db_number(s->db, &cancel, e,
                      "UPDATE job SET lease = $3 WHERE id = $1 AND worker = $2 AND state = 'leased' RETURNING cancel",
                      "isi", id, worker, store_now() + lease_seconds);
    if (r < 0)
        return r == ERR_MISSING ? err_set(e, ERR_CONFLICT, "the job belongs to another worker now") : r;
    *ret_cancel = cancel != 0;
    return 0;
}

/* The end of one analysis; its submission is finished when no analysis of it is under way. */
static int analysis_end(struct store *s, int64_t analysis, const struct job_result *x, struct err *e)
{
    int r = db_run(s->db, e,
                   "UPDATE analysis SET status = 'finished', detection = $2, score = $3, confidence = $4, threat = $5, "
                   "class = $6, error = $7, config = $8, finished = $9 WHERE id = $1",
                   "isiisssii", analysis, x->detection, x->score, x->confidence, x->threat ? x->threat : "",
                   x->class_name ? x->class_name : "", x->error, (int64_t)x->config, store_now());
    if (r >= 0)
        r = db_run(s->db, e,
                   "UPDATE run SET detection = $2, score = $3, error = $4, yara = $5, sigma = $6, network = $7 "
                   "WHERE analysis = $1 AND n = 0",
                   "isisiii", analysis, x->detection, x->score, x->error, (int64_t)x->yara, (int64_t)x->sigma,
                   (int64_t)x->network);
    if (r >= 0)
        r = db_run(s->db, e, "DELETE FROM indicator WHERE analysis = $1", "i", analysis);
    for (size_t i = 0; r >= 0 && i < x->nindicators; i++)
        r = db_run(s->db, e, "INSERT INTO indicator (analysis, kind, value) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                   "ist", analysis, x->indicators[i].kind, x->indicators[i].value);
    if (r >= 0)
        r = db_run(
            s->db, e,
            "UPDATE submission SET status = 'finished', changed = $2 WHERE id = (SELECT submission FROM analysis "
            "WHERE id = $1) AND NOT EXISTS (SELECT 1 FROM analysis x WHERE x.submission = submission.id AND "
            "x.status <> 'finished')",
            "ii", analysis, store_now());
    return r < 0 ? r : 0;
}

int job_done(struct store *s, int64_t id, const char *worker, const struct job_result *x, struct err *e)
{
    int64_t analysis = 0;
    int r;

    if ((r = db_begin(s->db, e)) < 0)
        return r;
    r = db_number(s->db, &analysis, e,
                  "DELETE FROM job WHERE id = $1 AND worker = $2 AND state = 'leased' RETURNING analysis", "is", id,
                  worker);
    if (r == ERR_MISSING)
        r = err_set(e, ERR_CONFLICT, "the job belongs to another worker now");
    if (r == 0)
        r = analysis_end(s, analysis, x, e);
    if (r < 0) {
        db_rollback(s->db);
        return r;
    }
    return db_commit(s->db, e);
}

/* The oldest job that nobody works on any more; 0 when there is none. */
static int lost_job(struct store *s, const char *worker, int64_t *ret_id, int64_t *ret_analysis, int64_t *ret_tries,
                    struct err *e)
{
    struct db_cursor c = {0};
    int r = db_query(s->db, &c, e,
                     "SELECT id, analysis, tries FROM job WHERE state = 'leased' AND (lease < $1 OR worker = $2) "
                     "ORDER BY id LIMIT 1",
                     "is", store_now(), worker);

    if (r == 0 && (r = db_next(&c, e)) == 1) {
        *ret_id = db_i64(&c, 0);
        *ret_analysis = db_i64(&c, 1);
        *ret_tries = db_i64(&c, 2);
    }
    db_end(&c);
    return r;
}

int job_recover(struct store *s, const char *worker, struct err *e)
{
    static const struct job_result given_up = {
        .detection = "unknown",
        .error = "The analysis was cut off each time it was started. The server's log says by what.",
    };
    int64_t id = 0, analysis = 0, tries = 0;
    int r, back = 0;

    if ((r = db_begin(s->db, e)) < 0)
        return r;
    while ((r = lost_job(s, worker ? worker : "", &id, &analysis, &tries, e)) == 1) {
        if (tries >= JOB_TRIES_MAX) {
            if ((r = db_run(s->db, e, "DELETE FROM job WHERE id = $1", "i", id)) >= 0)
                r = analysis_end(s, analysis, &given_up, e);
        } else {
            r = db_run(s->db, e, "UPDATE job SET state = 'waiting', worker = '', lease = 0 WHERE id = $1", "i", id);
            if (r >= 0)
                r = db_run(s->db, e, "UPDATE analysis SET status = 'submitted', started = 0 WHERE id = $1", "i",
                           analysis);
            back++;
        }
        if (r < 0)
            break;
    }
    if (r < 0) {
        db_rollback(s->db);
        return r;
    }
    r = db_commit(s->db, e);
    return r < 0 ? r : back;
}

int job_cancel(struct store *s, int64_t analysis, struct err *e)
{
    static const struct job_result cancelled = {.detection = "unknown", .error = "The analysis was cancelled."};
    int r;

    if ((r = db_begin(s->db, e)) < 0)
        return r;
    r = db_run(s->db, e, "DELETE FROM job WHERE analysis = $1 AND state = 'waiting'", "i", analysis);
    if (r > 0)
        r = analysis_end(s, analysis, &cancelled, e);
    else if (r == 0)
        r = db_run(s->db, e, "UPDATE job SET cancel = 1 WHERE analysis = $1", "i", analysis);
    if (r < 0) {
        db_rollback(s->db);
        return r;
    }
    return db_commit(s->db, e);
}

int64_t job_waiting(struct store *s)
{
    int64_t n = 0;
    return db_number(s->db, &n, NULL, "SELECT count(*) FROM job WHERE state = 'waiting'", "") < 0 ? 0 : n;
}

int job_recover_all(struct store *s, struct err *e)
{
    int r = db_run(s->db, e, "UPDATE job SET lease = 0 WHERE state = 'leased'", "");
    return r < 0 ? r : job_recover(s, NULL, e);
}

bool job_of_worker(struct store *s, const char *worker)
{
    int64_t n = 0;
    return db_number(s->db, &n, NULL, "SELECT count(*) FROM job WHERE state = 'leased' AND worker = $1", "s", worker) ==
               0 &&
           n > 0;
}

bool analysis_exists(struct store *s, int64_t analysis)
{
    int64_t n = 0;
    return db_number(s->db, &n, NULL, "SELECT count(*) FROM analysis WHERE id = $1", "i", analysis) == 0 && n > 0;
}
