/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/frame.h"

#include "net/netrole.h"

#include <stdio.h>

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_ARP 0x0806
#define ETHERTYPE_IPV6 0x86dd
#define IP_MORE_FRAGMENTS 0x2000
#define IP_OFFSET_MASK 0x1fff

static uint32_t sum_bytes(const uint8_t *p, size_t n, uint32_t start)
{
    uint64_t sum = start;

    for (size_t i = 0; i + 1 < n; i += 2)
        sum += (uint32_t)p[i] << 8 | p[i + 1];
    if (n & 1)
        sum += (uint32_t)p[n - 1] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint32_t)sum;
}

uint16_t frame_checksum(const void *p, size_t n, uint32_t start)
{
    return (uint16_t)~sum_bytes(p, n, start);
}

static uint32_t pseudo_sum(uint32_t src, uint32_t dst, uint8_t proto, size_t n)
{
    return (src >> 16) + (src & 0xffff) + (dst >> 16) + (dst & 0xffff) + proto + (uint32_t)n;
}

static int parse_arp(struct reader *r, struct frame *f)
{
    uint16_t hardware = reader_u16be(r), protocol = reader_u16be(r);
    uint8_t hlen = reader_u8(r), plen = reader_u8(r);

    f->arp_op = reader_u16be(r);
    reader_skip(r, 6);
    f->arp_sender = reader_u32be(r);
    reader_skip(r, 6);
    f->arp_target = reader_u32be(r);
    if (reader_ok(r) && (hardware != 1 || protocol != ETHERTYPE_IPV4 || hlen != 6 || plen != 4))
        reader_fail(r, ERR_FORMAT, "ARP for Ethernet and IPv4");
    return r->error;
}

static int parse_udp(struct reader *r, struct frame *f)
{
    size_t at = r->pos;

    f->sport = reader_u16be(r);
    f->dport = reader_u16be(r);
    uint16_t length = reader_u16be(r), sum = reader_u16be(r);
    if (reader_ok(r) && length < 8)
        return reader_fail(r, ERR_FORMAT, "UDP length");
    f->payload = reader_str(r, length - 8u);
    if (reader_ok(r) && sum && sum_bytes(r->base + at, length, pseudo_sum(f->src, f->dst, FRAME_UDP, length)) != 0xffff)
        return reader_fail(r, ERR_FORMAT, "UDP checksum");
    return r->error;
}

static int parse_tcp(struct reader *r, struct frame *f)
{
    f->sport = reader_u16be(r);
    f->dport = reader_u16be(r);
    reader_skip(r, 8);
    uint8_t offset = reader_u8(r) >> 4;
    f->tcp_flags = reader_u8(r);
    reader_skip(r, 6);
    if (reader_ok(r) && offset < 5)
        return reader_fail(r, ERR_FORMAT, "TCP data offset");
    reader_skip(r, (offset - 5u) * 4u);
    f->payload = reader_str(r, reader_left(r));
    return r->error;
}

int frame_parse_ip(const void *p, size_t n, struct frame *ret)
{
    struct reader all, r;

    reader_init(&all, p, n);
    bool ok;
    uint8_t first = reader_peek_u8(&all, 0, &ok);
    size_t header = (first & 15u) * 4u;
    if (!ok || n < 20)
        return ERR_TRUNCATED;
    if (first >> 4 != 4 || header < 20 || header > n)
        return ERR_FORMAT;
    r = all;
    reader_skip(&r, 2);
    uint16_t total = reader_u16be(&r);
    reader_skip(&r, 2);
    uint16_t offset = reader_u16be(&r);
    reader_skip(&r, 1);
    ret->proto = reader_u8(&r);
    reader_skip(&r, 2);
    ret->src = reader_u32be(&r);
    ret->dst = reader_u32be(&r);
    if (!reader_ok(&r) || total < header)
        return ERR_FORMAT;
    if (total > n)
        return ERR_TRUNCATED;
    if (sum_bytes(all.base, header, 0) != 0xffff)
        return ERR_FORMAT;
    ret->kind = FRAME_IPV4;
    ret->ip = (struct str){(const char *)all.base, total};
    ret->fragment = offset & (IP_MORE_FRAGMENTS | IP_OFFSET_MASK);
    ret->payload = STR_NONE;
    ret->sport = ret->dport = 0;
    ret->tcp_flags = 0;
    if (!reader_window(&all, header, total - header, &r))
        return r.error;
    if (ret->fragment)
        return 0;
    if (ret->proto == FRAME_UDP)
        return parse_udp(&r, ret);
    if (ret->proto == FRAME_TCP)
        return parse_tcp(&r, ret);
    ret->payload = reader_str(&r, reader_left(&r));
    return 0;
}

int frame_parse(const void *p, size_t n, struct frame *ret)
{
    struct reader r;

    memset(ret, 0, sizeof(*ret));
    reader_init(&r, p, n);
    for (int i = 0; i < 6; i++)
        ret->eth_dst[i] = reader_u8(&r);
    for (int i = 0; i < 6; i++)
        ret->eth_src[i] = reader_u8(&r);
    uint16_t type = reader_u16be(&r);
    if (!reader_ok(&r))
        return r.error;
    switch (type) {
    case ETHERTYPE_ARP:
        ret->kind = FRAME_ARP;
        return parse_arp(&r, ret);
    case ETHERTYPE_IPV4:
        ret->kind = FRAME_IPV4;
        return frame_parse_ip(r.base + r.pos, reader_left(&r), ret);
    case ETHERTYPE_IPV6:
        ret->kind = FRAME_IPV6;
        return 0;
    default:
        ret->kind = FRAME_OTHER;
        return 0;
    }
}

static bool is_local(uint32_t ip)
{
    uint32_t gateway = 0;

    frame_ip_parse(STR_LIT(NET_GATEWAY_IP), &gateway);
    return (ip ^ gateway) >> (32 - NET_PREFIX) == 0;
}

void frame_mac_of(uint32_t ip, uint8_t ret[6])
{
    uint32_t gateway = 0;

    frame_ip_parse(STR_LIT(NET_GATEWAY_IP), &gateway);
    /* Vendor prefixes of a common home router (AVM) and of a common laptop card (Intel). */
    if (ip == gateway || !is_local(ip)) {
        memcpy(ret, "\x38\x10\xd5\x4c\x1e\x91", 6);
        return;
    }
    uint32_t h = ip * 2654435761u;
    ret[0] = 0x3c;
    ret[1] = 0xa9;
    ret[2] = 0xf4;
    ret[3] = (uint8_t)(h >> 24);
    ret[4] = (uint8_t)(h >> 16);
    ret[5] = (uint8_t)ip;
}

uint8_t frame_ttl_of(uint32_t ip)
{
    if (is_local(ip))
        return 64;
    return (uint8_t)(44 + ((ip * 2654435761u) >> 28));
}

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v & 0xffff);
}

size_t frame_arp_reply(const struct frame *request, uint8_t ret[42])
{
    uint32_t guest = 0;

    frame_ip_parse(STR_LIT(NET_GUEST_IP), &guest);
    if (request->kind != FRAME_ARP || request->arp_op != 1 || request->arp_sender == 0 ||
        request->arp_sender == request->arp_target || request->arp_target == 0 || request->arp_target == guest)
        return 0;
    uint8_t mac[6];
    frame_mac_of(request->arp_target, mac);
    memcpy(ret, request->eth_src, 6);
    memcpy(ret + 6, mac, 6);
    put16(ret + 12, ETHERTYPE_ARP);
    put16(ret + 14, 1);
    put16(ret + 16, ETHERTYPE_IPV4);
    ret[18] = 6;
    ret[19] = 4;
    put16(ret + 20, 2);
    memcpy(ret + 22, mac, 6);
    put32(ret + 28, request->arp_target);
    memcpy(ret + 32, request->eth_src, 6);
    put32(ret + 38, request->arp_sender);
    return 42;
}

void frame_send_ip(uint32_t src, uint32_t dst, const uint8_t eth_dst[6], uint8_t proto, uint16_t id, const void *p,
                   size_t n, void (*send)(void *context, const uint8_t *frame, size_t n), void *context)
{
    uint8_t f[FRAME_ETH + FRAME_MTU];
    const size_t part_max = (FRAME_MTU - 20) & ~7u;
    size_t at = 0;

    if (n > 65515)
        return;
    memcpy(f, eth_dst, 6);
    frame_mac_of(src, f + 6);
    put16(f + 12, ETHERTYPE_IPV4);
    do {
        size_t part = n - at > part_max ? part_max : n - at;
        uint8_t *ip = f + FRAME_ETH;
        ip[0] = 0x45;
        ip[1] = 0;
        put16(ip + 2, (uint32_t)(20 + part));
        put16(ip + 4, id);
        put16(ip + 6, (uint32_t)(at / 8) | (at + part < n ? IP_MORE_FRAGMENTS : 0));
        ip[8] = frame_ttl_of(src);
        ip[9] = proto;
        put16(ip + 10, 0);
        put32(ip + 12, src);
        put32(ip + 16, dst);
        put16(ip + 10, frame_checksum(ip, 20, 0));
        if (part)
            memcpy(ip + 20, (const uint8_t *)p + at, part);
        send(context, f, FRAME_ETH + 20 + part);
        at += part;
    } while (at < n);
}

void frame_send_udp(uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport, const uint8_t eth_dst[6], uint16_t id,
                    const void *p, size_t n, void (*send)(void *context, const uint8_t *frame, size_t n), void *context)
{
    uint8_t d[8 + 65507];

    if (n > 65507)
        return;
    put16(d, sport);
    put16(d + 2, dport);
    put16(d + 4, (uint32_t)(8 + n));
    put16(d + 6, 0);
    if (n)
        memcpy(d + 8, p, n);
    uint16_t sum = frame_checksum(d, 8 + n, pseudo_sum(src, dst, FRAME_UDP, 8 + n));
    put16(d + 6, sum ? sum : 0xffff); /* 0 means "no checksum" */
    frame_send_ip(src, dst, eth_dst, FRAME_UDP, id, d, 8 + n, send, context);
}

void frame_ip_text(uint32_t ip, char ret[FRAME_IP_TEXT])
{
    snprintf(ret, FRAME_IP_TEXT, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
}

bool frame_ip_parse(struct str s, uint32_t *ret)
{
    uint32_t ip = 0;
    size_t at = 0;

    for (int part = 0; part < 4; part++) {
        unsigned v = 0, digits = 0;
        for (; at < s.n && s.p[at] >= '0' && s.p[at] <= '9' && digits < 3; at++, digits++)
            v = v * 10 + (unsigned)(s.p[at] - '0');
        if (!digits || v > 255 || (part < 3 && (at >= s.n || s.p[at++] != '.')))
            return false;
        ip = ip << 8 | v;
    }
    if (at != s.n)
        return false;
    *ret = ip;
    return true;
}
