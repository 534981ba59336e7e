/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The agent in a Linux guest. One program, two halves: pid 1 of the initrd
 * (boot.c), which becomes the guest's own init, and a daemon that it leaves
 * behind (daemon.c). The daemon is alone in memory: no file of the guest's
 * root belongs to it. docs/dev/agent.md tells the whole story.
 *
 * Threads: the main loop (channel, commands, timers, statistics), one that
 * drains the tracer (trace.c), one that takes captures (capture.c).
 */
#ifndef BELLJAR_AGENT_H
#define BELLJAR_AGENT_H

#include "channel.h"
#include "util.h"

#include <pthread.h>
#include <sys/types.h>

#define AGENT_DISGUISE "(udev-worker)"
#define AGENT_FILE "/usr/lib/systemd/systemd-udevd" /* what /proc/PID/exe shows: it exists in the guest's root too */

enum agent_state {
    AGENT_BOOTED,  /* template: WIRE_RUN, WIRE_FREEZE, WIRE_HELLO */
    AGENT_FROZEN,  /* only WIRE_HELLO */
    AGENT_READY,   /* has its key: files, WIRE_RUN, WIRE_START */
    AGENT_STARTED, /* a sample runs: no WIRE_RUN any more */
    AGENT_FINISHING,
    AGENT_DONE,
};

struct feed;
struct follow;
struct trace;
struct capture;
struct stats;
struct upload;
struct runner;

struct agent {
    enum agent_state state;
    struct channel *channel;
    int epoll;
    pid_t self;
    uint64_t start_ns;      /* CLOCK_BOOTTIME when the sample was let go; 0 before */
    int64_t start_realtime; /* ns since 1970: what the sweep compares time stamps with */
    uint32_t sample_pid;
    bool exited_sent;
    struct feed *feed;
    struct follow *follow;
    struct trace *trace;
    struct capture *capture;
    struct stats *stats;
    struct upload *upload;
    struct runner *runner;
};

/* ---- event loop (daemon.c): callbacks by descriptor ---- */
typedef void watch_fn(struct agent *a, int fd, uint32_t events);
int agent_watch(struct agent *a, int fd, uint32_t events, watch_fn *fn);
void agent_unwatch(struct agent *a, int fd);
/* The daemon half; returns only when memory for the very first things is missing. */
int agent_daemon(const char *transport);
/* Pid 1 of the initrd; returns only on failure. */
int agent_boot(void);

/* ---- answers ---- */
void agent_log(struct agent *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
void agent_result(struct agent *a, uint32_t type, int32_t code, const char *text);

/* ---- commands (command.c and one file per command) ---- */
void agent_frame(void *agent, const struct wire_header *h, const uint8_t *payload);
void identity_hello(struct agent *a, const uint8_t *p, size_t n);
void run_command(struct agent *a, const uint8_t *p, size_t n);
bool run_busy(const struct agent *a);
void upload_begin(struct agent *a, const uint8_t *p, size_t n);
void upload_data(struct agent *a, const uint8_t *p, size_t n);
void upload_end(struct agent *a, const uint8_t *p, size_t n);

#endif
