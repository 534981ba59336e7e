/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "capture-parts.h"
#include "feed.h"
#include "follow.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* ---- sending --------------------------------------------------------------- */

static int send_begin(struct capture *c, uint32_t id, enum capture_kind kind, uint64_t size, const char *name)
{
    uint8_t space[8192];
    struct wire_put w = {.p = space, .cap = sizeof(space)};

    wire_put_u32(&w, id);
    wire_put_u8(&w, 0);
    wire_put_u8(&w, (uint8_t)kind);
    wire_put_u64(&w, size);
    wire_put_str(&w, name, strnlen(name, 4000));
    return channel_send_wait(c->agent->channel, WIRE_CAPTURE, w.p, w.len, SEND_WAIT_MS);
}

static int send_data(struct capture *c, uint32_t id, const uint8_t *p, size_t n)
{
    static uint8_t space[5 + WIRE_CAPTURE_CHUNK];
    int r = 0;

    for (size_t at = 0; r == 0 && at < n; at += WIRE_CAPTURE_CHUNK) {
        size_t part = n - at < WIRE_CAPTURE_CHUNK ? n - at : WIRE_CAPTURE_CHUNK;
        struct wire_put w = {.p = space, .cap = sizeof(space)};
        wire_put_u32(&w, id);
        wire_put_u8(&w, 1);
        wire_put_bytes(&w, p + at, part);
        r = channel_send_wait(c->agent->channel, WIRE_CAPTURE, w.p, w.len, SEND_WAIT_MS);
    }
    return r;
}

static int send_end(struct capture *c, uint32_t id, const uint8_t hash[32], bool truncated)
{
    uint8_t space[64];
    struct wire_put w = {.p = space, .cap = sizeof(space)};

    wire_put_u32(&w, id);
    wire_put_u8(&w, 2);
    wire_put_bytes(&w, hash, 32);
    wire_put_u8(&w, truncated);
    return channel_send_wait(c->agent->channel, WIRE_CAPTURE, w.p, w.len, SEND_WAIT_MS);
}

/* What is to be copied: memory of ours, or a descriptor from an offset on. */
struct source {
    int fd;
    uint64_t offset, length;
    const uint8_t *bytes;
};

/* Reads up to a buffer full at `at`; 0 at the end or on an error. */
static size_t source_get(struct capture *c, const struct source *s, uint64_t at, const uint8_t **ret)
{
    size_t want = s->length - at < CAPTURE_BUFFER ? (size_t)(s->length - at) : CAPTURE_BUFFER, have = 0;

    if (s->bytes) {
        *ret = s->bytes + at;
        return want;
    }
    *ret = c->buffer;
    while (have < want) {
        ssize_t n = pread(s->fd, c->buffer + have, want - have, (off_t)(s->offset + at + have));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    return have;
}

static uint64_t hash_source(struct capture *c, const struct source *s, uint8_t ret[32])
{
    struct sha256_state h;
    const uint8_t *p;
    uint64_t at = 0;
    size_t n;

    sha256_begin(&h);
    while (at < s->length && (n = source_get(c, s, at, &p)) > 0) {
        sha256_add(&h, p, n);
        at += n;
    }
    sha256_end(&h, ret);
    return at;
}

/* Sends what is there now; the hash told is that of the bytes sent, should the file change under our hands. */
static int send_source(struct capture *c, const struct source *s, enum capture_kind kind, const char *name,
                       bool truncated, uint8_t hash[32])
{
    uint32_t id = (uint32_t)++c->next_id;
    struct sha256_state h;
    const uint8_t *p;
    uint64_t at = 0;
    size_t n;
    int r = send_begin(c, id, kind, s->length, name);

    sha256_begin(&h);
    while (r == 0 && at < s->length && (n = source_get(c, s, at, &p)) > 0) {
        sha256_add(&h, p, n);
        r = send_data(c, id, p, n);
        at += n;
    }
    if (r < 0)
        return r;
    sha256_end(&h, hash);
    return send_end(c, id, hash, truncated || at < s->length);
}

void capture_note_skipped(struct capture *c)
{
    if (c->skipped)
        feed_note(c->agent->feed, "capture-skipped", "%llu files or regions were not copied: limits reached",
                  (unsigned long long)c->skipped);
    if (c->pieces_lost)
        feed_note(c->agent->feed, "capture-skipped", "%llu pieces of dying processes' memory were not copied",
                  (unsigned long long)c->pieces_lost);
    c->skipped = c->pieces_lost = 0;
}

static bool has_room(struct capture *c, uint64_t *total, uint64_t max, uint64_t n, bool *told, const char *what)
{
    if (*total + n <= max)
        return true;
    if (!*told)
        feed_note(c->agent->feed, "capture-limit", "no more %s are copied: %llu bytes are the limit of this run", what,
                  (unsigned long long)max);
    *told = true;
    c->skipped++;
    return false;
}

/* Stands for "this file as it is now" in the set of hashes. */
static const uint8_t *state_key(const struct stat *st, uint8_t ret[32])
{
    uint64_t parts[5] = {st->st_dev, st->st_ino, (uint64_t)st->st_size, (uint64_t)st->st_mtim.tv_sec,
                         (uint64_t)st->st_mtim.tv_nsec};
    struct sha256_state h;

    sha256_begin(&h);
    sha256_add(&h, parts, sizeof(parts));
    sha256_end(&h, ret);
    return ret;
}

void capture_file(struct capture *c, int fd, const char *path, const char *reason, uint32_t pid)
{
    struct wire_event ev = {.kind = EVENT_FILE_CAPTURED, .count = EVF_FILE_CAPTURED__COUNT, .pid = pid, .tid = pid};
    uint8_t hash[32];
    char hex[65];
    struct stat st;

    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0)
        return;
    struct source s = {.fd = fd, .length = (uint64_t)st.st_size};
    bool truncated = s.length > c->limits.file_max;
    if (truncated)
        s.length = c->limits.file_max;
    /* Small files are hashed first and sent when they are new. A large one would be read twice: it is sent at once,
       unless exactly this state of it was. */
    bool large = s.length > CAPTURE_BUFFER;
    uint64_t n = s.length;
    if (large && !seen_add(c->seen, state_key(&st, hash), path))
        return;
    if (!large)
        s.length = n = hash_source(c, &s, hash);
    if (!n)
        return;
    if (large || seen_add(c->seen, hash, NULL)) {
        if (!has_room(c, &c->total, c->limits.total_max, n, &c->limit_told, "files"))
            return;
        if (send_source(c, &s, CAPTURE_FILE, path, truncated, hash) < 0) {
            c->skipped++;
            return;
        }
        c->total += n;
    }
    if (!seen_add(c->seen, hash, path))
        return;
    sha256_hex(hash, hex);
    ev.time = now_boot();
    ev_text(&ev, EVF_FILE_CAPTURED_TargetFilename, path);
    ev_text(&ev, EVF_FILE_CAPTURED_Sha256, hex);
    ev_number(&ev, EVF_FILE_CAPTURED_Size, (uint64_t)st.st_size);
    ev_text(&ev, EVF_FILE_CAPTURED_Reason, reason);
    ev_number(&ev, EVF_FILE_CAPTURED_Truncated, truncated);
    feed_event(c->agent->feed, EVENT_SOURCE_AGENT, &ev);
}

void capture_region(struct capture *c, int fd, const void *bytes, uint32_t pid, uint64_t address, uint64_t length,
                    const char *protection, const char *reason)
{
    struct wire_event ev = {.kind = EVENT_MEMORY_DUMPED, .count = EVF_MEMORY_DUMPED__COUNT, .pid = pid, .tid = pid};
    struct source s = {.fd = fd, .offset = address, .length = length, .bytes = bytes};
    uint64_t max = c->limits.file_max < c->limits.dump_max ? c->limits.file_max : c->limits.dump_max;
    uint8_t hash[32];
    char hex[65], name[80];

    bool truncated = length > max;
    if (truncated)
        s.length = max;
    snprintf(name, sizeof(name), "%u-%llx-%s.bin", pid, (unsigned long long)address, protection);
    uint64_t n = hash_source(c, &s, hash);
    if (!n)
        return;
    truncated |= n < s.length;
    s.length = n;
    if (seen_add(c->seen, hash, NULL)) {
        if (!has_room(c, &c->dump_total, c->limits.dump_max, n, &c->dump_limit_told, "memory regions"))
            return;
        if (send_source(c, &s, CAPTURE_MEMORY, name, truncated, hash) < 0) {
            c->skipped++;
            return;
        }
        c->dump_total += n;
    }
    if (!seen_add(c->seen, hash, name))
        return;
    sha256_hex(hash, hex);
    ev.time = now_boot();
    ev_number(&ev, EVF_MEMORY_DUMPED_Address, address);
    ev_number(&ev, EVF_MEMORY_DUMPED_Length, length);
    ev_text(&ev, EVF_MEMORY_DUMPED_Protection, protection);
    ev_text(&ev, EVF_MEMORY_DUMPED_Sha256, hex);
    ev_text(&ev, EVF_MEMORY_DUMPED_Reason, reason);
    ev_number(&ev, EVF_MEMORY_DUMPED_Truncated, truncated);
    feed_event(c->agent->feed, EVENT_SOURCE_AGENT, &ev);
}

/* ---- held processes -------------------------------------------------------- */

static void wake(struct capture *c)
{
    uint64_t one = 1;
    ssize_t n = write(c->wake, &one, sizeof(one));
    (void)n;
}

void capture_hold(struct agent *a, uint32_t pid, const char *reason)
{
    struct capture *c = a->capture;
    bool kept = false;

    pthread_mutex_lock(&c->lock);
    for (unsigned i = 0; atomic_load(&c->begun) && !kept && i < HOLDS_MAX; i++) {
        struct hold *h = &c->holds[i];
        if (h->pid)
            continue;
        *h = (struct hold){.pid = pid, .deadline = now_boot() + HOLD_MS * 1000000ull};
        snprintf(h->reason, sizeof(h->reason), "%.7s", reason);
        kept = true;
    }
    pthread_mutex_unlock(&c->lock);
    if (kept)
        wake(c);
    else
        kill((pid_t)pid, SIGCONT);
}

void capture_watchdog(struct agent *a, uint64_t now)
{
    struct capture *c = a->capture;

    pthread_mutex_lock(&c->lock);
    for (unsigned i = 0; i < HOLDS_MAX; i++)
        if (c->holds[i].pid && c->holds[i].deadline < now) {
            kill((pid_t)c->holds[i].pid, SIGCONT);
            c->holds[i].pid = 0;
        }
    pthread_mutex_unlock(&c->lock);
}

static bool is_stopped(uint32_t pid)
{
    char path[64], text[512];

    snprintf(path, sizeof(path), "/proc/%u/stat", pid);
    if (file_get(path, text, sizeof(text)) <= 0)
        return true; /* gone: nothing to wait for */
    const char *after = strrchr(text, ')');
    return !after || after[1] != ' ' || strchr("TtZX", after[2]) != NULL;
}

/* The stop comes when the process returns to user mode, perhaps a little later than the news of it. */
static void wait_until_stopped(uint32_t pid)
{
    struct timespec t = {.tv_nsec = 1000000};

    for (int i = 0; i < 100 && !is_stopped(pid); i++)
        nanosleep(&t, NULL);
}

static void look_at(struct capture *c, uint32_t pid, const char *reason)
{
    wait_until_stopped(pid);
    if (strcmp(reason, "exec") == 0)
        sweep_executable(c, pid);
    else
        dump_process(c, pid);
    sweep_memfds(c, pid);
    kill((pid_t)pid, SIGCONT);
}

static bool next_hold(struct capture *c, struct hold *ret)
{
    bool found = false;

    pthread_mutex_lock(&c->lock);
    for (unsigned i = 0; !found && i < HOLDS_MAX; i++)
        if (c->holds[i].pid && !c->holds[i].taken) {
            c->holds[i].taken = true;
            *ret = c->holds[i];
            found = true;
        }
    pthread_mutex_unlock(&c->lock);
    return found;
}

static void end_hold(struct capture *c, uint32_t pid)
{
    pthread_mutex_lock(&c->lock);
    for (unsigned i = 0; i < HOLDS_MAX; i++)
        if (c->holds[i].pid == pid && c->holds[i].taken)
            c->holds[i].pid = 0;
    pthread_mutex_unlock(&c->lock);
}

/* ---- memory of dying processes --------------------------------------------- */

void capture_piece(struct agent *a, uint32_t pid, uint64_t address, unsigned protection, bool last, const void *p,
                   size_t n)
{
    struct capture *c = a->capture;
    struct piece *x = malloc(sizeof(*x) + n);
    bool kept = false;

    if (x) {
        *x = (struct piece){.pid = pid, .address = address, .protection = protection, .last = last, .n = n};
        memcpy(x->bytes, p, n);
    }
    pthread_mutex_lock(&c->lock);
    if (x && c->piece_bytes + n <= PIECES_MAX) {
        if (c->last_piece)
            c->last_piece->next = x;
        else
            c->first_piece = x;
        c->last_piece = x;
        c->piece_bytes += n;
        kept = true;
    } else {
        c->pieces_lost++;
    }
    pthread_mutex_unlock(&c->lock);
    if (!kept)
        free(x);
    else if (last)
        wake(c);
}

/* Takes a region's pieces off the queue once its last one is there. */
static struct piece *take_region(struct capture *c)
{
    struct piece *first = NULL;

    pthread_mutex_lock(&c->lock);
    for (struct piece *x = c->first_piece; x && !first; x = x->next)
        if (x->last) {
            first = c->first_piece;
            c->first_piece = x->next;
            if (!x->next)
                c->last_piece = NULL;
            x->next = NULL;
        }
    for (struct piece *x = first; x; x = x->next)
        c->piece_bytes -= x->n;
    pthread_mutex_unlock(&c->lock);
    return first;
}

static bool take_pieces(struct capture *c)
{
    struct piece *first = take_region(c);
    char letters[4];
    size_t total = 0, at = 0;

    if (!first)
        return false;
    for (struct piece *x = first; x; x = x->next)
        total += x->n;
    uint8_t *whole = malloc(total ? total : 1);
    for (struct piece *x = first, *next; x; x = next) {
        next = x->next;
        if (whole && x->pid == first->pid) {
            memcpy(whole + at, x->bytes, x->n);
            at += x->n;
        }
        if (x != first)
            free(x);
    }
    snprintf(letters, sizeof(letters), "%c%c%c", first->protection & 1 ? 'r' : '-', first->protection & 2 ? 'w' : '-',
             first->protection & 4 ? 'x' : '-');
    if (whole && at)
        capture_region(c, -1, whole, first->pid, first->address, at, letters, "exit");
    free(whole);
    free(first);
    return true;
}

/* ---- the thread ------------------------------------------------------------ */

static bool some_work(struct capture *c)
{
    struct hold h;
    bool any = false;

    while (next_hold(c, &h)) { /* first: somebody waits for us */
        look_at(c, h.pid, h.reason);
        end_hold(c, h.pid);
        any = true;
    }
    while (take_pieces(c))
        any = true;
    return fan_take(c, 16) || any;
}

static void last_work(struct capture *c)
{
    uint64_t deadline = atomic_load(&c->deadline);
    uint32_t pids[64], from = 0;
    bool in_time = true;
    size_t n;

    while (some_work(c) && now_boot() < deadline)
        ;
    while (in_time && (n = follow_list(c->agent->follow, from, pids, 64)) > 0) {
        for (size_t i = 0; in_time && i < n; i++) {
            dump_process(c, pids[i]);
            sweep_memfds(c, pids[i]);
            in_time = now_boot() < deadline;
        }
        from = pids[n - 1];
    }
    in_time = in_time && sweep_files(c, deadline);
    capture_note_skipped(c);
    atomic_store(&c->in_time, in_time);
    atomic_store(&c->finished, true);
}

static void *work_for_ever(void *context)
{
    struct capture *c = context;
    uint64_t drop;

    for (;;) {
        struct pollfd p[3] = {{.fd = c->wake, .events = POLLIN}, {.fd = -1}, {.fd = -1}};
        if (atomic_load(&c->begun)) {
            p[1] = (struct pollfd){.fd = c->fan, .events = POLLIN};
            p[2] = (struct pollfd){.fd = c->mounts, .events = POLLPRI};
        }
        poll(p, 3, 1000);
        if (p[0].revents && read(c->wake, &drop, sizeof(drop)) < 0)
            continue;
        if (!atomic_load(&c->begun))
            continue;
        if (p[2].revents)
            fan_mark_mounts(c);
        while (some_work(c) && !atomic_load(&c->finish_asked))
            ;
        if (atomic_load(&c->finish_asked) && !atomic_load(&c->finished))
            last_work(c);
    }
    return NULL;
}

int capture_open(struct agent *a)
{
    struct capture *c = calloc(1, sizeof(*c));

    if (!c)
        return -ENOMEM;
    c->agent = a;
    c->fan = c->mounts = -1;
    c->seen = seen_new();
    c->buffer = malloc(CAPTURE_BUFFER);
    c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&c->lock, NULL);
    if (!c->seen || !c->buffer || c->wake < 0)
        return -ENOMEM;
    a->capture = c;
    return -pthread_create(&c->thread, NULL, work_for_ever, c);
}

void capture_begin(struct agent *a, const struct capture_limits *limits)
{
    struct capture *c = a->capture;

    c->limits = *limits;
    fan_begin(c);
    atomic_store(&c->begun, true);
    wake(c);
}

void capture_finish(struct agent *a, uint64_t deadline)
{
    struct capture *c = a->capture;

    atomic_store(&c->deadline, deadline);
    if (!atomic_load(&c->begun))
        atomic_store(&c->finished, true);
    atomic_store(&c->finish_asked, true);
    wake(c);
}

bool capture_finished(const struct agent *a, bool *ret_in_time)
{
    *ret_in_time = atomic_load(&a->capture->in_time);
    return atomic_load(&a->capture->finished);
}
