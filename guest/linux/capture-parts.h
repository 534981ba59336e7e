/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside of the captures: what the files capture*.c, fan.c, sweep.c and dump.c share. Capture thread only. */
#ifndef BELLJAR_AGENT_CAPTURE_PARTS_H
#define BELLJAR_AGENT_CAPTURE_PARTS_H

#include "capture.h"
#include "sha256.h"

#include <stdatomic.h>
#include <sys/stat.h>

#define HOLDS_MAX 256
#define HOLD_MS 2000
#define SEND_WAIT_MS 20000
#define PIECES_MAX (32u << 20)

enum capture_kind { CAPTURE_FILE = 1, CAPTURE_MEMORY = 2 };

struct hold {
    uint32_t pid;
    uint64_t deadline;
    bool taken; /* by the thread */
    char reason[8];
};

struct piece { /* of a dying process' memory */
    struct piece *next;
    uint32_t pid;
    uint64_t address;
    unsigned protection;
    bool last;
    size_t n;
    uint8_t bytes[];
};

struct seen; /* hashes that were sent */

struct capture {
    struct agent *agent;
    pthread_t thread;
    pthread_mutex_t lock;
    int wake;
    struct capture_limits limits;
    _Atomic bool begun, finish_asked, finished, in_time;
    _Atomic uint64_t deadline;
    struct hold holds[HOLDS_MAX];
    struct piece *first_piece, *last_piece;
    size_t piece_bytes;
    uint64_t pieces_lost;
    int fan, mounts;
    uint64_t total, dump_total, next_id, skipped;
    bool limit_told, dump_limit_told;
    struct seen *seen;
    uint8_t *buffer; /* CAPTURE_BUFFER bytes */
};

#define CAPTURE_BUFFER (1u << 20)

/* ---- seen.c ---- */
struct seen *seen_new(void);
/* True when the pair was not there before (and is now). `name` may be NULL: the content alone. */
bool seen_add(struct seen *s, const uint8_t hash[32], const char *name);

/* ---- capture.c ---- */
/* A regular file by descriptor. */
void capture_file(struct capture *c, int fd, const char *path, const char *reason, uint32_t pid);
/* A region that stands in memory or can be read with pread from `fd`. */
void capture_region(struct capture *c, int fd, const void *bytes, uint32_t pid, uint64_t address, uint64_t length,
                    const char *protection, const char *reason);
void capture_note_skipped(struct capture *c);

/* ---- fan.c ---- */
void fan_begin(struct capture *c);
void fan_mark_mounts(struct capture *c);
/* Takes at most `max` events. True when there may be more. */
bool fan_take(struct capture *c, unsigned max);

/* ---- sweep.c ---- */
bool sweep_files(struct capture *c, uint64_t deadline); /* false: the time ended */
void sweep_memfds(struct capture *c, uint32_t pid);
void sweep_executable(struct capture *c, uint32_t pid);

/* ---- dump.c ---- */
void dump_process(struct capture *c, uint32_t pid);

#endif
