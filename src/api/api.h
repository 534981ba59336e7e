/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The web API: resources over store, queue and case folders. Paths below
 * /api/v2 are Joe Sandbox's (docs/reference/api-v2.md), ours are below /api/x.
 * One file per resource; every route is a row of api_routes.
 */
#ifndef BELLJAR_API_API_H
#define BELLJAR_API_API_H

#include "base/jsonw.h"
#include "http/server.h"
#include "store/store.h"

struct api_system {                        /* that can be chosen */
    const char *name, *description, *arch; /* arch: WINDOWS, MAC, LINUX, IOS, ANDROID */
    unsigned count;                        /* machines at once */
};

struct api {
    const char *data_dir;
    const char *upload_dir;
    const char *public_url;           /* how people reach us, without a slash at the end; "" unknown */
    const struct api_system *systems; /* ends with a NULL name */
    unsigned default_seconds;         /* of a run when none are asked for */
    bool maintenance;                 /* everything answers that the server is offline */
    void (*submitted)(void *context); /* there is new work */
    void *context;
};

extern const struct http_route api_routes[];
extern const struct http_alias api_aliases[];
/* Answers what has no route, and forms that cannot be read, in the manner of the path. */
int api_fallback(struct http_request *q, struct err *e);

/* The store of this thread (a connection belongs to one); NULL and an error when it cannot be opened. */
struct store *api_store(const struct http_request *q, struct err *e);
void api_store_close(void); /* of this thread */

/* ---- Joe's manner (joe.c) -------------------------------------------------------------------------------------------
 */

enum joe_code { /* section 1.2 of the contract; the HTTP status follows from it */
                JOE_QUOTA = 1,
                JOE_MISSING = 2,
                JOE_INVALID = 3,
                JOE_KEY = 4,
                JOE_OFFLINE = 5,
                JOE_INTERNAL = 6,
                JOE_PERMISSION = 7,
                JOE_ENDPOINT = 8,
};

/* Always returns 0: for `return joe_error(…)` in handlers. status 0: the code's own. */
int joe_error(struct http_request *q, enum joe_code code, unsigned status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Checks the key; false when the answer (403, or 503 in maintenance) is already written. */
bool joe_enter(struct http_request *q, struct store **ret_store, struct viewer *ret, bool writes);
/* {"data": … }: begin, write one value, end. */
void joe_begin(struct http_request *q, struct jsonw *w);
int joe_end(struct http_request *q, struct jsonw *w);
/* Ends {"data": [… and adds the pagination of section 1.3; next 0: this was the last page. */
int joe_page_end(struct http_request *q, struct jsonw *w, int64_t next);
void joe_number(struct jsonw *w, int64_t n); /* ids are texts */
/* A number of an entry from parameter `name`; false when the answer is already written. */
bool joe_id(struct http_request *q, const char *name, int64_t *ret);
/* "2019-04-15T08:05:08+00:00" */
void joe_time(struct jsonw *w, const char *key, int64_t seconds);
/* What a failed store call means for the client: 404 with code 3, 429, ... or the 500 of `e`. */
int joe_failed(struct http_request *q, int code, struct err *e);

int joe_analysis_write(struct jsonw *w, struct store *s, const struct analysis *a);

#define JOE_NO_RESOURCE "The selected resource does not exist."

/* handlers, by file */
int joe_submission_new(struct http_request *q, struct err *e);
int joe_submission_chunk(struct http_request *q, struct err *e);
int joe_analysis_submit(struct http_request *q, struct err *e);
int joe_submission_list(struct http_request *q, struct err *e);
int joe_submission_info(struct http_request *q, struct err *e);
int joe_submission_delete(struct http_request *q, struct err *e);
int joe_analysis_list(struct http_request *q, struct err *e);
int joe_analysis_info(struct http_request *q, struct err *e);
int joe_analysis_delete(struct http_request *q, struct err *e);
int joe_analysis_search(struct http_request *q, struct err *e);
int joe_analysis_download(struct http_request *q, struct err *e);
int joe_server_online(struct http_request *q, struct err *e);
int joe_server_info(struct http_request *q, struct err *e);
int joe_server_systems(struct http_request *q, struct err *e);
int joe_server_countries(struct http_request *q, struct err *e);
int joe_server_locales(struct http_request *q, struct err *e);
int joe_server_keyboards(struct http_request *q, struct err *e);
int joe_account_info(struct http_request *q, struct err *e);
int joe_cookbook_list(struct http_request *q, struct err *e);
int joe_cookbook_info(struct http_request *q, struct err *e);
int joe_lab(struct http_request *q, struct err *e);

#endif
