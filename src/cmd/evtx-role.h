/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The jailed half of `belljar evtx dump`. */
#ifndef BELLJAR_CMD_EVTX_ROLE_H
#define BELLJAR_CMD_EVTX_ROLE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define EVTX_DUMP_ALL UINT64_MAX

struct evtx_dump {
    bool xml;
    bool anomalies;  /* as JSON lines in place of the records */
    uint64_t record; /* only this one, from 0; or EVTX_DUMP_ALL */
};
struct evtx_dump_result {
    uint64_t records, damaged, anomalies;
    bool found, closed; /* the wanted record; standard output had enough */
};

/* Writes the records of a log (a descriptor) to our standard output, what is odd to standard error. */
int evtx_role_dump(const char *name, int fd, const struct evtx_dump *d, struct evtx_dump_result *ret, struct err *e);

#endif
