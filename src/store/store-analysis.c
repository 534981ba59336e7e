/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Analyses: read, listed, searched, removed. */
#include "store/private.h"

#include "base/buf.h"

#include <errno.h>
#include <string.h>

#define ANALYSIS_COLUMNS                                                                                               \
    "a.id, a.submission, a.score, a.confidence, a.created, a.started, a.finished, a.size, a.name, a.status, "          \
    "a.detection, a.threat, a.class, a.error, a.md5, a.sha1, a.sha256, a.cookbook, a.folder, s.comments, s.kind, "     \
    "s.visibility, s.account, a.encrypted, a.config, a.error IS NOT NULL"
#define ANALYSIS_FROM " FROM analysis a JOIN submission s ON s.id = a.submission "
/* Worst first: a verdict of malicious before suspicious, unknown before clean. */
#define ANALYSIS_RANK                                                                                                  \
    "CASE a.detection WHEN 'malicious' THEN 0 WHEN 'suspicious' THEN 1 WHEN 'unknown' THEN 2 ELSE 3 END, "             \
    "a.score DESC, a.id"

static int each_analysis(struct db_cursor *c, analysis_fn *fn, void *context, struct err *e)
{
    int r, n = 0;

    while ((r = db_next(c, e)) == 1) {
        struct analysis a = {
            .id = db_i64(c, 0),
            .submission = db_i64(c, 1),
            .score = db_i64(c, 2),
            .confidence = db_i64(c, 3),
            .created = db_i64(c, 4),
            .started = db_i64(c, 5),
            .finished = db_i64(c, 6),
            .size = db_i64(c, 7),
            .name = db_text(c, 8),
            .status = db_text(c, 9),
            .detection = db_text(c, 10),
            .threat = db_text(c, 11),
            .class = db_text(c, 12),
            .error = db_text(c, 13),
            .md5 = db_text(c, 14),
            .sha1 = db_text(c, 15),
            .sha256 = db_text(c, 16),
            .cookbook = db_text(c, 17),
            .folder = db_text(c, 18),
            .comments = db_text(c, 19),
            .kind = db_text(c, 20),
            .visibility = db_text(c, 21),
            .account = db_i64(c, 22),
            .encrypted = db_i64(c, 23) != 0,
            .config = db_i64(c, 24) != 0,
            .failed = db_i64(c, 25) != 0,
        };
        n++;
        if ((r = fn(context, &a)) < 0)
            break;
    }
    db_end(c);
    return r < 0 ? r : n;
}

int analysis_get(struct store *s, const struct viewer *v, int64_t id, analysis_fn *fn, void *context, struct err *e)
{
    struct db_cursor c = {0};
    int r = db_query(s->db, &c, e,
                     "SELECT " ANALYSIS_COLUMNS ANALYSIS_FROM
                     "WHERE (a.id = $4 OR a.submission = $4) AND " STORE_VISIBLE " ORDER BY " ANALYSIS_RANK " LIMIT 1",
                     "iiii", STORE_VIEWER(v), id);
    if (r == 0)
        r = each_analysis(&c, fn, context, e);
    return r < 0 ? r : r == 0 ? err_set(e, ERR_MISSING, "there is no analysis %lld", (long long)id) : 0;
}

int analysis_of_submission(struct store *s, const struct viewer *v, int64_t submission, analysis_fn *fn, void *context,
                           struct err *e)
{
    struct db_cursor c = {0};
    int r = db_query(s->db, &c, e,
                     "SELECT " ANALYSIS_COLUMNS ANALYSIS_FROM "WHERE a.submission = $4 AND " STORE_VISIBLE
                     " ORDER BY " ANALYSIS_RANK,
                     "iiii", STORE_VIEWER(v), submission);
    if (r == 0)
        r = each_analysis(&c, fn, context, e);
    return r < 0 ? r : 0;
}

int analysis_list(struct store *s, const struct viewer *v, int64_t before, unsigned max, analysis_fn *fn, void *context,
                  struct err *e)
{
    struct db_cursor c = {0};
    int r = db_query(s->db, &c, e,
                     "SELECT " ANALYSIS_COLUMNS ANALYSIS_FROM "WHERE ($4 = 0 OR a.id < $4) AND " STORE_VISIBLE
                     " ORDER BY a.id DESC LIMIT $5",
                     "iiiii", STORE_VIEWER(v), before, (int64_t)max);
    if (r == 0)
        r = each_analysis(&c, fn, context, e);
    return r < 0 ? r : 0;
}

int analysis_runs(struct store *s, int64_t id, analysis_run_fn *fn, void *context, struct err *e)
{
    struct db_cursor c = {0};
    int r = db_query(s->db, &c, e,
                     "SELECT n, system, detection, score, error, yara, sigma, network, error IS NOT NULL FROM run "
                     "WHERE analysis = $1 ORDER BY n",
                     "i", id);

    while (r >= 0 && (r = db_next(&c, e)) == 1) {
        struct analysis_run x = {
            .system = db_text(&c, 1),
            .detection = db_text(&c, 2),
            .score = db_i64(&c, 3),
            .error = db_text(&c, 4),
            .yara = db_i64(&c, 5) != 0,
            .sigma = db_i64(&c, 6) != 0,
            .network = db_i64(&c, 7) != 0,
            .failed = db_i64(&c, 8) != 0,
        };
        r = fn(context, (unsigned)db_i64(&c, 0), &x);
    }
    db_end(&c);
    return r < 0 ? r : 0;
}

int analysis_tags(struct store *s, int64_t id, text_fn *fn, void *context, struct err *e)
{
    struct db_cursor c = {0};
    int r = db_query(s->db, &c, e, "SELECT tag FROM tag WHERE analysis = $1 ORDER BY tag", "i", id);

    while (r >= 0 && (r = db_next(&c, e)) == 1)
        r = fn(context, db_text(&c, 0));
    db_end(&c);
    return r < 0 ? r : 0;
}

int analysis_delete(struct store *s, const struct viewer *v, int64_t id, folder_fn *fn, void *context, struct err *e)
{
    struct db_cursor c = {0};
    int r = db_query(s->db, &c, e, "SELECT a.folder" ANALYSIS_FROM "WHERE a.id = $3 AND (s.account = $1 OR $2 = 1)",
                     "iii", v->account, (int64_t)(v->role == ROLE_ADMIN), id);

    if (r < 0)
        return r;
    if ((r = db_next(&c, e)) == 1 && db_text(&c, 0).n)
        r = (r = fn(context, db_text(&c, 0))) < 0 ? r : 1;
    db_end(&c);
    if (r == 0)
        return err_set(e, ERR_MISSING, "there is no analysis %lld", (long long)id);
    if (r > 0)
        r = db_run(s->db, e, "DELETE FROM analysis WHERE id = $1", "i", id);
    return r < 0 ? r : 0;
}

/* ---- search ------------------------------------------------------------------------------------------------------ */

/* What a term asks, with '?' where its parameter goes. `like`: the value is looked for inside. */
static const struct search_row {
    const char *sql;
    bool like, fold;
} search_rows[SEARCH_FIELDS] = {
    [SEARCH_ANY] = {"(a.md5 = ? OR a.sha1 = ? OR a.sha256 = ? OR CAST(a.id AS TEXT) = ? OR a.threat = ?)", false, true},
    [SEARCH_MD5] = {"a.md5 = ?", false, true},
    [SEARCH_SHA1] = {"a.sha1 = ?", false, true},
    [SEARCH_SHA256] = {"a.sha256 = ?", false, true},
    [SEARCH_NAME] = {"lower(a.name) LIKE ? ESCAPE '!'", true, true},
    [SEARCH_URL] = {"s.kind IN ('url', 'sample-url') AND lower(s.target) LIKE ? ESCAPE '!'", true, true},
    [SEARCH_TAG] = {"EXISTS (SELECT 1 FROM tag t WHERE t.analysis = a.id AND lower(t.tag) LIKE ? ESCAPE '!')", true,
                    true},
    [SEARCH_COMMENTS] = {"lower(s.comments) LIKE ? ESCAPE '!'", true, true},
    [SEARCH_IOC_URL] = {"EXISTS (SELECT 1 FROM indicator i WHERE i.analysis = a.id AND i.kind = 'url' AND "
                        "lower(i.value) LIKE ? ESCAPE '!')",
                        true, true},
    [SEARCH_IOC_DROPPED] = {"EXISTS (SELECT 1 FROM indicator i WHERE i.analysis = a.id AND i.kind = 'dropped' AND "
                            "lower(i.value) LIKE ? ESCAPE '!')",
                            true, true},
    [SEARCH_IOC_DOMAIN] = {"a.id IN (SELECT i.analysis FROM indicator i WHERE i.kind = 'domain' AND i.value = ?)",
                           false, true},
    [SEARCH_IOC_IP] = {"a.id IN (SELECT i.analysis FROM indicator i WHERE i.kind = 'ip' AND i.value = ?)", false, true},
    [SEARCH_DETECTION] = {"a.status = 'finished' AND a.detection = ?", false, true},
    [SEARCH_THREAT] = {"lower(a.threat) = ?", false, true},
    [SEARCH_BEFORE] = {"a.created < CAST(? AS BIGINT)", false, false},
    [SEARCH_AFTER] = {"a.created >= CAST(? AS BIGINT)", false, false},
    [SEARCH_RULE] = {"a.id IN (SELECT i.analysis FROM indicator i WHERE i.kind = 'rule' AND i.value = ?)", false, true},
};
/* SEARCH_ANY looks inside these too, with a second parameter. */
static const char any_like[] =
    "(lower(a.name) LIKE ? ESCAPE '!' OR lower(a.cookbook) LIKE ? ESCAPE '!' OR lower(s.comments) LIKE ? ESCAPE '!' "
    "OR lower(s.target) LIKE ? ESCAPE '!')";

#define SEARCH_SQL_MAX 16384
#define SEARCH_VALUE_MAX 4096
#define SEARCH_PARAMETERS 16 /* of db_query's fixed list below */

struct search {
    struct buf sql, values; /* values: one after the other, each ended by NUL */
    size_t at[SEARCH_PARAMETERS];
    unsigned n;
};

/* Adds a condition; all its '?' become one new parameter. */
static void search_add(struct search *q, const char *sql, struct str value, bool like, bool fold)
{
    unsigned number = 7 + q->n; /* behind the viewer, before, max */

    q->at[q->n++] = q->values.len;
    if (like)
        buf_addz(&q->values, "%");
    for (size_t i = 0; i < value.n; i++) {
        char c = value.p[i];
        if (like && (c == '%' || c == '_' || c == '!'))
            buf_addz(&q->values, "!");
        buf_u8(&q->values, (uint8_t)(fold && c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c == 0 ? ' ' : c));
    }
    if (like)
        buf_addz(&q->values, "%");
    buf_u8(&q->values, 0);
    for (; *sql; sql++)
        if (*sql == '?')
            buf_addf(&q->sql, "$%u", number);
        else
            buf_u8(&q->sql, (uint8_t)*sql);
}

static int search_build(struct search *q, const struct search_term *terms, size_t n, struct err *e)
{
    buf_addz(&q->sql,
             "SELECT " ANALYSIS_COLUMNS ANALYSIS_FROM "WHERE ($4 = 0 OR a.id < $4) AND $6 = $6 AND " STORE_VISIBLE);
    for (size_t i = 0; i < n; i++) {
        const struct search_row *row = &search_rows[terms[i].field];
        if (terms[i].value.n > SEARCH_VALUE_MAX)
            return err_set(e, ERR_LIMIT, "a search term is too long");
        if (q->n + 2 > SEARCH_PARAMETERS)
            return err_set(e, ERR_LIMIT, "too many search terms");
        buf_addz(&q->sql, terms[i].field == SEARCH_ANY ? " AND (" : " AND ");
        search_add(q, row->sql, terms[i].value, row->like, row->fold);
        if (terms[i].field == SEARCH_ANY) {
            buf_addz(&q->sql, " OR ");
            search_add(q, any_like, terms[i].value, true, true);
            buf_addz(&q->sql, ")");
        }
    }
    buf_addz(&q->sql, " ORDER BY a.id DESC LIMIT $5");
    return q->sql.failed ? q->sql.failed : q->values.failed;
}

int analysis_search(struct store *s, const struct viewer *v, const struct search_term *terms, size_t n, int64_t before,
                    unsigned max, analysis_fn *fn, void *context, struct err *e)
{
    struct search q = {0};
    struct db_cursor c = {0};
    const char *p[SEARCH_PARAMETERS] = {0};
    char types[6 + SEARCH_PARAMETERS + 1] = "iiiiii";
    int r;

    buf_init(&q.sql, SEARCH_SQL_MAX);
    buf_init(&q.values, (size_t)SEARCH_PARAMETERS * (2 * SEARCH_VALUE_MAX + 4));
    if ((r = search_build(&q, terms, n, e)) < 0)
        goto out;
    for (unsigned i = 0; i < q.n; i++) {
        p[i] = (const char *)q.values.data + q.at[i];
        types[6 + i] = 's';
    }
    r = db_query_once(s->db, &c, e, buf_z(&q.sql), types, STORE_VIEWER(v), before, (int64_t)max, (int64_t)0, p[0], p[1],
                      p[2], p[3], p[4], p[5], p[6], p[7], p[8], p[9], p[10], p[11], p[12], p[13], p[14], p[15]);
    if (r == 0)
        r = each_analysis(&c, fn, context, e);
out:
    buf_free(&q.sql);
    buf_free(&q.values);
    return r < 0 ? r : 0;
}
