/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * YARA scans for the rest of the program: jailed scanners (role.h), one or
 * several, kept busy; the cache of compiled rules; and what happens when a
 * scanner dies or hangs: that file has no result but a sentence, a new scanner
 * goes on with the next. A rule file at which libyara dies is left out and told.
 *
 * One thread. Files come as descriptors, so nothing is opened by name in here.
 */
#ifndef BELLJAR_DETECT_YARA_CLIENT_H
#define BELLJAR_DETECT_YARA_CLIENT_H

#include "detect/yara/pack.h"

#define YARA_WORKERS_MAX 8
#define YARA_TIMEOUT_DEFAULT_S 60

struct yara_client;

struct yara_job {
    int fd;                    /* open for reading; borrowed until yara_client_scan returns */
    struct yara_target target; /* borrowed likewise */
    bool streams;              /* a pcap file: what was said in it is scanned (streams.h), not its packets */
    void *cookie;
};

struct yara_client_options {
    const struct yara_pack *pack;      /* borrowed until yara_client_new returns */
    const struct yara_define *defines; /* borrowed until yara_client_free */
    size_t ndefines;
    unsigned workers; /* 0: one */
    bool no_cache;
    const char *cache_dir;         /* for tests */
    struct yara_handlers handlers; /* problems of rules; `at` is not used */
    /* Every scan ends here, in any order. The result is only there during the call. */
    void (*done)(void *context, void *cookie, const struct yara_result *r);
    void *context;
};

/* Compiles the rules or takes them from the cache. ERR_MISSING: no rule could be used. */
int yara_client_new(const struct yara_client_options *o, struct yara_client **ret, struct err *e);
/* Ends what still runs; nothing is called any more. */
void yara_client_free(struct yara_client **c);
uint32_t yara_client_rules(const struct yara_client *c);
bool yara_client_from_cache(const struct yara_client *c);
/* Hands over one file; waits for a free scanner, and may call `done` for others meanwhile. */
int yara_client_scan(struct yara_client *c, const struct yara_job *job, struct err *e);
/* Waits until all are done. */
int yara_client_finish(struct yara_client *c, struct err *e);
/* Every rule that is not private, as a hit without places. Nothing may be running. */
int yara_client_list(struct yara_client *c, int (*fn)(void *context, const struct yara_hit *rule), void *context,
                     struct err *e);

#endif
