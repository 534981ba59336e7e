/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Conversations: what the tracer saw (who) and what the simulated internet
 * served (what) become one row, joined by protocol, ports and address.
 */
#include "report/model.h"

#include <errno.h>
#include <stdlib.h>

#define CHAINS (sizeof(((struct report *)0)->flow_chain) / sizeof(uint32_t))

struct flow_key {
    uint32_t protocol, ip;
    uint16_t source_port, port;
};

static uint32_t key_hash(const struct flow_key *k)
{
    uint32_t h =
        k->protocol * 0x9e3779b1u ^ k->ip * 0x85ebca6bu ^ ((uint32_t)k->source_port << 16 | k->port) * 0xc2b2ae35u;
    h ^= h >> 15;
    return h % CHAINS;
}

/* The newest row with this key; unserved: only one that the net role did not report yet. */
static struct flow_row *flow_find(struct report *r, const struct flow_key *k, bool unserved)
{
    struct flow_row *rows = r->flows.items;
    for (uint32_t at = r->flow_chain[key_hash(k)]; at; at = rows[at - 1].next) {
        struct flow_row *f = &rows[at - 1];
        if (f->protocol == k->protocol && f->ip == k->ip && f->source_port == k->source_port && f->port == k->port &&
            !(unserved && f->by_net))
            return f;
    }
    return NULL;
}

static struct flow_row *flow_new(struct report *r, const struct flow_key *k, int64_t time)
{
    struct flow_row *f = report_list_add(&r->flows, sizeof(*f), REPORT_FLOWS_MAX);
    if (!f)
        return NULL;
    uint32_t h = key_hash(k);
    f->protocol = k->protocol;
    f->ip = k->ip;
    f->source_port = k->source_port;
    f->port = k->port;
    f->time = time;
    f->next = r->flow_chain[h];
    r->flow_chain[h] = (uint32_t)r->flows.count;
    return f;
}

static struct flow_key key_of(struct report *r, const struct event *ev, unsigned protocol, unsigned ip, unsigned port,
                              unsigned source_port)
{
    return (struct flow_key){.protocol = report_text(r, event_s(ev, protocol)),
                             .ip = report_text(r, event_s(ev, ip)),
                             .port = (uint16_t)event_u(ev, port),
                             .source_port = (uint16_t)event_u(ev, source_port)};
}

static void flow_connect(struct report *r, const struct event *ev, const struct proc *p, bool accepted)
{
    struct flow_key k = accepted ? key_of(r, ev, EVF_NET_ACCEPT_Protocol, EVF_NET_ACCEPT_DestinationIp,
                                          EVF_NET_ACCEPT_DestinationPort, EVF_NET_ACCEPT_SourcePort)
                                 : key_of(r, ev, EVF_NET_CONNECT_Protocol, EVF_NET_CONNECT_DestinationIp,
                                          EVF_NET_CONNECT_DestinationPort, EVF_NET_CONNECT_SourcePort);
    struct flow_row *f = flow_find(r, &k, false);
    bool udp = str_eqz(report_get(r, k.protocol), "udp");
    if (f && f->by_tracer && !(udp && k.source_port && p && f->n == p->n))
        f = NULL; /* the same ports again: another conversation */
    if (!f)
        f = flow_new(r, &k, ev->time_ns);
    if (!f)
        return;
    f->by_tracer = true;
    f->accepted = accepted;
    f->n = p ? p->n : 0;
    f->source_ip = report_text(r, event_s(ev, accepted ? EVF_NET_ACCEPT_SourceIp : EVF_NET_CONNECT_SourceIp));
}

static void flow_traffic(struct report *r, const struct event *ev, const struct proc *p)
{
    struct flow_key k = key_of(r, ev, EVF_NET_TRAFFIC_Protocol, EVF_NET_TRAFFIC_DestinationIp,
                               EVF_NET_TRAFFIC_DestinationPort, EVF_NET_TRAFFIC_SourcePort);
    struct flow_key any = k;
    any.source_port = 0;
    struct flow_row *f = flow_find(r, &k, false);
    if (!f && (f = flow_find(r, &any, false)) != NULL && p && f->n != p->n)
        f = NULL;
    if (!f)
        f = flow_new(r, &k, ev->time_ns);
    if (!f)
        return;
    f->by_tracer = true;
    if (!f->n && p)
        f->n = p->n;
    if (!f->source_ip)
        f->source_ip = report_text(r, event_s(ev, EVF_NET_TRAFFIC_SourceIp));
    if (!f->duration && ev->time_ns > f->time)
        f->duration = ev->time_ns - f->time;
    if (!f->by_net) { /* the host's own count is the better one */
        f->sent = event_u(ev, EVF_NET_TRAFFIC_BytesSent);
        f->received = event_u(ev, EVF_NET_TRAFFIC_BytesReceived);
        f->bytes_known = true;
    }
}

static void flow_served(struct report *r, const struct event *ev)
{
    struct flow_key k = key_of(r, ev, EVF_NET_FLOW_Protocol, EVF_NET_FLOW_DestinationIp, EVF_NET_FLOW_DestinationPort,
                               EVF_NET_FLOW_SourcePort);
    struct flow_key any = k;
    any.source_port = 0;
    struct flow_row *f = flow_find(r, &k, true);
    if (!f)
        f = flow_find(r, &any, true);
    int64_t duration = (int64_t)(event_u(ev, EVF_NET_FLOW_Duration) & INT64_MAX);
    if (!f)
        f = flow_new(r, &k, ev->time_ns - (duration < ev->time_ns ? duration : 0));
    if (!f)
        return;
    f->by_net = true;
    f->bytes_known = true;
    f->source_port = k.source_port;
    f->source_ip = report_text(r, event_s(ev, EVF_NET_FLOW_SourceIp));
    f->host = report_text(r, event_s(ev, EVF_NET_FLOW_DestinationHostname));
    f->application = report_text(r, event_s(ev, EVF_NET_FLOW_Application));
    f->first_bytes = report_text(r, event_s(ev, EVF_NET_FLOW_FirstBytes));
    f->sent = event_u(ev, EVF_NET_FLOW_BytesSent);
    f->received = event_u(ev, EVF_NET_FLOW_BytesReceived);
    f->duration = duration;
}

static void dns_add(struct report *r, const struct event *ev)
{
    uint32_t name = report_text(r, event_s(ev, EVF_DNS_QUERY_QueryName));
    uint32_t type = report_text(r, event_s(ev, EVF_DNS_QUERY_QueryType));
    uint32_t h = (name * 0x9e3779b1u ^ type * 0x85ebca6bu) >> 7;
    struct dns_row *rows = r->dns.items;
    for (;; h++) {
        uint32_t at = r->dns_index[h % REPORT_DNS_SLOTS];
        if (!at)
            break;
        if (rows[at - 1].name == name && rows[at - 1].type == type) {
            rows[at - 1].count++;
            return;
        }
    }
    struct dns_row *d = report_list_add(&r->dns, sizeof(*d), REPORT_DNS_MAX);
    if (!d)
        return;
    r->dns_index[h % REPORT_DNS_SLOTS] = (uint32_t)r->dns.count;
    d->time = ev->time_ns;
    d->name = name;
    d->type = type;
    d->count = 1;
    d->results = report_text(r, event_s(ev, EVF_DNS_QUERY_QueryResults));
    d->source_port = (uint16_t)event_u(ev, EVF_DNS_QUERY_SourcePort);
}

static void http_add(struct report *r, const struct event *ev)
{
    struct http_row *h = report_list_add(&r->http, sizeof(*h), REPORT_HTTP_MAX);
    if (!h)
        return;
    h->time = ev->time_ns;
    h->seq = ev->seq;
    h->method = report_text(r, event_s(ev, EVF_HTTP_REQUEST_Method));
    h->host = report_text(r, event_s(ev, EVF_HTTP_REQUEST_Host));
    h->url = report_text(r, event_s(ev, EVF_HTTP_REQUEST_Url));
    h->agent = report_text(r, event_s(ev, EVF_HTTP_REQUEST_UserAgent));
    h->headers = report_text(r, event_s(ev, EVF_HTTP_REQUEST_Headers));
    h->body = report_text(r, str_sub(event_s(ev, EVF_HTTP_REQUEST_Body), 0, 4096));
    h->body_size = event_u(ev, EVF_HTTP_REQUEST_BodySize);
    h->status = (uint16_t)event_u(ev, EVF_HTTP_REQUEST_Status);
    h->content_type = report_text(r, event_s(ev, EVF_HTTP_REQUEST_ContentType));
    h->source_port = (uint16_t)event_u(ev, EVF_HTTP_REQUEST_SourcePort);
    h->ip = report_text(r, event_s(ev, EVF_HTTP_REQUEST_DestinationIp));
    h->port = (uint16_t)event_u(ev, EVF_HTTP_REQUEST_DestinationPort);
}

static void listen_add(struct report *r, const struct event *ev, const struct proc *p)
{
    struct listen_row *l = report_list_add(&r->listens, sizeof(*l), REPORT_LISTENS_MAX);
    if (!l)
        return;
    l->time = ev->time_ns;
    l->n = p ? p->n : 0;
    l->protocol = report_text(r, event_s(ev, EVF_NET_LISTEN_Protocol));
    l->ip = report_text(r, event_s(ev, EVF_NET_LISTEN_SourceIp));
    l->port = (uint16_t)event_u(ev, EVF_NET_LISTEN_SourcePort);
}

static void scan_add(struct report *r, const struct event *ev, const struct proc *p)
{
    struct scan_row *s = report_list_add(&r->scans, sizeof(*s), REPORT_SCANS_MAX);
    if (!s)
        return;
    s->time = ev->time_ns;
    s->n = p && ev->source != EVENT_SOURCE_NET ? p->n : 0;
    s->hosts = event_u(ev, EVF_NET_SCAN_Hosts);
    s->ports = event_u(ev, EVF_NET_SCAN_Ports);
    s->example = report_text(r, event_s(ev, EVF_NET_SCAN_Example));
}

int collect_net(struct report *r, const struct event *ev, const struct proc *p)
{
    switch (ev->kind) {
    case EVENT_NET_CONNECT:
    case EVENT_NET_ACCEPT:
        /* unix sockets are not conversations with anybody outside */
        if (!str_eqz(event_s(ev, EVF_NET_CONNECT_Protocol), "unix"))
            flow_connect(r, ev, p, ev->kind == EVENT_NET_ACCEPT);
        break;
    case EVENT_NET_TRAFFIC:
        flow_traffic(r, ev, p);
        break;
    case EVENT_NET_FLOW:
        flow_served(r, ev);
        break;
    case EVENT_DNS_QUERY:
        dns_add(r, ev);
        break;
    case EVENT_HTTP_REQUEST:
        http_add(r, ev);
        break;
    case EVENT_NET_LISTEN:
        listen_add(r, ev, p);
        break;
    case EVENT_NET_SCAN:
        scan_add(r, ev, p);
        break;
    default:
        break;
    }
    return 0;
}

struct port_index {
    uint32_t head[65536], next[REPORT_FLOWS_MAX];
};

/* The process whose socket had this port nearest in time; ip 0 = any address. */
static uint32_t port_owner(const struct report *r, const struct port_index *x, uint16_t source_port, uint16_t port,
                           uint32_t ip, int64_t time)
{
    const struct flow_row *rows = r->flows.items;
    uint32_t best = 0;
    int64_t distance = INT64_MAX;
    unsigned steps = 0;
    for (uint32_t at = x->head[source_port]; at && steps < 64; at = x->next[at - 1], steps++) {
        const struct flow_row *f = &rows[at - 1];
        int64_t d = f->time > time ? f->time - time : time - f->time;
        if (f->n && f->port == port && (!ip || f->ip == ip) && d < distance) {
            best = f->n;
            distance = d;
        }
    }
    return best;
}

int net_join(struct report *r)
{
    struct port_index *x = calloc(1, sizeof(*x));
    if (!x)
        return -ENOMEM;
    struct flow_row *rows = r->flows.items;
    for (uint32_t i = 0; i < r->flows.count; i++) {
        if (rows[i].source_port) {
            x->next[i] = x->head[rows[i].source_port];
            x->head[rows[i].source_port] = i + 1;
        }
        struct proc_extra *extra = rows[i].n ? report_extra(r, rows[i].n) : NULL;
        if (extra)
            extra->connected = true;
    }
    struct dns_row *dns = r->dns.items;
    for (size_t i = 0; i < r->dns.count; i++)
        if (dns[i].source_port)
            dns[i].n = port_owner(r, x, dns[i].source_port, 53, 0, dns[i].time);
    struct http_row *http = r->http.items;
    for (size_t i = 0; i < r->http.count; i++)
        if (http[i].source_port)
            http[i].n = port_owner(r, x, http[i].source_port, http[i].port, http[i].ip, http[i].time);
    free(x);
    return 0;
}
