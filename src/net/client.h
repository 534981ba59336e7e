/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The parent's side of the net role: starts it, reads its events and status,
 * ends it. Single-threaded, never blocks except in net_client_start and
 * net_client_finish. What comes from the role is checked like a file from a stranger.
 */
#ifndef BELLJAR_NET_CLIENT_H
#define BELLJAR_NET_CLIENT_H

#include "base/err.h"
#include "event/event.h"

#include <stdbool.h>

struct net_client;

struct net_client_options {
    const char *pcap_path; /* created or truncated, mode 0600 */
    int frame_fd; /* the machine's frame stream: borrowed, the role gets a duplicate; close yours after the start */
    const uint8_t *salt; /* 16 bytes, or NULL: the installation's own (kept in the data folder) */
    uint64_t pcap_max;   /* 0: NET_PCAP_MAX */
};

struct net_client_status { /* as of the role's last report (once per second and at its end) */
    uint64_t frames_in, frames_out, bytes_in, bytes_out;
    uint64_t dropped_frames; /* malformed, oversized, no room */
    uint64_t pcap_bytes, pcap_left_out;
    uint64_t events, lost; /* lost: left out by the rate limit, or on the way */
    uint64_t flows;
    uint64_t malformed;
    uint64_t bad_batches; /* what we could not read */
    bool done;            /* the role answered net_client_finish */
    bool ended;           /* its channel is closed */
};

/* Strings of ev are borrowed; source is EVENT_SOURCE_NET, time_ns is the host's CLOCK_MONOTONIC. */
typedef void net_client_event_fn(void *context, const struct event *ev);

/* The binary must call role_main with net_role in its table. */
int net_client_start(const char *pcap_path, int frame_fd, struct net_client **ret, struct err *e);
int net_client_start_with(const struct net_client_options *o, struct net_client **ret, struct err *e);
int net_client_fd(const struct net_client *c); /* readable: call net_client_poll */
/* Handles what is there. Returns the number of events, or ERR_PEER when the role is gone. */
int net_client_poll(struct net_client *c, net_client_event_fn *fn, void *context, struct err *e);
/* Asks for the last events and waits up to timeout_ms for the role's end. 0, ERR_TIMEOUT, ERR_PEER. */
int net_client_finish(struct net_client *c, int timeout_ms, net_client_event_fn *fn, void *context, struct err *e);
const struct net_client_status *net_client_status(const struct net_client *c);
/* The installation's salt: read from the data folder, made there at first. Without a folder: random, with the reason in
 * e, result 1. */
int net_client_salt(uint8_t ret[16], struct err *e);
void net_client_stop(struct net_client **c); /* kills what is left of it */

#endif
