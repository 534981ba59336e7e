/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The web server for one connection: HTTP/1.0 and 1.1 (RFC 9112), keep-alive,
 * pipelining, chunked and counted request bodies, Expect: 100-continue,
 * absolute URLs and CONNECT (the sample may think it talks to a proxy).
 * Bytes in, bytes out; no socket is known here. Bodies come from body.h.
 *
 * Limits: request line and headers HTTP_HEAD_MAX (then 431 and close), fields
 * HTTP_FIELDS_MAX; bodies of any size are read, their first HTTP_BODY_KEEP bytes kept.
 */
#ifndef BELLJAR_NET_HTTP_H
#define BELLJAR_NET_HTTP_H

#include "base/buf.h"

#define HTTP_HEAD_MAX (64u << 10)
#define HTTP_HEADERS_KEEP (16u << 10)
#define HTTP_BODY_KEEP 4096
#define HTTP_FIELDS_MAX 256
#define HTTP_OUT_PAUSE (32u << 10) /* http_feed stops taking input while the output holds more than this */
#define HTTP_OUT_MAX (256u << 10)  /* give the output buffer at least this maximum */

struct http_request {          /* all borrowed from the head */
    struct str method, target; /* as sent */
    unsigned minor;            /* HTTP/1.minor; 0 also for HTTP/0.9 lines without a version */
    struct str host;           /* without the port; from an absolute target or the Host field */
    struct str authority;      /* with the port */
    struct str scheme;         /* of an absolute target, else "http" */
    struct str path, query;
    struct str agent, accept;
    bool keep_alive, expect_continue, chunked;
    uint64_t length; /* Content-Length, 0 without */
};

/* What is told about each request once it is answered (or was cut off: status 0). Strings are valid during the call. */
struct http_done {
    struct str method, host, url, agent, headers, body;
    uint64_t body_size;
    unsigned status;
    const char *type; /* "" without */
};

struct http_conn;

/* Does this look like the start of an HTTP request? 1 yes, 0 no, -1 too few bytes to say. */
int http_recognise(struct str first);
/* Reads a whole head (up to and with the empty line). 0 or ERR_FORMAT / ERR_LIMIT. */
int http_parse_head(struct str head, struct http_request *ret);

int http_new(uint32_t own_address, struct str fallback_host, void (*done)(void *context, const struct http_done *d),
             void *context, struct http_conn **ret);
void http_free(struct http_conn **c);
/* Takes bytes, appends answers to out, returns how many bytes it took (all, unless the output is full enough,
   the connection is to be closed or has become a tunnel). */
size_t http_feed(struct http_conn *c, const uint8_t *p, size_t n, int64_t now_s, struct buf *out);
bool http_wants_close(const struct http_conn *c); /* after the output was sent */
bool http_is_tunnel(const struct http_conn *c);   /* CONNECT was answered: further bytes are another protocol's */
/* The peer is gone: an unfinished request is told with status 0. */
void http_end(struct http_conn *c);

#endif
