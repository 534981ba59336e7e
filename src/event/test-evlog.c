/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "event/evlog-format.h"
#include "event/evlog.h"

#include "base/crc32c.h"
#include "base/intern.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[] = "/tmp/test-evlog-XXXXXX";
static char path[64];

static uint64_t state = 88172645463325252u;
static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* Texts of made events live here until the next one is made. */
static char texts[EVENT_FIELDS_MAX][300];

/* An event of any kind with arbitrary values, the same for the same number. */
static void event_make(uint64_t n, struct event *ev)
{
    size_t kinds = 0;
    while (event_kind_at(kinds))
        kinds++;
    state = 88172645463325252u + n * 7919;
    for (int i = 0; i < 4; i++)
        next_random();
    const struct event_kind_info *k = event_kind_at(next_random() % kinds);
    *ev = (struct event){.kind = k->kind, .count = k->count, .time_ns = (int64_t)(next_random() >> 20) - 1000};
    ev->source = (uint8_t)(1 + next_random() % 4);
    ev->pid = (uint32_t)(100 + next_random() % 20);
    ev->tid = next_random() % 3 ? ev->pid : ev->pid + 1;
    for (unsigned i = 0; i < k->count; i++) {
        if (k->fields[i].type == EV_STR || k->fields[i].type == EV_TEXT) {
            int len = snprintf(texts[i], sizeof(texts[i]), "/path/%u/%u", i, (unsigned)(next_random() % 50));
            if (next_random() % 5 == 0)
                len = 0;
            ev->f[i].s = (struct str){texts[i], (size_t)len};
        } else if (k->fields[i].type == EV_BOOL) {
            ev->f[i].u = next_random() & 1;
        } else {
            ev->f[i].u = next_random() >> (next_random() & 63);
        }
    }
}

static void event_same(const struct event *a, const struct event *b)
{
    const struct event_kind_info *k = event_kind_info(a->kind);

    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->source, b->source);
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->time_ns, b->time_ns);
    assert_int_equal(a->pid, b->pid);
    assert_int_equal(a->tid, b->tid);
    for (unsigned i = 0; i < a->count; i++) {
        bool text =
            k && i < k->count ? k->fields[i].type == EV_STR || k->fields[i].type == EV_TEXT : a->f[i].s.p != NULL;
        if (text)
            assert_true(str_eq(a->f[i].s, b->f[i].s));
        else
            assert_int_equal(a->f[i].u, b->f[i].u);
    }
}

static void log_write(uint64_t events, bool close_it)
{
    struct evlog_writer *w;
    struct event ev;
    struct err e;

    unlink(path);
    assert_int_equal(evlog_create(path, &w, &e), 0);
    for (uint64_t i = 0; i < events; i++) {
        event_make(i, &ev);
        assert_int_equal(evlog_append(w, &ev, &e), 0);
        if (i % 500 == 499)
            assert_int_equal(evlog_flush(w, &e), 0);
    }
    assert_int_equal(evlog_writer_status(w)->events, events);
    if (close_it) {
        assert_int_equal(evlog_close(&w, &e), 0);
    } else {
        assert_int_equal(evlog_flush(w, &e), 0);
        evlog_abandon(&w);
    }
    assert_null(w);
}

static struct evlog_reader *log_open(void)
{
    struct evlog_reader *r;
    struct err e;

    assert_int_equal(evlog_open(path, &r, &e), 0);
    return r;
}

static uint64_t read_all(struct evlog_reader *r)
{
    struct event ev;
    struct err e;
    uint64_t n = 0;
    int code;

    while ((code = evlog_next(r, &ev, &e)) > 0)
        n++;
    assert_int_equal(code, 0);
    return n;
}

static void test_round_trip(void **unused)
{
    struct event want, got;
    struct err e;
    (void)unused;

    for (int closed = 0; closed < 2; closed++) {
        uint64_t seq[EVENT_SOURCE_MAX] = {0};
        log_write(20000, closed);
        struct evlog_reader *r = log_open();
        for (uint64_t i = 0; i < 20000; i++) {
            event_make(i, &want);
            assert_int_equal(evlog_next(r, &got, &e), 1);
            event_same(&want, &got);
            assert_int_equal(got.seq, ++seq[got.source]);
            for (unsigned k = 0; k < got.count; k++) {
                if (got.f[k].id)
                    assert_true(str_eq(intern_get(evlog_strings(r), got.f[k].id), got.f[k].s));
            }
        }
        assert_int_equal(evlog_next(r, &got, &e), 0);
        assert_int_equal(evlog_next(r, &got, &e), 0);
        const struct evlog_status *st = evlog_reader_status(r);
        assert_int_equal(st->events, 20000);
        assert_true(st->blocks > 5);
        assert_int_equal(st->complete, closed);
        assert_false(st->torn_tail);
        assert_int_equal(st->bad_blocks, 0);
        assert_int_equal(st->damaged_events, 0);
        for (int s = 1; s <= 4; s++) {
            assert_int_equal(st->source[s].events, seq[s]);
            assert_int_equal(st->source[s].last_seq, seq[s]);
            assert_int_equal(st->source[s].gaps, 0);
        }
        evlog_reader_free(&r);
    }
}

static void test_create_refuses(void **unused)
{
    struct evlog_writer *w = NULL;
    struct evlog_reader *r = NULL;
    struct err e;
    (void)unused;

    log_write(1, true);
    assert_int_equal(evlog_create(path, &w, &e), -EEXIST);
    assert_non_null(strstr(e.text, path));
    assert_int_equal(evlog_open("/nonexistent/log", &r, &e), -ENOENT);
    assert_int_equal(evlog_create("/nonexistent/log", &w, &e), -ENOENT);
    evlog_reader_free(&r);
    evlog_abandon(&w);
    assert_int_equal(evlog_close(&w, &e), 0);
}

static void test_loss_and_gaps(void **unused)
{
    struct evlog_writer *w;
    struct event ev = {.kind = EVENT_PROCESS_SETSID, .source = EVENT_SOURCE_TRACER, .pid = 7, .tid = 7};
    struct err e;
    static const uint64_t seqs[] = {1, 2, 5, 6, 6, 10};
    (void)unused;

    unlink(path);
    assert_int_equal(evlog_create(path, &w, &e), 0);
    for (size_t i = 0; i < sizeof(seqs) / sizeof(*seqs); i++) {
        ev.seq = seqs[i];
        assert_int_equal(evlog_append(w, &ev, &e), 0);
        if (i == 2)
            assert_int_equal(evlog_lost(w, EVENT_SOURCE_TRACER, 40, &e), 0);
    }
    assert_int_equal(evlog_lost(w, EVENT_SOURCE_TRACER, 30, &e), 0); /* totals only grow */
    assert_int_equal(evlog_lost(w, EVENT_SOURCE_NET, 3, &e), 0);
    assert_int_equal(evlog_lost(w, EVENT_SOURCE_MAX, 3, &e), ERR_USAGE);
    ev.source = EVENT_SOURCE_MAX;
    assert_int_equal(evlog_append(w, &ev, &e), ERR_USAGE);
    ev.source = 1;
    ev.count = EVENT_FIELDS_MAX + 1;
    assert_int_equal(evlog_append(w, &ev, &e), ERR_USAGE);
    for (int pass = 0; pass < 2; pass++) {
        assert_int_equal(pass ? evlog_close(&w, &e) : evlog_flush(w, &e), 0);
        struct evlog_reader *r = log_open();
        assert_int_equal(read_all(r), 6);
        const struct evlog_status *st = evlog_reader_status(r);
        assert_int_equal(st->source[EVENT_SOURCE_TRACER].lost, 40);
        assert_int_equal(st->source[EVENT_SOURCE_TRACER].gaps, 2 + 3);
        assert_int_equal(st->source[EVENT_SOURCE_TRACER].repeated, 1);
        assert_int_equal(st->source[EVENT_SOURCE_TRACER].last_seq, 10);
        assert_int_equal(st->source[EVENT_SOURCE_NET].lost, 3);
        assert_int_equal(st->complete, pass);
        evlog_reader_free(&r);
    }
}

static void test_unknown_and_extra(void **unused)
{
    struct evlog_writer *w;
    struct event ev = {.kind = 60000, .source = 1, .pid = 1, .tid = 2, .count = 3}, got;
    struct err e;
    (void)unused;

    unlink(path);
    assert_int_equal(evlog_create(path, &w, &e), 0);
    ev.f[0].u = UINT64_MAX;
    ev.f[1].s = STR_LIT("text of the future");
    assert_int_equal(evlog_append(w, &ev, &e), 0);
    struct event extra = {.kind = EVENT_FILE_DELETE, .source = 1, .pid = 1, .tid = 1, .count = 3};
    extra.f[0].s = STR_LIT("/x");
    extra.f[1].s = STR_LIT("more");
    extra.f[2].u = 9;
    assert_int_equal(evlog_append(w, &extra, &e), 0);
    struct event fewer = {.kind = EVENT_PROCESS_EXEC, .source = 1, .pid = 1, .tid = 1, .count = 1};
    fewer.f[0].s = STR_LIT("/bin/sh");
    assert_int_equal(evlog_append(w, &fewer, &e), 0);
    assert_int_equal(evlog_close(&w, &e), 0);
    struct evlog_reader *r = log_open();
    assert_int_equal(evlog_next(r, &got, &e), 1);
    event_same(&ev, &got);
    assert_int_equal(evlog_next(r, &got, &e), 1);
    event_same(&extra, &got);
    assert_int_equal(evlog_next(r, &got, &e), 1);
    event_same(&fewer, &got);
    evlog_reader_free(&r);

    r = log_open();
    evlog_filter(r, 0, 60000);
    assert_int_equal(evlog_next(r, &got, &e), 1);
    assert_int_equal(evlog_next(r, &got, &e), 0);
    evlog_reader_free(&r);
}

/* Long strings: cut at the limit, in place above the interning limit, in place when the table is full. */
static void test_long_strings(void **unused)
{
    static const size_t sizes[] = {1, 127, 128, 4096, 4097, EVENT_STR_MAX, EVENT_STR_MAX + 1, 3 * EVENT_STR_MAX};
    char *text = malloc(3 * EVENT_STR_MAX);
    struct evlog_writer *w;
    struct event got;
    struct err e;
    (void)unused;

    assert_non_null(text);
    memset(text, 'a', 3 * EVENT_STR_MAX);
    unlink(path);
    assert_int_equal(evlog_create(path, &w, &e), 0);
    for (size_t i = 0; i < 8; i++) {
        struct event ev = {.kind = EVENT_PROCESS_EXEC, .source = 1, .pid = 1, .tid = 1, .count = 11};
        for (int k = 0; k < 11; k++)
            ev.f[k].s = (struct str){text, sizes[i]};
        assert_int_equal(evlog_append(w, &ev, &e), 0);
    }
    evlog_strings_limit(w, 4);
    for (int i = 0; i < 1000; i++) {
        struct event ev = {.kind = EVENT_FILE_DELETE, .source = 1, .pid = 1, .tid = 1, .count = 1};
        char name[32];
        snprintf(name, sizeof(name), "/tmp/%d", i);
        ev.f[0].s = str_from(name);
        assert_int_equal(evlog_append(w, &ev, &e), 0);
    }
    assert_int_equal(evlog_close(&w, &e), 0);
    struct evlog_reader *r = log_open();
    for (size_t i = 0; i < 8; i++) {
        size_t want = sizes[i] > EVENT_STR_MAX ? EVENT_STR_MAX : sizes[i];
        assert_int_equal(evlog_next(r, &got, &e), 1);
        assert_int_equal(got.f[1].s.n, want);
        assert_int_equal(got.f[1].id != 0, want <= EVLOG_INTERN_STR_MAX);
        assert_int_equal(got.f[1].s.p[want - 1], 'a');
    }
    for (int i = 0; i < 1000; i++) {
        char name[32];
        snprintf(name, sizeof(name), "/tmp/%d", i);
        assert_int_equal(evlog_next(r, &got, &e), 1);
        assert_true(str_eqz(got.f[0].s, name));
        assert_int_equal(got.f[0].id, 0);
    }
    assert_int_equal(evlog_next(r, &got, &e), 0);
    assert_int_equal(evlog_reader_status(r)->cut_strings, 2 * 5); /* five text fields in two events */
    assert_int_equal(intern_count(evlog_strings(r)), 4);
    evlog_reader_free(&r);
    free(text);
}

static void test_reads_while_growing(void **unused)
{
    struct evlog_writer *w;
    struct event want, got;
    struct err e;
    uint64_t written = 0, seen = 0;
    (void)unused;

    unlink(path);
    assert_int_equal(evlog_create(path, &w, &e), 0);
    struct evlog_reader *r = log_open();
    for (int round = 0; round < 60; round++) {
        for (int i = 0; i < round * 7; i++) {
            event_make(written++, &want);
            assert_int_equal(evlog_append(w, &want, &e), 0);
        }
        assert_int_equal(evlog_flush(w, &e), 0);
        while (evlog_next(r, &got, &e) == 1) {
            event_make(seen++, &want);
            event_same(&want, &got);
        }
        assert_int_equal(seen, written);
        assert_false(evlog_reader_status(r)->complete);
    }
    assert_int_equal(evlog_close(&w, &e), 0);
    assert_int_equal(evlog_next(r, &got, &e), 0);
    assert_true(evlog_reader_status(r)->complete);
    evlog_reader_free(&r);
}

static uint8_t *file_load(size_t *ret_n)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    uint8_t *p = malloc(8 << 20);
    assert_non_null(p);
    *ret_n = fread(p, 1, 8 << 20, f);
    fclose(f);
    return p;
}

static struct evlog_reader *bytes_open(const uint8_t *p, size_t n)
{
    struct evlog_reader *r;
    struct err e;
    int fd = memfd_create("log", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, p, n), n);
    assert_int_equal(evlog_open_fd(fd, &r, &e), 0);
    return r;
}

/* Cut at any length: everything before the cut block is read, and the cut is said. */
static void test_torn_tail(void **unused)
{
    size_t n, at = 0;
    uint64_t last = 0, torn = 0;
    (void)unused;

    log_write(2500, true);
    uint8_t *p = file_load(&n);
    for (size_t cut = 0; cut <= n; cut += cut % 4096 < 80 ? 1 : 67) {
        struct evlog_reader *r = bytes_open(p, cut);
        uint64_t events = read_all(r);
        const struct evlog_status *st = evlog_reader_status(r);
        assert_true(events >= last);
        assert_int_equal(st->events, events);
        assert_int_equal(st->bad_blocks, 0);
        assert_false(st->complete && cut != n);
        torn += st->torn_tail;
        if (events > last)
            assert_false(st->torn_tail && cut == at);
        last = events;
        at = cut;
        evlog_reader_free(&r);
    }
    assert_true(torn > 100);
    struct evlog_reader *r = bytes_open(p, n);
    assert_int_equal(read_all(r), 2500);
    evlog_reader_free(&r);

    /* The tail grows into a whole block: it is read then. */
    r = bytes_open(p, n / 2);
    uint64_t half = read_all(r);
    assert_true(evlog_reader_status(r)->torn_tail);
    evlog_reader_free(&r);
    assert_true(half > 0 && half < 2500);
    free(p);
}

/* One byte changed anywhere: at most one block is missing, and the status says how many events that was. */
static void test_damage(void **unused)
{
    size_t n;
    (void)unused;

    log_write(6000, true);
    uint8_t *p = file_load(&n);
    for (size_t at = 0; at < n; at += at < 120 ? 1 : 503) {
        p[at] ^= 0x40;
        struct evlog_reader *r = bytes_open(p, n);
        uint64_t events = read_all(r);
        const struct evlog_status *st = evlog_reader_status(r);
        assert_int_equal(st->events, events);
        assert_int_equal(events + st->damaged_events, 6000);
        assert_true(st->bad_blocks == 1 || (st->bad_blocks == 0 && events == 6000));
        assert_true(events >= 1000);
        if (st->bad_blocks)
            assert_true(st->first_bad_offset <= at);
        uint64_t total = 0;
        for (int s = 1; s <= 4; s++)
            total += st->source[s].events + st->source[s].gaps;
        if (st->complete)
            assert_int_equal(total, 6000);
        evlog_reader_free(&r);
        p[at] ^= 0x40;
    }
    /* Bytes taken out of the middle: the rest is found again. */
    size_t hole = n / 2;
    memmove(p + hole, p + hole + 1000, n - hole - 1000);
    struct evlog_reader *r = bytes_open(p, n - 1000);
    uint64_t events = read_all(r);
    assert_int_equal(events + evlog_reader_status(r)->damaged_events, 6000);
    assert_int_equal(evlog_reader_status(r)->bad_blocks, 1);
    assert_true(evlog_reader_status(r)->complete);
    assert_true(events > 3000);
    evlog_reader_free(&r);
    free(p);
}

/* A sample writes text that looks like a block of ours; then the real block around it is damaged. */
static void test_forged_block(void **unused)
{
    uint8_t header[EVLOG_BLOCK_HEADER];
    struct evlog_block b = {.type = EVLOG_BLOCK_EVENTS, .file = 0x12345678, .number = 1};
    struct evlog_writer *w;
    struct err e;
    size_t n;
    (void)unused;

    evlog_block_write(header, &b);
    unlink(path);
    assert_int_equal(evlog_create(path, &w, &e), 0);
    struct event ev = {.kind = EVENT_HTTP_REQUEST, .source = 3, .pid = 1, .tid = 1, .count = 7};
    ev.f[EVF_HTTP_REQUEST_Body].s = (struct str){(char *)header, sizeof(header)};
    assert_int_equal(evlog_append(w, &ev, &e), 0);
    assert_int_equal(evlog_flush(w, &e), 0);
    assert_int_equal(evlog_append(w, &ev, &e), 0);
    assert_int_equal(evlog_close(&w, &e), 0);
    uint8_t *p = file_load(&n);
    p[EVLOG_FILE_HEADER + 20] ^= 1;
    struct evlog_reader *r = bytes_open(p, n);
    assert_int_equal(read_all(r), 1);
    assert_int_equal(evlog_reader_status(r)->bad_blocks, 1);
    assert_int_equal(evlog_reader_status(r)->blocks, 1);
    assert_int_equal(evlog_reader_status(r)->damaged_events, 1);
    evlog_reader_free(&r);
    free(p);
}

static uint64_t count_filtered(uint32_t pid, uint16_t kind, struct evlog_status *ret)
{
    struct evlog_reader *r = log_open();
    struct event ev;
    struct err e;
    uint64_t n = 0;

    evlog_filter(r, pid, kind);
    while (evlog_next(r, &ev, &e) == 1) {
        assert_true(!pid || ev.pid == pid);
        assert_true(!kind || ev.kind == kind);
        n++;
    }
    *ret = *evlog_reader_status(r);
    evlog_reader_free(&r);
    return n;
}

static void test_filter(void **unused)
{
    struct evlog_status st;
    struct event ev;
    (void)unused;

    for (int closed = 0; closed < 2; closed++) {
        uint64_t pid_count = 0, kind_count = 0, both = 0;
        log_write(9000, closed);
        for (uint64_t i = 0; i < 9000; i++) {
            event_make(i, &ev);
            pid_count += ev.pid == 105;
            kind_count += ev.kind == EVENT_FILE_DELETE;
            both += ev.pid == 105 && ev.kind == EVENT_FILE_DELETE;
        }
        assert_int_equal(count_filtered(105, 0, &st), pid_count);
        assert_int_equal(st.events, 9000);
        assert_int_equal(st.complete, closed);
        assert_int_equal(count_filtered(0, EVENT_FILE_DELETE, &st), kind_count);
        assert_int_equal(count_filtered(105, EVENT_FILE_DELETE, &st), both);
        assert_int_equal(st.bad_blocks, 0);
        assert_int_equal(st.damaged_events, 0);
        assert_int_equal(count_filtered(999, 0, &st), 0);
        assert_int_equal(count_filtered(0, 65535, &st), 0);
        assert_int_equal(count_filtered(0, 0, &st), 9000);
    }
}

/* One process per block: the index must leave the others out and still know their strings. */
static void test_filter_uses_index(void **unused)
{
    struct evlog_writer *w;
    struct evlog_status st;
    struct event ev = {.kind = EVENT_FILE_DELETE, .source = 1, .count = 1};
    struct err e;
    size_t n;
    (void)unused;

    unlink(path);
    assert_int_equal(evlog_create(path, &w, &e), 0);
    for (uint32_t pid = 1; pid <= 200; pid++) {
        char name[32];
        snprintf(name, sizeof(name), "/f/%u", pid);
        ev.pid = ev.tid = pid;
        ev.f[0].s = str_from(name);
        assert_int_equal(evlog_append(w, &ev, &e), 0);
        ev.f[0].s = STR_LIT("/f/1");
        assert_int_equal(evlog_append(w, &ev, &e), 0);
        assert_int_equal(evlog_flush(w, &e), 0);
    }
    assert_int_equal(evlog_close(&w, &e), 0);
    assert_int_equal(count_filtered(150, 0, &st), 2);
    assert_int_equal(st.blocks, 200);
    /* Damage the records of a block that the filter does not need: nobody notices, so it was not read. */
    uint8_t *p = file_load(&n);
    struct evlog_block b;
    size_t at = EVLOG_FILE_HEADER;
    for (int i = 0; i < 20; i++) {
        assert_true(evlog_block_read(p + at, &b));
        at += EVLOG_BLOCK_HEADER + b.strings_len + b.records_len;
    }
    assert_true(evlog_block_read(p + at, &b));
    p[at + EVLOG_BLOCK_HEADER + b.strings_len] ^= 1;
    struct evlog_reader *r = bytes_open(p, n);
    evlog_filter(r, 150, 0);
    assert_int_equal(evlog_next(r, &ev, &e), 1);
    assert_true(str_eqz(ev.f[0].s, "/f/150"));
    assert_int_equal(evlog_next(r, &ev, &e), 1);
    assert_true(str_eqz(ev.f[0].s, "/f/1"));
    assert_int_equal(evlog_next(r, &ev, &e), 0);
    assert_int_equal(evlog_reader_status(r)->bad_blocks, 0);
    evlog_reader_free(&r);
    free(p);
}

/* The disk is full: an error that stays, and what was written before can be read. */
static void test_disk_full(void **unused)
{
    struct rlimit old, small = {200 * 1024, RLIM_INFINITY};
    struct evlog_writer *w;
    struct event ev;
    struct err e, again;
    uint64_t n = 0;
    int code = 0;
    (void)unused;

    unlink(path);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(evlog_create(path, &w, &e), 0);
    small.rlim_max = old.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    while (code == 0 && n < 1000000) {
        event_make(n++, &ev);
        code = evlog_append(w, &ev, &e);
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(code, -EFBIG);
    assert_non_null(strstr(e.text, "cannot write the event log"));
    assert_int_equal(evlog_append(w, &ev, &again), -EFBIG);
    assert_string_equal(e.text, again.text);
    assert_int_equal(evlog_flush(w, NULL), -EFBIG);
    assert_int_equal(evlog_lost(w, 1, 5, NULL), -EFBIG);
    assert_int_equal(evlog_close(&w, &again), -EFBIG);
    assert_null(w);
    struct evlog_reader *r = log_open();
    assert_true(read_all(r) > 1000);
    assert_false(evlog_reader_status(r)->complete);
    assert_false(evlog_reader_status(r)->torn_tail);
    assert_int_equal(evlog_reader_status(r)->bad_blocks, 0);
    evlog_reader_free(&r);
}

static void test_not_a_log(void **unused)
{
    static const char junk[] = "#!/bin/sh\necho this is no log at all, but it is long enough to hold a header or two\n";
    struct evlog_reader *r = bytes_open((const uint8_t *)junk, sizeof(junk));
    (void)unused;

    assert_int_equal(read_all(r), 0);
    assert_int_equal(evlog_reader_status(r)->bad_blocks, 1);
    evlog_reader_free(&r);
    r = bytes_open((const uint8_t *)junk, 0);
    assert_int_equal(read_all(r), 0);
    assert_int_equal(evlog_reader_status(r)->bad_blocks, 0);
    assert_false(evlog_reader_status(r)->torn_tail);
    evlog_reader_free(&r);

    /* Another version is refused, not misread. */
    uint8_t header[EVLOG_FILE_HEADER];
    struct event ev;
    struct err e;
    evlog_file_write(header, 1);
    uint32_t version = 2, crc;
    memcpy(header + 8, &version, 4);
    crc = crc32c(0, header, 20);
    memcpy(header + 20, &crc, 4);
    r = bytes_open(header, sizeof(header));
    assert_int_equal(evlog_next(r, &ev, &e), ERR_UNSUPPORTED);
    evlog_reader_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),        cmocka_unit_test(test_create_refuses),
        cmocka_unit_test(test_loss_and_gaps),     cmocka_unit_test(test_unknown_and_extra),
        cmocka_unit_test(test_long_strings),      cmocka_unit_test(test_reads_while_growing),
        cmocka_unit_test(test_torn_tail),         cmocka_unit_test(test_damage),
        cmocka_unit_test(test_forged_block),      cmocka_unit_test(test_filter),
        cmocka_unit_test(test_filter_uses_index), cmocka_unit_test(test_disk_full),
        cmocka_unit_test(test_not_a_log),
    };
    if (!mkdtemp(dir))
        return 1;
    snprintf(path, sizeof(path), "%s/events.bjl", dir);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    rmdir(dir);
    return failed;
}
