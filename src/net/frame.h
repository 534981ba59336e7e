/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Ethernet, ARP and IPv4 as bytes: taking frames apart and putting them
 * together. Pure functions; nothing is kept. Addresses are numbers in host
 * order ("192.168.178.1" is 0xc0a8b201).
 * Sources: RFC 894 (Ethernet), RFC 826 (ARP), RFC 791 (IPv4), RFC 768 (UDP), RFC 9293 3.1 (TCP header).
 */
#ifndef BELLJAR_NET_FRAME_H
#define BELLJAR_NET_FRAME_H

#include "base/reader.h"
#include "base/str.h"

#define FRAME_MAX 65550 /* Ethernet header + the largest IPv4 packet */
#define FRAME_ETH 14
#define FRAME_MTU 1500
#define FRAME_IP_TEXT 16

enum frame_kind { FRAME_ARP, FRAME_IPV4, FRAME_IPV6, FRAME_OTHER };
enum frame_proto { FRAME_ICMP = 1, FRAME_TCP = 6, FRAME_UDP = 17 };
enum frame_tcp_flag { FRAME_TCP_FIN = 1, FRAME_TCP_SYN = 2, FRAME_TCP_RST = 4, FRAME_TCP_ACK = 16 };

struct frame {
    enum frame_kind kind;
    uint8_t eth_dst[6], eth_src[6];
    /* ARP */
    uint16_t arp_op; /* 1 request */
    uint32_t arp_sender, arp_target;
    /* IPv4 */
    uint32_t src, dst;
    uint8_t proto;
    bool fragment;         /* part of a larger datagram: ports and payload are not looked at */
    uint16_t sport, dport; /* UDP, TCP */
    uint8_t tcp_flags;     /* TCP */
    struct str ip;         /* the whole packet without Ethernet padding */
    struct str payload;    /* UDP, TCP: data; others: everything behind the IP header */
};

/* 0, or ERR_TRUNCATED / ERR_FORMAT (bad lengths, bad IP or UDP checksum). Strings borrow from p. */
int frame_parse(const void *p, size_t n, struct frame *ret);
/* As frame_parse for an IPv4 packet without its Ethernet header; the Ethernet fields stay as they are. */
int frame_parse_ip(const void *p, size_t n, struct frame *ret);

/* Internet checksum (RFC 1071) over bytes; `start` is a partial sum. */
uint16_t frame_checksum(const void *p, size_t n, uint32_t start);

/* The hardware address that stands for an address of ours: the gateway's for everything outside the local network. */
void frame_mac_of(uint32_t ip, uint8_t ret[6]);
/* A plausible time to live of packets from that address: 64 in the local network, less from far away. */
uint8_t frame_ttl_of(uint32_t ip);

/* Writes an ARP reply "target is at mac" (42 bytes) for a request that may be answered; 0 length when it may not:
   probes (RFC 5227) and announcements of the guest's own address must stay without answer. */
size_t frame_arp_reply(const struct frame *request, uint8_t ret[42]);

/* Calls `send` with one or more frames that carry an IPv4 datagram, fragmented at FRAME_MTU. n up to 65,515. */
void frame_send_ip(uint32_t src, uint32_t dst, const uint8_t eth_dst[6], uint8_t proto, uint16_t id, const void *p,
                   size_t n, void (*send)(void *context, const uint8_t *frame, size_t n), void *context);
/* UDP with checksum. n up to 65,507. */
void frame_send_udp(uint32_t src, uint16_t sport, uint32_t dst, uint16_t dport, const uint8_t eth_dst[6], uint16_t id,
                    const void *p, size_t n, void (*send)(void *context, const uint8_t *frame, size_t n),
                    void *context);

void frame_ip_text(uint32_t ip, char ret[FRAME_IP_TEXT]);
/* Dotted quad, whole string. */
bool frame_ip_parse(struct str s, uint32_t *ret);

#endif
