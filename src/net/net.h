/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The simulated internet as one object: frames in, frames and events out. No
 * descriptor is known here; role.c does input and output. One per process
 * (stack.h). Times are handed in, so that tests can make their own.
 *
 * Limits: FLOWS_MAX conversations, NET_MEMORY_MAX bytes in connection buffers
 * (then the least important conversations end early), no limit on new
 * connections per second.
 */
#ifndef BELLJAR_NET_NET_H
#define BELLJAR_NET_NET_H

#include "base/buf.h"
#include "net/emit.h"
#include "net/flow.h"
#include "net/frame.h"
#include "net/names.h"
#include "net/pcap.h"
#include "net/scan.h"

#define NET_MEMORY_MAX (96u << 20)
#define NET_RAW_MAX (256u << 20) /* bytes swallowed on one unknown connection, then it is closed */

struct stack;
struct stack_conn;
struct stack_end;

struct net_counters {
    uint64_t frames_in, frames_out, bytes_in, bytes_out;
    uint64_t malformed; /* frames that are no frames, bad checksums and lengths */
    uint64_t ignored;   /* IPv6, other protocols, multicast: well-formed, without answer */
    uint64_t ipv6;      /* of the ignored */
    uint64_t no_room;   /* answers that did not fit into the output queue */
};

struct net {
    uint8_t salt[NAMES_SALT];
    struct names *names;
    struct flows *flows;
    struct scan *scan;
    struct emit *emit; /* borrowed */
    struct pcap *pcap; /* borrowed, may be NULL */
    struct stack *stack;
    void (*send)(void *context, const uint8_t *frame, size_t n); /* a frame for the guest */
    void *send_context;
    uint64_t now_ns; /* CLOCK_MONOTONIC */
    int64_t real_ns;
    uint8_t guest_mac[6];
    uint16_t ip_id;
    uint64_t held; /* bytes in connection buffers */
    bool finishing, eviction_told;
    struct net_counters counters;
};

int net_new(const uint8_t salt[NAMES_SALT], struct emit *emit, struct pcap *pcap,
            void (*send)(void *context, const uint8_t *frame, size_t n), void *send_context, struct net **ret);
void net_free(struct net **n);
void net_clock(struct net *n, uint64_t monotonic_ns, int64_t real_ns);
void net_frame(struct net *n, const uint8_t *frame, size_t size);
void net_tick(struct net *n);   /* every STACK_TICK_MS */
void net_finish(struct net *n); /* ends all conversations with their events */
/* A run.note event. */
void net_note(struct net *n, const char *code, const char *text);

/* ---- between the files of this folder ---- */
/* To the guest; counts and records. Fits frame_send_ip's callback, context is the struct net. */
void net_send(void *context, const uint8_t *frame, size_t n);
/* The flow of a packet; a new one is announced to scan detection and gets its host name. NULL: no memory. */
struct flow *net_flow(struct net *n, const struct flow_key *k, enum flow_class class);
void net_dns_event(struct net *n, const struct flow *f, struct str query, struct buf *answer, bool udp);

void udp_frame(struct net *n, const struct frame *f);

/* TCP: conn.c */
extern const struct stack_handlers conn_handlers;
void conn_flow_end(struct net *n, struct flow *f); /* the flow ends: closes or resets its connection */

#endif
