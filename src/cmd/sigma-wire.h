/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between `belljar sigma scan` and its jailed half. All numbers LE; a text is u32 length and bytes. */
#ifndef BELLJAR_CMD_SIGMA_WIRE_H
#define BELLJAR_CMD_SIGMA_WIRE_H

#include "cmd/sigma-role.h"
#include "os/role.h"

#define SIGMA_HIT_RECORDS_MAX 10000
#define SIGMA_READY_NUMBERS 4
#define SIGMA_DONE_NUMBERS 10

enum sigma_message {
    SIGMA_RULES = 1,    /* u32 no index, u32 level, source; descriptors: texts, placeholders */
    SIGMA_BAD_RULE = 2, /* u32 line, text file, text reason */
    SIGMA_READY = 3,    /* u64 each of struct sigma_loaded */
    SIGMA_LOG = 4,      /* u32 lines; descriptor: the log */
    SIGMA_TROUBLE = 5,  /* u64 record, u64 line, u64 offset, text */
    SIGMA_HITS = 6,     /* many: u64 record, u32 rule, u32 level, text id, text title, u32 correlation, u32 n, n u64 */
    SIGMA_DONE = 7,     /* u64 each of struct sigma_scanned */
    SIGMA_FAILED = 8,   /* why */
};

#endif
