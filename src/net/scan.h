/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Notices scanning: many different addresses or ports within a minute.
 * Addresses that DNS handed out do not count as hosts (a browser visits many),
 * the gateway neither.
 */
#ifndef BELLJAR_NET_SCAN_H
#define BELLJAR_NET_SCAN_H

#include "base/str.h"

#define SCAN_FIRST 20              /* told at 20, 200, 2,000 ... */
#define SCAN_HOSTS_MAX 262144      /* counted exactly up to here, then it stands still */
#define SCAN_QUIET_NS 60000000000u /* no new target for so long: counting starts again */

struct scan;

struct net_scan_report {
    uint32_t hosts, ports;
};

int net_scan_new(const uint8_t key[16], struct scan **ret);
void net_scan_free(struct scan **s);
/* A new conversation was begun. True when the counts in *ret are worth an event now. */
bool net_scan_target(struct scan *s, uint32_t address, uint16_t port, bool named, uint64_t now_ns,
                     struct net_scan_report *ret);

#endif
