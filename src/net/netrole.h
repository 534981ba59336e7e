/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The simulated internet as a jailed role of its own.
 *
 * Parent to role, once: NETROLE_BEGIN with struct below as bytes and the descriptors
 * [0] the machine's frame stream (a stream socket; 4-byte big-endian length + Ethernet frame),
 * [1] the pcap file to write. src/net/client.h is the parent's side of all this.
 * Role to parent: NETROLE_EVENTS (event batches in the wire's encoding, source
 * EVENT_SOURCE_NET, times in CLOCK_MONOTONIC ns of the host), NETROLE_STATUS.
 * NETROLE_FINISH asks for the open flows; the role answers its last events and NETROLE_DONE, then exits.
 */
#ifndef BELLJAR_NET_NETROLE_H
#define BELLJAR_NET_NETROLE_H

#include "os/ipc.h"
#include "os/role.h"

enum netrole_message {
    NETROLE_BEGIN = 1, /* u32le mode (0 simulated); varint length + salt (16 random bytes: answers stable per name in an
                          installation); u64le most bytes of the pcap file, 0 or absent: NET_PCAP_MAX */
    NETROLE_FINISH = 2,
    NETROLE_EVENTS = 10,
    NETROLE_STATUS = 11, /* once per second, u64le each: frames in, out, bytes in, out, dropped frames, pcap bytes;
                            events, lost events, conversations now, frames not in the pcap, malformed frames */
    NETROLE_DONE = 12,
};

/* The plan of addresses inside the guest's network: also in images' network configuration. */
#define NET_GUEST_IP "192.168.178.34"
#define NET_GATEWAY_IP "192.168.178.1" /* also DNS, DHCP */
#define NET_PREFIX 24

#define NET_PCAP_MAX (1ull << 30)

extern const struct role net_role;

#endif
