/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The name server: RFC 1034/1035 messages, EDNS (RFC 6891). Every name that
 * could exist does, with a stable address (names.h). AAAA is answered "exists,
 * has no such record", which makes programs take IPv4. Names that never exist
 * on the real internet get NXDOMAIN: single labels, .invalid, .local, .onion,
 * .test, .localhost (RFC 6761, 6762, 7686) and unknown hosts of the home router's own domain.
 */
#ifndef BELLJAR_NET_DNS_H
#define BELLJAR_NET_DNS_H

#include "base/buf.h"
#include "net/names.h"

#define DNS_NAME_TEXT 1024 /* a name as text, with \DDD escapes and NUL */
#define DNS_RESULTS_TEXT 512
#define DNS_MESSAGE_MAX 65535

struct dns_info {             /* what was asked and answered, for the event */
    char name[DNS_NAME_TEXT]; /* without the final dot; bytes outside printable ASCII as \DDD; "." for the root */
    char type[16];            /* "A", "AAAA", ..., "TYPE123" */
    char results[DNS_RESULTS_TEXT];
    uint8_t rcode;
};

/*
 * query: one message. Appends the answer to *ret (its max is the caller's
 * limit for one message). udp: keep within what the client can take (512, or
 * its EDNS size up to 1,232), else set TC.
 * 1: answer appended and *ret_info filled (also for FORMERR with a readable
 * header: then info.name is ""). 0: not a query, nothing to say. ERR_TRUNCATED: shorter than a header.
 * names may be NULL for a dry run (fuzzing): addresses are then 192.0.2.1.
 */
int dns_answer(struct names *names, struct str query, bool udp, struct buf *ret, struct dns_info *ret_info);

#endif
