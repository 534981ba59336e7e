/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A DHCP server with one lease (RFC 2131, options RFC 2132): whoever asks
 * gets NET_GUEST_IP, with NET_GATEWAY_IP as router and name server.
 */
#ifndef BELLJAR_NET_DHCP_H
#define BELLJAR_NET_DHCP_H

#include "base/buf.h"

#define DHCP_HOST_MAX 64

struct dhcp_query {
    uint8_t type; /* option 53: 1 discover, 3 request, 7 release, 8 inform; 0 plain BOOTP */
    uint32_t xid;
    uint32_t requested; /* option 50 or ciaddr, 0 = none */
    uint32_t server;    /* option 54, 0 = none */
    uint8_t mac[6];
    bool broadcast;
    struct str hostname; /* option 12, borrowed, at most DHCP_HOST_MAX */
};

/* 0, ERR_TRUNCATED or ERR_FORMAT. Options are read up to the first malformed one, which is an error. */
int dhcp_parse(struct str datagram, struct dhcp_query *ret);
/* Appends the answer. 1: send it; 0: none is due (release, decline, a request for another server). */
int dhcp_answer(const struct dhcp_query *q, struct buf *ret);

#endif
