/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * TCP for every address and every port, by Debian's unpatched lwIP (2.1.3 on
 * Debian 12, 2.2.1 on 13). No thread is made: lwIP is initialised without its
 * tcpip thread and driven by stack_input and stack_tick. One stack per
 * process (lwIP's state is global). No lwIP name leaves stack.c.
 *
 * How an unpatched stack serves all addresses: the packet's destination is
 * written into the interface's address, and its port into the one listening
 * control block, just before the packet goes in.
 * How it serves many connections: lwIP keeps all connections in one linked
 * list that it walks for every packet. We keep STACK_SHARDS such lists and put
 * the right one in place before each call, so that a walk sees a handful.
 *
 * Memory: lwIP is built with malloc for everything, so that the limits are
 * here: connections are limited by the caller (who says no in `begin`),
 * connections that are over but linger to STACK_LINGER per shard, what lwIP
 * holds of received packets (out of order) to STACK_HELD_MAX in all.
 */
#ifndef BELLJAR_NET_STACK_H
#define BELLJAR_NET_STACK_H

#include "base/str.h"

#define STACK_SHARDS 8191
#define STACK_LINGER 6             /* closing connections, and as many in TIME-WAIT, per shard */
#define STACK_HELD_MAX (48u << 20) /* bytes of packets inside lwIP */
#define STACK_TICK_MS 250

struct stack;
struct stack_conn; /* one connection; belongs to the stack */

struct stack_end {
    uint32_t src, dst; /* guest, made-up address */
    uint16_t sport, dport;
};

struct stack_handlers {
    void *context;
    /* An IPv4 packet for the guest. */
    void (*packet)(void *context, uint32_t src, const uint8_t *ip, size_t n);
    /* The handshake is complete. Returns the user's pointer for this connection, or NULL to reset it. */
    void *(*opened)(void *context, struct stack_conn *c, const struct stack_end *end);
    /* Data came; it was taken. Call stack_consumed when room for more may be announced. */
    void (*data)(void *context, void *user, const uint8_t *p, size_t n);
    /* The guest acknowledged something: there may be room to write. */
    void (*sent)(void *context, void *user);
    /* The guest closed its side. Call stack_close when ready. */
    void (*finished)(void *context, void *user);
    /* The connection is gone (reset, or given up after retransmissions): the pointer is invalid from now on. */
    void (*gone)(void *context, void *user);
};

struct stack_status {
    uint64_t held;          /* bytes of packets inside lwIP now */
    uint64_t held_dropped;  /* packets not taken because of STACK_HELD_MAX */
    uint64_t unsent_wait;   /* bytes written and not yet acknowledged, all connections */
    uint64_t lingering_cut; /* lingering connections that had to make room */
};

int stack_new(const struct stack_handlers *h, uint32_t seed, struct stack **ret);
void stack_free(struct stack **s);
/* A whole, checked IPv4 packet with TCP in it. is_syn: SYN without ACK. */
void stack_input(struct stack *s, const uint8_t *ip, size_t n, const struct stack_end *end, bool is_syn);
/* A fragment. When it completes a datagram, the whole packet is copied to out (at most max bytes) and its length
 * returned, else 0. */
size_t stack_reassemble(struct stack *s, const uint8_t *ip, size_t n, uint8_t *out, size_t max);
/* Every STACK_TICK_MS. */
void stack_tick(struct stack *s);
/* Forgets a connection whose handshake never completed, without a word to the guest. */
void stack_drop_half(struct stack *s, const struct stack_end *end);

/* Queues as much as fits, returns how much (0: wait for `sent`). */
size_t stack_write(struct stack_conn *c, const void *p, size_t n);
void stack_push(struct stack_conn *c); /* sends what was queued */
void stack_consumed(struct stack_conn *c, size_t n);
/* Orderly end after what was queued; the pointer is invalid from now on, no handler is called any more. */
void stack_close(struct stack_conn *c);
void stack_reset(struct stack_conn *c); /* the same with a RST */
const struct stack_status *stack_get_status(const struct stack *s);

#endif
