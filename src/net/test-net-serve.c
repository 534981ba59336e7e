/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The simulated internet under floods and abuse, by frames made here: it must
 * go on, stay within its memory, and count what it leaves out. And the role as
 * a process: garbage on its stream, a peer or a parent that goes away.
 */
#include "net/client.h"
#include "net/net.h"
#include "net/netrole.h"
#include "net/stack.h"
#include "os/file.h"
#include "os/loop.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define GUEST 0xc0a8b222u
#define GATEWAY 0xc0a8b201u
#ifdef __SANITIZE_ADDRESS__
#define FLOOD_MORE 30000u /* AddressSanitizer makes every allocation dear */
#else
#define FLOOD_MORE 400000u
#endif

static const uint8_t salt[16] = {42};
static const uint8_t our_mac[6] = {0x52, 0x54, 0, 1, 2, 3};

/* What the guest received, as far as the tests look at it. */
struct guest {
    uint64_t frames, dns, syn_acks, resets, fins;
    uint32_t last_seq, last_ack; /* of the last TCP packet */
    uint16_t last_sport;
    uint8_t last_flags;
    struct buf data; /* of all TCP packets */
    uint64_t events[EVENT_KIND_MAX], seen_lost;
};

static struct guest guest;
static struct net *net;
static struct emit *sink;
static uint64_t now_ns = 1000000000;

static void on_frame(void *context, const uint8_t *p, size_t n)
{
    struct frame f;

    (void)context;
    guest.frames++;
    assert_int_equal(frame_parse(p, n, &f), 0); /* whatever we send is well-formed */
    if (f.kind != FRAME_IPV4)
        return;
    guest.dns += f.proto == FRAME_UDP && f.sport == 53;
    if (f.proto != FRAME_TCP)
        return;
    struct reader r;
    reader_init(&r, f.ip.p, f.ip.n);
    reader_seek(&r, 24);
    guest.last_seq = reader_u32be(&r);
    guest.last_ack = reader_u32be(&r);
    guest.last_sport = f.sport;
    guest.last_flags = f.tcp_flags;
    guest.syn_acks += (f.tcp_flags & (FRAME_TCP_SYN | FRAME_TCP_ACK)) == (FRAME_TCP_SYN | FRAME_TCP_ACK);
    guest.resets += !!(f.tcp_flags & FRAME_TCP_RST);
    guest.fins += !!(f.tcp_flags & FRAME_TCP_FIN);
    buf_add_str(&guest.data, f.payload);
}

static void on_event(void *context, const struct event *ev)
{
    (void)context;
    guest.events[ev->kind]++;
}

static int on_batch(void *context, const void *p, size_t n)
{
    struct err e;

    (void)context;
    assert_int_equal(emit_decode(p, n, on_event, NULL, &guest.seen_lost, &e), 0);
    return 0;
}

static int setup(void **state)
{
    (void)state;
    memset(&guest, 0, sizeof(guest));
    buf_init(&guest.data, 16u << 20);
    assert_int_equal(emit_new(on_batch, NULL, &sink), 0);
    assert_int_equal(net_new(salt, sink, NULL, on_frame, NULL, &net), 0);
    net_clock(net, now_ns, 1700000000000000000);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    net_free(&net);
    emit_free(&sink);
    buf_free(&guest.data);
    return 0;
}

static void pass_time(uint64_t ms)
{
    for (uint64_t t = 0; t < ms; t += STACK_TICK_MS) {
        now_ns += STACK_TICK_MS * 1000000u;
        net_clock(net, now_ns, 1700000000000000000 + (int64_t)now_ns);
        net_tick(net);
    }
}

static void to_net(void *context, const uint8_t *frame, size_t n)
{
    (void)context;
    net_frame(net, frame, n);
}

static void put32(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static void send_tcp(uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport, uint8_t flags, uint32_t seq,
                     uint32_t ack, struct str data)
{
    uint8_t p[1600] = {(uint8_t)(sport >> 8), (uint8_t)sport, (uint8_t)(dport >> 8), (uint8_t)dport};
    uint32_t pseudo = (src >> 16) + (src & 0xffff) + (dst >> 16) + (dst & 0xffff) + FRAME_TCP + 20 + (uint32_t)data.n;

    put32(p + 4, seq);
    put32(p + 8, ack);
    p[12] = 5 << 4;
    p[13] = flags;
    p[14] = p[15] = 0xff;
    if (data.n)
        memcpy(p + 20, data.p, data.n);
    uint16_t sum = frame_checksum(p, 20 + data.n, pseudo);
    p[16] = (uint8_t)(sum >> 8);
    p[17] = (uint8_t)sum;
    frame_send_ip(src, dst, our_mac, FRAME_TCP, 1, p, 20 + data.n, to_net, NULL);
}

/* Handshake; leaves the next numbers to use in *seq and *ack. */
static void open_tcp(uint16_t sport, uint32_t dst, uint16_t dport, uint32_t *seq, uint32_t *ack)
{
    send_tcp(GUEST, sport, dst, dport, FRAME_TCP_SYN, 1000, 0, STR_NONE);
    *seq = 1001;
    *ack = guest.last_seq + 1;
    send_tcp(GUEST, sport, dst, dport, FRAME_TCP_ACK, *seq, *ack, STR_NONE);
}

static long resident_kib(void)
{
    struct buf b;
    long pages = 0, resident = 0;

    if (file_read("/proc/self/statm", 4096, &b, NULL) == 0 && sscanf(buf_z(&b), "%ld %ld", &pages, &resident) != 2)
        resident = 0;
    buf_free(&b);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static void test_http_by_hand(void **state)
{
    uint32_t seq, ack;
    static const char ask[] = "GET /a.txt HTTP/1.1\r\nHost: x.example\r\n\r\n";

    (void)state;
    open_tcp(4000, 0x05060708, 8080, &seq, &ack);
    assert_int_equal(guest.syn_acks, 1);
    send_tcp(GUEST, 4000, 0x05060708, 8080, FRAME_TCP_ACK, seq, ack, (struct str){ask, 10});
    assert_int_equal(guest.data.len, 0);
    send_tcp(GUEST, 4000, 0x05060708, 8080, FRAME_TCP_ACK, seq + 10, ack, (struct str){ask + 10, sizeof(ask) - 11});
    assert_non_null(strstr(buf_z(&guest.data), "HTTP/1.1 200 OK"));
    seq += sizeof(ask) - 1;
    ack = guest.last_seq + (uint32_t)guest.data.len;
    send_tcp(GUEST, 4000, 0x05060708, 8080, FRAME_TCP_ACK | FRAME_TCP_FIN, seq, ack, STR_NONE);
    assert_int_equal(guest.fins, 1);
    emit_flush(sink);
    assert_int_equal(guest.events[EVENT_HTTP_REQUEST], 1);
    assert_int_equal(guest.events[EVENT_NET_FLOW], 1);
    assert_int_equal(flows_count(net->flows), 0);
    assert_int_equal(net->held, 0);
}

/* The same four numbers again at once, after the server closed first: a new connection, not a stale one. */
static void test_port_reuse(void **state)
{
    uint32_t seq, ack;
    static const char ask[] = "GET / HTTP/1.0\r\n\r\n";

    (void)state;
    for (int i = 0; i < 3; i++) {
        uint64_t before = guest.data.len, syn_acks = guest.syn_acks;
        open_tcp(4001, 0x05060708, 80, &seq, &ack);
        assert_int_equal(guest.syn_acks, syn_acks + 1);
        send_tcp(GUEST, 4001, 0x05060708, 80, FRAME_TCP_ACK, seq, ack, (struct str){ask, sizeof(ask) - 1});
        assert_true(guest.data.len > before);
        ack += (uint32_t)(guest.data.len - before) + 1;
        send_tcp(GUEST, 4001, 0x05060708, 80, FRAME_TCP_ACK | FRAME_TCP_FIN, seq + sizeof(ask) - 1, ack, STR_NONE);
    }
    emit_flush(sink);
    assert_int_equal(guest.events[EVENT_HTTP_REQUEST], 3);
    assert_int_equal(guest.events[EVENT_NET_FLOW], 3);
}

static void test_syn_flood(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 80000; i++) /* forged senders, never completed */
        send_tcp(0x0b000000 + i, (uint16_t)(1 + i % 65535), 0x05000000 + i % 1000, (uint16_t)(1 + i % 60000),
                 FRAME_TCP_SYN, i, 0, STR_NONE);
    assert_int_equal(flows_count(net->flows), FLOWS_MAX);
    long first = resident_kib();
    for (uint32_t i = 0; i < FLOOD_MORE; i++)
        send_tcp(0x0c000000 + i, (uint16_t)(1 + i % 65535), 0x05000000 + i % 1000, (uint16_t)(1 + i % 60000),
                 FRAME_TCP_SYN, i, 0, STR_NONE);
    long growth = resident_kib() - first;
    print_message("SYN flood: %u conversations, %ld MiB resident, %ld MiB more after %u more\n",
                  flows_count(net->flows), first / 1024, growth / 1024, FLOOD_MORE);
#ifndef __SANITIZE_ADDRESS__ /* its quarantine keeps what was freed */
    assert_true(growth < 16 * 1024);
#endif
    assert_int_equal(flows_count(net->flows), FLOWS_MAX);
    /* and an honest connection still works */
    uint32_t seq, ack;
    static const char ask[] = "GET / HTTP/1.0\r\n\r\n";
    open_tcp(4002, 0x05060708, 80, &seq, &ack);
    send_tcp(GUEST, 4002, 0x05060708, 80, FRAME_TCP_ACK, seq, ack, (struct str){ask, sizeof(ask) - 1});
    assert_non_null(strstr(buf_z(&guest.data), "HTTP/1.1 200 OK"));
    pass_time(30000);
    assert_int_equal(flows_count(net->flows), 0);
    net_finish(net);
    emit_flush(sink);
    assert_true(guest.events[EVENT_NET_SCAN] >= 3);
    assert_int_equal(guest.events[EVENT_RUN_NOTE], 1); /* the limit of conversations was reached: said once */
    assert_int_equal(guest.events[EVENT_NET_FLOW] + guest.seen_lost, 80000 + FLOOD_MORE + 1);
}

static void test_dns_flood(void **state)
{
    uint8_t q[64] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x08xxxxxxxx\x07"
                    "example\x03"
                    "com\x00\x00\x01\x00\x01";

    (void)state;
    for (uint32_t i = 0; i < 100000; i++) {
        char label[9];
        snprintf(label, sizeof(label), "%08x", i);
        memcpy(q + 13, label, 8);
        frame_send_udp(GUEST, (uint16_t)(1024 + i % 60000), GATEWAY, 53, our_mac, 1, q, 38, to_net, NULL);
    }
    assert_int_equal(guest.dns, 100000);
    emit_flush(sink);
    assert_int_equal(guest.events[EVENT_DNS_QUERY], EMIT_PER_SECOND);
    assert_int_equal(guest.seen_lost, 100000 - EMIT_PER_SECOND);
}

/* Connections that ask for much and acknowledge nothing, or send with a hole: held memory stays below its limits. */
static void test_hoarders(void **state)
{
    static char pipeline[1400], hole[1400];
    static const char ask[] = "GET /a.exe HTTP/1.1\r\n\r\n";

    (void)state;
    for (size_t at = 0; at + sizeof(ask) - 1 <= sizeof(pipeline); at += sizeof(ask) - 1)
        memcpy(pipeline + at, ask, sizeof(ask) - 1);
    for (uint32_t i = 0; i < 2500; i++) {
        uint32_t seq, ack;
        uint16_t port = (uint16_t)(2000 + i);
        open_tcp(port, 0x05060708, 80, &seq, &ack);
        for (uint32_t k = 0; k < 40; k++)
            send_tcp(GUEST, port, 0x05060708, 80, FRAME_TCP_ACK, seq + k * 1380, ack, (struct str){pipeline, 1380});
        buf_clear(&guest.data);
    }
    assert_true(net->held + stack_get_status(net->stack)->unsent_wait <= NET_MEMORY_MAX);
    assert_true(flows_evicted(net->flows) > 0);
    for (uint32_t i = 0; i < 2500; i++) {
        uint32_t seq, ack;
        uint16_t port = (uint16_t)(20000 + i);
        open_tcp(port, 0x05060709, 7777, &seq, &ack);
        for (uint32_t k = 0; k < 20; k++)
            send_tcp(GUEST, port, 0x05060709, 7777, FRAME_TCP_ACK, seq + 100 + k * 1400, ack,
                     (struct str){hole, sizeof(hole)});
    }
    assert_true(stack_get_status(net->stack)->held <= STACK_HELD_MAX);
    print_message("hoarders: %llu MiB held, %llu MiB out of order\n",
                  (unsigned long long)(net->held + stack_get_status(net->stack)->unsent_wait) >> 20,
                  (unsigned long long)stack_get_status(net->stack)->held >> 20);
    net_finish(net);
    pass_time(1000);
    assert_int_equal(net->held, 0);
}

/* Thousands of open connections that all still work. */
static void test_many_connections(void **state)
{
    enum { N = 8000 };
    static uint32_t seqs[N], acks[N];

    (void)state;
    for (uint32_t i = 0; i < N; i++)
        open_tcp((uint16_t)(1024 + i), 0x05060000 + i, (uint16_t)(1 + i), &seqs[i], &acks[i]);
    assert_int_equal(guest.syn_acks, N);
    pass_time(120000);
    uint64_t before = guest.frames;
    for (uint32_t i = 0; i < N; i++) {
        buf_clear(&guest.data);
        send_tcp(GUEST, (uint16_t)(1024 + i), 0x05060000 + i, (uint16_t)(1 + i), FRAME_TCP_ACK, seqs[i], acks[i],
                 STR_LIT("GET / HTTP/1.0\r\n\r\n"));
        /* ports where the server spoke first were given up: their greeting was never acknowledged */
        if (!guest.data.len)
            assert_true(i < 2500);
    }
    assert_true(guest.frames >= before + N - 20);
    assert_int_equal(flows_evicted(net->flows), 0);
}

static void test_garbage_frames(void **state)
{
    uint64_t random = 88172645463325252u;
    uint8_t f[200];

    (void)state;
    for (uint32_t i = 0; i < 200000; i++) {
        size_t n = i % sizeof(f);
        for (size_t k = 0; k < n; k++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            f[k] = (uint8_t)random;
        }
        if (n > 24 && i % 2) /* plausible beginnings */
            memcpy(f + 12, i % 4 == 1 ? "\x08\x00\x45\x00\x00" : "\x08\x06\x00\x01\x08", 5);
        net_frame(net, f, n);
    }
    assert_true(net->counters.malformed > 100000);
    assert_int_equal(net->counters.frames_in, 200000);
}

/* ---- the role as a process ---- */

struct rig {
    char folder[40], pcap[64];
    struct net_client *client;
    int stream;
    unsigned notes, events;
    char note[64];
};

static void on_rig_event(void *context, const struct event *ev)
{
    struct rig *r = context;

    r->events++;
    if (ev->kind == EVENT_RUN_NOTE) {
        r->notes++;
        snprintf(r->note, sizeof(r->note), "%.*s", STR_ARG(ev->f[EVF_RUN_NOTE_Code].s));
    }
}

static void rig_start(struct rig *r, const char *pcap, uint64_t pcap_max)
{
    int pair[2];
    struct err e;

    memset(r, 0, sizeof(*r));
    snprintf(r->folder, sizeof(r->folder), "/tmp/bj-net-XXXXXX");
    assert_non_null(mkdtemp(r->folder));
    snprintf(r->pcap, sizeof(r->pcap), "%s/net.pcap", r->folder);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    struct net_client_options o = {
        .pcap_path = pcap ? pcap : r->pcap, .frame_fd = pair[1], .salt = salt, .pcap_max = pcap_max};
    if (net_client_start_with(&o, &r->client, &e) < 0)
        fail_msg("%s", e.text);
    close(pair[1]);
    r->stream = pair[0];
}

static void rig_end(struct rig *r)
{
    net_client_stop(&r->client);
    close(r->stream);
    file_remove_tree(r->folder, NULL);
}

static void rig_finish(struct rig *r)
{
    struct err e;

    if (net_client_finish(r->client, 10000, on_rig_event, r, &e) < 0)
        fail_msg("%s", e.text);
    assert_true(net_client_status(r->client)->done);
}

static void rig_send(void *context, const uint8_t *frame, size_t n)
{
    struct rig *r = context;
    uint8_t head[4];

    put32(head, (uint32_t)n);
    assert_int_equal(file_write_all(r->stream, head, 4), 0);
    assert_int_equal(file_write_all(r->stream, frame, n), 0);
}

/* Sends one name question and waits for its answer: the role lives. */
static void rig_ask(struct rig *r)
{
    static const uint8_t q[] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03www\x07"
                               "example\x03"
                               "com\x00\x00\x01\x00\x01";
    uint8_t answer[600];

    frame_send_udp(GUEST, 5000, GATEWAY, 53, our_mac, 1, q, sizeof(q) - 1, rig_send, r);
    struct pollfd p = {.fd = r->stream, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 10000), 1);
    assert_true(read(r->stream, answer, sizeof(answer)) > 60);
}

static void test_role_oversized(void **state)
{
    struct rig r;
    static uint8_t big[200000];

    (void)state;
    rig_start(&r, NULL, 0);
    rig_ask(&r);
    rig_send(&r, big, sizeof(big)); /* longer than any packet: skipped, not fatal */
    rig_send(&r, big, 0);
    rig_ask(&r);
    rig_finish(&r);
    assert_int_equal(r.notes, 0);
    assert_int_equal(net_client_status(r.client)->dropped_frames, 2);
    assert_true(r.events >= 3);
    rig_end(&r);
}

static void test_role_garbage(void **state)
{
    struct rig r;

    (void)state;
    rig_start(&r, NULL, 0);
    rig_ask(&r);
    assert_int_equal(file_write_all(r.stream, "\xff\xff\xff\xff\xff\xff\xff\xff", 8), 0);
    uint8_t b[8];
    assert_true(read(r.stream, b, sizeof(b)) <= 0); /* the role closed the line */
    rig_finish(&r);
    assert_string_equal(r.note, "net-stream");
    rig_end(&r);
}

static void test_role_peer_gone(void **state)
{
    struct rig r;

    (void)state;
    rig_start(&r, NULL, 0);
    rig_ask(&r);
    shutdown(r.stream, SHUT_RDWR);
    usleep(300000);
    rig_finish(&r); /* what was seen until then is told */
    assert_true(r.events >= 2);
    assert_true(net_client_status(r.client)->pcap_bytes > 100);
    rig_end(&r);
}

static void test_role_pcap_limits(void **state)
{
    struct rig r;

    (void)state;
    rig_start(&r, NULL, 300);
    for (int i = 0; i < 5; i++)
        rig_ask(&r);
    rig_finish(&r);
    assert_string_equal(r.note, "pcap-limit");
    assert_true(net_client_status(r.client)->pcap_bytes <= 300);
    assert_int_equal(net_client_status(r.client)->pcap_left_out + 2, 10);
    rig_end(&r);
    if (access("/dev/full", W_OK) < 0)
        return;
    rig_start(&r, "/dev/full", 0); /* every write says: no space left */
    rig_ask(&r);
    rig_finish(&r);
    assert_string_equal(r.note, "pcap-error");
    assert_int_equal(net_client_status(r.client)->pcap_left_out, 2);
    rig_end(&r);
}

static void test_role_dies_with_parent(void **state)
{
    int report[2], status;
    pid_t role = 0;

    (void)state;
    assert_int_equal(pipe(report), 0);
    pid_t parent = fork();
    if (parent == 0) {
        int pair[2];
        struct net_client *c;
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0 ||
            net_client_start("/dev/null", pair[1], &c, NULL) < 0)
            _exit(1);
        /* the only other process with our channel: find it by the stream, which it holds too */
        char z = 1;
        close(pair[1]);
        if (write(report[1], &z, 1) != 1)
            _exit(1);
        close(report[1]);
        char b;
        ssize_t n = read(pair[0], &b, 1); /* until killed */
        _exit(n < 0);
    }
    close(report[1]);
    char z;
    assert_int_equal(read(report[0], &z, 1), 1);
    /* the role inherited nothing but its channel; the report pipe stays open in the parent only */
    struct buf children;
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent, parent);
    if (file_read(path, 4096, &children, NULL) == 0)
        role = (pid_t)atol(buf_z(&children));
    buf_free(&children);
    kill(parent, SIGKILL);
    waitpid(parent, &status, 0);
    assert_true(role > 0);
    for (int i = 0; i < 100 && kill(role, 0) == 0; i++)
        usleep(50000);
    assert_int_not_equal(kill(role, 0), 0);
    close(report[0]);
}

int main(int argc, char **argv)
{
    static const struct role *const roles[] = {&net_role, NULL};
    int status = role_main(argc, argv, roles);
    if (status >= 0)
        return status;
#define NET(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        NET(test_http_by_hand),
        NET(test_port_reuse),
        NET(test_syn_flood),
        NET(test_dns_flood),
        NET(test_hoarders),
        NET(test_many_connections),
        NET(test_garbage_frames),
        cmocka_unit_test(test_role_oversized),
        cmocka_unit_test(test_role_garbage),
        cmocka_unit_test(test_role_peer_gone),
        cmocka_unit_test(test_role_pcap_limits),
        cmocka_unit_test(test_role_dies_with_parent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
