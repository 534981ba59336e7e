/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads a TLS ClientHello (RFC 8446 4.1.2, RFC 6066 3): whether it is one, and the server name in it. */
#ifndef BELLJAR_NET_TLS_H
#define BELLJAR_NET_TLS_H

#include "base/str.h"

#define TLS_NAME_MAX 256
#define TLS_HELLO_MAX (16u << 10)

struct tls_hello {
    uint16_t version;        /* legacy_version of the hello */
    char name[TLS_NAME_MAX]; /* server_name, "" without */
    char alpn[64];           /* first protocol offered, "" without */
};

/* 1: a whole hello, *ret filled. 0: more bytes are needed. ERR_FORMAT: not a ClientHello, or a broken one;
   ERR_LIMIT: longer than TLS_HELLO_MAX. Hellos split over several records are put together. */
int tls_parse_hello(struct str bytes, struct tls_hello *ret);

/* A fatal handshake_failure alert: what a server sends that has no certificate for the name. */
extern const uint8_t tls_alert[7];

#endif
