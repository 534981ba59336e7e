/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The jailed process around the simulated internet: descriptors, clocks, the conversation with the parent. */
#include "base/reader.h"
#include "jail/jail.h"
#include "net/net.h"
#include "net/netrole.h"
#include "net/stack.h"
#include "os/time.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define IN_BUFFER (256u << 10)
#define OUT_MAX (8u << 20) /* frames that wait for the machine; more are dropped and counted */
#define OUT_FLUSH (64u << 10)
#define SKIP_MAX (1u << 20) /* a frame longer than FRAME_MAX is skipped up to this; beyond, the stream is garbage */
#define BATCH_NS 100000000u /* events wait at most so long */
#define SECOND_NS 1000000000u

struct role_state {
    struct ipc *parent;
    struct net *net;
    struct emit *emit;
    struct pcap *pcap;
    int frames; /* -1 when the machine is gone */
    uint8_t *in;
    size_t in_n;
    uint64_t skip;     /* bytes of an oversized frame still to come */
    uint64_t oversize; /* frames */
    struct buf out;
    uint64_t next_tick_ns, next_status_ns, next_batch_ns;
    bool pcap_told;
    bool parent_gone;
};

static int send_events(void *context, const void *p, size_t n)
{
    struct role_state *s = context;

    if (s->parent_gone || ipc_send(s->parent, NETROLE_EVENTS, p, n, NULL, 0, NULL) < 0) {
        s->parent_gone = true;
        return ERR_PEER;
    }
    return 0;
}

static void clock_now(struct role_state *s)
{
    net_clock(s->net, time_monotonic_ns(), time_real_ns());
}

/* ---- the machine's side ---- */

static void machine_gone(struct role_state *s, const char *code, const char *text)
{
    close(s->frames);
    s->frames = -1;
    s->in_n = 0;
    buf_free(&s->out);
    if (code)
        net_note(s->net, code, text);
}

static void flush_frames(struct role_state *s)
{
    size_t done = 0;

    while (s->frames >= 0 && done < s->out.len) {
        ssize_t n = send(s->frames, s->out.data + done, s->out.len - done, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0) {
            done += (size_t)n;
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            break;
        } else {
            machine_gone(s, NULL, NULL);
            return;
        }
    }
    buf_consume(&s->out, done);
}

static void send_frame(void *context, const uint8_t *frame, size_t n)
{
    struct role_state *s = context;

    if (s->frames < 0)
        return;
    if (s->out.len + n + 4 > OUT_MAX) {
        flush_frames(s);
        if (s->frames < 0 || s->out.len + n + 4 > OUT_MAX) {
            s->net->counters.no_room++;
            return;
        }
    }
    if (buf_reserve(&s->out, n + 4) < 0) { /* both or nothing: half a frame would ruin the stream */
        s->out.failed = 0;
        s->net->counters.no_room++;
        return;
    }
    buf_u32be(&s->out, (uint32_t)n);
    buf_add(&s->out, frame, n);
}

/* Takes whole frames off the buffer; false when the stream makes no sense any more. */
static bool take_frames(struct role_state *s)
{
    size_t at = 0;

    for (;;) {
        if (s->skip) {
            size_t part = s->in_n - at < s->skip ? s->in_n - at : (size_t)s->skip;
            at += part;
            s->skip -= part;
        }
        if (s->in_n - at < 4)
            break;
        struct reader r;
        reader_init(&r, s->in + at, s->in_n - at);
        uint32_t n = reader_u32be(&r);
        if (n > SKIP_MAX)
            return false;
        if (n > FRAME_MAX) {
            s->oversize++;
            s->skip = n;
            at += 4;
            continue;
        }
        const uint8_t *frame = reader_bytes(&r, n);
        if (!reader_ok(&r))
            break;
        at += 4 + n;
        if (!n) {
            s->net->counters.malformed++;
            continue;
        }
        clock_now(s);
        net_frame(s->net, frame, n);
        if (s->out.len >= OUT_FLUSH)
            flush_frames(s);
        if (s->frames < 0)
            return true;
    }
    memmove(s->in, s->in + at, s->in_n - at);
    s->in_n -= at;
    return true;
}

static void read_frames(struct role_state *s)
{
    ssize_t n = recv(s->frames, s->in + s->in_n, IN_BUFFER - s->in_n, MSG_DONTWAIT);

    if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
        return;
    if (n <= 0) {
        machine_gone(s, NULL, NULL);
        return;
    }
    s->in_n += (size_t)n;
    if (!take_frames(s))
        machine_gone(s, "net-stream", "the machine's frame stream made no sense any more: the network ended early");
    else
        flush_frames(s);
}

/* ---- the parent's side ---- */

static void send_status(struct role_state *s)
{
    const struct net_counters *c = &s->net->counters;
    const struct pcap_status *p = pcap_get_status(s->pcap);
    const struct emit_status *m = emit_get_status(s->emit);
    uint64_t dropped = c->malformed + c->no_room + s->oversize + stack_get_status(s->net->stack)->held_dropped;
    const uint64_t values[] = {c->frames_in, c->frames_out, c->bytes_in,
                               c->bytes_out, dropped,       p->bytes,
                               m->events,    m->lost,       flows_count(s->net->flows),
                               p->left_out,  c->malformed};
    struct buf b;

    buf_init(&b, sizeof(values));
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
        buf_u64le(&b, values[i]);
    if (b.failed || s->parent_gone || ipc_send(s->parent, NETROLE_STATUS, b.data, b.len, NULL, 0, NULL) < 0)
        s->parent_gone = true;
    buf_free(&b);
}

static void tell_pcap(struct role_state *s)
{
    const struct pcap_status *p = pcap_get_status(s->pcap);
    char text[160];

    if (!p->error || s->pcap_told)
        return;
    s->pcap_told = true;
    if (p->error == ERR_LIMIT)
        snprintf(text, sizeof(text), "the packet capture reached its limit; later packets are not in it");
    else
        snprintf(text, sizeof(text), "the packet capture ended early: %s", err_name(p->error));
    net_note(s->net, p->error == ERR_LIMIT ? "pcap-limit" : "pcap-error", text);
}

static void timers(struct role_state *s)
{
    clock_now(s);
    uint64_t now = s->net->now_ns;
    if (now >= s->next_tick_ns) {
        net_tick(s->net);
        pcap_flush(s->pcap);
        tell_pcap(s);
        flush_frames(s);
        s->next_tick_ns = now + STACK_TICK_MS * 1000000u;
    }
    if (now >= s->next_batch_ns) {
        emit_flush(s->emit);
        s->next_batch_ns = now + BATCH_NS;
    }
    if (now >= s->next_status_ns) {
        send_status(s);
        s->next_status_ns = now + SECOND_NS;
    }
}

static void finish(struct role_state *s)
{
    clock_now(s);
    net_finish(s->net);
    flush_frames(s);
    pcap_flush(s->pcap);
    tell_pcap(s);
    emit_flush(s->emit);
    emit_flush(s->emit); /* again, when the first one had to count itself as lost */
    send_status(s);
    if (!s->parent_gone)
        ipc_send(s->parent, NETROLE_DONE, NULL, 0, NULL, 0, NULL);
}

/* 1: go on, 0: done, negative: the parent is gone or talks nonsense. */
static int hear_parent(struct role_state *s)
{
    struct ipc_message m;
    int got = ipc_poll(s->parent, &m, NULL);

    if (got <= 0)
        return got < 0 ? got : 1;
    for (unsigned i = 0; i < m.nfds; i++)
        close(m.fds[i]);
    if (m.type != NETROLE_FINISH)
        return ERR_PEER;
    finish(s);
    return 0;
}

static int read_begin(struct ipc_message *m, uint8_t salt[NAMES_SALT], uint64_t *ret_pcap_max)
{
    struct reader r;

    reader_init(&r, m->payload, m->length);
    uint32_t mode = reader_u32le(&r);
    uint64_t n = reader_varint(&r);
    const uint8_t *p = n == NAMES_SALT ? reader_bytes(&r, NAMES_SALT) : NULL;
    *ret_pcap_max = reader_left(&r) ? reader_u64le(&r) : 0;
    if (!*ret_pcap_max)
        *ret_pcap_max = NET_PCAP_MAX;
    if (m->type != NETROLE_BEGIN || m->nfds != 2 || mode != 0 || !p || !reader_ok(&r))
        return ERR_PEER;
    memcpy(salt, p, NAMES_SALT);
    return 0;
}

static int begin(struct role_state *s)
{
    struct ipc_message m;
    uint8_t salt[NAMES_SALT];
    uint64_t pcap_max;

    if (ipc_receive(s->parent, -1, &m, NULL) != 1)
        return ERR_PEER;
    int failed = read_begin(&m, salt, &pcap_max);
    if (failed) {
        for (unsigned i = 0; i < m.nfds; i++)
            close(m.fds[i]);
        return failed;
    }
    s->frames = m.fds[0];
    failed = pcap_new(m.fds[1], pcap_max, &s->pcap);
    if (failed) {
        close(m.fds[1]);
        return failed;
    }
    buf_init(&s->out, OUT_MAX);
    s->in = malloc(IN_BUFFER);
    if (!s->in)
        return -ENOMEM;
    failed = emit_new(send_events, s, &s->emit);
    if (!failed)
        failed = net_new(salt, s->emit, s->pcap, send_frame, s, &s->net);
    return failed;
}

static int serve(struct role_state *s)
{
    int go_on = 1;

    clock_now(s);
    s->next_status_ns = s->net->now_ns + SECOND_NS;
    while (go_on == 1 && !s->parent_gone) {
        uint64_t now = time_monotonic_ns();
        uint64_t next = s->next_tick_ns < s->next_batch_ns ? s->next_tick_ns : s->next_batch_ns;
        int wait = next > now ? (int)((next - now + 999999) / 1000000) : 0;
        struct pollfd p[2] = {{.fd = ipc_fd(s->parent), .events = POLLIN},
                              {.fd = s->frames, .events = (short)(POLLIN | (s->out.len ? POLLOUT : 0))}};
        if (poll(p, 2, wait) < 0 && errno != EINTR)
            return 1;
        if (p[1].revents & POLLOUT)
            flush_frames(s);
        if (s->frames >= 0 && (p[1].revents & (POLLIN | POLLHUP | POLLERR)))
            read_frames(s);
        timers(s);
        if (p[0].revents)
            go_on = hear_parent(s);
    }
    return go_on == 0 ? 0 : 1;
}

static int net_role_run(struct ipc *parent)
{
    struct role_state s = {.parent = parent, .frames = -1};
    int status = begin(&s) < 0 ? 2 : serve(&s);

    net_free(&s.net); /* before its sinks */
    emit_free(&s.emit);
    pcap_free(&s.pcap);
    buf_free(&s.out);
    free(s.in);
    if (s.frames >= 0)
        close(s.frames);
    return status;
}

static const struct jail_profile net_jail = {
    .name = "net",
    .memory_max = 768u << 20, /* address space; what is really used stays far below, see net.h */
    .files_max = 16,
    .file_size_max = NET_PCAP_MAX * 4,
};

const struct role net_role = {
    .name = "net",
    .doc = "the simulated internet of one machine: answers its frames, records them, tells events",
    .jail = &net_jail,
    .run = net_role_run,
};
