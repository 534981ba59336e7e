/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the web answers: a harmless body that fits the name that was asked for.
 * Everything is built here, byte by byte; nothing is taken from real files.
 */
#ifndef BELLJAR_NET_BODY_H
#define BELLJAR_NET_BODY_H

#include "base/buf.h"

#define BODY_MAX 65536

struct body_request {
    struct str method, host, path; /* path without the query */
    struct str query;              /* behind '?', STR_NONE without */
    struct str accept, agent;
    uint32_t own_address; /* what "what is my address" services say */
};

/* Fills *ret (initialised, max >= BODY_MAX) and returns the status; *ret_type is static text, NULL for 204. */
unsigned body_make(const struct body_request *q, struct buf *ret, const char **ret_type);

/* A tiny executable that ends with status 0 at once; by architecture word found in the name ("arm7", "mips", ...), else
 * x86-64. */
void body_elf(struct str name, struct buf *ret);
/* A tiny 32-bit Windows program that ends with status 0. */
void body_pe(struct buf *ret);

#endif
