/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parent's side with a scanner that dies, hangs and lies: one file is lost each time, never more. */
#include "detect/yara/client.h"
#include "detect/yara/role.h"
#include "jail/jail.h"
#include "os/file.h"
#include "os/loop.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- the bad scanner: what it does stands in the file ---------------------------------------------------- */

static void send_u32(struct ipc *parent, uint32_t type, uint32_t v)
{
    uint8_t p[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};
    ipc_send(parent, type, p, 4, NULL, 0, NULL);
}

static void bad_compile(struct ipc *parent, const struct ipc_message *m)
{
    struct yara_text *t;
    struct reader in;
    struct arena a;
    struct buf b;
    size_t n = 0;
    struct err e;

    arena_init(&a, 1 << 20);
    if (file_read_fd(m->fds[0], 1 << 20, &b, &e) < 0)
        _exit(3);
    reader_init(&in, b.data, b.len);
    if (yara_pack_decode(&in, &a, &t, &n, &e) < 0)
        _exit(4);
    for (size_t i = 0; i < n; i++) {
        if (t[i].included_only)
            continue;
        send_u32(parent, YARA_AT, (uint32_t)i);
        if (str_find(t[i].text, STR_LIT("KILL")) >= 0)
            abort();
        if (str_find(t[i].text, STR_LIT("BAD")) >= 0) {
            struct buf p;
            buf_init(&p, 4096);
            buf_u8(&p, 0);
            buf_u32le(&p, 7);
            yara_wire_str(&p, t[i].file);
            yara_wire_str(&p, STR_LIT("is bad"));
            ipc_send(parent, YARA_PROBLEM, p.data, p.len, NULL, 0, NULL);
            buf_free(&p);
        }
    }
    if (file_write_all(m->fds[1], "compiled", 8) < 0)
        _exit(5);
    send_u32(parent, YARA_READY, 1);
    buf_free(&b);
    arena_free(&a);
}

static void good_result(struct ipc *parent)
{
    const struct yara_result r = {.status = YARA_DONE};
    struct buf b;
    buf_init(&b, 4096);
    yara_result_encode(&r, &b);
    ipc_send(parent, YARA_RESULT, b.data, b.len, NULL, 0, NULL);
    buf_free(&b);
}

static void bad_scan(struct ipc *parent, const struct ipc_message *m)
{
    char text[32] = "";
    if (pread(m->fds[0], text, sizeof(text) - 1, 0) < 0)
        _exit(6);
    if (!strcmp(text, "CRASH"))
        abort();
    if (!strcmp(text, "CLOSE"))
        _exit(0);
    if (!strcmp(text, "FORBIDDEN"))
        kill(1, SIGKILL);
    while (!strcmp(text, "HANG"))
        usleep(100000);
    if (!strcmp(text, "NONSENSE"))
        ipc_send(parent, YARA_RESULT, "\xff\xff\xff\xff\xff\xff\xff", 7, NULL, 0, NULL);
    else if (!strcmp(text, "OTHER"))
        ipc_send(parent, 999, "x", 1, NULL, 0, NULL);
    else if (!strcmp(text, "REFUSE"))
        ipc_send(parent, YARA_REFUSED, "no wish", 7, NULL, 0, NULL);
    else
        good_result(parent);
}

static int bad_run(struct ipc *parent)
{
    struct ipc_message m;
    while (ipc_receive(parent, -1, &m, NULL) == 1) {
        if (m.type == YARA_COMPILE)
            bad_compile(parent, &m);
        else if (m.type == YARA_LOAD)
            send_u32(parent, YARA_READY, 1);
        else if (m.type == YARA_SCAN)
            bad_scan(parent, &m);
        else if (m.type == YARA_LIST)
            ipc_send(parent, YARA_RULE, "junk", 4, NULL, 0, NULL);
        ipc_message_close(&m);
    }
    return 0;
}

static const struct jail_profile jail = {.name = "yara", .cpu_seconds = 30, .files_max = 32, .file_size_max = 1 << 20};
static const struct role bad_role = {.name = "yara", .doc = "for tests", .jail = &jail, .run = bad_run};
static const struct role *const roles[] = {&bad_role, NULL};

/* ---- tests -------------------------------------------------------------------------------------------------- */

struct seen {
    unsigned done, problems, warnings;
    enum yara_status status[32]; /* by cookie */
    char text[32][256];
    char problem[512];
};

static void on_done(void *context, void *cookie, const struct yara_result *r)
{
    struct seen *s = context;
    size_t i = (size_t)cookie;
    s->done++;
    s->status[i] = r->status;
    snprintf(s->text[i], sizeof(s->text[i]), "%.*s", STR_ARG(r->text));
}

static void on_problem(void *context, bool warning, struct str file, unsigned line, const char *reason)
{
    struct seen *s = context;
    s->problems += !warning;
    s->warnings += warning;
    snprintf(s->problem, sizeof(s->problem), "%.*s:%u: %s", STR_ARG(file), line, reason);
}

static int client_new(struct seen *s, const char *const *texts, unsigned workers, const char *cache,
                      struct yara_client **ret, struct err *e)
{
    struct yara_pack p;
    struct yara_client_options o = {.pack = &p,
                                    .workers = workers,
                                    .no_cache = !cache,
                                    .cache_dir = cache,
                                    .handlers = {.context = s, .problem = on_problem},
                                    .done = on_done,
                                    .context = s};
    char name[16];
    *s = (struct seen){0};
    yara_pack_init(&p);
    for (unsigned i = 0; texts[i]; i++) {
        snprintf(name, sizeof(name), "yara/%u.yar", i);
        assert_int_equal(yara_pack_add_text(&p, name, str_from(texts[i]), e), 0);
    }
    int x = yara_client_new(&o, ret, e);
    yara_pack_free(&p);
    return x;
}

static void scan(struct yara_client *c, size_t cookie, const char *content)
{
    struct err e = {0};
    struct yara_job job = {.fd = memfd_create("t", MFD_CLOEXEC), .target = {.timeout_s = 1}, .cookie = (void *)cookie};
    assert_true(job.fd >= 0);
    assert_int_equal(file_write_all(job.fd, content, strlen(content)), 0);
    if (yara_client_scan(c, &job, &e) < 0)
        fail_msg("%s", e.text);
    close(job.fd);
}

static void only_the_file_that_kills_is_lost(void **state)
{
    static const struct {
        const char *content;
        enum yara_status status;
        const char *text;
    } rows[] = {
        {"fine", YARA_DONE, ""},
        {"CRASH", YARA_FAILED, "signal 6"},
        {"fine", YARA_DONE, ""},
        {"CLOSE", YARA_FAILED, "status 0"},
        {"FORBIDDEN", YARA_FAILED, "forbidden system call"},
        {"NONSENSE", YARA_FAILED, "nonsense"},
        {"OTHER", YARA_FAILED, "nonsense"},
        {"REFUSE", YARA_FAILED, "no wish"},
        {"", YARA_DONE, ""},
    };
    const char *const texts[] = {"rule a { condition: true }", NULL};
    (void)state;
    for (unsigned workers = 1; workers <= 3; workers += 2) {
        struct yara_client *c = NULL;
        struct err e = {0};
        struct seen s;
        if (client_new(&s, texts, workers, NULL, &c, &e) < 0)
            fail_msg("%s", e.text);
        for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
            scan(c, i, rows[i].content);
        assert_int_equal(yara_client_finish(c, &e), 0);
        assert_int_equal(s.done, sizeof(rows) / sizeof(*rows));
        for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
            if (s.status[i] != rows[i].status || !strstr(s.text[i], rows[i].text))
                fail_msg("row %zu: %d %s", i, s.status[i], s.text[i]);
        yara_client_free(&c);
    }
}

static void a_scanner_that_hangs_is_ended(void **state)
{
    const char *const texts[] = {"rule a { condition: true }", NULL};
    struct yara_client *c = NULL;
    struct err e = {0};
    struct seen s;
    uint64_t begun = loop_now_ms();
    (void)state;
    assert_int_equal(client_new(&s, texts, 2, NULL, &c, &e), 0);
    scan(c, 0, "HANG");
    scan(c, 1, "fine");
    scan(c, 2, "HANG");
    scan(c, 3, "fine");
    assert_int_equal(yara_client_finish(c, &e), 0);
    assert_int_equal(s.status[0], YARA_TIMEOUT);
    assert_int_equal(s.status[1], YARA_DONE);
    assert_int_equal(s.status[2], YARA_TIMEOUT);
    assert_int_equal(s.status[3], YARA_DONE);
    assert_true(loop_now_ms() - begun < 40000);
    scan(c, 4, "HANG"); /* freed while it runs */
    yara_client_free(&c);
}

static void a_rule_file_that_kills_the_compiler_is_left_out(void **state)
{
    const char *const texts[] = {"rule a { condition: true }", "KILL 1", "rule b { condition: true } // BAD", "KILL 2",
                                 NULL};
    struct yara_client *c = NULL;
    struct err e = {0};
    struct seen s;
    (void)state;
    if (client_new(&s, texts, 1, NULL, &c, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(s.problems, 3); /* the two that kill, and the bad one told once */
    scan(c, 0, "fine");
    assert_int_equal(yara_client_finish(c, &e), 0);
    assert_int_equal(s.status[0], YARA_DONE);
    yara_client_free(&c);
}

static int never(void *context, const struct yara_hit *rule)
{
    (void)context;
    (void)rule;
    return 0;
}

static void a_list_of_nonsense_is_an_error(void **state)
{
    const char *const texts[] = {"rule a { condition: true }", NULL};
    struct yara_client *c = NULL;
    struct err e = {0};
    struct seen s;
    (void)state;
    assert_int_equal(client_new(&s, texts, 1, NULL, &c, &e), 0);
    assert_true(yara_client_list(c, never, NULL, &e) < 0);
    scan(c, 0, "fine"); /* a new one works */
    assert_int_equal(yara_client_finish(c, &e), 0);
    assert_int_equal(s.status[0], YARA_DONE);
    yara_client_free(&c);
}

static void without_rules_there_is_no_client(void **state)
{
    const char *const texts[] = {NULL};
    struct yara_client *c = NULL;
    struct err e = {0};
    struct seen s;
    (void)state;
    assert_int_equal(client_new(&s, texts, 1, NULL, &c, &e), ERR_MISSING);
    assert_null(c);
}

int main(int argc, char **argv)
{
    int r = role_main(argc, argv, roles);
    if (r >= 0)
        return r;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_file_that_kills_is_lost),
        cmocka_unit_test(a_scanner_that_hangs_is_ended),
        cmocka_unit_test(a_rule_file_that_kills_the_compiler_is_left_out),
        cmocka_unit_test(a_list_of_nonsense_is_an_error),
        cmocka_unit_test(without_rules_there_is_no_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
