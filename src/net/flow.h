/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The table of conversations. At most FLOWS_MAX live; when one more comes, the
 * one that matters least ends early: the oldest half-open, else datagram, else
 * the longest silent connection. Every flow ends exactly once through the
 * `end` function, which takes it out of the stack and tells the event.
 */
#ifndef BELLJAR_NET_FLOW_H
#define BELLJAR_NET_FLOW_H

#include "base/str.h"

#define FLOWS_MAX 65536
#define FLOW_FIRST_MAX 64

#define FLOW_HALF_NS 25000000000u     /* no handshake by then: over */
#define FLOW_DATAGRAM_NS 30000000000u /* silence that ends a UDP or ICMP conversation */
#define FLOW_OPEN_NS 300000000000u    /* silence that ends a TCP connection */

enum flow_class { FLOW_HALF, FLOW_DATAGRAM, FLOW_OPEN, FLOW_CLASSES };

struct flow_key {
    uint32_t src, dst;
    uint16_t sport, dport;
    uint8_t proto; /* enum frame_proto */
};

struct flow {
    struct flow_key key;
    enum flow_class class;
    uint64_t first_ns, last_ns; /* CLOCK_MONOTONIC */
    uint64_t sent, received;    /* payload from and to the guest */
    const char *app;            /* static text, NULL until recognised */
    char *host;                 /* owned, NULL when unknown */
    void *user;                 /* the connection's state; `end` must release it */
    uint8_t first[FLOW_FIRST_MAX];
    unsigned first_n;
    struct flow *chain, *older, *newer; /* private */
};

struct flows;

int flows_new(const uint8_t key[16], void (*end)(void *context, struct flow *f), void *context, struct flows **ret);
void flows_free(struct flows **t); /* ends nothing: call flows_end_all before */
struct flow *flows_find(struct flows *t, const struct flow_key *k);
/* A new flow (the key must not be there). NULL when there is no memory: counted as dropped. */
struct flow *flows_add(struct flows *t, const struct flow_key *k, enum flow_class class, uint64_t now_ns);
void flows_touch(struct flows *t, struct flow *f, uint64_t now_ns);
void flows_reclass(struct flows *t, struct flow *f, enum flow_class class);
/* Counts and keeps first bytes; *f is touched too. */
void flow_sent(struct flows *t, struct flow *f, const void *p, size_t n, uint64_t now_ns);
void flow_set_host(struct flow *f, struct str host); /* the first one set stays */
void flows_end(struct flows *t, struct flow *f);
void flows_expire(struct flows *t, uint64_t now_ns);
void flows_end_all(struct flows *t);
/* Ends the one that matters least: also used when memory gets short. False when there is none. */
bool flows_evict(struct flows *t);
uint32_t flows_count(const struct flows *t);
uint64_t flows_evicted(const struct flows *t);

#endif
