/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes a pcap file (draft-ietf-opsawg-pcap: classic format, nanosecond
 * magic 0xa1b23c4d, link type 1 Ethernet), little endian, host's real time.
 * The size is capped; a full disk or the cap ends writing for good, at a whole
 * record, and everything that is left out is counted.
 */
#ifndef BELLJAR_NET_PCAP_H
#define BELLJAR_NET_PCAP_H

#include <stddef.h>
#include <stdint.h>

struct pcap;

struct pcap_status {
    uint64_t bytes;    /* in the file */
    uint64_t frames;   /* recorded (those still buffered too) */
    uint64_t left_out; /* frames not recorded */
    int error;         /* 0, ERR_LIMIT (cap) or the negative errno that ended it */
};

#define PCAP_SNAPLEN 65535u

/* Owns fd on success. Writes the header. */
int pcap_new(int fd, uint64_t bytes_max, struct pcap **ret);
void pcap_free(struct pcap **p); /* flushes, closes */
void pcap_add(struct pcap *p, int64_t real_ns, const void *frame, size_t n);
void pcap_flush(struct pcap *p);
const struct pcap_status *pcap_get_status(const struct pcap *p);

#endif
