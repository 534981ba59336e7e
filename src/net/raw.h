/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Everything that is neither web nor name service: what a protocol is by its first bytes, and who speaks first. */
#ifndef BELLJAR_NET_RAW_H
#define BELLJAR_NET_RAW_H

#include "base/str.h"

/* A word for a TCP protocol by the guest's first bytes, else by the port where the server speaks first, else "raw".
 * Static text. */
const char *raw_recognise_tcp(struct str first, uint16_t port);
/* A word for a UDP protocol by port and first bytes, else "udp". Static text. */
const char *raw_recognise_udp(struct str first, uint16_t port);
/* What a server on this port says before the client does; STR_NONE when it waits. Static. */
struct str raw_banner(uint16_t port);

#endif
