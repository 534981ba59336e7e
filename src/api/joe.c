/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What all of Joe's endpoints share: keys, the shapes of answers and errors. */
#include "api/api.h"

#include "os/time.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static __thread struct store *thread_store;

struct store *api_store(const struct http_request *q, struct err *e)
{
    const struct api *api = q->context;

    if (!thread_store && store_open(api->data_dir, &thread_store, e) < 0)
        return NULL;
    return thread_store;
}

void api_store_close(void)
{
    store_close(&thread_store);
}

int joe_error(struct http_request *q, enum joe_code code, unsigned status, const char *format, ...)
{
    static const unsigned statuses[] = {0, 429, 400, 400, 403, 503, 500, 403, 404};
    char text[1024];
    struct jsonw w;
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    q->response.status = status ? status : statuses[code];
    q->response.type = "application/json";
    buf_clear(&q->response.body);
    jsonw_to_buf(&w, &q->response.body, false);
    jsonw_object(&w);
    jsonw_karray(&w, "errors");
    jsonw_object(&w);
    jsonw_ku64(&w, "code", code);
    jsonw_kz(&w, "message", text);
    jsonw_object_end(&w);
    jsonw_array_end(&w);
    jsonw_object_end(&w);
    jsonw_finish(&w);
    return 0;
}

int joe_failed(struct http_request *q, int code, struct err *e)
{
    switch (code) {
    case ERR_MISSING:
        return joe_error(q, JOE_INVALID, 404, "%s.", e->text);
    case ERR_LIMIT:
        return joe_error(q, JOE_QUOTA, 0, "%s", e->text);
    case ERR_USAGE:
    case ERR_CONFLICT:
    case ERR_FORMAT:
    case ERR_UNSUPPORTED:
        return joe_error(q, JOE_INVALID, 0, "%s.", e->text);
    case -ENOSPC:
        return joe_error(q, JOE_INTERNAL, 507, "The server's disk is full; nothing was stored. Try again later.");
    default:
        return code;
    }
}

int api_fallback(struct http_request *q, struct err *e)
{
    (void)e;
    switch (q->response.status) {
    case 404:
        return joe_error(q, JOE_ENDPOINT, 404, "There is no such endpoint.");
    case 405:
        return joe_error(q, JOE_ENDPOINT, 405, "This endpoint wants another method; the API is used with POST.");
    case 413:
        return joe_error(q, JOE_INVALID, 413, "The request is too large.");
    case 507:
        return joe_error(q, JOE_INTERNAL, 507, "The server's disk is full; nothing was stored. Try again later.");
    case 500:
        return joe_error(q, JOE_INTERNAL, 500, "Something went wrong inside the server; its log says what.");
    default:
        return joe_error(q, JOE_INVALID, q->response.status, "%s",
                         *http_body_error(q) ? http_body_error(q) : "The request cannot be read.");
    }
}

bool joe_enter(struct http_request *q, struct store **ret_store, struct viewer *ret, bool writes)
{
    const struct api *api = q->context;
    const struct str *key = http_param(q, "apikey");
    struct err e = {0};
    struct store *s;
    int r;

    /* In the query a key would stand in every proxy's log: only the form counts (contract, section 1). */
    key = NULL;
    for (size_t i = 0; i < http_form_count(q); i++)
        if (str_eqz(http_form_at(q, i)->name, "apikey"))
            key = &http_form_at(q, i)->value;
    if (api->maintenance) {
        joe_error(q, JOE_OFFLINE, 0, "The server is offline for maintenance.");
        return false;
    }
    if (!(s = api_store(q, &e))) {
        joe_error(q, JOE_INTERNAL, 0, "The server's database cannot be opened.");
        return false;
    }
    r = key ? account_key_check(s, *key, ret, &e) : ERR_MISSING;
    if (r == ERR_MISSING)
        joe_error(q, JOE_KEY, 0, key ? "The API key is not valid." : "The parameter apikey is missing.");
    else if (r < 0)
        joe_error(q, JOE_INTERNAL, 0, "The server's database cannot be read.");
    else if (writes && !ret->write)
        joe_error(q, JOE_PERMISSION, 0, "This key may only read.");
    else
        *ret_store = s;
    return r == 0 && (!writes || ret->write);
}

void joe_begin(struct http_request *q, struct jsonw *w)
{
    jsonw_to_buf(w, &q->response.body, false);
    jsonw_object(w);
    jsonw_key(w, "data");
}

int joe_end(struct http_request *q, struct jsonw *w)
{
    (void)q;
    jsonw_object_end(w);
    return jsonw_finish(w);
}

int joe_page_end(struct http_request *q, struct jsonw *w, int64_t next)
{
    if (next) {
        jsonw_kobject(w, "pagination");
        jsonw_key(w, "next");
        joe_number(w, next);
        jsonw_object_end(w);
    }
    return joe_end(q, w);
}

void joe_number(struct jsonw *w, int64_t n)
{
    char text[24];
    snprintf(text, sizeof(text), "%lld", (long long)n);
    jsonw_z(w, text);
}

bool joe_id(struct http_request *q, const char *name, int64_t *ret)
{
    const struct str *s = http_param(q, name);
    uint64_t n = 0;

    if (!s || s->n == 0) {
        joe_error(q, JOE_MISSING, 0, "The parameter %s is missing.", name);
        return false;
    }
    if (str_u64(*s, 10, &n) < 0 || n == 0 || n > INT64_MAX) {
        joe_error(q, JOE_INVALID, 404, "There is no entry with this %s.", name);
        return false;
    }
    *ret = (int64_t)n;
    return true;
}

void joe_time(struct jsonw *w, const char *key, int64_t seconds)
{
    char text[TIME_TEXT_MAX];

    time_format(seconds * 1000000000, 0, text);
    char *z = strchr(text, 'Z');
    if (z)
        memcpy(z, "+00:00", sizeof("+00:00"));
    jsonw_kz(w, key, text);
}
