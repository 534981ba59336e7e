/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ICMP echo (RFC 792): every address answers. */
#ifndef BELLJAR_NET_ICMP_H
#define BELLJAR_NET_ICMP_H

#include "base/buf.h"

/*
 * message: the ICMP message (behind the IP header). When it is a well-formed
 * echo request, *ret (initialised by the caller) gets the reply and the
 * identifier goes to *ret_id; returns 1. 0: nothing to answer. ERR_TRUNCATED,
 * ERR_FORMAT (checksum) when it is malformed.
 */
int icmp_answer(struct str message, struct buf *ret, uint16_t *ret_id);

#endif
