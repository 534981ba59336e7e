/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The host's end of the agent channel (guest/proto over any stream
 * descriptor). Everything that comes in is hostile: lengths, types and
 * sequences are checked, frames that do not authenticate are skipped and
 * counted. Single-threaded, driven by session_turn.
 */
#ifndef BELLJAR_MACHINE_SESSION_H
#define BELLJAR_MACHINE_SESSION_H

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "event/event.h"

struct session;

struct session_status {
    uint64_t guest_events, guest_lost; /* tracer's counters */
    uint32_t alive;                    /* processes of the sample */
    uint64_t garbage_bytes, missed_frames, bad_batches;
    uint64_t bytes_in;
    uint64_t last_heard_ms; /* loop_now_ms of the last good frame */
    bool sample_ended;      /* WIRE_EXITED came */
    bool done;              /* WIRE_DONE came */
    int32_t exit_code;
    uint32_t exit_signal;
    uint64_t bad_captures; /* forgotten, without a beginning, or with a SHA-256 that their bytes do not have */
    int store_error;       /* first trouble of our own with storing captures (-ENOSPC ...), or 0 */
    uint64_t started_ms;   /* loop_now_ms when the sample's start was confirmed */
};

struct session_handlers { /* all optional; context is passed back */
    void *context;
    /* time_ns is already relative to the sample's start (0 before it started: events before are negative). Strings
     * borrowed. */
    /* run.channel events are made here, by the host: source EVENT_SOURCE_HOST and seq 0: the receiver numbers them. */
    void (*event)(void *context, const struct event *ev);
    void (*lost)(void *context, uint8_t source, uint64_t total);
    /* A captured file or memory region: whole content arrives as a finished temporary file. */
    void (*capture)(void *context, int kind /* 1 file 2 memory */, struct str name, int fd /* borrowed, offset 0 */,
                    uint64_t size, const char sha256[SHA256_HEX], bool truncated);
    void (*output)(void *context, int stream, struct str bytes);
    void (*log)(void *context, struct str text);
};

struct session_identity {
    const char *hostname, *machine_id; /* 32 hex digits */
    uint8_t mac[6];
};

struct session_start {
    const char *user;        /* "" = root */
    const char *cwd;         /* "" = home of the user */
    const char *path;        /* program in the guest; "" = argv[0] is a shell line */
    const char *const *argv; /* NULL-terminated */
    const char *const *envp; /* NULL-terminated "NAME=value", added to a login environment */
    uint64_t capture_file_max, capture_total_max, dump_total_max;
};

/* fd: borrowed, non-blocking. spool_dir: where captures are assembled. */
int session_new(int fd, const char *spool_dir, const struct session_handlers *h, struct session **ret, struct err *e);
void session_free(struct session **s);
/* Reads and handles what is there, waiting at most timeout_ms for the first byte. 0, ERR_PEER (stream ended), other
 * negative. */
int session_turn(struct session *s, int timeout_ms, struct err *e);
/* Calls that wait give up with -ECANCELED when *stop becomes non-zero (NULL: never). */
void session_stop_on(struct session *s, const volatile int *stop);
/* These block (turning the session meanwhile) up to timeout_ms for the guest's answer. */
int session_wait_boot(struct session *s, int timeout_ms, struct err *e); /* template: WIRE_BOOTED */
int session_freeze(struct session *s, int timeout_ms, struct err *e);    /* template: WIRE_FROZEN */
int session_hello(struct session *s, const struct session_identity *id, int timeout_ms,
                  struct err *e); /* after restore */
int session_ping(struct session *s, int timeout_ms, struct err *e);
int session_put_file(struct session *s, int fd, const char *path, unsigned mode, const char *owner, int timeout_ms,
                     struct err *e);
int session_start_sample(struct session *s, const struct session_start *o, int timeout_ms, uint32_t *ret_pid,
                         struct err *e);
int session_run(struct session *s, const char *command, struct buf *output, int *ret_code, int timeout_ms,
                struct err *e);
int session_finish(struct session *s, uint32_t budget_ms,
                   struct err *e); /* sends FINISH and turns until DONE or the budget ended */
/*
 * Asks the guest for its clock a few times, and from then on every two seconds in session_turn: for session_time
 * (machine/guest-clock.h). 0, or negative when the channel broke.
 */
int session_clock_sync(struct session *s, struct err *e);
/*
 * The moment host_ns (CLOCK_MONOTONIC) on the time line of the guest's events: ns since the sample's start, negative
 * before it; -1 while it was not started.
 */
int64_t session_time(struct session *s, uint64_t host_ns);
/* How far session_time may have been off at the most. False: the guest's clock was never learnt. */
bool session_clock_error(const struct session *s, uint64_t *ret_ns);
const struct session_status *session_status(const struct session *s);
const char *session_tracer_state(const struct session *s); /* "ok", or what the tracer could not attach */

#endif
