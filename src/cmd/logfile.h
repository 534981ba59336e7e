/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Log files: opened by the command, read in a jail. */
#ifndef BELLJAR_CMD_LOGFILE_H
#define BELLJAR_CMD_LOGFILE_H

#include "format/evtx.h"

/* Opens a plain file, or for "-" standard input; the descriptor is the caller's. */
int logfile_open(const char *path, int *ret, struct err *e);

/*
 * Calls `each` for the file, or for all logs below a folder, sorted by path: .evtx, and unless
 * evtx_only .json, .jsonl and .ndjson.
 */
int logfile_each(const char *path, bool evtx_only, int (*each)(void *context, const char *file), void *context,
                 struct err *e);

/* "belljar: FILE: text" on standard error. */
void logfile_complain(const char *file, const char *text);

struct logfile { /* borrowed descriptor */
    int fd;
    bool plain;   /* read at any place; else only forwards */
    uint64_t pos; /* of what is not plain */
};
struct evtx_source logfile_source(struct logfile *f, int fd);

#endif
