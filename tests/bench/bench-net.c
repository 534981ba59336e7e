/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Speed of the simulated internet. Part 1, always: the answering itself, by
 * frames made here (DNS answers per second, connections per second). Part 2,
 * where we may make a network namespace with a tap device: a Linux client's
 * requests through the whole role (HTTP with keep-alive, fresh connections,
 * DNS), as a guest would see it minus the machine.
 */
#include "net/client.h"
#include "net/net.h"
#include "net/netrole.h"
#include "net/stack.h"
#include "os/file.h"
#include "os/spawn.h"
#include "os/time.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define GUEST 0xc0a8b222u
#define GATEWAY 0xc0a8b201u

static const uint8_t salt[16] = {1};
static const uint8_t mac[6] = {0x52, 0x54, 0, 1, 2, 3};

static double seconds_since(uint64_t begun)
{
    return (double)(time_monotonic_ns() - begun) / 1e9;
}

/* ---- in this process ---- */

static uint64_t answers;
static uint32_t last_seq;

static void on_frame(void *context, const uint8_t *p, size_t n)
{
    (void)context;
    answers++;
    if (n >= 54 && p[23] == FRAME_TCP)
        last_seq = (uint32_t)p[38] << 24 | (uint32_t)p[39] << 16 | (uint32_t)p[40] << 8 | p[41];
}

static int on_batch(void *context, const void *p, size_t n)
{
    (void)context;
    (void)p;
    return n ? 0 : -1;
}

static void to_net(void *context, const uint8_t *frame, size_t n)
{
    net_frame(context, frame, n);
}

static void send_tcp(struct net *net, uint16_t sport, uint32_t dst, uint8_t flags, uint32_t seq, uint32_t ack,
                     const char *data, size_t n)
{
    uint8_t p[600] = {(uint8_t)(sport >> 8), (uint8_t)sport, 0, 80};
    uint32_t pseudo = (GUEST >> 16) + (GUEST & 0xffff) + (dst >> 16) + (dst & 0xffff) + FRAME_TCP + 20 + (uint32_t)n;

    for (int i = 0; i < 4; i++) {
        p[4 + i] = (uint8_t)(seq >> (24 - 8 * i));
        p[8 + i] = (uint8_t)(ack >> (24 - 8 * i));
    }
    p[12] = 5 << 4;
    p[13] = flags;
    p[14] = p[15] = 0xff;
    memcpy(p + 20, data, n);
    uint16_t sum = frame_checksum(p, 20 + n, pseudo);
    p[16] = (uint8_t)(sum >> 8);
    p[17] = (uint8_t)sum;
    frame_send_ip(GUEST, dst, mac, FRAME_TCP, 1, p, 20 + n, to_net, net);
}

static int bench_inside(void)
{
    enum { QUERIES = 200000, CONNECTIONS = 100000 };
    uint8_t q[64] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x08xxxxxxxx\x07"
                    "example\x03"
                    "com\x00\x00\x01\x00\x01";
    static const char ask[] = "GET /a.txt HTTP/1.0\r\nHost: a.example\r\n\r\n";
    struct emit *sink = NULL;
    struct net *net = NULL;

    if (emit_new(on_batch, NULL, &sink) < 0 || net_new(salt, sink, NULL, on_frame, NULL, &net) < 0)
        return 1;
    net_clock(net, 1000000000, 1700000000000000000);
    uint64_t begun = time_monotonic_ns();
    for (uint32_t i = 0; i < QUERIES; i++) {
        char label[9];
        snprintf(label, sizeof(label), "%08x", i);
        memcpy(q + 13, label, 8);
        frame_send_udp(GUEST, (uint16_t)(1024 + i % 60000), GATEWAY, 53, mac, 1, q, 38, to_net, net);
    }
    printf("net: %.0f DNS answers/s in memory (%llu of %d answered)\n", QUERIES / seconds_since(begun),
           (unsigned long long)answers, QUERIES);
    begun = time_monotonic_ns();
    for (uint32_t i = 0; i < CONNECTIONS; i++) {
        uint32_t dst = 0x05000000 + i;
        uint16_t port = (uint16_t)(1024 + i % 60000);
        send_tcp(net, port, dst, FRAME_TCP_SYN, 1, 0, "", 0);
        send_tcp(net, port, dst, FRAME_TCP_ACK, 2, last_seq + 1, ask, sizeof(ask) - 1);
        send_tcp(net, port, dst, FRAME_TCP_ACK | FRAME_TCP_FIN, 1 + sizeof(ask), last_seq + 1, "", 0);
        if (i % 10000 == 9999)
            net_tick(net);
    }
    printf("net: %.0f fresh connections with one HTTP request each/s in memory\n", CONNECTIONS / seconds_since(begun));
    net_free(&net);
    emit_free(&sink);
    return 0;
}

/* ---- through the role ---- */

static int tap_open(void)
{
    struct ifreq r = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return -1;
    snprintf(r.ifr_name, sizeof(r.ifr_name), "bj0");
    if (ioctl(fd, TUNSETIFF, &r) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Everything the tap has goes out in one write, and everything that came is handed over in one turn. */
static void relay(int tap, int stream)
{
    static uint8_t in[1 << 20], out[1 << 18];
    size_t have = 0;

    for (;;) {
        struct pollfd p[2] = {{.fd = tap, .events = POLLIN}, {.fd = stream, .events = POLLIN}};
        if (poll(p, 2, -1) < 0)
            _exit(1);
        size_t used = 0;
        ssize_t n = 0;
        while (sizeof(out) - used > 2048 && (n = read(tap, out + used + 4, 2044)) > 0) {
            out[used] = out[used + 1] = 0;
            out[used + 2] = (uint8_t)(n >> 8);
            out[used + 3] = (uint8_t)n;
            used += 4 + (size_t)n;
        }
        if (used && file_write_all(stream, out, used) < 0)
            _exit(0);
        if (!p[1].revents)
            continue;
        n = read(stream, in + have, sizeof(in) - have);
        if (n <= 0)
            _exit(0);
        have += (size_t)n;
        size_t at = 0;
        while (have - at >= 4) {
            size_t size = (size_t)in[at + 2] << 8 | in[at + 3];
            if (have - at - 4 < size)
                break;
            if (write(tap, in + at + 4, size) < 0 && errno != EINVAL && errno != EAGAIN)
                _exit(1);
            at += 4 + size;
        }
        memmove(in, in + at, have - at);
        have -= at;
    }
}

static int open_tcp(uint32_t ip, uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(ip)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Keep-alive requests on 32 connections, 16 in flight on each. */
static int bench_http(void)
{
    enum { CONNECTIONS = 32, DEPTH = 16, ROUNDS = 200 };
    static const char ask[] = "GET /index.html HTTP/1.1\r\nHost: a.example\r\nUser-Agent: bench\r\n\r\n";
    static char block[sizeof(ask) * DEPTH], answer[1 << 16];
    int fds[CONNECTIONS];
    size_t block_n = 0, each = 0;

    for (int i = 0; i < DEPTH; i++, block_n += sizeof(ask) - 1)
        memcpy(block + block_n, ask, sizeof(ask) - 1);
    for (int i = 0; i < CONNECTIONS; i++)
        if ((fds[i] = open_tcp(0x2d000001 + (uint32_t)i, (uint16_t)(8000 + i))) < 0)
            return -1;
    if (write(fds[0], ask, sizeof(ask) - 1) < 0)
        return -1;
    usleep(200000);
    ssize_t got = read(fds[0], answer, sizeof(answer));
    if (got <= 0)
        return -1;
    each = (size_t)got; /* every answer has the same length */
    uint64_t begun = time_monotonic_ns();
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CONNECTIONS; i++)
            if (file_write_all(fds[i], block, block_n) < 0)
                return -1;
        for (int i = 0; i < CONNECTIONS; i++)
            for (size_t want = each * DEPTH; want;) {
                ssize_t n = read(fds[i], answer, want < sizeof(answer) ? want : sizeof(answer));
                if (n <= 0)
                    return -1;
                want -= (size_t)n;
            }
    }
    printf("net: %.0f HTTP requests/s over %d kept connections (%zu bytes each), tap and role\n",
           CONNECTIONS * DEPTH * ROUNDS / seconds_since(begun), CONNECTIONS, each);
    for (int i = 0; i < CONNECTIONS; i++)
        close(fds[i]);
    enum { FRESH = 2000 };
    begun = time_monotonic_ns();
    for (int i = 0; i < FRESH; i++) {
        int fd = open_tcp(0x2e000001 + (uint32_t)i, (uint16_t)(10000 + i));
        if (fd < 0)
            return -1;
        if (write(fd, "GET / HTTP/1.0\r\n\r\n", 18) != 18 || read(fd, answer, sizeof(answer)) <= 0)
            return -1;
        close(fd);
    }
    printf("net: %.0f fresh connections/s one after the other, each to a new address and port\n",
           FRESH / seconds_since(begun));
    return 0;
}

static int bench_dns(void)
{
    enum { QUERIES = 100000, WINDOW = 64 };
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(53), .sin_addr = {htonl(GATEWAY)}};
    uint8_t q[64] = "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x08xxxxxxxx\x07"
                    "example\x03"
                    "com\x00\x00\x01\x00\x01",
            r[600];
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), sent = 0, got = 0, missed = 0;

    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
        return -1;
    uint64_t begun = time_monotonic_ns();
    while (got + missed < QUERIES) {
        while (sent < QUERIES && sent - got - missed < WINDOW) {
            char label[9];
            snprintf(label, sizeof(label), "%08x", sent++);
            memcpy(q + 13, label, 8);
            if (write(fd, q, 38) < 0)
                missed++;
        }
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, 1000) <= 0)
            missed = sent - got;
        while (recv(fd, r, sizeof(r), MSG_DONTWAIT) > 0)
            got++;
    }
    printf("net: %.0f DNS answers/s, %d of %d answered, tap and role\n", got / seconds_since(begun), got, QUERIES);
    close(fd);
    return got < QUERIES * 99 / 100 ? -1 : 0;
}

/* The client runs in a child, so that this process can go on reading the role's events. */
static int client(struct net_client *c)
{
    struct err e = {0};
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int failed = bench_http() < 0 || bench_dns() < 0;
        fflush(stdout);
        _exit(failed);
    }
    while (waitpid(pid, &status, WNOHANG) == 0) {
        struct pollfd p = {.fd = net_client_fd(c), .events = POLLIN};
        poll(&p, 1, 50);
        if (net_client_poll(c, NULL, NULL, &e) < 0) {
            fprintf(stderr, "bench-net: %s\n", e.text);
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            return 1;
        }
    }
    if (net_client_finish(c, 20000, NULL, NULL, &e) < 0)
        fprintf(stderr, "bench-net: %s\n", e.text);
    const struct net_client_status *s = net_client_status(c);
    printf("net: %llu events told, %llu left out by the rate limit, %llu frames dropped\n",
           (unsigned long long)s->events, (unsigned long long)s->lost, (unsigned long long)s->dropped_frames);
    return status != 0;
}

static int bench_role(void)
{
    int pair[2], tap;
    struct net_client *c = NULL;
    struct err e;
    static const char *const commands[][9] = {{"ip", "addr", "add", NET_GUEST_IP "/24", "dev", "bj0", NULL},
                                              {"ip", "link", "set", "bj0", "txqueuelen", "20000", "up", NULL},
                                              {"ip", "route", "add", "default", "via", NET_GATEWAY_IP, NULL}};

    if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0 || (tap = tap_open()) < 0) {
        printf("net: no network namespace with a tap device here: the part with the role is left out\n");
        return 0;
    }
    for (int i = 0; i < 3; i++)
        if (spawn_run(commands[i], NULL, 10000, &e) < 0) {
            fprintf(stderr, "bench-net: %s\n", e.text);
            return 1;
        }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return 1;
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(pair[0]);
        relay(tap, pair[1]);
    }
    close(tap);
    close(pair[1]);
    struct net_client_options o = {.pcap_path = "/dev/null", .frame_fd = pair[0], .salt = salt};
    int failed = net_client_start_with(&o, &c, &e);
    if (failed < 0)
        fprintf(stderr, "bench-net: %s\n", e.text);
    else
        failed = client(c);
    net_client_stop(&c);
    close(pair[0]);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return failed != 0;
}

int main(int argc, char **argv)
{
    static const struct role *const roles[] = {&net_role, NULL};
    int status = role_main(argc, argv, roles);

    if (status >= 0)
        return status;
    setvbuf(stdout, NULL, _IOLBF, 0);
    return bench_inside() || bench_role();
}
