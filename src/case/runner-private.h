/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What runner.c and run-facts.c share. */
#ifndef BELLJAR_CASE_RUNNER_PRIVATE_H
#define BELLJAR_CASE_RUNNER_PRIVATE_H

#include "base/buf.h"
#include "case/runner.h"
#include "event/evlog.h"
#include "event/hold.h"
#include "event/proctab.h"
#include "machine/machine.h"
#include "machine/session.h"
#include "net/client.h"

struct runner {
    const struct runner_options *o;
    struct conf *conf;
    struct machine *machine;
    int slot; /* case/slot.h */
    struct session *session;
    struct net_client *net;
    struct evlog_writer *log;
    struct proctab *procs;
    struct runner_progress progress;
    struct session_status session_status;
    struct evlog_status log_status;
    struct net_client_status net_status;
    struct buf agent_log;
    int output_fd;
    size_t output_bytes;
    uint64_t output_total;
    char hostname[32], machine_id[33];
    uint8_t mac[6];
    char tracer[256];
    struct event_hold hold; /* between the order to start and the agent's word which process that is */
    uint64_t start_real;
    uint64_t lost[EVENT_SOURCE_MAX], net_lost_told;
    uint64_t log_max, left_out[EVENT_SOURCE_MAX];
    uint64_t arranged_until_ms; /* until then a quiet machine is waited on: the sample gave cron or systemd something */
    uint64_t quiet_since, ran_ms;
    uint64_t captures, capture_bytes, captures_failed, dumps, dump_bytes, private_bytes;
    uint32_t root_pid;
    uint64_t clock_error_ns;
    bool clock_known, started, machine_gone, net_failed, collect_failed;
    const char *ended;    /* word, see docs/reference/run.md; NULL while it runs */
    char ended_text[320]; /* sentence */
    int store_error;      /* of copies, kept by us */
    int failed;           /* of the event log */
    struct err error;
};

/* run.json */
int runner_write_facts(const struct runner *r, struct err *e);

#endif
