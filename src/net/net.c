/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/net.h"

#include "net/dns.h"
#include "net/icmp.h"
#include "net/raw.h"
#include "net/stack.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define DATAGRAM_MAX 65535

static struct event event_of(const struct net *n, uint16_t kind, uint8_t count)
{
    return (struct event){.kind = kind, .count = count, .time_ns = (int64_t)n->now_ns};
}

static void set_s(struct event *ev, unsigned slot, struct str s)
{
    ev->f[slot].s = s;
}

void net_note(struct net *n, const char *code, const char *text)
{
    struct event ev = event_of(n, EVENT_RUN_NOTE, EVF_RUN_NOTE__COUNT);

    set_s(&ev, EVF_RUN_NOTE_Code, str_from(code));
    set_s(&ev, EVF_RUN_NOTE_Text, str_from(text));
    emit_event(n->emit, &ev);
}

static const char *app_of(const struct flow *f)
{
    if (f->key.proto == FRAME_ICMP)
        return "icmp";
    if (f->class == FLOW_HALF)
        return "syn"; /* no handshake: a port scan, or the guest's end came first */
    if (f->app)
        return f->app;
    return raw_recognise_tcp((struct str){(const char *)f->first, f->first_n}, f->key.dport);
}

static void flow_event(struct net *n, const struct flow *f)
{
    struct event ev = event_of(n, EVENT_NET_FLOW, EVF_NET_FLOW__COUNT);
    char src[FRAME_IP_TEXT], dst[FRAME_IP_TEXT];
    const char *proto = f->key.proto == FRAME_TCP ? "tcp" : f->key.proto == FRAME_UDP ? "udp" : "icmp";

    frame_ip_text(f->key.src, src);
    frame_ip_text(f->key.dst, dst);
    set_s(&ev, EVF_NET_FLOW_Protocol, str_from(proto));
    set_s(&ev, EVF_NET_FLOW_SourceIp, str_from(src));
    ev.f[EVF_NET_FLOW_SourcePort].u = f->key.sport;
    set_s(&ev, EVF_NET_FLOW_DestinationIp, str_from(dst));
    ev.f[EVF_NET_FLOW_DestinationPort].u = f->key.dport;
    set_s(&ev, EVF_NET_FLOW_DestinationHostname, str_from(f->host));
    set_s(&ev, EVF_NET_FLOW_Application, str_from(app_of(f)));
    ev.f[EVF_NET_FLOW_BytesSent].u = f->sent;
    ev.f[EVF_NET_FLOW_BytesReceived].u = f->received;
    ev.f[EVF_NET_FLOW_Duration].u = f->last_ns - f->first_ns;
    set_s(&ev, EVF_NET_FLOW_FirstBytes, (struct str){(const char *)f->first, f->first_n});
    emit_event(n->emit, &ev);
}

static void on_flow_end(void *context, struct flow *f)
{
    struct net *n = context;

    if (f->key.proto == FRAME_TCP) /* first: an unfinished request may still tell the host's name */
        conn_flow_end(n, f);
    flow_event(n, f);
}

static void on_packet(void *context, uint32_t src, const uint8_t *ip, size_t size)
{
    struct net *n = context;
    uint8_t f[FRAME_ETH + 2048];

    if (size > 2048 || size < 20)
        return;
    memcpy(f, n->guest_mac, 6);
    frame_mac_of(src, f + 6);
    f[12] = 8;
    f[13] = 0;
    memcpy(f + FRAME_ETH, ip, size);
    /* lwIP says 255 for every address: give each its own distance. */
    f[FRAME_ETH + 8] = frame_ttl_of(src);
    f[FRAME_ETH + 10] = f[FRAME_ETH + 11] = 0;
    uint16_t sum = frame_checksum(f + FRAME_ETH, (size_t)(f[FRAME_ETH] & 15) * 4, 0);
    f[FRAME_ETH + 10] = (uint8_t)(sum >> 8);
    f[FRAME_ETH + 11] = (uint8_t)sum;
    net_send(n, f, FRAME_ETH + size);
}

int net_new(const uint8_t salt[NAMES_SALT], struct emit *emit, struct pcap *pcap,
            void (*send)(void *context, const uint8_t *frame, size_t n), void *send_context, struct net **ret)
{
    struct net *n = calloc(1, sizeof(*n));
    struct stack_handlers h = conn_handlers;

    if (!n)
        return -ENOMEM;
    memcpy(n->salt, salt, NAMES_SALT);
    n->emit = emit;
    n->pcap = pcap;
    n->send = send;
    n->send_context = send_context;
    memset(n->guest_mac, 0xff, 6); /* until the guest has spoken */
    h.context = n;
    h.packet = on_packet;
    int failed = names_new(salt, &n->names);
    if (!failed)
        failed = flows_new(salt, on_flow_end, n, &n->flows);
    if (!failed)
        failed = net_scan_new(salt, &n->scan);
    if (!failed)
        failed = stack_new(&h, (uint32_t)names_number(n->names, STR_NONE, 9), &n->stack);
    if (failed) {
        net_free(&n);
        return failed;
    }
    *ret = n;
    return 0;
}

void net_free(struct net **pn)
{
    struct net *n = *pn;

    if (!n)
        return;
    n->finishing = true;
    if (n->flows)
        flows_end_all(n->flows);
    stack_free(&n->stack);
    flows_free(&n->flows);
    net_scan_free(&n->scan);
    names_free(&n->names);
    free(n);
    *pn = NULL;
}

void net_clock(struct net *n, uint64_t monotonic_ns, int64_t real_ns)
{
    n->now_ns = monotonic_ns;
    n->real_ns = real_ns;
}

void net_send(void *context, const uint8_t *frame, size_t size)
{
    struct net *n = context;

    n->counters.frames_out++;
    n->counters.bytes_out += size;
    if (n->pcap)
        pcap_add(n->pcap, n->real_ns, frame, size);
    n->send(n->send_context, frame, size);
}

struct flow *net_flow(struct net *n, const struct flow_key *k, enum flow_class class)
{
    struct flow *f = flows_find(n->flows, k);
    struct net_scan_report report;

    if (f)
        return f;
    f = flows_add(n->flows, k, class, n->now_ns);
    if (!f)
        return NULL;
    struct str host = names_of(n->names, k->dst);
    flow_set_host(f, host);
    bool named = host.n || k->dst >> 28 >= 14 || k->proto == FRAME_ICMP;
    /* Name questions to one server would otherwise look like one more host. */
    if (k->dport != 53 && k->dport != 67 && k->proto != FRAME_ICMP &&
        net_scan_target(n->scan, k->dst, k->dport, named, n->now_ns, &report)) {
        struct event ev = event_of(n, EVENT_NET_SCAN, EVF_NET_SCAN__COUNT);
        char ip[FRAME_IP_TEXT], example[FRAME_IP_TEXT + 8];
        frame_ip_text(k->dst, ip);
        snprintf(example, sizeof(example), "%s:%u", ip, k->dport);
        ev.f[EVF_NET_SCAN_Hosts].u = report.hosts;
        ev.f[EVF_NET_SCAN_Ports].u = report.ports;
        set_s(&ev, EVF_NET_SCAN_Example, str_from(example));
        emit_event(n->emit, &ev);
    }
    if (flows_evicted(n->flows) && !n->eviction_told) {
        n->eviction_told = true;
        net_note(n, "net-flow-limit",
                 "more conversations at once than the simulated internet keeps: the oldest ended early");
    }
    return f;
}

void net_dns_event(struct net *n, const struct flow *f, struct str query, struct buf *answer, bool udp)
{
    struct dns_info info;

    if (dns_answer(n->names, query, udp, answer, &info) != 1) {
        buf_clear(answer);
        return;
    }
    struct event ev = event_of(n, EVENT_DNS_QUERY, EVF_DNS_QUERY__COUNT);
    set_s(&ev, EVF_DNS_QUERY_QueryName, str_from(info.name));
    set_s(&ev, EVF_DNS_QUERY_QueryType, str_from(info.type));
    set_s(&ev, EVF_DNS_QUERY_QueryResults, str_from(info.results));
    ev.f[EVF_DNS_QUERY_SourcePort].u = f->key.sport;
    emit_event(n->emit, &ev);
}

static void icmp_frame(struct net *n, const struct frame *f)
{
    struct flow_key k = {.src = f->src, .dst = f->dst, .proto = FRAME_ICMP};
    struct buf b;
    uint16_t id;

    buf_init(&b, DATAGRAM_MAX);
    int answer = icmp_answer(f->payload, &b, &id);
    if (answer < 0)
        n->counters.malformed++;
    struct flow *flow = answer >= 0 ? net_flow(n, &k, FLOW_DATAGRAM) : NULL;
    if (flow) {
        flow_sent(n->flows, flow, f->payload.p, f->payload.n, n->now_ns);
        if (answer == 1 && f->dst >> 28 < 14) {
            flow->received += b.len;
            frame_send_ip(f->dst, f->src, n->guest_mac, FRAME_ICMP, n->ip_id++, b.data, b.len, net_send, n);
        }
    }
    buf_free(&b);
}

static void tcp_frame(struct net *n, const struct frame *f)
{
    struct flow_key k = {.src = f->src, .dst = f->dst, .sport = f->sport, .dport = f->dport, .proto = FRAME_TCP};
    struct stack_end end = {.src = f->src, .dst = f->dst, .sport = f->sport, .dport = f->dport};
    bool syn = (f->tcp_flags & (FRAME_TCP_SYN | FRAME_TCP_ACK | FRAME_TCP_RST | FRAME_TCP_FIN)) == FRAME_TCP_SYN;

    if (!f->sport || !f->dport || f->dst >> 28 >= 14 || f->dst >> 24 == 0 || f->dst >> 24 == 127 || !f->src) {
        n->counters.ignored++;
        return;
    }
    if (syn && !net_flow(n, &k, FLOW_HALF))
        return;
    stack_input(n->stack, (const uint8_t *)f->ip.p, f->ip.n, &end, syn);
    if (f->tcp_flags & FRAME_TCP_RST) { /* lwIP says nothing about a half-open connection that goes */
        struct flow *flow = flows_find(n->flows, &k);
        if (flow && flow->class == FLOW_HALF)
            flows_end(n->flows, flow);
    }
}

static void ip_frame(struct net *n, const struct frame *f)
{
    switch (f->proto) {
    case FRAME_TCP:
        tcp_frame(n, f);
        break;
    case FRAME_UDP:
        udp_frame(n, f);
        break;
    case FRAME_ICMP:
        icmp_frame(n, f);
        break;
    default:
        n->counters.ignored++;
        break;
    }
}

static void fragment(struct net *n, struct frame *f)
{
    uint8_t whole[DATAGRAM_MAX];
    size_t size = stack_reassemble(n->stack, (const uint8_t *)f->ip.p, f->ip.n, whole, sizeof(whole));

    if (!size)
        return;
    if (frame_parse_ip(whole, size, f) < 0 || f->fragment)
        n->counters.malformed++;
    else
        ip_frame(n, f);
}

static void keep_memory(struct net *n)
{
    while (n->held + stack_get_status(n->stack)->unsent_wait > NET_MEMORY_MAX && flows_evict(n->flows))
        ;
}

void net_frame(struct net *n, const uint8_t *frame, size_t size)
{
    struct frame f;
    uint8_t arp[42];

    n->counters.frames_in++;
    n->counters.bytes_in += size;
    if (n->pcap)
        pcap_add(n->pcap, n->real_ns, frame, size);
    if (frame_parse(frame, size, &f) < 0) {
        n->counters.malformed++;
        return;
    }
    if ((f.kind == FRAME_ARP || f.kind == FRAME_IPV4) && !(f.eth_src[0] & 1))
        memcpy(n->guest_mac, f.eth_src, 6);
    switch (f.kind) {
    case FRAME_ARP: {
        size_t reply = frame_arp_reply(&f, arp);
        if (reply)
            net_send(n, arp, reply);
        break;
    }
    case FRAME_IPV4:
        if (f.fragment)
            fragment(n, &f);
        else
            ip_frame(n, &f);
        keep_memory(n);
        break;
    case FRAME_IPV6:
        n->counters.ipv6++;
        n->counters.ignored++;
        break;
    default:
        n->counters.ignored++;
        break;
    }
}

void net_tick(struct net *n)
{
    stack_tick(n->stack);
    flows_expire(n->flows, n->now_ns);
}

void net_finish(struct net *n)
{
    emit_unlimited(n->emit);
    n->finishing = true;
    flows_end_all(n->flows);
}
