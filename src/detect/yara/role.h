/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The jailed scanner: libyara behind a channel. It gets rule texts (or the
 * compiled form that one of its kind made before) and then one file after the
 * other, as descriptors; it answers with encoded results (hits.h). client.h is
 * the parent's side; nothing else talks to it.
 */
#ifndef BELLJAR_DETECT_YARA_ROLE_H
#define BELLJAR_DETECT_YARA_ROLE_H

#include "os/role.h"

extern const struct role yara_role;

enum yara_message {
    /* to the scanner */
    YARA_COMPILE = 1, /* defines; descriptors: texts (pack.h), place for the compiled form, magic table (optional) */
    YARA_LOAD = 2,    /* defines; descriptors: compiled form, magic table (optional) */
    YARA_LIST = 3,    /* nothing */
    YARA_SCAN =
        4, /* u32 timeout in s, u8 1: a pcap file by its streams, five texts: the externals; descriptor: the file */
    /* from the scanner */
    YARA_AT = 16,      /* u32 index of the text that is compiled next */
    YARA_PROBLEM = 17, /* u8 warning, u32 line, text file, text reason */
    YARA_READY = 18,   /* u32 number of rules */
    YARA_RULE = 19,    /* a result with one hit: one rule of the list */
    YARA_LISTED = 20,  /* nothing */
    YARA_RESULT = 21,  /* a result */
    YARA_REFUSED = 22, /* sentence: the request could not be done; the scanner goes on */
};

#define YARA_PROBLEMS_MAX 2000
#define YARA_ROLE_FDS_MAX 3

/* Defines on the wire. */
struct yara_define;
struct buf;
struct reader;
struct arena;
void yara_defines_encode(const struct yara_define *d, size_t n, struct buf *out);
int yara_defines_decode(struct reader *in, struct arena *a, struct yara_define **ret, size_t *ret_n, struct err *e);

#endif
