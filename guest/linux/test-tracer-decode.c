/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tracer-decode.h"

#include "bpf/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A record as the BPF programs make it. */
struct made {
    struct record_header h;
    uint8_t body[RECORD_MAX];
    size_t n;
};

static struct made *made_new(uint16_t kind, uint8_t flags)
{
    struct made *m = calloc(1, sizeof(*m));
    m->h = (struct record_header){.time = 5, .pid = 10, .tid = 11, .kind = kind, .flags = flags};
    return m;
}

static void put(struct made *m, const void *p, size_t n)
{
    memcpy(m->body + m->n, p, n);
    m->n += n;
}

static void put_tag(struct made *m, uint8_t tag)
{
    put(m, &tag, 1);
    m->h.count++;
}

static void put_u64(struct made *m, uint64_t v)
{
    put_tag(m, TAG_U64);
    put(m, &v, 8);
}

static void put_bytes(struct made *m, uint8_t tag, const void *p, uint16_t n)
{
    put_tag(m, tag);
    put(m, &n, 2);
    put(m, p, n);
}

/* names: "leaf/../root" order, separated by '|' */
static void put_path(struct made *m, uint8_t flags, const char *names)
{
    put_tag(m, TAG_PATH);
    put(m, &flags, 1);
    while (*names) {
        uint8_t n = (uint8_t)strcspn(names, "|");
        put(m, &n, 1);
        put(m, names, n);
        names += n;
        names += *names == '|';
    }
    put(m, "", 1);
}

static const uint8_t *made_bytes(struct made *m, size_t *ret_n)
{
    m->h.length = (uint32_t)(sizeof(m->h) + m->n);
    *ret_n = m->h.length;
    return (const uint8_t *)m;
}

struct got {
    int count;
    struct tracer_event ev;
    char s[TRACER_FIELDS_MAX][8192];
};

static void keep(void *ctx, const struct tracer_event *ev)
{
    struct got *g = ctx;
    g->count++;
    g->ev = *ev;
    for (unsigned i = 0; i < ev->nfields; i++) {
        g->s[i][0] = 0;
        if (!ev->f[i].s)
            continue;
        assert_int_equal(ev->f[i].s[ev->f[i].n], 0);
        size_t n = ev->f[i].n < 8191 ? ev->f[i].n : 8191;
        memcpy(g->s[i], ev->f[i].s, n);
        g->s[i][n] = 0;
    }
}

static struct got got;

static int give(struct tracer_decoder *d, struct made *m)
{
    size_t n;
    const uint8_t *p = made_bytes(m, &n);
    uint8_t *copy = malloc(n); /* exact size: an overrun is seen */
    memcpy(copy, p, n);
    int r = tracer_decode(d, copy, n, keep, &got);
    free(copy);
    free(m);
    return r;
}

static void test_paths(void **state)
{
    static const struct {
        uint8_t flags;
        const char *names, *want;
    } rows[] = {
        {0, "c|b|a", "/a/b/c"},
        {0, "", "/"},
        {PATH_FLOATING, "memfd:x", "memfd:x"},
        {PATH_FLOATING, "", "anonymous"},
        {PATH_FLOATING, "f|lost", "lost/f"},
        {PATH_CUT, "b|a", "/.../a/b"},
        {PATH_DELETED, "x|tmp", "/tmp/x"},
    };
    struct tracer_decoder *d = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct made *m = made_new(EVENT_FILE_MKDIR, RECORD_SAMPLE);
        put_path(m, rows[i].flags, rows[i].names);
        assert_int_equal(give(d, m), 0);
        assert_string_equal(got.s[0], rows[i].want);
        assert_true(got.ev.from_sample);
        assert_int_equal(got.ev.tid, 11);
    }
}

static void test_exec(void **state)
{
    struct made *m = made_new(EVENT_PROCESS_EXEC, RECORD_HOLD);

    put_path(m, 0, "sh|bin");
    put_bytes(m, TAG_ARGS, "sh\0./x y\0\0it's\0", 15);
    put_path(m, 0, "home|tmp");
    put_bytes(m, TAG_STR, "./../x y", 8);
    for (int i = 0; i < 4; i++)
        put_u64(m, (uint64_t)i);
    put_bytes(m, TAG_ENV, "A=1\0LD_PRELOAD=/x\0PATH=/bin\0", 28);
    put_u64(m, 1);
    put_u64(m, 0);
    assert_int_equal(give(*state, m), 0);
    assert_int_equal(got.ev.nfields, 11);
    assert_true(got.ev.hold);
    assert_string_equal(got.s[0], "/bin/sh");
    assert_string_equal(got.s[1], "sh './x y' '' 'it'\\''s'");
    assert_string_equal(got.s[3], "/tmp/x y");
    assert_string_equal(got.s[8], "LD_PRELOAD=/x\nPATH=/bin");
    assert_int_equal(got.ev.f[9].u, 1);
}

static int result(struct tracer_decoder *d, int64_t ret)
{
    struct made *m = made_new(KIND_RESULT, 0);
    put_u64(m, (uint64_t)ret);
    return give(d, m);
}

static struct made *pending(uint32_t tid)
{
    struct made *m = made_new(EVENT_FILE_DELETE, RECORD_PENDING);
    m->h.tid = tid;
    put_path(m, 0, "f");
    return m;
}

static void test_pending(void **state)
{
    struct tracer_decoder *d = *state;

    got.count = 0;
    assert_int_equal(give(d, pending(11)), 0);
    assert_int_equal(got.count, 0);
    assert_int_equal(result(d, 0), 0);
    assert_int_equal(got.count, 1);
    assert_string_equal(got.s[0], "/f");
    assert_int_equal(result(d, 0), 0); /* nothing is pending any more */
    assert_int_equal(got.count, 1);
    assert_int_equal(give(d, pending(11)), 0);
    assert_int_equal(result(d, -2), 0); /* failed */
    assert_int_equal(got.count, 1);
    /* threads that vanish inside a call do not fill the table for ever, and what is dropped is counted */
    uint64_t before = tracer_decoder_lost(d);
    for (uint32_t tid = 100; tid < 100 + 600; tid++)
        assert_int_equal(give(d, pending(tid)), 0);
    assert_int_equal(tracer_decoder_lost(d) - before, 600 - 512);
}

static void test_filter(void **state)
{
    static const struct {
        const char *names;
        int events;
    } rows[] = {{"shadow|etc", 1}, {"notes|home", 0}, {"id_rsa|.ssh|u|home", 1}, {"cpuinfo|proc", 1}, {"x|usr", 0}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct made *m = made_new(EVENT_FILE_READ, RECORD_FILTER);
        put_path(m, 0, rows[i].names);
        got.count = 0;
        assert_int_equal(give(*state, m), 0);
        assert_int_equal(got.count, rows[i].events);
    }
}

static void test_values(void **state)
{
    struct made *m = made_new(EVENT_NET_CONNECT, 0);
    uint64_t v = 6;
    uint8_t table = NAME_PROTOCOL;
    static const uint8_t mapped[16] = {[10] = 255, [11] = 255, [12] = 10, [15] = 7};

    put_tag(m, TAG_NAME);
    put(m, &table, 1);
    put(m, &v, 8);
    put_tag(m, TAG_ADDR6);
    put(m, mapped, 16);
    put_u64(m, 443);
    put_tag(m, TAG_ADDR4);
    put(m, "\300\250\0\1", 4);
    put_u64(m, 50000);
    assert_int_equal(give(*state, m), 0);
    assert_string_equal(got.s[0], "tcp");
    assert_string_equal(got.s[1], "10.0.0.7");
    assert_string_equal(got.s[3], "192.168.0.1");

    m = made_new(EVENT_NET_BIND, 0);
    put_tag(m, TAG_UNIX);
    put(m, "\4\0abc", 5);
    put_tag(m, TAG_UNIX);
    put(m, "\6/a/b\0z", 7);
    assert_int_equal(give(*state, m), 0);
    assert_string_equal(got.s[0], "@abc");
    assert_string_equal(got.s[1], "/a/b");

    m = made_new(EVENT_PROCESS_SYSCALLS, 0);
    put_tag(m, TAG_COUNTS);
    put(m, "\2\0", 2);
    put(m, "\73\0\3\0\0\0\0\0\0\0", 10);
    put(m, "\13\200\1\0\0\0\0\0\0\0", 10);
    assert_int_equal(give(*state, m), 0);
    assert_string_equal(got.s[0], "59=3 i11=1");
    assert_int_equal(got.ev.f[1].u, 4);
}

static void test_damaged(void **state)
{
    struct tracer_decoder *d = *state;
    struct made *m = made_new(EVENT_PROCESS_EXEC, 0);
    size_t n;

    put_path(m, 0, "sh|bin");
    put_bytes(m, TAG_ARGS, "a\0b\0", 4);
    put_u64(m, 1);
    made_bytes(m, &n);
    for (size_t cut = 0; cut < n; cut++) { /* every shorter length is refused, none reads too far */
        uint8_t *copy = malloc(cut ? cut : 1);
        memcpy(copy, m, cut);
        if (cut >= sizeof(m->h))
            ((struct record_header *)(void *)copy)->length = (uint32_t)cut;
        assert_int_equal(tracer_decode(d, copy, cut, keep, &got), -1);
        free(copy);
    }
    m->h.count = 200;
    assert_int_equal(give(d, m), -1);
    m = made_new(EVENT_PROCESS_EXEC, 0);
    put_tag(m, 77);
    assert_int_equal(give(d, m), -1);
}

static void test_text(void **state)
{
    char to[64];

    (void)state;
    assert_int_equal(tracer_join_args(to, 8, "abcdefghijkl", 12), 7);
    assert_string_equal(to, "abcdefg");
    assert_int_equal(tracer_path_join(to, sizeof(to), "/a/b", "../c/./d//e"), 8);
    assert_string_equal(to, "/a/c/d/e");
    assert_int_equal(tracer_path_join(to, sizeof(to), "/a", "/../../x"), 2);
    assert_string_equal(to, "/x");
    assert_int_equal(tracer_name(NAME_SYSCALL, 0x8000 | 999, to, sizeof(to)), 4);
    assert_string_equal(to, "i999");
    tracer_name(NAME_PROT, 7, to, sizeof(to));
    assert_string_equal(to, "rwx");
    tracer_name(NAME_REBOOT, 0x4321fedc, to, sizeof(to));
    assert_string_equal(to, "POWER_OFF");
    assert_true(tracer_path_is_sensitive("/home/u/.config/google-chrome/Default/Login Data"));
    assert_false(tracer_path_is_sensitive("/home/u/notes.txt"));
}

static int setup(void **state)
{
    *state = tracer_decoder_new();
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    struct tracer_decoder *d = *state;
    tracer_decoder_free(&d);
    assert_null(d);
    tracer_decoder_free(&d);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),  cmocka_unit_test(test_exec),   cmocka_unit_test(test_pending),
        cmocka_unit_test(test_filter), cmocka_unit_test(test_values), cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
