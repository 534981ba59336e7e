/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A pcap file as what was said: each direction of each TCP connection put together, and the datagrams of each UDP
 * flow one behind the other. Sources: draft-ietf-opsawg-pcap (classic format, both byte orders, link type 1), RFC 894,
 * RFC 791, RFC 768, RFC 9293 3.1. A pure function of bytes.
 *
 * Segments are placed by their sequence numbers; holes are zero bytes; where two overlap, the later one stays.
 * Fragments and IPv6 are not taken. What is left out is counted.
 */
#ifndef BELLJAR_DETECT_YARA_STREAMS_H
#define BELLJAR_DETECT_YARA_STREAMS_H

#include "base/buf.h"
#include "base/reader.h"

#define STREAMS_MAX 4096
#define STREAM_BYTES_MAX (8u << 20)
#define STREAMS_BYTES_MAX (192u << 20) /* all together */

struct stream {
    uint32_t from, to; /* IPv4 addresses, host order */
    uint16_t from_port, to_port;
    bool tcp;
    bool begun;         /* TCP: first_seq is known */
    uint32_t first_seq; /* sequence number of the first byte */
    struct buf data;
};

struct streams {
    struct stream *items; /* owned */
    size_t count;
    uint32_t *slots; /* private */
    uint64_t seed;
    size_t bytes;
    uint64_t left_out; /* packets that were not (wholly) taken */
};

/* 0, or ERR_FORMAT when it is no such file. A file that ends in the middle of a packet is taken up to there. */
int streams_read(struct reader *in, struct streams *ret, struct err *e);
void streams_free(struct streams *s);
/* "tcp 10.13.37.14:41000 > 198.51.100.23:80" */
#define STREAM_NAME_MAX 64
void stream_name(const struct stream *s, char ret[STREAM_NAME_MAX]);

#endif
