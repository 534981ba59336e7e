/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The agent's end of the wire. Only this module knows what it runs over: a
 * virtio-serial port, TCP or vsock.
 *
 * Any thread may send; one thread (the main loop) serves the descriptor.
 * Three lanes share the way out, the first non-empty one goes first: answers
 * must not wait behind events, events not behind copies of files. Each lane has
 * its own bound. Sequence and tag are given when a frame leaves.
 */
#ifndef BELLJAR_AGENT_CHANNEL_H
#define BELLJAR_AGENT_CHANNEL_H

#include "proto/wire.h"

enum channel_lane { LANE_CONTROL, LANE_EVENTS, LANE_BULK, LANE_COUNT };

#define CHANNEL_EVENTS_MAX (48u << 20)
#define CHANNEL_BULK_MAX (8u << 20)

struct channel;
typedef void channel_fn(void *context, const struct wire_header *h, const uint8_t *payload);

/* Allocates; connects nothing. NULL without memory. */
struct channel *channel_new(channel_fn *fn, void *context);
/*
 * how: NULL = the first virtio port, "tcp:ADDRESS:PORT", "vsock:CID:PORT" or "fd:N".
 * 0 or -errno; may be called again until it works.
 */
int channel_connect(struct channel *c, const char *how);
int channel_fd(const struct channel *c);      /* watch with EPOLLET | EPOLLIN | EPOLLOUT; -1 before it is connected */
int channel_wake_fd(const struct channel *c); /* eventfd: something was queued */
/* Reads, hands frames to fn, writes, until both would block. */
void channel_serve(struct channel *c);
/*
 * Queues a copy. 0, -ENOBUFS when the lane is full, -ENOMEM. On LANE_BULK it waits for room instead
 * (up to wait_ms, then -ETIMEDOUT): what fills that lane has a queue of its own in the kernel.
 */
int channel_send(struct channel *c, enum channel_lane lane, uint8_t type, const void *payload, size_t n);
int channel_send_wait(struct channel *c, uint8_t type, const void *payload, size_t n, unsigned wait_ms);
uint64_t channel_queued(struct channel *c); /* bytes in all lanes */
uint64_t channel_garbage(const struct channel *c);
/* Both directions use this key and number from 1 from now on. */
/* The next thing that comes in is a WIRE_HELLO: boot key, sequence 1. What goes out is not changed. */
void channel_expect_hello(struct channel *c);
void channel_rekey(struct channel *c, const uint8_t key[16]);

#endif
