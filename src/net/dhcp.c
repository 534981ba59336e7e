/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/dhcp.h"

#include "net/frame.h"
#include "net/netrole.h"

#define DHCP_COOKIE 0x63825363u
#define DHCP_LEASE_SECONDS 864000u
#define DHCP_OPTIONS_MAX 64

enum { DHCP_DISCOVER = 1, DHCP_OFFER = 2, DHCP_REQUEST = 3, DHCP_ACK = 5, DHCP_NAK = 6, DHCP_INFORM = 8 };
enum {
    OPT_PAD = 0,
    OPT_MASK = 1,
    OPT_ROUTER = 3,
    OPT_DNS = 6,
    OPT_HOSTNAME = 12,
    OPT_DOMAIN = 15,
    OPT_BROADCAST = 28,
    OPT_NTP = 42,
    OPT_REQUESTED = 50,
    OPT_LEASE = 51,
    OPT_TYPE = 53,
    OPT_SERVER = 54,
    OPT_RENEW = 58,
    OPT_REBIND = 59,
    OPT_END = 255,
};

static int parse_option(struct reader *r, uint8_t code, struct dhcp_query *q)
{
    struct reader o;

    if (!reader_take(r, reader_u8(r), &o) || !reader_ok(r))
        return r->error;
    switch (code) {
    case OPT_TYPE:
        q->type = reader_u8(&o);
        break;
    case OPT_REQUESTED:
        q->requested = reader_u32be(&o);
        break;
    case OPT_SERVER:
        q->server = reader_u32be(&o);
        break;
    case OPT_HOSTNAME:
        q->hostname = str_sub((struct str){(const char *)o.base, o.size}, 0, DHCP_HOST_MAX);
        break;
    default:
        break;
    }
    return o.error;
}

int dhcp_parse(struct str datagram, struct dhcp_query *ret)
{
    struct dhcp_query q = {0};
    struct reader r;

    reader_init(&r, datagram.p, datagram.n);
    uint8_t op = reader_u8(&r), htype = reader_u8(&r), hlen = reader_u8(&r);
    reader_skip(&r, 1);
    q.xid = reader_u32be(&r);
    reader_skip(&r, 2);
    q.broadcast = reader_u16be(&r) & 0x8000;
    q.requested = reader_u32be(&r);
    reader_skip(&r, 12);
    for (int i = 0; i < 6; i++)
        q.mac[i] = reader_u8(&r);
    reader_skip(&r, 10 + 64 + 128);
    uint32_t cookie = reader_u32be(&r);
    if (!reader_ok(&r))
        return r.error;
    if (op != 1 || htype != 1 || hlen != 6 || cookie != DHCP_COOKIE)
        return ERR_FORMAT;
    for (unsigned i = 0; reader_left(&r); i++) {
        uint8_t code = reader_u8(&r);
        if (code == OPT_END)
            break;
        if (code == OPT_PAD)
            continue;
        if (i >= DHCP_OPTIONS_MAX * 4)
            return ERR_LIMIT;
        int failed = parse_option(&r, code, &q);
        if (failed)
            return failed;
    }
    *ret = q;
    return 0;
}

static void option32(struct buf *b, uint8_t code, uint32_t v)
{
    buf_u8(b, code);
    buf_u8(b, 4);
    buf_u32be(b, v);
}

static void add_settings(struct buf *b, uint32_t gateway)
{
    static const char domain[] = "fritz.box";
    uint32_t mask = ~0u << (32 - NET_PREFIX);

    option32(b, OPT_MASK, mask);
    option32(b, OPT_ROUTER, gateway);
    option32(b, OPT_DNS, gateway);
    buf_u8(b, OPT_DOMAIN);
    buf_u8(b, sizeof(domain) - 1);
    buf_add(b, domain, sizeof(domain) - 1);
    option32(b, OPT_BROADCAST, gateway | ~mask);
    option32(b, OPT_NTP, gateway);
}

int dhcp_answer(const struct dhcp_query *q, struct buf *ret)
{
    static const uint8_t zero[192] = {0};
    uint32_t gateway = 0, guest = 0;
    uint8_t type;

    frame_ip_parse(STR_LIT(NET_GATEWAY_IP), &gateway);
    frame_ip_parse(STR_LIT(NET_GUEST_IP), &guest);
    if (q->type == DHCP_DISCOVER || q->type == 0)
        type = DHCP_OFFER;
    else if (q->type == DHCP_REQUEST && q->server && q->server != gateway)
        return 0; /* the client took another server's offer */
    else if (q->type == DHCP_REQUEST)
        type = q->requested && q->requested != guest ? DHCP_NAK : DHCP_ACK;
    else if (q->type == DHCP_INFORM)
        type = DHCP_ACK;
    else
        return 0;

    bool gives = type != DHCP_NAK && q->type != DHCP_INFORM;
    buf_add(ret, "\x02\x01\x06", 4);
    buf_u32be(ret, q->xid);
    buf_u16be(ret, 0);
    buf_u16be(ret, q->broadcast ? 0x8000 : 0);
    buf_u32be(ret, q->type == DHCP_INFORM ? q->requested : 0);
    buf_u32be(ret, gives ? guest : 0);
    buf_u32be(ret, type == DHCP_NAK ? 0 : gateway);
    buf_u32be(ret, 0);
    buf_add(ret, q->mac, 6);
    buf_add(ret, zero, 10);
    buf_add(ret, zero, 192);
    buf_u32be(ret, DHCP_COOKIE);
    if (q->type) {
        buf_u8(ret, OPT_TYPE);
        buf_u8(ret, 1);
        buf_u8(ret, type);
        option32(ret, OPT_SERVER, gateway);
    }
    if (gives) {
        option32(ret, OPT_LEASE, DHCP_LEASE_SECONDS);
        option32(ret, OPT_RENEW, DHCP_LEASE_SECONDS / 2);
        option32(ret, OPT_REBIND, DHCP_LEASE_SECONDS / 8 * 7);
    }
    if (type != DHCP_NAK)
        add_settings(ret, gateway);
    buf_u8(ret, OPT_END);
    while (ret->len < 300 && !ret->failed) /* RFC 1542 2.1: old clients want at least 300 bytes */
        buf_u8(ret, 0);
    return ret->failed ? ret->failed : 1;
}
