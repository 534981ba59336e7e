/* SPDX-License-Identifier: GPL-3.0-or-later */
/* analysis/…: list, info, search. Downloads are in joe-download.c. */
#include "api/api.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PAGE 100
#define SEARCH_MAX 500

static int write_tag(void *context, struct str tag)
{
    jsonw_str(context, tag);
    return 0;
}

static int write_run(void *context, unsigned n, const struct analysis_run *r)
{
    struct jsonw *w = context;
    (void)n;

    jsonw_object(w);
    jsonw_kstr(w, "detection", r->detection);
    jsonw_key(w, "error");
    if (r->failed)
        jsonw_str(w, r->error);
    else
        jsonw_null(w);
    jsonw_kstr(w, "system", r->system);
    jsonw_ki64(w, "score", r->score);
    jsonw_kbool(w, "yara", r->yara);
    jsonw_kbool(w, "sigma", r->sigma);
    jsonw_kbool(w, "suricata", r->network);
    jsonw_kbool(w, "snort", r->network);
    jsonw_object_end(w);
    return 0;
}

int joe_analysis_write(struct jsonw *w, struct store *s, const struct analysis *a)
{
    bool finished = str_eqz(a->status, "finished");
    int r;

    jsonw_object(w);
    jsonw_key(w, "webid");
    joe_number(w, a->id);
    if (finished) {
        jsonw_key(w, "analysisid");
        joe_number(w, a->id);
    }
    jsonw_kstr(w, "status", a->status);
    jsonw_kstr(w, "detection", a->detection);
    jsonw_ki64(w, "score", a->score);
    jsonw_kstr(w, "classification", a->class);
    jsonw_kstr(w, "threatname", a->threat);
    jsonw_kstr(w, "comments", a->comments);
    jsonw_kstr(w, "filename", a->name);
    jsonw_kstr(w, "scriptname", a->cookbook);
    joe_time(w, "time", a->created);
    if (finished)
        jsonw_ki64(w, "duration", a->started ? a->finished - a->started : 0);
    jsonw_kbool(w, "encrypted", a->encrypted);
    jsonw_kstr(w, "md5", a->md5);
    jsonw_kstr(w, "sha1", a->sha1);
    jsonw_kstr(w, "sha256", a->sha256);
    jsonw_karray(w, "tags");
    r = analysis_tags(s, a->id, write_tag, w, NULL);
    jsonw_array_end(w);
    jsonw_kbool(w, "has_malwareconfig", a->config);
    jsonw_karray(w, "runs");
    if (r == 0)
        r = analysis_runs(s, a->id, write_run, w, NULL);
    jsonw_array_end(w);
    jsonw_object_end(w);
    return r;
}

struct writing {
    struct jsonw *w;
    struct store *s;
    unsigned count, max;
    int64_t last;
};

static int write_whole(void *context, const struct analysis *a)
{
    struct writing *x = context;
    return joe_analysis_write(x->w, x->s, a);
}

static int write_webid(void *context, const struct analysis *a)
{
    struct writing *x = context;

    x->last = a->id;
    if (++x->count > x->max)
        return 0;
    jsonw_object(x->w);
    jsonw_key(x->w, "webid");
    joe_number(x->w, a->id);
    jsonw_object_end(x->w);
    return 0;
}

int joe_analysis_info(struct http_request *q, struct err *e)
{
    struct store *s;
    struct viewer v;
    struct jsonw w;
    int64_t id;
    int r;

    if (!joe_enter(q, &s, &v, false) || !joe_id(q, "webid", &id))
        return 0;
    struct writing x = {.w = &w, .s = s};
    joe_begin(q, &w);
    if ((r = analysis_get(s, &v, id, write_whole, &x, e)) < 0)
        return joe_failed(q, r, e);
    return joe_end(q, &w);
}

int joe_analysis_list(struct http_request *q, struct err *e)
{
    const struct str *next;
    struct store *s;
    struct viewer v;
    struct jsonw w;
    uint64_t before = 0;
    int r;

    if (!joe_enter(q, &s, &v, false))
        return 0;
    next = http_param(q, "pagination_next");
    if (next && next->n && (str_u64(*next, 10, &before) < 0 || before > INT64_MAX))
        return joe_error(q, JOE_INVALID, 0, "The parameter pagination_next is not one that was given out.");
    struct writing x = {.w = &w, .s = s, .max = PAGE};
    joe_begin(q, &w);
    jsonw_array(&w);
    if ((r = analysis_list(s, &v, (int64_t)before, PAGE + 1, write_webid, &x, e)) < 0)
        return r;
    jsonw_array_end(&w);
    return joe_page_end(q, &w, x.count > PAGE ? x.last + 1 : 0);
}

/* ---- search --------------------------------------------------------------------------------------------------------
 */

static const struct {
    const char *name;
    enum search_field field;
} criteria[] = {
    {"q", SEARCH_ANY},
    {"md5", SEARCH_MD5},
    {"sha1", SEARCH_SHA1},
    {"sha256", SEARCH_SHA256},
    {"filename", SEARCH_NAME},
    {"url", SEARCH_URL},
    {"tag", SEARCH_TAG},
    {"comments", SEARCH_COMMENTS},
    {"ioc-url", SEARCH_IOC_URL},
    {"ioc-dropped-file", SEARCH_IOC_DROPPED},
    {"detection", SEARCH_DETECTION},
    {"threatname", SEARCH_THREAT},
    {"before-date", SEARCH_BEFORE},
    {"after-date", SEARCH_AFTER},
    {"ioc-domain", SEARCH_IOC_DOMAIN},
    {"ioc-public-ip", SEARCH_IOC_IP},
};
#define NCRITERIA (sizeof(criteria) / sizeof(*criteria))

/* "YYYY-MM-DD" as decimal seconds; both ends are exclusive, so "after" begins with the next day. */
static bool date_text(struct str s, bool after, char ret[24])
{
    struct tm tm = {0};
    char z[16];

    if (s.n != 10)
        return false;
    snprintf(z, sizeof(z), "%.*s", STR_ARG(s));
    const char *end = strptime(z, "%Y-%m-%d", &tm);
    if (!end || *end)
        return false;
    snprintf(ret, 24, "%lld", (long long)timegm(&tm) + (after ? 86400 : 0));
    return true;
}

static bool detection_ok(struct str s)
{
    return str_ieq(s, STR_LIT("clean")) || str_ieq(s, STR_LIT("suspicious")) || str_ieq(s, STR_LIT("malicious")) ||
           str_ieq(s, STR_LIT("unknown"));
}

int joe_analysis_search(struct http_request *q, struct err *e)
{
    struct search_term terms[NCRITERIA];
    char dates[2][24];
    struct store *s;
    struct viewer v;
    struct jsonw w;
    size_t n = 0;
    int r;

    if (!joe_enter(q, &s, &v, false))
        return 0;
    for (size_t i = 0; i < NCRITERIA; i++) {
        const struct str *value = http_param(q, criteria[i].name);
        bool after = criteria[i].field == SEARCH_AFTER;
        if (!value || str_trim(*value).n == 0)
            continue;
        terms[n] = (struct search_term){criteria[i].field, str_trim(*value)};
        if (after || criteria[i].field == SEARCH_BEFORE) {
            if (!date_text(terms[n].value, after, dates[after]))
                return joe_error(q, JOE_INVALID, 0, "The parameter %s takes a date, YYYY-MM-DD.", criteria[i].name);
            terms[n].value = str_from(dates[after]);
        }
        if (criteria[i].field == SEARCH_DETECTION && !detection_ok(terms[n].value))
            return joe_error(q, JOE_INVALID, 0,
                             "The parameter detection takes clean, suspicious, malicious or unknown.");
        n++;
    }
    if (n == 0)
        return joe_error(q, JOE_MISSING, 0, "The search needs at least one criterion, such as q.");
    struct writing x = {.w = &w, .s = s};
    joe_begin(q, &w);
    jsonw_array(&w);
    if ((r = analysis_search(s, &v, terms, n, 0, SEARCH_MAX, write_whole, &x, e)) < 0)
        return joe_failed(q, r, e);
    jsonw_array_end(&w);
    return joe_end(q, &w);
}
