/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/yara/streams.h"

#include "base/hash.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define SLOTS (STREAMS_MAX * 2u)
#define ETHERTYPE_IPV4 0x0800
#define PROTO_TCP 6
#define PROTO_UDP 17
#define TCP_SYN 2u
#define LINK_ETHERNET 1

struct packet {
    uint32_t from, to, seq;
    uint16_t from_port, to_port;
    bool tcp, syn;
    struct str data;
};

void streams_free(struct streams *s)
{
    for (size_t i = 0; i < s->count; i++)
        buf_free(&s->items[i].data);
    free(s->items);
    free(s->slots);
    *s = (struct streams){0};
}

static void address(uint32_t ip, char *ret, size_t n)
{
    snprintf(ret, n, "%u.%u.%u.%u", ip >> 24, ip >> 16 & 255, ip >> 8 & 255, ip & 255);
}

void stream_name(const struct stream *s, char ret[STREAM_NAME_MAX])
{
    char from[16], to[16];
    address(s->from, from, sizeof(from));
    address(s->to, to, sizeof(to));
    snprintf(ret, STREAM_NAME_MAX, "%s %s:%u > %s:%u", s->tcp ? "tcp" : "udp", from, s->from_port, to, s->to_port);
}

/* The seed is random, so that a sample cannot choose ports that meet in one slot. */
static size_t slot_of(const struct streams *s, const struct packet *p)
{
    uint64_t h = s->seed ^ ((uint64_t)p->from << 32 | p->to);
    h = (h ^ h >> 33) * 0xff51afd7ed558ccdu;
    h ^= s->seed >> 7 ^ ((uint64_t)p->from_port << 32 | (uint64_t)p->to_port << 8 | p->tcp);
    h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53u;
    return (size_t)((h ^ h >> 33) % SLOTS);
}

static struct stream *stream_of(struct streams *s, const struct packet *p)
{
    size_t at = slot_of(s, p);
    for (; s->slots[at]; at = (at + 1) % SLOTS) {
        struct stream *t = &s->items[s->slots[at] - 1];
        if (t->from == p->from && t->to == p->to && t->from_port == p->from_port && t->to_port == p->to_port &&
            t->tcp == p->tcp)
            return t;
    }
    if (s->count == STREAMS_MAX)
        return NULL;
    struct stream *t = &s->items[s->count++];
    s->slots[at] = (uint32_t)s->count;
    *t = (struct stream){.from = p->from, .to = p->to, .from_port = p->from_port, .to_port = p->to_port, .tcp = p->tcp};
    buf_init(&t->data, STREAM_BYTES_MAX);
    return t;
}

/* Puts bytes at an offset of the stream; makes room with zeros. */
static int place(struct streams *s, struct stream *t, size_t at, struct str data)
{
    if (at > STREAM_BYTES_MAX || data.n > STREAM_BYTES_MAX - at)
        return ERR_LIMIT;
    size_t end = at + data.n, more = end > t->data.len ? end - t->data.len : 0;
    if (more > STREAMS_BYTES_MAX - s->bytes)
        return ERR_LIMIT;
    int x = buf_reserve(&t->data, more);
    if (x < 0)
        return x;
    memset(t->data.data + t->data.len, 0, more);
    t->data.len += more;
    s->bytes += more;
    memcpy(t->data.data + at, data.p, data.n);
    return 0;
}

static void packet_take(struct streams *s, const struct packet *p)
{
    struct stream *t = stream_of(s, p);
    if (!t) {
        s->left_out++;
        return;
    }
    if (p->tcp && (p->syn || !t->begun)) {
        /* A new connection over the same ports goes behind the old one. */
        t->first_seq = p->seq + p->syn - (uint32_t)t->data.len;
        t->begun = true;
    }
    if (!p->data.n)
        return;
    uint32_t at = p->tcp ? p->seq + p->syn - t->first_seq : (uint32_t)t->data.len;
    if (place(s, t, at, p->data) < 0)
        s->left_out++;
}

/* One Ethernet frame; false: nothing for us, or damaged. */
static bool frame_read(struct reader *r, struct packet *p)
{
    struct reader ip, up;
    reader_skip(r, 12);
    if (reader_u16be(r) != ETHERTYPE_IPV4)
        return false;
    uint8_t version = reader_u8(r);
    reader_skip(r, 1);
    uint16_t total = reader_u16be(r);
    reader_skip(r, 2);
    uint16_t fragment = reader_u16be(r);
    reader_skip(r, 1);
    uint8_t proto = reader_u8(r);
    reader_skip(r, 2);
    p->from = reader_u32be(r);
    p->to = reader_u32be(r);
    size_t header = (version & 15u) * 4u;
    if (!reader_ok(r) || version >> 4 != 4 || header < 20 || total < header || (fragment & 0x3fff) != 0)
        return false;
    if (!reader_window(r, 14, total, &ip) || !reader_window(&ip, header, total - header, &up))
        return false;
    p->from_port = reader_u16be(&up);
    p->to_port = reader_u16be(&up);
    p->tcp = proto == PROTO_TCP;
    if (p->tcp) {
        p->seq = reader_u32be(&up);
        reader_skip(&up, 4);
        uint8_t length = reader_u8(&up), flags = reader_u8(&up);
        p->syn = (flags & TCP_SYN) != 0;
        reader_seek(&up, (length >> 4) * 4u);
        if (length >> 4 < 5)
            return false;
    } else if (proto == PROTO_UDP) {
        reader_skip(&up, 4);
    } else {
        return false;
    }
    p->data = reader_str(&up, reader_left(&up));
    return reader_ok(&up);
}

static uint32_t number(struct reader *in, bool big)
{
    return big ? reader_u32be(in) : reader_u32le(in);
}

int streams_read(struct reader *in, struct streams *ret, struct err *e)
{
    struct streams s = {0};
    uint32_t magic = reader_u32le(in);
    bool big = magic == 0xd4c3b2a1u || magic == 0x4d3cb2a1u;

    if (!big && magic != 0xa1b2c3d4u && magic != 0xa1b23c4du)
        return err_set(e, ERR_FORMAT, "this is no pcap file");
    reader_skip(in, 16);
    if ((number(in, big) & 0xffff) != LINK_ETHERNET || !reader_ok(in))
        return err_set(e, ERR_FORMAT, "this pcap file is not of Ethernet");
    s.items = calloc(STREAMS_MAX, sizeof(*s.items));
    s.slots = calloc(SLOTS, sizeof(*s.slots));
    random_bytes(&s.seed, sizeof(s.seed));
    if (!s.items || !s.slots) {
        streams_free(&s);
        return err_set(e, -ENOMEM, "no memory for the traffic");
    }
    while (reader_left(in) >= 16) {
        struct reader frame;
        struct packet p = {0};
        reader_skip(in, 8);
        uint32_t kept = number(in, big);
        reader_skip(in, 4);
        if (!reader_take(in, kept, &frame))
            break;
        if (frame_read(&frame, &p))
            packet_take(&s, &p);
        else
            s.left_out++;
    }
    *ret = s;
    return 0;
}
