/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/session.h"
#include "machine/guest-clock.h"
#include "machine/session-spool.h"
#include "proto/events.h"
#include "proto/wire.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define IN_SPACE (4 * (WIRE_HEADER + (size_t)WIRE_PAYLOAD_MAX))
#define TURN_BYTES_MAX (8u << 20) /* one turn reads no more, so that the caller's other work gets its share */
#define TEXT_MAX 4096             /* of a guest's sentence */
#define ARGS_MAX 4096
#define FINISH_GRACE_MS 3000 /* behind the budget, for what is still queued in the guest */
#define HELLO_AGAIN_MS 2000
#define CHANNEL_NOTE_MS 1000
#define WAIT_STEP_MS 200
#define CLOCK_ASK_NS 2000000000ull
#define CLOCK_FIRST_ASKS 4
#define CLOCK_FIRST_MS 500

struct answer {
    bool came;
    int32_t code;
    char text[TEXT_MAX];
    uint32_t pid;
};

struct session {
    int fd;
    struct session_handlers h;
    struct session_status status;
    struct wire_in in;
    uint8_t *space;
    uint8_t key[16];
    uint32_t out_sequence;
    const volatile int *stop;
    struct spool spool;
    /* what a waiting call waits for */
    bool booted, frozen, ready;
    struct answer answer[WIRE_EXITED + 1]; /* by the type answered */
    uint8_t pong[16];
    bool pong_came;
    struct buf *run_output;
    /* the run */
    bool starting, started;
    uint64_t start_ns;
    uint64_t next_seq[EVENT_SOURCE_MAX], lost_guest[EVENT_SOURCE_MAX], lost_channel[EVENT_SOURCE_MAX];
    uint64_t garbage_told, garbage_told_ms;
    struct guest_clock clock;
    bool clock_wanted, clock_answered;
    uint8_t clock_ping[16];
    uint64_t clock_asked_ns, clock_last_ns;
    char tracer_state[TEXT_MAX];
};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t now_ms(void)
{
    return now_ns() / 1000000;
}

int session_new(int fd, const char *spool_dir, const struct session_handlers *h, struct session **ret, struct err *e)
{
    struct session *s = calloc(1, sizeof(*s));

    if (s)
        s->space = malloc(IN_SPACE);
    if (!s || !s->space || spool_init(&s->spool, spool_dir) < 0) {
        session_free(&s);
        return err_set(e, -ENOMEM, "no memory for a session");
    }
    s->fd = fd;
    if (h)
        s->h = *h;
    wire_in_init(&s->in, s->space, IN_SPACE);
    s->out_sequence = 1;
    s->status.last_heard_ms = now_ms();
    *ret = s;
    return 0;
}

void session_free(struct session **s)
{
    if (!*s)
        return;
    spool_free(&(*s)->spool);
    free((*s)->space);
    free(*s);
    *s = NULL;
}

void session_stop_on(struct session *s, const volatile int *stop)
{
    s->stop = stop;
}

const struct session_status *session_status(const struct session *s)
{
    return &s->status;
}

const char *session_tracer_state(const struct session *s)
{
    return s->tracer_state;
}

static void tell(struct session *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void tell(struct session *s, const char *format, ...)
{
    char text[256];
    va_list ap;

    if (!s->h.log)
        return;
    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    s->h.log(s->h.context, str_from(text));
}

/* ---- what comes in --------------------------------------------------------- */

static void copy_text(char *to, size_t cap, const char *p, size_t n)
{
    if (n >= cap)
        n = cap - 1;
    if (n)
        memcpy(to, p, n);
    to[n] = 0;
}

static void on_lost(struct session *s, uint8_t source)
{
    if (s->h.lost)
        s->h.lost(s->h.context, source, s->lost_guest[source] + s->lost_channel[source]);
}

static void hand_out(struct session *s, const struct wire_event *w, uint8_t source, uint64_t seq)
{
    struct event ev = {.kind = w->kind, .source = source, .count = w->count, .seq = seq, .pid = w->pid, .tid = w->tid};

    ev.time_ns = s->started ? (int64_t)(w->time - s->start_ns) : -1;
    for (unsigned i = 0; i < w->count; i++) {
        ev.f[i].u = w->f[i].u;
        ev.f[i].s = (struct str){w->f[i].s, w->f[i].n};
    }
    if (s->h.event)
        s->h.event(s->h.context, &ev);
}

static void on_events(struct session *s, const uint8_t *p, size_t n)
{
    struct wire_batch_in b;
    struct wire_event ev;
    int got = 0;

    /* Only the guest's own sources: nobody in there speaks for the host or the network. */
    if (!wire_batch_open(&b, p, n) || (b.source != EVENT_SOURCE_TRACER && b.source != EVENT_SOURCE_AGENT) ||
        b.seq == 0 || b.seq < s->next_seq[b.source] || b.lost_total < s->lost_guest[b.source]) {
        s->status.bad_batches++;
        return;
    }
    uint64_t expected = s->next_seq[b.source] ? s->next_seq[b.source] : 1;
    bool lost = b.seq > expected || b.lost_total > s->lost_guest[b.source];
    s->lost_channel[b.source] += b.seq - expected;
    s->lost_guest[b.source] = b.lost_total;
    if (lost)
        on_lost(s, b.source);
    for (uint64_t seq = b.seq; (got = wire_batch_next(&b, &ev)) == 1; seq = b.seq)
        hand_out(s, &ev, b.source, seq);
    /* The next batch's first number tells how many the rest of a broken one would have been. */
    s->next_seq[b.source] = b.seq;
    s->status.bad_batches += got < 0;
}

static void on_capture(struct session *s, const uint8_t *p, size_t n)
{
    struct spool_result done;
    struct err e = {0};
    unsigned slot;
    int r = spool_add(&s->spool, p, n, &done, &slot, &e);

    s->status.bad_captures = s->spool.bad;
    if (r < 0 && !s->status.store_error)
        s->status.store_error = r;
    if (r < 0)
        tell(s, "%s", e.text);
    if (r != 1)
        return;
    if (done.mismatch)
        tell(s, "capture %.*s: the guest named another SHA-256 than its bytes have",
             STR_ARG(str_sub(done.name, 0, 100)));
    if (s->h.capture)
        s->h.capture(s->h.context, done.kind, done.name, done.fd, done.size, done.sha256, done.truncated);
    spool_release(&s->spool, slot);
}

static void on_result(struct session *s, struct wire_get *r)
{
    uint32_t type = wire_get_u32(r);
    int32_t code = (int32_t)wire_get_u32(r);
    size_t n;
    const char *text = wire_get_str(r, &n);

    if (r->failed || type > WIRE_EXITED)
        return;
    struct answer *a = &s->answer[type];
    if (type == WIRE_START && code == 0) {
        a->pid = wire_get_u32(r);
        uint64_t start = wire_get_u64(r);
        if (r->failed || !s->starting || s->started)
            return;
        s->start_ns = start;
        s->started = true;
    }
    a->came = true;
    a->code = code;
    copy_text(a->text, sizeof(a->text), text, n);
}

static void on_output(struct session *s, struct wire_get *r)
{
    uint8_t stream = wire_get_u8(r);
    struct str bytes = {(const char *)r->p + r->pos, r->n - r->pos};

    if (r->failed || (stream != 1 && stream != 2))
        return;
    if (s->run_output)
        buf_add(s->run_output, bytes.p, bytes.n);
    else if (s->h.output)
        s->h.output(s->h.context, stream, bytes);
}

static void get_counters(struct session *s, struct wire_get *r)
{
    wire_get_u64(r); /* uptime */
    uint64_t events = wire_get_u64(r), lost = wire_get_u64(r);
    uint32_t alive = wire_get_u32(r);

    wire_get_u64(r); /* queued bytes */
    if (r->failed)
        return;
    s->status.guest_events = events;
    s->status.guest_lost = lost;
    s->status.alive = alive;
}

static void on_exited(struct session *s, struct wire_get *r)
{
    int32_t code = (int32_t)wire_get_u32(r);
    uint32_t signal = wire_get_u32(r);

    if (r->failed)
        return;
    s->status.sample_ended = true;
    s->status.exit_code = code;
    s->status.exit_signal = signal;
}

static void on_pong(struct session *s, const struct wire_header *h, const uint8_t *p)
{
    if (h->length != sizeof(s->pong))
        return;
    s->pong_came |= memcmp(p, s->pong, sizeof(s->pong)) == 0;
    if (!s->clock_asked_ns || memcmp(p, s->clock_ping, sizeof(s->clock_ping)) != 0)
        return;
    guest_clock_answered(&s->clock, s->clock_asked_ns, h->time, now_ns());
    s->clock_asked_ns = 0;
    s->clock_answered = true;
}

static void on_frame(struct session *s, const struct wire_header *h, const uint8_t *p)
{
    struct wire_get r = {.p = p, .n = h->length};
    size_t n;
    const char *text;

    switch (h->type) {
    case WIRE_BOOTED:
        s->booted = wire_get_u32(&r) == WIRE_VERSION;
        if (!s->booted)
            tell(s, "the agent in the guest speaks another version");
        break;
    case WIRE_FROZEN:
        s->frozen = true;
        break;
    case WIRE_READY:
        wire_get_u64(&r);
        text = wire_get_str(&r, &n);
        if (r.failed)
            break;
        copy_text(s->tracer_state, sizeof(s->tracer_state), text, n);
        s->ready = true;
        break;
    case WIRE_PONG:
        on_pong(s, h, p);
        break;
    case WIRE_RESULT:
        on_result(s, &r);
        break;
    case WIRE_EVENTS:
        on_events(s, p, h->length);
        break;
    case WIRE_CAPTURE:
        on_capture(s, p, h->length);
        break;
    case WIRE_STATUS:
        get_counters(s, &r);
        break;
    case WIRE_OUTPUT:
        on_output(s, &r);
        break;
    case WIRE_DONE:
        wire_get_u32(&r);
        get_counters(s, &r);
        s->status.done = true;
        break;
    case WIRE_LOG:
        text = wire_get_str(&r, &n);
        if (text && s->h.log)
            s->h.log(s->h.context, (struct str){text, n < TEXT_MAX ? n : TEXT_MAX});
        break;
    case WIRE_EXITED:
        on_exited(s, &r);
        break;
    default: /* a newer agent's, or nonsense: authenticated, so it is not an attack from outside the agent */
        break;
    }
}

int64_t session_time(struct session *s, uint64_t host_ns)
{
    int64_t guest;

    if (!s->started)
        return -1;
    if (guest_clock_at(&s->clock, host_ns, &guest))
        return guest - (int64_t)s->start_ns;
    return (int64_t)(host_ns - s->status.started_ms * 1000000); /* behind by what the answer to START took */
}

/* Somebody in the guest wrote to our port, or broke frames: an event, at most once per second. */
static void note_garbage(struct session *s, bool now)
{
    uint64_t ms = now_ms(), more = s->in.garbage_bytes - s->garbage_told;
    struct event ev = {.kind = EVENT_RUN_CHANNEL, .source = EVENT_SOURCE_HOST, .count = EVF_RUN_CHANNEL__COUNT};

    s->status.garbage_bytes = s->in.garbage_bytes;
    s->status.missed_frames = s->in.missed;
    if (!more || (!now && ms - s->garbage_told_ms < CHANNEL_NOTE_MS))
        return;
    s->garbage_told = s->in.garbage_bytes;
    s->garbage_told_ms = ms;
    ev.time_ns = session_time(s, now_ns());
    ev.f[EVF_RUN_CHANNEL_Text].s = STR_LIT("bytes on the agent's channel that the agent did not send");
    ev.f[EVF_RUN_CHANNEL_Bytes].u = more;
    if (s->h.event)
        s->h.event(s->h.context, &ev);
}

static void take_frames(struct session *s)
{
    struct wire_header h;
    const uint8_t *p;

    while (wire_in_next(&s->in, &h, &p) == 1) {
        uint64_t now = now_ns();
        s->status.last_heard_ms = now / 1000000;
        guest_clock_heard(&s->clock, h.time, now);
        bool was_started = s->started;
        on_frame(s, &h, p);
        if (s->started && !was_started)
            s->status.started_ms = s->status.last_heard_ms;
    }
    note_garbage(s, false);
}

static int read_some(struct session *s, struct err *e)
{
    for (size_t total = 0; total < TURN_BYTES_MAX;) {
        size_t room;
        uint8_t *to = wire_in_room(&s->in, &room);
        ssize_t n = read(s->fd, to, room);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return 0;
        if (n < 0 && errno != ECONNRESET && errno != EPIPE)
            return err_errno(e, "agent channel");
        if (n <= 0) {
            note_garbage(s, true);
            return err_set(e, ERR_PEER, "the agent's channel was closed");
        }
        total += (size_t)n;
        s->status.bytes_in += (uint64_t)n;
        wire_in_added(&s->in, (size_t)n);
        take_frames(s);
    }
    return 0;
}

static int ask_clock(struct session *s, uint64_t deadline, struct err *e);

/* Now and then, and only when the guest takes data: nobody waits for this, and what fails shows when we read. */
static void keep_clock(struct session *s)
{
    struct pollfd p = {.fd = s->fd, .events = POLLOUT};
    uint64_t now = now_ns();

    if (!s->clock_wanted || now - s->clock_last_ns < CLOCK_ASK_NS)
        return;
    s->clock_last_ns = now;
    if (poll(&p, 1, 0) == 1 && p.revents == POLLOUT)
        s->clock_wanted = ask_clock(s, now / 1000000 + CLOCK_FIRST_MS, NULL) == 0;
}

int session_turn(struct session *s, int timeout_ms, struct err *e)
{
    struct pollfd p = {.fd = s->fd, .events = POLLIN};
    int n;

    keep_clock(s);
    n = poll(&p, 1, timeout_ms);
    if (n < 0 && errno != EINTR)
        return err_errno(e, "poll on the agent's channel");
    if (n <= 0) {
        note_garbage(s, false);
        return 0;
    }
    return read_some(s, e);
}

/* ---- what goes out --------------------------------------------------------- */

/* A closed socket must not kill us with SIGPIPE; a serial line or pipe knows no send(). */
static ssize_t send_or_write(int fd, const void *p, size_t n)
{
    ssize_t w = send(fd, p, n, MSG_NOSIGNAL);
    return w < 0 && errno == ENOTSOCK ? write(fd, p, n) : w;
}

static int write_all(struct session *s, const uint8_t *p, size_t n, uint64_t deadline, struct err *e)
{
    while (n) {
        ssize_t w = send_or_write(s->fd, p, n);
        if (w > 0) {
            p += w;
            n -= (size_t)w;
            continue;
        }
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
            return err_set(e, ERR_PEER, "agent channel: %s", strerror(errno));
        uint64_t now = now_ms();
        if (now >= deadline)
            return err_set(e, ERR_TIMEOUT, "the guest takes no data from the agent channel");
        struct pollfd f = {.fd = s->fd, .events = POLLOUT | POLLIN};
        if (poll(&f, 1, (int)(deadline - now < 1000 ? deadline - now : 1000)) > 0 && f.revents & POLLIN) {
            int r = read_some(s, e); /* a guest that waits for us to read would never read itself */
            if (r < 0)
                return r;
        }
    }
    return 0;
}

static int send_frame(struct session *s, uint8_t type, const void *payload, size_t n, uint64_t deadline, struct err *e)
{
    uint8_t head[WIRE_HEADER];

    if (n > WIRE_PAYLOAD_MAX)
        return err_set(e, ERR_LIMIT, "a message to the guest is longer than %u bytes", WIRE_PAYLOAD_MAX);
    wire_header_write(head, type, s->out_sequence++, 0, payload, (uint32_t)n, s->key);
    int r = write_all(s, head, sizeof(head), deadline, e);
    return r < 0 ? r : write_all(s, payload, n, deadline, e);
}

/* Turns until *flag or the deadline. */
static int wait_for(struct session *s, const bool *flag, uint64_t deadline, const char *what, struct err *e)
{
    while (!*flag) {
        uint64_t now = now_ms();
        if (s->stop && *s->stop)
            return err_set(e, -ECANCELED, "stopped");
        if (now >= deadline)
            return err_set(e, ERR_TIMEOUT, "no answer from the guest: %s", what);
        int r = session_turn(s, (int)(deadline - now < WAIT_STEP_MS ? deadline - now : WAIT_STEP_MS), e);
        if (r < 0)
            return err_prefix(e, "waiting for %s", what);
    }
    return 0;
}

static int ask(struct session *s, uint8_t type, const struct wire_put *w, uint64_t deadline, const char *what,
               struct err *e)
{
    struct answer *a = &s->answer[type];

    if (w->failed)
        return err_set(e, ERR_LIMIT, "%s: too long for one message", what);
    a->came = false;
    int r = send_frame(s, type, w->p, w->len, deadline, e);
    return r < 0 ? r : wait_for(s, &a->came, deadline, what, e);
}

static int answer_err(const struct answer *a, const char *what, struct err *e)
{
    if (a->code >= 0)
        return 0;
    int code = a->code >= -4095 ? a->code : ERR_PEER;
    if (code == -ESRCH && a->text[0]) /* the agent's word for: no such user. Whatever was asked, that is all to say */
        return err_set(e, code, "%s", a->text);
    return err_set(e, code, "%s: %s", what, a->text[0] ? a->text : err_name(code));
}

int session_wait_boot(struct session *s, int timeout_ms, struct err *e)
{
    return wait_for(s, &s->booted, now_ms() + (uint64_t)timeout_ms, "start of the agent", e);
}

int session_freeze(struct session *s, int timeout_ms, struct err *e)
{
    uint64_t deadline = now_ms() + (uint64_t)timeout_ms;

    s->frozen = false;
    int r = send_frame(s, WIRE_FREEZE, NULL, 0, deadline, e);
    return r < 0 ? r : wait_for(s, &s->frozen, deadline, "freezing", e);
}

static void put_z(struct wire_put *w, const char *z)
{
    wire_put_str(w, z, z ? strlen(z) : 0);
}

static int send_hello(struct session *s, const struct session_identity *id, const uint8_t key[16], uint64_t deadline,
                      struct err *e)
{
    uint8_t space[1024];
    struct wire_put w = {.p = space, .cap = sizeof(space)};
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    wire_put_u32(&w, WIRE_VERSION);
    wire_put_bytes(&w, key, 16);
    wire_put_u64(&w, (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec);
    put_z(&w, id->hostname);
    put_z(&w, id->machine_id);
    wire_put_bytes(&w, id->mac, sizeof(id->mac));
    if (w.failed)
        return err_set(e, ERR_LIMIT, "the host name is too long");
    memcpy(s->key, WIRE_BOOT_KEY, sizeof(s->key));
    int r = send_frame(s, WIRE_HELLO, w.p, w.len, deadline, e);
    memcpy(s->key, key, sizeof(s->key));
    s->out_sequence = 1;
    return r;
}

int session_hello(struct session *s, const struct session_identity *id, int timeout_ms, struct err *e)
{
    uint64_t deadline = now_ms() + (uint64_t)timeout_ms;
    uint8_t key[16];
    int r;

    if (s->ready)
        return err_set(e, ERR_CONFLICT, "the session has its key already");
    random_bytes(key, sizeof(key));
    do { /* a second HELLO does no harm: to an agent that has its key it is garbage */
        uint64_t until = now_ms() + HELLO_AGAIN_MS < deadline ? now_ms() + HELLO_AGAIN_MS : deadline;
        r = send_hello(s, id, key, deadline, e);
        wire_in_rekey(&s->in, key, 1);
        if (r == 0)
            r = wait_for(s, &s->ready, until, "hello", e);
    } while (r == ERR_TIMEOUT && now_ms() < deadline);
    return r;
}

int session_ping(struct session *s, int timeout_ms, struct err *e)
{
    uint64_t deadline = now_ms() + (uint64_t)timeout_ms;

    random_bytes(s->pong, sizeof(s->pong));
    s->pong_came = false;
    int r = send_frame(s, WIRE_PING, s->pong, sizeof(s->pong), deadline, e);
    return r < 0 ? r : wait_for(s, &s->pong_came, deadline, "ping", e);
}

static int ask_clock(struct session *s, uint64_t deadline, struct err *e)
{
    random_bytes(s->clock_ping, sizeof(s->clock_ping));
    s->clock_asked_ns = now_ns();
    return send_frame(s, WIRE_PING, s->clock_ping, sizeof(s->clock_ping), deadline, e);
}

int session_clock_sync(struct session *s, struct err *e)
{
    int r = 0;

    for (int i = 0; r == 0 && i < CLOCK_FIRST_ASKS; i++) {
        uint64_t deadline = now_ms() + CLOCK_FIRST_MS;
        s->clock_answered = false;
        r = ask_clock(s, deadline, e);
        if (r == 0)
            r = wait_for(s, &s->clock_answered, deadline, "clock", e);
        if (r == ERR_TIMEOUT)
            r = 0; /* a slow moment: the next one, or those of the run, tell more */
    }
    s->clock_wanted = r == 0;
    s->clock_last_ns = now_ns();
    return r;
}

bool session_clock_error(const struct session *s, uint64_t *ret_ns)
{
    *ret_ns = s->clock.worst_ns > s->clock.error_ns ? s->clock.worst_ns : s->clock.error_ns;
    return s->clock.known;
}

static int send_content(struct session *s, int fd, uint64_t size, uint8_t ret_hash[SHA256_SIZE], uint64_t deadline,
                        struct err *e)
{
    uint8_t *space = malloc(4 + WIRE_CAPTURE_CHUNK);
    struct sha256 *hash = NULL;
    int r = space && sha256_new(&hash) == 0 ? 0 : err_set(e, -ENOMEM, "no memory to send a file");

    while (r == 0 && size) {
        struct wire_put w = {.p = space, .cap = 4 + WIRE_CAPTURE_CHUNK};
        ssize_t n = read(fd, space + 4, size < WIRE_CAPTURE_CHUNK ? (size_t)size : WIRE_CAPTURE_CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            r = err_errno(e, "reading the file for the guest");
        else if (n == 0)
            r = err_set(e, ERR_TRUNCATED, "the file for the guest became shorter");
        if (r < 0)
            break;
        wire_put_u32(&w, 1);
        sha256_add(hash, space + 4, (size_t)n);
        size -= (uint64_t)n;
        r = send_frame(s, WIRE_FILE_DATA, space, 4 + (size_t)n, deadline, e);
    }
    if (r == 0 && sha256_end(&hash, ret_hash) < 0)
        r = err_set(e, -ENOMEM, "no memory to hash a file");
    sha256_free(&hash);
    free(space);
    return r;
}

int session_put_file(struct session *s, int fd, const char *path, unsigned mode, const char *owner, int timeout_ms,
                     struct err *e)
{
    uint64_t deadline = now_ms() + (uint64_t)timeout_ms;
    uint8_t space[8192], hash[SHA256_SIZE];
    struct wire_put w = {.p = space, .cap = sizeof(space)};
    off_t size = lseek(fd, 0, SEEK_END);

    if (size < 0 || lseek(fd, 0, SEEK_SET) < 0)
        return err_errno(e, "the file for the guest");
    wire_put_u32(&w, 1);
    put_z(&w, path);
    wire_put_u32(&w, mode);
    put_z(&w, owner);
    wire_put_u64(&w, (uint64_t)size);
    if (w.failed)
        return err_set(e, ERR_LIMIT, "the path in the guest is too long");
    int r = send_frame(s, WIRE_FILE_BEGIN, w.p, w.len, deadline, e);
    if (r == 0)
        r = send_content(s, fd, (uint64_t)size, hash, deadline, e);
    if (r < 0)
        return r;
    w = (struct wire_put){.p = space, .cap = sizeof(space)};
    wire_put_u32(&w, 1);
    wire_put_bytes(&w, hash, sizeof(hash));
    r = ask(s, WIRE_FILE_END, &w, deadline, "file transfer", e);
    return r < 0 ? r : answer_err(&s->answer[WIRE_FILE_END], path, e);
}

static void put_list(struct wire_put *w, const char *const *list)
{
    size_t n = 0;

    while (list && list[n] && n < ARGS_MAX)
        n++;
    w->failed |= n == ARGS_MAX;
    wire_put_varint(w, n);
    for (size_t i = 0; i < n; i++)
        put_z(w, list[i]);
}

int session_start_sample(struct session *s, const struct session_start *o, int timeout_ms, uint32_t *ret_pid,
                         struct err *e)
{
    uint64_t deadline = now_ms() + (uint64_t)timeout_ms;
    const char *path = o->path ? o->path : "";
    uint8_t *space = malloc(WIRE_PAYLOAD_MAX);
    struct wire_put w = {.p = space, .cap = WIRE_PAYLOAD_MAX};
    struct answer *a = &s->answer[WIRE_START];

    if (!space)
        return err_set(e, -ENOMEM, "no memory to start the sample");
    int r = s->started ? err_set(e, ERR_CONFLICT, "the sample was started already") : 0;
    wire_put_u32(&w, path[0] ? 0 : WIRE_START_SHELL);
    put_z(&w, o->user);
    put_z(&w, o->cwd);
    put_z(&w, path);
    put_list(&w, o->argv);
    put_list(&w, o->envp);
    wire_put_u64(&w, o->capture_file_max);
    wire_put_u64(&w, o->capture_total_max);
    wire_put_u64(&w, o->dump_total_max);
    wire_put_u32(&w, 0);
    if (r == 0) {
        s->starting = true;
        s->spool.file_max = o->capture_file_max > o->dump_total_max ? o->capture_file_max : o->dump_total_max;
        s->spool.total_max = o->capture_total_max + o->dump_total_max;
        r = ask(s, WIRE_START, &w, deadline, "start of the sample", e);
    }
    free(space);
    if (r == 0)
        r = answer_err(a, "the sample could not be started", e);
    if (r == 0 && ret_pid)
        *ret_pid = a->pid;
    return r;
}

int session_run(struct session *s, const char *command, struct buf *output, int *ret_code, int timeout_ms,
                struct err *e)
{
    uint8_t space[65536];
    struct wire_put w = {.p = space, .cap = sizeof(space)};
    struct answer *a = &s->answer[WIRE_RUN];

    put_z(&w, command);
    s->run_output = output;
    int r = ask(s, WIRE_RUN, &w, now_ms() + (uint64_t)timeout_ms, "command in the guest", e);
    s->run_output = NULL;
    if (r == 0)
        r = answer_err(a, "command in the guest", e);
    if (r == 0 && ret_code)
        *ret_code = a->code;
    return r;
}

int session_finish(struct session *s, uint32_t budget_ms, struct err *e)
{
    uint64_t deadline = now_ms() + budget_ms + FINISH_GRACE_MS;
    uint8_t space[4];
    struct wire_put w = {.p = space, .cap = sizeof(space)};

    wire_put_u32(&w, budget_ms);
    int r = send_frame(s, WIRE_FINISH, w.p, w.len, deadline, e);
    if (r == 0)
        r = wait_for(s, &s->status.done, deadline, "end of the run", e);
    note_garbage(s, true);
    return r;
}
