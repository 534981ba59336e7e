/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The real role in its jail: reading along while a log grows must give the report that reading all of it gives. */
#include "case/observe.h"

#include "event/evlog.h"
#include "os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct role *const roles[] = {&observe_role, NULL};

#define ROOT 4711u

struct folder {
    char dir[40];
    struct case_folder c;
    struct evlog_writer *w;
};

static void put(struct folder *f, const char *name, const char *text)
{
    struct err e;
    char *path = case_path(&f->c, name);
    assert_non_null(path);
    if (file_write_atomic(path, text, strlen(text), 0600, &e) < 0)
        fail_msg("%s", e.text);
    free(path);
}

static void folder_make(struct folder *f, bool with_log)
{
    struct err e;

    memset(f, 0, sizeof(*f));
    snprintf(f->dir, sizeof(f->dir), "/tmp/belljar-test-observe-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->c = (struct case_folder){.id = (char *)"test", .dir = f->dir, .lock_fd = -1};
    char *runs = case_path(&f->c, "runs/1"), *log = case_path(&f->c, "runs/1/events.bjl");
    assert_int_equal(file_mkdirs(runs, 0700, &e), 0);
    if (with_log)
        assert_int_equal(evlog_create(log, &f->w, &e), 0);
    free(runs);
    free(log);
    put(f, "submission.json", "{\"id\": \"test\", \"kind\": \"file\", \"name\": \"sample\", \"sha256\": \"00ff\"}");
    put(f, "static.json", "{\"type\": \"elf\"}");
}

static void folder_remove(struct folder *f)
{
    evlog_abandon(&f->w);
    file_remove_tree(f->dir, NULL);
}

static void run_json(struct folder *f, const char *sample_path)
{
    char text[512];
    snprintf(text, sizeof(text),
             "{\"started\": true, \"sample_path\": \"%s\", \"root_pid\": %u, \"ran_ms\": 9000, \"planned_ms\": 30000,"
             " \"sample_ended\": true, \"machine\": {\"alive_at_end\": true}, \"network\": {\"intact\": true},"
             " \"channel\": {\"collected\": true, \"tracer\": \"ok\"}}",
             sample_path, ROOT);
    put(f, "runs/1/run.json", text);
}

/* A sample that copies itself into cron's folder, calls out, and dies of a fault. */
static void append(struct folder *f, unsigned from, unsigned to)
{
    struct err e;

    for (unsigned i = from; i < to; i++) {
        struct event ev = {.source = EVENT_SOURCE_TRACER, .seq = i + 1, .time_ns = (int64_t)i * 100000};
        char path[64];

        snprintf(path, sizeof(path), "/home/jonas/file-%u", i % 50);
        ev.pid = ev.tid = ROOT;
        ev.kind = EVENT_FILE_CREATE;
        ev.count = EVF_FILE_CREATE__COUNT;
        ev.f[EVF_FILE_CREATE_TargetFilename].s = i == 701 ? STR_LIT("/etc/cron.d/update") : str_from(path);
        if (i == 0) {
            ev.kind = EVENT_RUN_SAMPLE;
            ev.count = EVF_RUN_SAMPLE__COUNT;
            ev.f[EVF_RUN_SAMPLE_Path].s = STR_LIT("/root/sample");
        } else if (i == 1) {
            ev.kind = EVENT_PROCESS_EXEC;
            ev.count = EVF_PROCESS_EXEC__COUNT;
            ev.f[EVF_PROCESS_EXEC_Image].s = STR_LIT("/root/sample");
            ev.f[EVF_PROCESS_EXEC_CommandLine].s = STR_LIT("/root/sample -x");
        } else if (i % 7 == 0) {
            ev.kind = EVENT_FILE_DELETE;
            ev.count = EVF_FILE_DELETE__COUNT;
            ev.f[EVF_FILE_DELETE_TargetFilename].s = i % 2 ? str_from(path) : STR_LIT("/root/sample");
        } else if (i == 999) {
            ev.kind = EVENT_PROCESS_EXIT;
            ev.count = EVF_PROCESS_EXIT__COUNT;
            ev.f[EVF_PROCESS_EXIT_Signal].u = SIGSEGV;
        }
        assert_int_equal(evlog_append(f->w, &ev, &e), 0);
    }
}

static char *text_of(struct folder *f, const char *name, size_t *ret_n)
{
    struct err e;
    struct buf b;
    char *path = case_path(&f->c, name), *text;

    if (file_read(path, 64u << 20, &b, &e) < 0)
        fail_msg("%s", e.text);
    text = malloc(b.len + 1);
    assert_non_null(text);
    memcpy(text, b.data, b.len);
    text[b.len] = '\0';
    *ret_n = b.len;
    buf_free(&b);
    free(path);
    return text;
}

static void assert_no_litter(struct folder *f)
{
    static const char *const names[] = {".report.json.new", ".report.html.new"};
    for (unsigned i = 0; i < 2; i++) {
        char *path = case_path(&f->c, names[i]);
        assert_false(file_exists(path));
        free(path);
    }
}

static struct observer *begin(struct folder *f, const char *sample_path)
{
    struct observe_inputs in = {.live = true, .sample_path = sample_path};
    struct observer *o = NULL;
    struct err e;

    if (observe_begin(&f->c, &in, &o, &e) < 0)
        fail_msg("%s", e.text);
    return o;
}

static void test_along_is_whole(void **state)
{
    struct folder whole, along;
    struct observe_result a, b;
    struct err e;
    size_t na, nb;

    (void)state;
    folder_make(&whole, true);
    append(&whole, 0, 1000);
    assert_int_equal(evlog_close(&whole.w, &e), 0);
    run_json(&whole, "/root/sample");
    if (observe_case(&whole.c, NULL, NULL, &a, &e) < 0)
        fail_msg("%s", e.text);

    folder_make(&along, true);
    struct observer *o = begin(&along, "/root/sample");
    for (unsigned i = 0; i < 10; i++) {
        append(&along, i * 100, i * 100 + 100);
        assert_int_equal(evlog_flush(along.w, &e), 0);
        if (i < 4)
            usleep(150000); /* some of it is read between, some at the end */
    }
    assert_int_equal(evlog_close(&along.w, &e), 0);
    run_json(&along, "/root/sample");
    if (observe_finish(&along.c, &o, &b, &e) < 0)
        fail_msg("%s", e.text);
    assert_null(o);

    assert_int_equal(a.events, 1000);
    assert_int_equal(b.events, 1000);
    assert_true(a.findings >= 2);
    assert_int_equal(a.findings, b.findings);
    assert_int_equal(a.score, b.score);
    assert_int_equal(a.word, b.word);
    assert_string_equal(a.reason, b.reason);
    char *ta = text_of(&whole, "report.json", &na), *tb = text_of(&along, "report.json", &nb);
    assert_non_null(strstr(ta, "/etc/cron.d/update"));
    assert_string_equal(ta, tb);
    free(ta);
    free(tb);
    ta = text_of(&whole, "report.html", &na);
    tb = text_of(&along, "report.html", &nb);
    assert_int_equal(na, nb);
    assert_memory_equal(ta, tb, na);
    free(ta);
    free(tb);
    assert_no_litter(&along);
    folder_remove(&whole);
    folder_remove(&along);
}

/* The first process's fault is known by run.json only, which comes last. */
static void test_crash(void **state)
{
    struct folder f;
    struct observe_result r;
    struct err e;
    size_t n;

    (void)state;
    folder_make(&f, true);
    struct observer *o = begin(&f, "/root/sample");
    append(&f, 0, 2);
    append(&f, 999, 1000);
    assert_int_equal(evlog_close(&f.w, &e), 0);
    run_json(&f, "/root/sample");
    if (observe_finish(&f.c, &o, &r, &e) < 0)
        fail_msg("%s", e.text);
    char *text = text_of(&f, "report.json", &n);
    assert_non_null(strstr(text, "The sample crashed"));
    free(text);
    folder_remove(&f);
}

static void test_other_sample(void **state)
{
    struct folder f;
    struct observe_result r;
    struct err e;

    (void)state;
    folder_make(&f, true);
    struct observer *o = begin(&f, "/root/other");
    append(&f, 0, 10);
    assert_int_equal(evlog_close(&f.w, &e), 0);
    run_json(&f, "/root/sample");
    assert_int_equal(observe_finish(&f.c, &o, &r, &e), ERR_CONFLICT);
    assert_null(o);
    assert_no_litter(&f);
    assert_int_equal(observe_case(&f.c, NULL, NULL, &r, &e), 0);
    folder_remove(&f);
}

/* Killed from outside, or dropped: an error, no half report, nothing left running. */
static void test_ends_early(void **state)
{
    struct folder f;
    struct observe_result r;
    struct err e;
    char children[64], *line = NULL;
    size_t size = 0;
    int pid = 0;

    (void)state;
    folder_make(&f, true);
    struct observer *o = begin(&f, "");
    snprintf(children, sizeof(children), "/proc/self/task/%d/children", getpid());
    FILE *list = fopen(children, "r");
    if (list && getline(&line, &size, list) > 0)
        pid = atoi(line);
    if (list)
        fclose(list);
    free(line);
    if (pid > 0) {
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(observe_finish(&f.c, &o, &r, &e), ERR_PEER);
        assert_non_null(strstr(e.text, "killed by signal 9"));
    }
    observe_drop(&o);
    o = begin(&f, "");
    observe_drop(&o);
    assert_null(o);
    assert_no_litter(&f);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    folder_remove(&f);
}

/* A run that was cut off: no log at all, an empty one, one that ends in the middle of a block, one that is no log. */
static void test_cut(void **state)
{
    static const struct {
        const char *name;
        bool with_log;
        off_t keep; /* bytes of it; negative: overwritten by other bytes */
        uint64_t events_max;
    } rows[] = {{"no log", false, 0, 0},
                {"an empty log", true, 0, 0},
                {"half a header", true, 5, 0},
                {"half a block", true, 300, 0},
                {"no log of ours", true, -1, 0}};
    struct observe_result r;
    struct err e;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct folder f;
        folder_make(&f, rows[i].with_log);
        char *log = case_path(&f.c, "runs/1/events.bjl");
        if (rows[i].with_log) {
            append(&f, 0, 600);
            assert_int_equal(evlog_close(&f.w, &e), 0);
            if (rows[i].keep >= 0)
                assert_int_equal(truncate(log, rows[i].keep), 0);
            else
                put(&f, "runs/1/events.bjl", "This is what a stranger may put into the place of a log. No more.");
        }
        int x = observe_case(&f.c, NULL, NULL, &r, &e);
        if (x < 0)
            fail_msg("%s: %s", rows[i].name, e.text);
        assert_true(r.events <= rows[i].events_max);
        assert_int_equal(r.word, VERDICT_UNKNOWN);
        free(log);
        folder_remove(&f);
    }
}

int main(int argc, char **argv)
{
    int r = role_main(argc, argv, roles);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_along_is_whole), cmocka_unit_test(test_crash), cmocka_unit_test(test_other_sample),
        cmocka_unit_test(test_ends_early),     cmocka_unit_test(test_cut),
    };

    if (r >= 0)
        return r;
    setenv("BELLJAR_SHARE", BELLJAR_SOURCE_DIR, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
