/* SPDX-License-Identifier: GPL-3.0-or-later */
/* UDP: DHCP, DNS and NTP (RFC 5905) are answered, everything else is swallowed and recorded. */
#include "net/dhcp.h"
#include "net/dns.h"
#include "net/net.h"
#include "net/netrole.h"
#include "net/raw.h"

#define NTP_UNIX_OFFSET 2208988800u /* 1900 to 1970 */
#define NTP_PACKET 48

static void reply(struct net *n, const struct frame *f, struct flow *flow, const struct buf *b)
{
    if (b->failed)
        return;
    flow->received += b->len;
    frame_send_udp(f->dst, f->dport, f->src, f->sport, n->guest_mac, n->ip_id++, b->data, b->len, net_send, n);
}

static void serve_dhcp(struct net *n, const struct frame *f, struct flow *flow)
{
    struct dhcp_query q;
    struct buf b;
    uint32_t gateway = 0, guest = 0;

    if (dhcp_parse(f->payload, &q) < 0)
        return;
    frame_ip_parse(STR_LIT(NET_GATEWAY_IP), &gateway);
    frame_ip_parse(STR_LIT(NET_GUEST_IP), &guest);
    buf_init(&b, 1024);
    if (dhcp_answer(&q, &b) == 1) {
        static const uint8_t everybody[6] = {255, 255, 255, 255, 255, 255};
        bool unicast = f->src && !q.broadcast;
        flow->received += b.len;
        frame_send_udp(gateway, 67, unicast ? f->src : ~0u, 68, unicast ? q.mac : everybody, n->ip_id++, b.data, b.len,
                       net_send, n);
    }
    if (q.hostname.n)
        flow_set_host(flow, q.hostname);
    buf_free(&b);
}

static void put_time(struct buf *b, int64_t real_ns)
{
    buf_u32be(b, (uint32_t)(real_ns / 1000000000 + NTP_UNIX_OFFSET));
    buf_u32be(b, (uint32_t)(((uint64_t)(real_ns % 1000000000) << 32) / 1000000000u));
}

static void serve_ntp(struct net *n, const struct frame *f, struct flow *flow)
{
    struct reader r;
    struct buf b;

    reader_init(&r, f->payload.p, f->payload.n);
    uint8_t head = reader_u8(&r);
    reader_skip(&r, 1);
    uint8_t poll = reader_u8(&r);
    reader_skip(&r, 37);
    uint64_t sent = reader_u64be(&r);
    if (!reader_ok(&r) || (head & 7) != 3) /* a client's question */
        return;
    buf_init(&b, NTP_PACKET);
    buf_u8(&b, (uint8_t)((head & 0x38) | 4)); /* their version, server */
    buf_u8(&b, 2);
    buf_u8(&b, poll);
    buf_u8(&b, (uint8_t)-23);
    buf_u32be(&b, 0x00000320); /* root delay 12 ms */
    buf_u32be(&b, 0x00000180);
    buf_u32be(&b, (uint32_t)names_number(n->names, STR_LIT("ntp"), 4) | 0x40000000); /* the reference: an address */
    put_time(&b, n->real_ns - 17000000000);
    buf_u32be(&b, (uint32_t)(sent >> 32));
    buf_u32be(&b, (uint32_t)sent);
    put_time(&b, n->real_ns);
    put_time(&b, n->real_ns);
    reply(n, f, flow, &b);
    buf_free(&b);
}

static void serve_dns(struct net *n, const struct frame *f, struct flow *flow)
{
    struct buf b;

    buf_init(&b, 2048);
    net_dns_event(n, flow, f->payload, &b, true);
    if (b.len)
        reply(n, f, flow, &b);
    buf_free(&b);
}

void udp_frame(struct net *n, const struct frame *f)
{
    struct flow_key k = {.src = f->src, .dst = f->dst, .sport = f->sport, .dport = f->dport, .proto = FRAME_UDP};
    struct flow *flow = net_flow(n, &k, FLOW_DATAGRAM);

    if (!flow)
        return;
    if (!flow->app)
        flow->app = raw_recognise_udp(f->payload, f->dport);
    flow_sent(n->flows, flow, f->payload.p, f->payload.n, n->now_ns);
    if (f->dport == 67)
        serve_dhcp(n, f, flow);
    else if (f->dst >> 28 >= 14) /* multicast and broadcast: heard, not answered */
        return;
    else if (f->dport == 53)
        serve_dns(n, f, flow);
    else if (f->dport == 123)
        serve_ntp(n, f, flow);
}
