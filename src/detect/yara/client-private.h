/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between client.c (scans) and client-rules.c (how the rules become ready). */
#ifndef BELLJAR_DETECT_YARA_CLIENT_PRIVATE_H
#define BELLJAR_DETECT_YARA_CLIENT_PRIVATE_H

#include "detect/yara/client.h"
#include "detect/yara/role.h"

struct worker {
    struct role_process process;
    bool busy;
    void *cookie;
    unsigned timeout_s;
    uint64_t deadline_ms;
};

struct yara_client {
    struct yara_client_options o;
    struct worker workers[YARA_WORKERS_MAX];
    unsigned nworkers;
    uint32_t rules;
    bool from_cache;
    int compiled_fd, magic_fd;
    struct buf defines;
};

/* Sets compiled_fd and rules; leaves worker 0 ready. */
int client_rules_ready(struct yara_client *c, struct err *e);
/* Starts the process and loads compiled_fd into it. */
int client_worker_start(struct yara_client *c, struct worker *w, struct err *e);
/* "killed by signal 11 (memory error)"; stops it. */
void client_worker_bury(struct worker *w, char *ret, size_t n);

#endif
