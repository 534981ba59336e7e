/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The host's end against scripted guests: a thread on the other end of a
 * socket pair speaks the same wire code, well or badly.
 */
#include "machine/session.h"
#include "proto/events.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct guest {
    int fd;
    uint8_t key[16];
    uint32_t sequence;
    struct wire_in in;
    uint8_t *space;
    uint8_t upload[65536];
    size_t uploaded;
    void (*on_start)(struct guest *g); /* after START was answered */
    void (*on_finish)(struct guest *g);
    bool mute;
    bool stamps;             /* with a clock of its own, else everything happens at 5 ns */
    int64_t ahead_ns;        /* of that clock, before CLOCK_MONOTONIC */
    unsigned start_delay_ms; /* between the start and the answer to START */
    uint64_t started_host_ns;
    const char *refusal; /* of files */
};

static uint64_t host_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t guest_now(const struct guest *g)
{
    return g->stamps ? host_ns() + (uint64_t)g->ahead_ns : 5;
}

struct seen {
    unsigned events, channel_notes, captures, truncated, logs;
    uint64_t lost, capture_bytes, last_seq;
    int64_t first_time;
    char capture_name[64], capture_sha[SHA256_HEX], text[128];
    char output[64];
};

static void guest_send(struct guest *g, uint8_t type, const void *p, size_t n)
{
    uint8_t head[WIRE_HEADER];

    wire_header_write(head, type, g->sequence++, guest_now(g), p, (uint32_t)n, g->key);
    if (send(g->fd, head, sizeof(head), MSG_NOSIGNAL) < 0 || (n && send(g->fd, p, n, MSG_NOSIGNAL) < 0))
        g->mute = true;
}

static void guest_result(struct guest *g, uint32_t type, int32_t code, bool start)
{
    uint8_t space[128];
    struct wire_put w = {.p = space, .cap = sizeof(space)};

    wire_put_u32(&w, type);
    wire_put_u32(&w, (uint32_t)code);
    wire_put_str(&w, g->refusal ? g->refusal : "why", g->refusal ? strlen(g->refusal) : 3);
    if (start) {
        g->started_host_ns = host_ns();
        wire_put_u32(&w, 4711);
        wire_put_u64(&w, g->stamps ? g->started_host_ns + (uint64_t)g->ahead_ns : 1000000);
        poll(NULL, 0, (int)g->start_delay_ms);
    }
    guest_send(g, WIRE_RESULT, space, w.len);
}

static void guest_hello(struct guest *g, const uint8_t *p)
{
    uint8_t space[64];
    struct wire_put w = {.p = space, .cap = sizeof(space)};

    memcpy(g->key, p + 4, 16);
    wire_in_rekey(&g->in, g->key, 1);
    g->sequence = 1;
    wire_put_u64(&w, 77);
    wire_put_str(&w, "ok", 2);
    guest_send(g, WIRE_READY, space, w.len);
}

static void guest_frame(struct guest *g, const struct wire_header *h, const uint8_t *p)
{
    uint8_t done[36] = {0};

    switch (h->type) {
    case WIRE_HELLO:
        guest_hello(g, p);
        break;
    case WIRE_FREEZE:
        guest_send(g, WIRE_FROZEN, NULL, 0);
        break;
    case WIRE_PING:
        guest_send(g, WIRE_PONG, p, h->length);
        break;
    case WIRE_RUN:
        guest_send(g, WIRE_OUTPUT, "\001hi\n", 4);
        guest_result(g, WIRE_RUN, 3, false);
        break;
    case WIRE_FILE_DATA:
        if (g->uploaded + h->length - 4 <= sizeof(g->upload))
            memcpy(g->upload + g->uploaded, p + 4, h->length - 4);
        g->uploaded += h->length - 4;
        break;
    case WIRE_FILE_END:
        guest_result(g, WIRE_FILE_END, g->refusal ? -ESRCH : 0, false);
        break;
    case WIRE_START:
        guest_result(g, WIRE_START, 0, true);
        if (g->on_start)
            g->on_start(g);
        break;
    case WIRE_FINISH:
        if (g->on_finish)
            g->on_finish(g);
        guest_send(g, WIRE_DONE, done, sizeof(done));
        break;
    default:
        break;
    }
}

static void *guest_main(void *context)
{
    struct guest *g = context;
    struct wire_header h;
    const uint8_t *p;

    for (;;) {
        size_t room;
        uint8_t *to = wire_in_room(&g->in, &room);
        ssize_t n = read(g->fd, to, room);
        if (n <= 0)
            return NULL;
        wire_in_added(&g->in, (size_t)n);
        while (wire_in_next(&g->in, &h, &p) == 1)
            if (!g->mute)
                guest_frame(g, &h, p);
    }
}

struct fixture {
    struct guest guest;
    struct seen seen;
    struct session *s;
    pthread_t thread;
    int fd;
};

static void on_event(void *context, const struct event *ev)
{
    struct seen *s = context;

    if (ev->kind == EVENT_RUN_CHANNEL) {
        s->channel_notes++;
        return;
    }
    if (!s->events++)
        s->first_time = ev->time_ns;
    s->last_seq = ev->seq;
    if (ev->count && ev->f[0].s.n < sizeof(s->text))
        snprintf(s->text, sizeof(s->text), "%.*s", STR_ARG(ev->f[0].s));
}

static void on_lost(void *context, uint8_t source, uint64_t total)
{
    assert_int_equal(source, EVENT_SOURCE_TRACER);
    ((struct seen *)context)->lost = total;
}

static void on_capture(void *context, int kind, struct str name, int fd, uint64_t size, const char sha[SHA256_HEX],
                       bool truncated)
{
    struct seen *s = context;

    assert_true(kind == 1 || kind == 2);
    assert_true((uint64_t)lseek(fd, 0, SEEK_END) == size);
    s->captures++;
    s->truncated += truncated;
    s->capture_bytes += size;
    snprintf(s->capture_name, sizeof(s->capture_name), "%.*s", STR_ARG(name));
    memcpy(s->capture_sha, sha, SHA256_HEX);
}

static void on_output(void *context, int stream, struct str bytes)
{
    (void)stream;
    snprintf(((struct seen *)context)->output, 64, "%.*s", STR_ARG(bytes));
}

static void on_log(void *context, struct str text)
{
    (void)text;
    ((struct seen *)context)->logs++;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct session_handlers h = {&f->seen, on_event, on_lost, on_capture, on_output, on_log};
    int pair[2];

    if (!f || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return -1;
    f->fd = pair[0];
    fcntl(f->fd, F_SETFL, O_NONBLOCK);
    f->guest.fd = pair[1];
    f->guest.sequence = 1;
    f->guest.space = malloc(4u << 20);
    wire_in_init(&f->guest.in, f->guest.space, 4u << 20);
    if (session_new(f->fd, "/tmp", &h, &f->s, NULL) < 0)
        return -1;
    *state = f;
    return pthread_create(&f->thread, NULL, guest_main, &f->guest);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    session_free(&f->s);
    shutdown(f->fd, SHUT_RDWR);
    pthread_join(f->thread, NULL);
    close(f->fd);
    close(f->guest.fd);
    free(f->guest.space);
    free(f);
    return 0;
}

static void start(struct fixture *f, uint64_t file_max, uint64_t total_max)
{
    struct session_identity id = {"pc", "0123456789abcdef0123456789abcdef", {2, 0, 0, 0, 0, 1}};
    const char *argv[] = {"x", NULL};
    struct session_start o = {
        .user = "", .path = "/x", .argv = argv, .capture_file_max = file_max, .capture_total_max = total_max};
    uint32_t pid = 0;

    assert_int_equal(session_hello(f->s, &id, 5000, NULL), 0);
    assert_int_equal(session_start_sample(f->s, &o, 5000, &pid, NULL), 0);
    assert_int_equal(pid, 4711);
}

static void test_conversation(void **state)
{
    struct fixture *f = *state;
    struct buf out;
    int code = 0, file = open("/proc/self/exe", O_RDONLY);
    char tmp[] = "/tmp/session-XXXXXX";
    struct session_identity id = {"pc", "0123456789abcdef0123456789abcdef", {2, 0, 0, 0, 0, 1}};

    buf_init(&out, 1024);
    assert_int_equal(session_freeze(f->s, 5000, NULL), 0);
    assert_int_equal(session_run(f->s, "x", &out, &code, 5000, NULL), 0);
    assert_int_equal(code, 3);
    assert_string_equal(buf_z(&out), "hi\n");
    buf_free(&out);
    assert_int_equal(session_hello(f->s, &id, 5000, NULL), 0);
    assert_string_equal(session_tracer_state(f->s), "ok");
    assert_int_equal(session_hello(f->s, &id, 5000, NULL), ERR_CONFLICT);
    assert_int_equal(session_ping(f->s, 5000, NULL), 0);
    close(file);
    file = mkstemp(tmp);
    unlink(tmp);
    assert_int_equal(write(file, "content of a file", 17), 17);
    assert_int_equal(session_put_file(f->s, file, "/x", 0755, "root", 5000, NULL), 0);
    close(file);
    assert_int_equal(f->guest.uploaded, 17);
    assert_memory_equal(f->guest.upload, "content of a file", 17);
    assert_int_equal(session_finish(f->s, 1000, NULL), 0);
    assert_true(session_status(f->s)->done);
}

/* What the host sees stands on the guest's time line, however long the guest takes to answer. */
static void test_clock(void **state)
{
    struct fixture *f = *state;
    struct session_identity id = {"pc", "0123456789abcdef0123456789abcdef", {2, 0, 0, 0, 0, 1}};
    const char *argv[] = {"x", NULL};
    struct session_start o = {.user = "", .path = "/x", .argv = argv};
    uint64_t error = 0, now;

    f->guest.stamps = true;
    f->guest.ahead_ns = 123456789012345;
    f->guest.start_delay_ms = 400;
    assert_int_equal(session_time(f->s, host_ns()), -1);
    assert_false(session_clock_error(f->s, &error));
    assert_int_equal(session_hello(f->s, &id, 5000, NULL), 0);
    assert_int_equal(session_clock_sync(f->s, NULL), 0);
    assert_int_equal(session_start_sample(f->s, &o, 5000, NULL, NULL), 0);
    assert_true(session_clock_error(f->s, &error));
    assert_true(error < 50000000);
    assert_true(llabs(session_time(f->s, f->guest.started_host_ns)) <= (int64_t)error);
    now = host_ns();
    assert_true(llabs(session_time(f->s, now) - (int64_t)(now - f->guest.started_host_ns)) <= (int64_t)error);
    assert_int_equal(session_finish(f->s, 1000, NULL), 0);
}

static void test_no_such_user(void **state)
{
    struct fixture *f = *state;
    int file;
    struct session_identity id = {"pc", "0123456789abcdef0123456789abcdef", {2, 0, 0, 0, 0, 1}};
    char tmp[] = "/tmp/session-XXXXXX";
    struct err e = {0};

    file = mkstemp(tmp);
    unlink(tmp);
    f->guest.refusal = "no such user in the guest: nosuch";
    assert_int_equal(session_hello(f->s, &id, 5000, NULL), 0);
    assert_int_equal(session_put_file(f->s, file, "/x", 0755, "nosuch", 5000, &e), -ESRCH);
    assert_string_equal(e.text, "no such user in the guest: nosuch");
    close(file);
}

static size_t make_batch(uint8_t *space, size_t cap, uint8_t source, uint64_t seq, uint64_t lost, unsigned count)
{
    struct wire_batch b;
    struct wire_event ev = {.kind = EVENT_FILE_DELETE, .count = 1, .pid = 9, .tid = 9, .time = 1000500};

    ev.f[0].s = "/tmp/x";
    ev.f[0].n = 6;
    wire_batch_begin(&b, space, cap, source, 1000000, seq, lost);
    for (unsigned i = 0; i < count; i++)
        assert_true(wire_batch_add(&b, &ev));
    return b.put.len;
}

static void send_batches(struct guest *g)
{
    uint8_t space[4096];
    size_t n = make_batch(space, sizeof(space), EVENT_SOURCE_TRACER, 1, 0, 3);

    guest_send(g, WIRE_EVENTS, space, n);
    n = make_batch(space, sizeof(space), EVENT_SOURCE_TRACER, 6, 10, 2); /* 4 and 5 are missing, 10 lost before */
    guest_send(g, WIRE_EVENTS, space, n);
    n = make_batch(space, sizeof(space), EVENT_SOURCE_TRACER, 2, 10, 2); /* numbers go back: a lie */
    guest_send(g, WIRE_EVENTS, space, n);
    n = make_batch(space, sizeof(space), EVENT_SOURCE_NET, 1, 0, 2); /* not the guest's to say */
    guest_send(g, WIRE_EVENTS, space, n);
    n = make_batch(space, sizeof(space), EVENT_SOURCE_TRACER, 8, 10, 2); /* torn in the second event */
    guest_send(g, WIRE_EVENTS, space, n - 3);
    n = make_batch(space, sizeof(space), EVENT_SOURCE_TRACER, 10, 10, 1); /* so 9 is lost */
    guest_send(g, WIRE_EVENTS, space, n);
}

static void test_events(void **state)
{
    struct fixture *f = *state;

    f->guest.on_start = send_batches;
    start(f, 1000, 1000);
    assert_int_equal(session_finish(f->s, 1000, NULL), 0);
    assert_int_equal(f->seen.events, 3 + 2 + 1 + 1);
    assert_int_equal(f->seen.last_seq, 10);
    assert_int_equal(f->seen.first_time, 500);
    assert_string_equal(f->seen.text, "/tmp/x");
    assert_int_equal(f->seen.lost, 10 + 2 + 1);
    assert_int_equal(session_status(f->s)->bad_batches, 3);
}

static void capture_part(struct guest *g, uint32_t id, uint8_t phase, const void *p, size_t n)
{
    uint8_t space[8192];
    struct wire_put w = {.p = space, .cap = sizeof(space)};

    wire_put_u32(&w, id);
    wire_put_u8(&w, phase);
    wire_put_bytes(&w, p, n);
    guest_send(g, WIRE_CAPTURE, space, w.len);
}

static void capture_begin(struct guest *g, uint32_t id, uint64_t size, const char *name)
{
    uint8_t space[256];
    struct wire_put w = {.p = space, .cap = sizeof(space)};

    wire_put_u8(&w, 1);
    wire_put_u64(&w, size);
    wire_put_str(&w, name, strlen(name));
    capture_part(g, id, 0, space, w.len);
}

static void capture_end(struct guest *g, uint32_t id, const void *content, size_t n)
{
    uint8_t end[33] = {0};

    sha256_bytes(content, n, end);
    capture_part(g, id, 2, end, sizeof(end));
}

static void send_capture(struct guest *g)
{
    capture_begin(g, 1, 6, "/tmp/a");
    capture_begin(g, 2, 6, "/tmp/b"); /* interleaved */
    capture_part(g, 1, 1, "abc", 3);
    capture_part(g, 2, 1, "xyz", 3);
    capture_part(g, 1, 1, "def", 3);
    capture_end(g, 2, "xyz", 3);
    capture_end(g, 1, "abcdef", 6);
}

static void test_capture(void **state)
{
    struct fixture *f = *state;

    f->guest.on_start = send_capture;
    start(f, 1000, 1000);
    assert_int_equal(session_finish(f->s, 1000, NULL), 0);
    assert_int_equal(f->seen.captures, 2);
    assert_int_equal(f->seen.truncated, 0);
    assert_string_equal(f->seen.capture_name, "/tmp/a");
    assert_string_equal(f->seen.capture_sha, "bef57ec7f53a6d40beb640a780a639c83bc29ac8a9816f1fc6c5c6dcd93c4721");
    assert_int_equal(session_status(f->s)->bad_captures, 0);
}

static void send_bad_captures(struct guest *g)
{
    uint8_t block[4096] = {0};

    capture_part(g, 9, 1, "x", 1);    /* never begun */
    capture_part(g, 9, 7, "x", 1);    /* no such phase */
    capture_begin(g, 1, 3, "/wrong"); /* another hash than its bytes */
    capture_part(g, 1, 1, "abc", 3);
    capture_end(g, 1, "abd", 3);
    for (uint32_t i = 100; i < 120; i++) /* twenty begun, eight may stay open */
        capture_begin(g, i, 1, "/open");
    capture_begin(g, 200, UINT64_MAX, "/endless");
    for (int i = 0; i < 100; i++)
        capture_part(g, 200, 1, block, sizeof(block));
    capture_end(g, 200, block, 1);
}

static void test_bad_captures(void **state)
{
    struct fixture *f = *state;

    f->guest.on_start = send_bad_captures;
    start(f, 10000, 20000);
    assert_int_equal(session_finish(f->s, 1000, NULL), 0);
    assert_int_equal(f->seen.captures, 2);
    assert_int_equal(f->seen.truncated, 1);
    assert_int_equal(f->seen.capture_bytes, 3 + 10000);
    assert_int_equal(f->seen.logs, 1);
    assert_int_equal(session_status(f->s)->bad_captures, 2 + 1 + 12 + 1);
}

static void send_garbage(struct guest *g)
{
    uint8_t block[4096], forged[WIRE_HEADER + 8], exited[8] = {0};

    memset(block, 'B', sizeof(block));
    for (int i = 0; i < 64; i++) {
        wire_header_write(forged, WIRE_DONE, 1, 0, exited, 8, WIRE_BOOT_KEY); /* a forged end of the run */
        memcpy(forged + WIRE_HEADER, exited, 8);
        if (send(g->fd, block, sizeof(block), MSG_NOSIGNAL) < 0 ||
            send(g->fd, forged, sizeof(forged), MSG_NOSIGNAL) < 0)
            return;
    }
    guest_send(g, WIRE_EXITED, exited, 8);
}

static void test_garbage_flood(void **state)
{
    struct fixture *f = *state;

    f->guest.on_start = send_garbage;
    start(f, 1000, 1000);
    for (int i = 0; i < 100 && !session_status(f->s)->sample_ended; i++)
        assert_int_equal(session_turn(f->s, 100, NULL), 0);
    assert_true(session_status(f->s)->sample_ended);
    assert_false(session_status(f->s)->done); /* the forged one did not count */
    assert_true(session_status(f->s)->garbage_bytes == 64 * (4096 + WIRE_HEADER + 8));
    assert_int_equal(session_finish(f->s, 1000, NULL), 0);
    assert_true(f->seen.channel_notes >= 1);
}

static void test_mute_guest(void **state)
{
    struct fixture *f = *state;
    struct session_identity id = {"pc", "", {0}};
    struct err e = {0};

    f->guest.mute = true;
    assert_int_equal(session_wait_boot(f->s, 50, &e), ERR_TIMEOUT);
    assert_int_equal(session_hello(f->s, &id, 100, &e), ERR_TIMEOUT);
    assert_int_equal(session_ping(f->s, 50, &e), ERR_TIMEOUT);
    assert_non_null(strstr(e.text, "ping"));
}

static void test_guest_goes_away(void **state)
{
    struct fixture *f = *state;

    shutdown(f->guest.fd, SHUT_RDWR);
    assert_int_equal(session_turn(f->s, 1000, NULL), ERR_PEER);
    assert_int_equal(session_ping(f->s, 1000, NULL), ERR_PEER);
}

static void test_limits(void **state)
{
    struct fixture *f = *state;
    static char huge[2u << 20];
    const char *argv[] = {"x", huge, NULL};
    struct session_start o = {.path = "/x", .argv = argv};
    struct err e = {0};

    memset(huge, 'a', sizeof(huge) - 1);
    assert_int_equal(session_start_sample(f->s, &o, 1000, NULL, &e), ERR_LIMIT);
    assert_int_equal(session_run(f->s, huge, NULL, NULL, 1000, &e), ERR_LIMIT);
}

int main(void)
{
#define ROW(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        ROW(test_conversation),    ROW(test_clock),        ROW(test_no_such_user),  ROW(test_events),
        ROW(test_capture),         ROW(test_bad_captures), ROW(test_garbage_flood), ROW(test_mute_guest),
        ROW(test_guest_goes_away), ROW(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
