/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * HTTP for the API and the pages: a table of routes over libmicrohttpd. The only
 * file that includes <microhttpd.h> is server.c.
 *
 * A handler runs when the whole request is there: text fields of the query and
 * of the form in memory, files of the form on disk. It fills in the response and
 * returns 0; a negative result becomes a 500 with a number under which the log
 * has the reason. Handlers of one server run on several threads.
 */
#ifndef BELLJAR_HTTP_SERVER_H
#define BELLJAR_HTTP_SERVER_H

#include "http/form.h"

#include <stdbool.h>

#define HTTP_FILES_MAX 16
#define HTTP_CAPTURES_MAX 4
#define HTTP_COOKIE_MAX 4096
#define HTTP_HEADERS_MAX 8 /* further ones of a response */
#define HTTP_CONNECTIONS_MAX 4096
#define HTTP_IDLE_SECONDS 30      /* without a byte */
#define HTTP_HEAD_SECONDS 60      /* until the headers of a request are whole: slow-loris */
#define HTTP_REQUEST_SECONDS 3600 /* from then to the end of the answer */
#define HTTP_MEMORY_MAX 65536     /* per connection: also the limit of a request's headers */

struct http_file { /* of a form, on disk in the server's upload folder */
    struct str field, filename;
    char *path; /* removed with the request unless the handler takes it (sets it to NULL) */
    int fd;     /* open for reading and writing, at any offset */
    uint64_t size;
};

struct http_response {
    unsigned status;  /* 200 at first */
    const char *type; /* "application/json" at first */
    struct buf body;
    int fd; /* -1, or a file that is sent instead of the body; closed by the server */
    uint64_t fd_size;
    struct {
        const char *name; /* literal */
        char value[1024];
    } headers[HTTP_HEADERS_MAX];
    unsigned nheaders;
};

struct http_request {
    const char *method;
    struct str path;                       /* decoded, "//" folded to "/" */
    struct str capture[HTTP_CAPTURES_MAX]; /* what stood for {…} in the route */
    const struct http_route *route;        /* NULL in the fallback */
    void *context;                         /* of the server */
    const char *address;                   /* of the client, as text */
    struct http_file files[HTTP_FILES_MAX];
    unsigned nfiles;
    struct http_response response;
    struct http_private *private;
};

typedef int http_handler(struct http_request *q, struct err *e);

enum {
    HTTP_FORM = 1,  /* reads a form (POST) */
    HTTP_FILES = 2, /* ... that may hold files */
};

struct http_route {
    const char *method; /* "GET" also answers HEAD */
    const char *path;   /* "/api/x/runs/{id}": a name in braces stands for one part, {rest*} for all that follows */
    http_handler *fn;
    unsigned flags;
    uint64_t body_max; /* bytes; 0: FORM_TEXT_MAX */
    const char *doc;
};

struct http_alias { /* paths below `prefix` are those below `to` */
    const char *prefix, *to;
};

struct http_options {
    int fd;                           /* listening socket; owned by the server afterwards */
    const struct http_route *routes;  /* ends with a NULL method */
    const struct http_alias *aliases; /* ends with a NULL prefix; NULL: none */
    http_handler *fallback;           /* no route, or a form that cannot be read: status is set, fills in the body */
    void *context;
    const char *upload_dir; /* files of forms; exists and is ours */
    unsigned threads;
    void (*log)(void *context, const char *sentence);
};

struct http_server;
int http_server_start(const struct http_options *o, struct http_server **ret, struct err *e);
void http_server_stop(struct http_server **s);

/* The first value of that name in the form, else in the query; NULL. */
const struct str *http_param(const struct http_request *q, const char *name);
/* All fields of the form. */
size_t http_form_count(const struct http_request *q);
const struct form_field *http_form_at(const struct http_request *q, size_t index);
/* A header of the request; NULL. */
const char *http_header(const struct http_request *q, const char *name);
/* A cookie; false when it is not there or longer than n - 1. */
bool http_cookie(const struct http_request *q, const char *name, char *ret, size_t n);
/* The sentence about a body that could not be read; "" when it could. */
const char *http_body_error(const struct http_request *q);
/* Adds a header; a value with control characters is refused (and left out). */
void http_header_add(struct http_request *q, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Binds "ADDRESS:PORT" or "[V6]:PORT" and listens; port 0 takes a free one. ret (may be NULL): where it listens. */
#define HTTP_ADDRESS_MAX 80
int http_listen(const char *address, int *ret_fd, char ret[HTTP_ADDRESS_MAX], struct err *e);

#endif
