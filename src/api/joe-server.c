/* SPDX-License-Identifier: GPL-3.0-or-later */
/* server/…, account/info, cookbook/…, and the lab, which this server does not have yet. */
#include "api/api.h"

#include "machine/image.h"

#include <stdio.h>

/* Clients expect numbers where there is no limit. */
#define NO_LIMIT 1000000000

int joe_server_online(struct http_request *q, struct err *e)
{
    struct store *s;
    struct viewer v;
    struct jsonw w;
    (void)e;

    if (!joe_enter(q, &s, &v, false))
        return 0;
    joe_begin(q, &w);
    jsonw_object(&w);
    jsonw_kbool(&w, "online", true);
    jsonw_object_end(&w);
    return joe_end(q, &w);
}

int joe_server_info(struct http_request *q, struct err *e)
{
    struct store *s;
    struct viewer v;
    struct jsonw w;
    (void)e;

    if (!joe_enter(q, &s, &v, false))
        return 0;
    joe_begin(q, &w);
    jsonw_object(&w);
    jsonw_ki64(&w, "queuesize", job_waiting(s));
    jsonw_object_end(&w);
    return joe_end(q, &w);
}

int joe_server_systems(struct http_request *q, struct err *e)
{
    const struct api *api = q->context;
    struct store *s;
    struct viewer v;
    struct jsonw w;
    (void)e;

    if (!joe_enter(q, &s, &v, false))
        return 0;
    joe_begin(q, &w);
    jsonw_array(&w);
    for (const struct api_system *x = api->systems; x && x->name; x++) {
        jsonw_object(&w);
        jsonw_kz(&w, "name", x->name);
        jsonw_kz(&w, "description", x->description);
        jsonw_kz(&w, "arch", x->arch);
        jsonw_ku64(&w, "count", x->count);
        jsonw_object_end(&w);
    }
    jsonw_array_end(&w);
    return joe_end(q, &w);
}

/* A list of names that is empty here: machines have one language, and no traffic leaves by another country. */
static int no_names(struct http_request *q)
{
    struct store *s;
    struct viewer v;
    struct jsonw w;

    if (!joe_enter(q, &s, &v, false))
        return 0;
    joe_begin(q, &w);
    jsonw_array(&w);
    jsonw_array_end(&w);
    return joe_end(q, &w);
}

int joe_server_countries(struct http_request *q, struct err *e)
{
    (void)e;
    return no_names(q);
}

int joe_server_locales(struct http_request *q, struct err *e)
{
    (void)e;
    return no_names(q);
}

int joe_server_keyboards(struct http_request *q, struct err *e)
{
    (void)e;
    return no_names(q);
}

static void write_quota(struct jsonw *w, const char *key, int64_t limit, int64_t used)
{
    int64_t top = limit ? limit : NO_LIMIT;

    jsonw_kobject(w, key);
    jsonw_ki64(w, "current", used);
    jsonw_ki64(w, "limit", top);
    jsonw_ki64(w, "remaining", used < top ? top - used : 0);
    jsonw_object_end(w);
}

int joe_account_info(struct http_request *q, struct err *e)
{
    struct quota n = {0};
    struct store *s;
    struct viewer v;
    struct jsonw w;
    int r;

    if (!joe_enter(q, &s, &v, false))
        return 0;
    if ((r = account_quota(s, v.account, &n, e)) < 0)
        return r;
    joe_begin(q, &w);
    jsonw_object(&w);
    jsonw_kz(&w, "type", "ultimate");
    jsonw_kobject(&w, "quota");
    write_quota(&w, "daily", n.daily_limit, n.daily_used);
    write_quota(&w, "monthly", n.monthly_limit, n.monthly_used);
    jsonw_object_end(&w);
    jsonw_object_end(&w);
    return joe_end(q, &w);
}

int joe_cookbook_list(struct http_request *q, struct err *e)
{
    (void)e;
    return no_names(q);
}

int joe_cookbook_info(struct http_request *q, struct err *e)
{
    struct store *s;
    struct viewer v;
    (void)e;

    if (!joe_enter(q, &s, &v, false))
        return 0;
    return joe_error(q, JOE_INVALID, 404, "Unknown cookbook.");
}

int joe_lab(struct http_request *q, struct err *e)
{
    struct store *s;
    struct viewer v;
    (void)e;

    if (!joe_enter(q, &s, &v, true))
        return 0;
    return joe_error(q, JOE_INVALID, 404, "There is no such lab machine.");
}
