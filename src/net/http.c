/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/http.h"

#include "base/err.h"
#include "net/body.h"
#include "net/frame.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define CHUNK_LINE_MAX 1024
#define HEAD_STEP 2048
#define TRAILER_MAX (16u << 10)

enum state { HEAD, BODY, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILER, CLOSED, TUNNEL };

struct http_conn {
    enum state state;
    uint32_t own_address;
    struct str fallback_host; /* owned copy */
    void (*done)(void *context, const struct http_done *d);
    void *context;
    struct buf head;
    size_t scanned; /* of head: no empty line ends before this */
    struct http_request request;
    uint64_t left; /* of the body or chunk */
    uint64_t body_size;
    struct buf body, line;
    size_t trailer;
};

static bool is_token(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

int http_recognise(struct str first)
{
    static const char *const methods[] = {"GET",      "POST",      "HEAD",     "PUT",   "DELETE", "OPTIONS",
                                          "PATCH",    "CONNECT",   "PROPFIND", "TRACE", "SEARCH", "MKCOL",
                                          "M-SEARCH", "SUBSCRIBE", "REPORT",   "PURGE"};
    bool open = false;

    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        size_t n = strlen(methods[i]), have = first.n < n ? first.n : n;
        if (have && memcmp(first.p, methods[i], have) != 0)
            continue;
        if (first.n <= n)
            open = true;
        else if (first.p[n] == ' ')
            return 1;
    }
    return open ? -1 : 0;
}

static void split_target(struct str target, struct http_request *q)
{
    struct str rest = target;
    ptrdiff_t at;

    q->scheme = STR_LIT("http");
    if (str_ieq(q->method, STR_LIT("CONNECT"))) {
        q->authority = target;
        q->path = STR_NONE;
        return;
    }
    if (str_istarts(rest, STR_LIT("http://")) || str_istarts(rest, STR_LIT("https://"))) {
        at = str_find(rest, STR_LIT("://"));
        q->scheme = str_sub(rest, 0, (size_t)at);
        rest = str_sub(rest, (size_t)at + 3, rest.n);
        at = str_find(rest, STR_LIT("/"));
        q->authority = at < 0 ? rest : str_sub(rest, 0, (size_t)at);
        rest = at < 0 ? STR_LIT("/") : str_sub(rest, (size_t)at, rest.n);
    }
    at = str_find(rest, STR_LIT("?"));
    q->path = at < 0 ? rest : str_sub(rest, 0, (size_t)at);
    q->query = at < 0 ? STR_NONE : str_sub(rest, (size_t)at + 1, rest.n);
}

static int parse_line(struct str line, struct http_request *q)
{
    struct str version = STR_NONE;

    line = str_trim(line);
    if (!str_split(&line, ' ', &q->method) || !q->method.n || q->method.n > 32)
        return ERR_FORMAT;
    for (size_t i = 0; i < q->method.n; i++)
        if (!is_token(q->method.p[i]))
            return ERR_FORMAT;
    /* Real programs send blanks inside the target: the version is what stands behind the last one. */
    struct str rest = str_trim((struct str){line.p, line.p ? line.n : 0});
    for (size_t i = rest.n; i-- > 0;)
        if (rest.p[i] == ' ' && str_istarts(str_sub(rest, i + 1, rest.n), STR_LIT("HTTP/"))) {
            version = str_sub(rest, i + 1, rest.n);
            rest = str_trim(str_sub(rest, 0, i));
            break;
        }
    if (!rest.n)
        return ERR_FORMAT;
    q->target = rest;
    if (version.n) {
        if (version.n != 8 || version.p[5] != '1' || version.p[6] != '.' || version.p[7] < '0' || version.p[7] > '9')
            return ERR_FORMAT;
        q->minor = (unsigned)(version.p[7] - '0');
    }
    split_target(rest, q);
    return 0;
}

static int parse_field(struct str name, struct str value, struct http_request *q, bool *ret_close)
{
    if (str_ieq(name, STR_LIT("Host")) && !q->authority.n)
        q->authority = value;
    else if (str_ieq(name, STR_LIT("User-Agent")))
        q->agent = value;
    else if (str_ieq(name, STR_LIT("Accept")))
        q->accept = value;
    else if (str_ieq(name, STR_LIT("Content-Length")))
        return str_u64(value, 10, &q->length) < 0 ? ERR_FORMAT : 0;
    else if (str_ieq(name, STR_LIT("Transfer-Encoding")))
        q->chunked = str_ifind(value, STR_LIT("chunked")) >= 0;
    else if (str_ieq(name, STR_LIT("Expect")))
        q->expect_continue = str_ifind(value, STR_LIT("100-continue")) >= 0;
    else if (str_ieq(name, STR_LIT("Connection")) || str_ieq(name, STR_LIT("Proxy-Connection"))) {
        if (str_ifind(value, STR_LIT("close")) >= 0)
            *ret_close = true;
        if (str_ifind(value, STR_LIT("keep-alive")) >= 0)
            q->keep_alive = true;
    }
    return 0;
}

/* "example.org:8080" and "[::1]:80" without the port */
static struct str without_port(struct str authority)
{
    ptrdiff_t at = str_find(authority, STR_LIT("@"));

    if (at >= 0)
        authority = str_sub(authority, (size_t)at + 1, authority.n);
    if (authority.n && authority.p[0] == '[') {
        at = str_find(authority, STR_LIT("]"));
        return at < 0 ? authority : str_sub(authority, 0, (size_t)at + 1);
    }
    at = str_find(authority, STR_LIT(":"));
    return at < 0 ? authority : str_sub(authority, 0, (size_t)at);
}

int http_parse_head(struct str head, struct http_request *ret)
{
    struct http_request q = {0};
    struct str rest = head, line;
    bool close = false;
    unsigned fields = 0;

    if (!str_split(&rest, '\n', &line))
        return ERR_FORMAT;
    int failed = parse_line(line, &q);
    if (failed)
        return failed;
    while (str_split(&rest, '\n', &line)) {
        ptrdiff_t at = str_find(line, STR_LIT(":"));
        if (!str_trim(line).n)
            break;
        if (++fields > HTTP_FIELDS_MAX)
            return ERR_LIMIT;
        if (at <= 0) /* folded or garbage: kept in the event, not understood */
            continue;
        failed = parse_field(str_trim(str_sub(line, 0, (size_t)at)), str_trim(str_sub(line, (size_t)at + 1, line.n)),
                             &q, &close);
        if (failed)
            return failed;
    }
    q.keep_alive = !close && (q.keep_alive || q.minor >= 1);
    q.host = without_port(q.authority);
    *ret = q;
    return 0;
}

int http_new(uint32_t own_address, struct str fallback_host, void (*done)(void *context, const struct http_done *d),
             void *context, struct http_conn **ret)
{
    struct http_conn *c = calloc(1, sizeof(*c));

    if (!c)
        return -ENOMEM;
    c->own_address = own_address;
    c->fallback_host = (struct str){str_dup(fallback_host), fallback_host.n};
    c->done = done;
    c->context = context;
    buf_init(&c->head, HTTP_HEAD_MAX);
    buf_init(&c->body, HTTP_BODY_KEEP);
    buf_init(&c->line, CHUNK_LINE_MAX);
    if (!c->fallback_host.p) {
        free(c);
        return -ENOMEM;
    }
    *ret = c;
    return 0;
}

void http_free(struct http_conn **c)
{
    if (!*c)
        return;
    free((char *)(*c)->fallback_host.p);
    buf_free(&(*c)->head);
    buf_free(&(*c)->body);
    buf_free(&(*c)->line);
    free(*c);
    *c = NULL;
}

bool http_wants_close(const struct http_conn *c)
{
    return c->state == CLOSED;
}

bool http_is_tunnel(const struct http_conn *c)
{
    return c->state == TUNNEL;
}

static void tell(struct http_conn *c, unsigned status, const char *type)
{
    const struct http_request *q = &c->request;
    struct str authority = q->authority.n ? q->authority : c->fallback_host;
    struct http_done d = {.method = q->method,
                          .host = q->host.n ? q->host : c->fallback_host,
                          .agent = q->agent,
                          .headers = str_sub(buf_str(&c->head), 0, HTTP_HEADERS_KEEP),
                          .body = buf_str(&c->body),
                          .body_size = c->body_size,
                          .status = status,
                          .type = type ? type : ""};
    struct buf url;

    buf_init(&url, HTTP_HEAD_MAX);
    if (str_ieq(q->method, STR_LIT("CONNECT")))
        buf_add_str(&url, authority);
    else if (q->method.n)
        buf_addf(&url, "%.*s://%.*s%s%.*s%s%.*s", STR_ARG(q->scheme), STR_ARG(authority),
                 q->path.n && q->path.p[0] == '/' ? "" : "/", STR_ARG(q->path), q->query.p ? "?" : "",
                 STR_ARG(q->query));
    d.url = buf_str(&url);
    c->done(c->context, &d);
    buf_free(&url);
}

static const char *reason(unsigned status)
{
    switch (status) {
    case 200:
        return "OK";
    case 204:
        return "No Content";
    case 400:
        return "Bad Request";
    case 431:
        return "Request Header Fields Too Large";
    default:
        return "Unknown";
    }
}

static void add_head(struct buf *out, unsigned status, const char *type, size_t length, bool keep, int64_t now_s)
{
    char date[64];
    time_t t = (time_t)now_s;
    struct tm tm;

    gmtime_r(&t, &tm);
    if (!strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm))
        date[0] = 0;
    buf_addf(out, "HTTP/1.1 %u %s\r\nServer: nginx\r\nDate: %s\r\n", status, reason(status), date);
    if (type)
        buf_addf(out, "Content-Type: %s\r\n", type);
    if (status != 204)
        buf_addf(out, "Content-Length: %zu\r\n", length);
    buf_addf(out, "Connection: %s\r\n\r\n", keep ? "keep-alive" : "close");
}

/* The request is whole (or hopeless: status_forced): answers, tells, gets ready for the next one. */
static void answer(struct http_conn *c, unsigned status_forced, int64_t now_s, struct buf *out)
{
    const struct http_request *q = &c->request;
    struct body_request b = {.method = q->method,
                             .host = q->host.n ? q->host : c->fallback_host,
                             .path = q->path,
                             .query = q->query,
                             .accept = q->accept,
                             .agent = q->agent,
                             .own_address = c->own_address};
    const char *type = NULL;
    struct buf body;
    unsigned status;
    bool keep = q->keep_alive && !status_forced;

    buf_init(&body, BODY_MAX);
    if (status_forced) {
        status = status_forced;
        type = "text/html";
        buf_addf(&body, "<html><head><title>%u %s</title></head><body><h1>%u %s</h1></body></html>\r\n", status,
                 reason(status), status, reason(status));
    } else if (str_ieq(q->method, STR_LIT("CONNECT"))) {
        status = 200;
        buf_addz(out, "HTTP/1.1 200 Connection established\r\n\r\n");
    } else {
        status = body_make(&b, &body, &type);
        add_head(out, status, type, body.len, keep, now_s);
    }
    if (status_forced)
        add_head(out, status, type, body.len, false, now_s);
    if (!str_ieq(q->method, STR_LIT("HEAD")))
        buf_add(out, body.data, body.len);
    tell(c, status, type);
    bool tunnel = !status_forced && str_ieq(q->method, STR_LIT("CONNECT"));
    c->state = tunnel ? TUNNEL : keep && !out->failed ? HEAD : CLOSED;
    buf_free(&body);
    if (c->head.cap > 2 * HEAD_STEP)
        buf_free(&c->head);
    buf_clear(&c->head);
    buf_free(&c->body);
    buf_clear(&c->line);
    c->scanned = 0;
    c->body_size = 0;
    c->trailer = 0;
    memset(&c->request, 0, sizeof(c->request));
}

/* Offset behind the empty line that ends the head, or 0. */
static size_t head_end(struct http_conn *c)
{
    const uint8_t *p = c->head.data;

    for (size_t i = c->scanned; i < c->head.len; i++)
        if (p[i] == '\n' && i >= 1 && (p[i - 1] == '\n' || (i >= 2 && p[i - 1] == '\r' && p[i - 2] == '\n'))) {
            c->scanned = i;
            return i + 1;
        }
    c->scanned = c->head.len;
    return 0;
}

static void begin_body(struct http_conn *c, int64_t now_s, struct buf *out)
{
    const struct http_request *q = &c->request;

    if (q->expect_continue && (q->chunked || q->length))
        buf_addz(out, "HTTP/1.1 100 Continue\r\n\r\n");
    if (q->chunked) {
        c->state = CHUNK_SIZE;
    } else if (q->length) {
        c->left = q->length;
        c->state = BODY;
    } else {
        answer(c, 0, now_s, out);
    }
}

static size_t feed_head(struct http_conn *c, const uint8_t *p, size_t n, int64_t now_s, struct buf *out)
{
    size_t before = c->head.len, skip = 0;

    if (!before) /* empty lines in front of a request are allowed (RFC 9112 2.2) */
        while (skip < n && (p[skip] == '\r' || p[skip] == '\n'))
            skip++;
    size_t room = HTTP_HEAD_MAX - before, part = n - skip < room ? n - skip : room;
    if (part > HEAD_STEP) /* what follows the head shall not swell its buffer */
        part = HEAD_STEP;
    buf_add(&c->head, p + skip, part);
    size_t end = c->head.failed ? 0 : head_end(c);
    if (!end) {
        if (c->head.failed || c->head.len == HTTP_HEAD_MAX)
            answer(c, 431, now_s, out);
        return skip + part;
    }
    c->head.len = end;
    if (http_parse_head(buf_str(&c->head), &c->request) < 0) {
        memset(&c->request, 0, sizeof(c->request));
        answer(c, 400, now_s, out);
    } else {
        begin_body(c, now_s, out);
    }
    return skip + end - before;
}

static size_t feed_data(struct http_conn *c, const uint8_t *p, size_t n)
{
    size_t part = n < c->left ? n : (size_t)c->left;
    size_t room = HTTP_BODY_KEEP - c->body.len;

    buf_add(&c->body, p, part < room ? part : room);
    c->body_size += part;
    c->left -= part;
    return part;
}

/* One line of the chunked framing into c->line; *ret_whole when it is complete. */
static size_t feed_line(struct http_conn *c, const uint8_t *p, size_t n, bool *ret_whole)
{
    const uint8_t *end = memchr(p, '\n', n);
    size_t part = end ? (size_t)(end - p) + 1 : n;

    buf_add(&c->line, p, part);
    *ret_whole = end != NULL;
    return part;
}

static size_t feed_chunk_line(struct http_conn *c, const uint8_t *p, size_t n, int64_t now_s, struct buf *out)
{
    bool whole;
    size_t used = feed_line(c, p, n, &whole);
    struct str line = str_trim(buf_str(&c->line));

    c->trailer += used;
    if (c->line.failed || c->trailer > TRAILER_MAX) {
        answer(c, 400, now_s, out);
        return used;
    }
    if (!whole)
        return used;
    if (c->state == TRAILER) {
        if (!line.n)
            answer(c, 0, now_s, out);
    } else if (c->state == CHUNK_END) {
        c->state = CHUNK_SIZE;
        c->trailer = 0;
        if (line.n)
            answer(c, 400, now_s, out);
    } else {
        struct str size;
        str_split(&line, ';', &size);
        if (!str_trim(size).n || str_u64(str_trim(size), 16, &c->left) < 0)
            answer(c, 400, now_s, out);
        else
            c->state = c->left ? CHUNK_DATA : TRAILER;
        c->trailer = 0;
    }
    buf_clear(&c->line);
    return used;
}

size_t http_feed(struct http_conn *c, const uint8_t *p, size_t n, int64_t now_s, struct buf *out)
{
    size_t used = 0;

    while (used < n && c->state != CLOSED && c->state != TUNNEL && out->len <= HTTP_OUT_PAUSE) {
        switch (c->state) {
        case HEAD:
            used += feed_head(c, p + used, n - used, now_s, out);
            break;
        case BODY:
            used += feed_data(c, p + used, n - used);
            if (!c->left)
                answer(c, 0, now_s, out);
            break;
        case CHUNK_DATA:
            used += feed_data(c, p + used, n - used);
            if (!c->left)
                c->state = CHUNK_END;
            break;
        default:
            used += feed_chunk_line(c, p + used, n - used, now_s, out);
            break;
        }
    }
    return used;
}

void http_end(struct http_conn *c)
{
    if (c->state == CLOSED || c->state == TUNNEL || (c->state == HEAD && !c->head.len))
        return;
    if (c->state == HEAD) { /* tell what came, even when the empty line did not */
        if (http_parse_head(buf_str(&c->head), &c->request) < 0)
            memset(&c->request, 0, sizeof(c->request));
    }
    tell(c, 0, NULL);
    c->state = CLOSED;
}
