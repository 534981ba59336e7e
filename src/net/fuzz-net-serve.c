/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * TCP segments with right checksums and wrong everything else, through lwIP
 * and the protocols behind it. Each step of the input: a byte that chooses the
 * connection and whether time passes, flags, distances of sequence and
 * acknowledgement from what would be right, a length, that many data bytes.
 */
#include "net/frame.h"
#include "net/net.h"
#include "net/stack.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define GUEST 0xc0a8b222u
#define CONNECTIONS 8

static const uint16_t ports[CONNECTIONS] = {80, 443, 53, 22, 4444, 25, 8080, 6667};
static struct {
    uint32_t seq, ack;
} ends[CONNECTIONS];
static struct net *net;
static struct emit *sink;
static uint64_t now_ns = 1;

static void on_frame(void *context, const uint8_t *p, size_t n)
{
    struct frame f;
    struct reader r;

    (void)context;
    if (frame_parse(p, n, &f) < 0)
        __builtin_trap(); /* whatever we send is well-formed */
    if (f.kind != FRAME_IPV4 || f.proto != FRAME_TCP)
        return;
    reader_init(&r, f.ip.p, f.ip.n);
    reader_seek(&r, 24);
    uint32_t seq = reader_u32be(&r);
    bool counts = f.tcp_flags & (FRAME_TCP_SYN | FRAME_TCP_FIN);
    for (int i = 0; i < CONNECTIONS; i++)
        if (ports[i] == f.sport)
            ends[i].ack = seq + (uint32_t)f.payload.n + counts;
}

static int on_batch(void *context, const void *p, size_t n)
{
    (void)context;
    (void)p;
    return n ? 0 : -1;
}

static void to_net(void *context, const uint8_t *frame, size_t n)
{
    (void)context;
    net_frame(net, frame, n);
}

static void send_tcp(unsigned c, uint8_t flags, uint32_t seq, uint32_t ack, struct str data)
{
    uint8_t p[300] = {0x20, (uint8_t)c, (uint8_t)(ports[c] >> 8), (uint8_t)ports[c]};
    uint32_t dst = 0x05060700 + c;
    uint32_t pseudo =
        (GUEST >> 16) + (GUEST & 0xffff) + (dst >> 16) + (dst & 0xffff) + FRAME_TCP + 20 + (uint32_t)data.n;

    for (int i = 0; i < 4; i++) {
        p[4 + i] = (uint8_t)(seq >> (24 - 8 * i));
        p[8 + i] = (uint8_t)(ack >> (24 - 8 * i));
    }
    p[12] = 5 << 4;
    p[13] = flags;
    p[14] = p[15] = 0x7f;
    if (data.n)
        memcpy(p + 20, data.p, data.n);
    uint16_t sum = frame_checksum(p, 20 + data.n, pseudo);
    p[16] = (uint8_t)(sum >> 8);
    p[17] = (uint8_t)sum;
    frame_send_ip(GUEST, dst, (const uint8_t *)"\x52\x54\0\1\2\3", FRAME_TCP, 1, p, 20 + data.n, to_net, NULL);
}

static void step(struct reader *r)
{
    uint8_t what = reader_u8(r), flags = reader_u8(r);
    int8_t seq_off = (int8_t)reader_u8(r), ack_off = (int8_t)reader_u8(r);
    uint8_t n = reader_u8(r);
    unsigned c = what % CONNECTIONS;
    struct str bytes = reader_str(r, n < reader_left(r) ? n : reader_left(r));

    if (what & 0x40) {
        now_ns += 250000000u << (what >> 7) * 8;
        net_clock(net, now_ns, 1700000000000000000 + (int64_t)now_ns);
        net_tick(net);
    }
    send_tcp(c, flags, ends[c].seq + (uint32_t)seq_off, ends[c].ack + (uint32_t)ack_off, bytes);
    if (flags & FRAME_TCP_SYN)
        ends[c].seq += (uint32_t)seq_off + 1;
    else if (!seq_off)
        ends[c].seq += (uint32_t)bytes.n + !!(flags & FRAME_TCP_FIN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t salt[16] = {1};
    static unsigned runs;
    struct reader r;

    if (!net && (emit_new(on_batch, NULL, &sink) < 0 || net_new(salt, sink, NULL, on_frame, NULL, &net) < 0))
        abort();
    net_clock(net, now_ns, 1700000000000000000);
    for (int i = 0; i < CONNECTIONS; i++)
        ends[i].seq = 1000;
    reader_init(&r, data, size);
    while (reader_left(&r))
        step(&r);
    flows_end_all(net->flows);
    if (net->held)
        __builtin_trap();
    if (++runs % 64 == 0) { /* its tables are large: not for every input */
        net_free(&net);
        emit_free(&sink);
    }
    return 0;
}
