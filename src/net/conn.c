/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One TCP connection: finds out what the guest speaks and hands the bytes to that protocol. */
#include "net/dns.h"
#include "net/http.h"
#include "net/net.h"
#include "net/raw.h"
#include "net/stack.h"
#include "net/tls.h"

#include <stdlib.h>

#define IN_MAX (192u << 10) /* the window is 64 KiB, so that this cannot be reached while we stop reading */
#define SMALL 4096          /* buffers up to this size are kept for the next request */

enum protocol { UNKNOWN, HTTP, DNS, TLS, RAW };

struct conn {
    struct net *net;
    struct flow *flow;
    struct stack_conn *stack; /* NULL once it is gone */
    enum protocol protocol;
    bool eof;   /* the guest has closed its side */
    bool close; /* when the output is sent */
    struct http_conn *http;
    struct buf in, out;
    size_t held; /* what this connection has in net->held */
};

static void account(struct conn *c)
{
    size_t now = sizeof(*c) + c->in.cap + c->out.cap + (c->http ? 8192 : 0);

    c->net->held += now - c->held;
    c->held = now;
}

static void conn_free(struct conn *c)
{
    c->net->held -= c->held;
    if (c->http)
        http_end(c->http);
    http_free(&c->http);
    buf_free(&c->in);
    buf_free(&c->out);
    free(c);
}

/* ---- output ---- */

static void flush(struct conn *c)
{
    size_t done = 0;

    while (done < c->out.len) {
        size_t n = stack_write(c->stack, c->out.data + done, c->out.len - done);
        if (!n)
            break;
        done += n;
    }
    if (done) {
        c->flow->received += done;
        stack_push(c->stack);
    }
    buf_consume(&c->out, done);
    if (!c->out.len && c->out.cap > SMALL)
        buf_free(&c->out);
}

/* ---- the protocols ---- */

static void on_http(void *context, const struct http_done *d)
{
    struct conn *c = context;
    struct event ev = {
        .kind = EVENT_HTTP_REQUEST, .count = EVF_HTTP_REQUEST__COUNT, .time_ns = (int64_t)c->net->now_ns};
    char dst[FRAME_IP_TEXT];

    frame_ip_text(c->flow->key.dst, dst);
    flow_set_host(c->flow, d->host);
    ev.f[EVF_HTTP_REQUEST_Method].s = d->method;
    ev.f[EVF_HTTP_REQUEST_Host].s = d->host;
    ev.f[EVF_HTTP_REQUEST_Url].s = d->url;
    ev.f[EVF_HTTP_REQUEST_UserAgent].s = d->agent;
    ev.f[EVF_HTTP_REQUEST_Headers].s = d->headers;
    ev.f[EVF_HTTP_REQUEST_BodySize].u = d->body_size;
    ev.f[EVF_HTTP_REQUEST_Body].s = d->body;
    ev.f[EVF_HTTP_REQUEST_Status].u = d->status;
    ev.f[EVF_HTTP_REQUEST_ContentType].s = str_from(d->type);
    ev.f[EVF_HTTP_REQUEST_SourcePort].u = c->flow->key.sport;
    ev.f[EVF_HTTP_REQUEST_DestinationIp].s = str_from(dst);
    ev.f[EVF_HTTP_REQUEST_DestinationPort].u = c->flow->key.dport;
    emit_event(c->net->emit, &ev);
}

static bool begin_http(struct conn *c)
{
    char dst[FRAME_IP_TEXT + 8];
    struct buf host;

    frame_ip_text(c->flow->key.dst, dst);
    buf_init(&host, 512);
    buf_addz(&host, c->flow->host ? c->flow->host : dst);
    if (c->flow->key.dport != 80)
        buf_addf(&host, ":%u", c->flow->key.dport);
    int failed = http_new(names_own_address(c->net->names), buf_str(&host), on_http, c, &c->http);
    buf_free(&host);
    return !failed;
}

static size_t take_http(struct conn *c, const uint8_t *p, size_t n)
{
    size_t used = 0;

    for (;;) {
        size_t part = http_feed(c->http, p + used, n - used, c->net->real_ns / 1000000000, &c->out);
        used += part;
        flush(c);
        if (http_is_tunnel(c->http)) { /* what follows is for somebody behind the proxy */
            http_free(&c->http);
            c->protocol = UNKNOWN;
            return used;
        }
        if (http_wants_close(c->http)) {
            c->close = true;
            return n;
        }
        if (!part || used == n)
            return used;
    }
}

static size_t take_dns(struct conn *c, const uint8_t *p, size_t n)
{
    struct reader r;
    size_t used = 0;

    reader_init(&r, p, n);
    while (c->out.len < HTTP_OUT_PAUSE) {
        struct str query = reader_str(&r, reader_u16be(&r));
        struct buf answer;
        if (!reader_ok(&r))
            break;
        used = r.pos;
        buf_init(&answer, DNS_MESSAGE_MAX);
        net_dns_event(c->net, c->flow, query, &answer, false);
        if (answer.len) {
            buf_u16be(&c->out, (uint16_t)answer.len);
            buf_add(&c->out, answer.data, answer.len);
        }
        buf_free(&answer);
    }
    flush(c);
    return used;
}

static size_t take_tls(struct conn *c, const uint8_t *p, size_t n)
{
    struct tls_hello hello;
    int whole = tls_parse_hello((struct str){(const char *)p, n}, &hello);

    if (whole == 0)
        return 0;
    if (whole < 0) {
        c->protocol = RAW;
        return 0;
    }
    c->flow->app = "tls";
    flow_set_host(c->flow, str_from(hello.name));
    buf_add(&c->out, tls_alert, sizeof(tls_alert));
    flush(c);
    c->close = true;
    return n;
}

/* Decides by the first bytes. False: more of them are needed. */
static bool recognise(struct conn *c, const uint8_t *p, size_t n)
{
    struct str first = {(const char *)p, n};
    int http = http_recognise(first);

    if (http > 0 && begin_http(c)) {
        c->protocol = HTTP;
        c->flow->app = "http";
    } else if (http < 0 && n < 16 && !c->eof) {
        return false;
    } else if (n && p[0] == 22 && c->flow->key.dport != 53) {
        if (n < 6 && !c->eof)
            return false;
        c->protocol = TLS;
    } else if (c->flow->key.dport == 53) {
        c->protocol = DNS;
        c->flow->app = "dns";
    } else {
        c->protocol = RAW;
    }
    if (c->protocol == RAW)
        c->flow->app =
            raw_recognise_tcp((struct str){(const char *)c->flow->first, c->flow->first_n}, c->flow->key.dport);
    return true;
}

/* Gives bytes to the protocol; returns how many it is done with. */
static size_t take(struct conn *c, const uint8_t *p, size_t n)
{
    size_t used = 0;

    while (used < n && !c->close) {
        size_t part = 0;
        enum protocol before = c->protocol;
        switch (c->protocol) {
        case UNKNOWN:
            if (!recognise(c, p + used, n - used))
                return used;
            break;
        case HTTP:
            part = take_http(c, p + used, n - used);
            break;
        case DNS:
            part = take_dns(c, p + used, n - used);
            break;
        case TLS:
            part = take_tls(c, p + used, n - used);
            break;
        case RAW:
            part = n - used;
            c->close = c->flow->sent > NET_RAW_MAX;
            break;
        }
        used += part;
        if (!part && c->protocol == before)
            break;
    }
    return c->close ? n : used;
}

/* Ends the conversation when all is said. The connection is freed then: true. */
static bool settle(struct conn *c)
{
    account(c);
    if (c->out.len || !(c->close || c->eof))
        return false;
    flows_end(c->net->flows, c->flow);
    return true;
}

/* Works on what waits in the input buffer, as far as the output has room. */
static void run_input(struct conn *c)
{
    if (!c->in.len || c->out.len > HTTP_OUT_PAUSE)
        return;
    size_t used = take(c, c->in.data, c->in.len);
    buf_consume(&c->in, used);
    stack_consumed(c->stack, used);
    if (!c->in.len && c->in.cap > SMALL)
        buf_free(&c->in);
}

/* ---- what the stack tells ---- */

static void *on_opened(void *context, struct stack_conn *s, const struct stack_end *end)
{
    struct net *n = context;
    struct flow_key k = {
        .src = end->src, .dst = end->dst, .sport = end->sport, .dport = end->dport, .proto = FRAME_TCP};
    struct flow *f = flows_find(n->flows, &k);
    struct conn *c = f && !f->user ? calloc(1, sizeof(*c)) : NULL;

    if (!c)
        return NULL;
    c->net = n;
    c->flow = f;
    c->stack = s;
    buf_init(&c->in, IN_MAX);
    buf_init(&c->out, HTTP_OUT_MAX);
    f->user = c;
    flows_reclass(n->flows, f, FLOW_OPEN);
    flows_touch(n->flows, f, n->now_ns);
    struct str banner = raw_banner(end->dport);
    if (banner.n) {
        buf_add_str(&c->out, banner);
        flush(c);
    }
    account(c);
    return c;
}

static void on_data(void *context, void *user, const uint8_t *p, size_t n)
{
    struct conn *c = user;
    size_t used = 0;

    (void)context;
    flow_sent(c->net->flows, c->flow, p, n, c->net->now_ns);
    if (!c->in.len && c->out.len <= HTTP_OUT_PAUSE) {
        used = take(c, p, n);
        stack_consumed(c->stack, used);
    }
    if (used < n) {
        buf_add(&c->in, p + used, n - used);
        if (c->in.failed)
            c->close = true;
        else if (used == 0)
            run_input(c);
    }
    settle(c);
}

static void on_sent(void *context, void *user)
{
    struct conn *c = user;

    (void)context;
    flows_touch(c->net->flows, c->flow, c->net->now_ns);
    flush(c);
    run_input(c);
    settle(c);
}

static void on_finished(void *context, void *user)
{
    struct conn *c = user;

    (void)context;
    c->eof = true;
    run_input(c);
    settle(c);
}

static void on_gone(void *context, void *user)
{
    struct conn *c = user;

    (void)context;
    c->stack = NULL;
    flows_end(c->net->flows, c->flow);
}

void conn_flow_end(struct net *n, struct flow *f)
{
    struct conn *c = f->user;

    if (!c) {
        struct stack_end end = {.src = f->key.src, .dst = f->key.dst, .sport = f->key.sport, .dport = f->key.dport};
        if (f->class == FLOW_HALF)
            stack_drop_half(n->stack, &end);
        return;
    }
    f->user = NULL;
    bool orderly = c->close || c->eof || f->last_ns + FLOW_OPEN_NS <= n->now_ns;
    if (c->stack && orderly)
        stack_close(c->stack);
    else if (c->stack)
        stack_reset(c->stack);
    conn_free(c);
}

const struct stack_handlers conn_handlers = {
    .opened = on_opened, .data = on_data, .sent = on_sent, .finished = on_finished, .gone = on_gone};
