/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "case/baseline-run.h"
#include "case/case.h"

#include "os/file.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SAMPLE_SIZE (8u << 20)
#define TRIES 6

static char home[] = "/tmp/belljar-case-XXXXXX";

static char *inside(const char *name)
{
    static char path[4][512];
    static unsigned n;
    char *p = path[n++ % 4];

    snprintf(p, sizeof(path[0]), "%s/%s", home, name);
    return p;
}

static struct case_options command_options(const char *out)
{
    return (struct case_options){
        .kind = CASE_COMMAND, .target = "true", .system = "x", .user = "root", .seconds = 30, .out_dir = out};
}

struct seen {
    unsigned count;
    char id[64], dir[600], state[32];
};

static void on_interrupted(void *context, const struct case_interrupted *c)
{
    struct seen *s = context;
    s->count++;
    snprintf(s->id, sizeof(s->id), "%s", c->id);
    snprintf(s->state, sizeof(s->state), "%s", c->state);
}

static void on_case(void *context, const char *id, const char *dir, const char *state)
{
    struct seen *s = context;
    s->count++;
    snprintf(s->id, sizeof(s->id), "%s", id);
    snprintf(s->dir, sizeof(s->dir), "%s", dir);
    snprintf(s->state, sizeof(s->state), "%s", state ? state : "");
}

/* What was put elsewhere is found when its worker died, listed, opened by its id, and forgotten with its folder. */
static void test_out_folder(void **state)
{
    struct case_options o = command_options(inside("elsewhere"));
    struct case_folder c, again;
    struct seen s = {0};
    char id[64];

    (void)state;
    assert_int_equal(case_create(&o, &c, NULL), 0);
    assert_int_equal(case_state_set(&c, "running", NULL, NULL), 0);
    snprintf(id, sizeof(id), "%s", c.id);
    assert_int_equal(case_recover(on_interrupted, &s, NULL), 0);
    assert_int_equal(s.count, 0); /* somebody works on it */
    case_clear(&c);
    assert_int_equal(case_recover(on_interrupted, &s, NULL), 0);
    assert_int_equal(s.count, 1);
    assert_string_equal(s.id, id);
    assert_string_equal(s.state, "running");
    assert_int_equal(case_recover(on_interrupted, &s, NULL), 0);
    assert_int_equal(s.count, 1); /* told once */
    assert_int_equal(case_open(id, &again, NULL), 0);
    assert_string_equal(again.dir, inside("elsewhere"));
    assert_string_equal(again.id, id);
    case_clear(&again);
    assert_int_equal(case_open("last", &again, NULL), 0);
    assert_string_equal(again.id, id);
    case_clear(&again);
    assert_int_equal(file_remove_tree(inside("elsewhere"), NULL), 0);
    memset(&s, 0, sizeof(s));
    assert_int_equal(case_each(on_case, &s, NULL) >= 0, 1);
    assert_int_equal(s.count, 0);
    char *link = path_format("%s/data/cases/%s", home, id);
    assert_int_equal(access(link, F_OK), -1);
    char target[512];
    assert_int_equal(readlink(link, target, sizeof(target)), -1);
    free(link);
}

/* A folder that could not be made leaves no word of it. */
static void test_out_refused(void **state)
{
    struct case_options o = command_options(inside("full"));
    struct case_folder c;
    struct seen s = {0};

    (void)state;
    assert_int_equal(file_mkdirs(inside("full/x"), 0700, NULL), 0);
    assert_true(case_create(&o, &c, NULL) < 0);
    case_each(on_case, &s, NULL);
    assert_int_equal(s.count, 0);
    assert_true(file_exists(inside("full/x")));
}

static atomic_bool enough;

/* Whoever submits may go on writing. */
static void *scribble(void *context)
{
    int fd = open(context, O_WRONLY);
    unsigned char b = 0;

    while (fd >= 0 && !atomic_load(&enough)) {
        b++;
        for (off_t at = 0; at < (off_t)SAMPLE_SIZE; at += SAMPLE_SIZE / 16)
            if (pwrite(fd, &b, 1, at) != 1)
                break;
    }
    close(fd);
    return NULL;
}

/* The stored sample has the hash that it is named and reported by, though the source changes while it is read. */
static void test_changing_sample(void **state)
{
    char *source = inside("sample");
    struct case_options o = {.kind = CASE_FILE, .target = source, .system = "x", .user = "root", .seconds = 30};
    pthread_t thread;
    int fd = open(source, O_WRONLY | O_CREAT, 0600);

    (void)state;
    assert_int_equal(ftruncate(fd, SAMPLE_SIZE), 0);
    close(fd);
    assert_int_equal(pthread_create(&thread, NULL, scribble, source), 0);
    for (int i = 0; i < TRIES; i++) {
        struct case_folder c;
        struct hash_set own;
        char *stored;

        assert_int_equal(case_create(&o, &c, NULL), 0);
        json_t *j = case_json(c.dir, "submission.json", NULL);
        const char *told = json_string_value(json_object_get(j, "sha256"));
        assert_non_null(told);
        stored = path_format("%s/sample/%s", c.dir, told);
        fd = open(stored, O_RDONLY);
        assert_true(fd >= 0);
        assert_int_equal(hash_fd(fd, CASE_SAMPLE_MAX, &own, NULL), 0);
        assert_string_equal(own.sha256, told);
        close(fd);
        file_remove_tree(c.dir, NULL);
        free(stored);
        json_decref(j);
        case_clear(&c);
    }
    atomic_store(&enough, true);
    pthread_join(thread, NULL);
}

static const struct {
    const char *run, *why;
} idle_runs[] = {
    {"{'started':true,'ended':'time','channel':{'tracer':'ok','collected':true},'log':{'error':null}}", NULL},
    {"{'started':true,'ended':'all-exited','channel':{'tracer':'ok','collected':true}}", NULL},
    {"{'started':true,'ended':'silent','channel':{'tracer':'ok','collected':true}}", "to its end"},
    {"{'started':true,'ended':'machine-broken','channel':{'tracer':'ok','collected':true}}", "to its end"},
    {"{'started':true,'ended':'stopped','channel':{'tracer':'ok','collected':true}}", "to its end"},
    {"{'started':false,'ended':'not-started'}", "nothing was started"},
    {"{'started':true,'ended':'time','channel':{'tracer':'ok','collected':false}}", "last events"},
    {"{'started':true,'ended':'time','channel':{'tracer':'lsm missing','collected':true}}", "tracer"},
    {"{'started':true,'ended':'time','channel':{'tracer':'ok','collected':true,'tracer_lost':3}}", "lost"},
    {"{'started':true,'ended':'time','channel':{'tracer':'ok','collected':true,'missed_frames':1}}", "lost"},
    {"{'started':true,'ended':'time','channel':{'tracer':'ok','collected':true},'log':{'error':'x'}}", "log"},
    {"{}", "nothing was started"},
};

/* A record of the idle machine is believed for ever: only a whole one may be. */
static void test_idle_record(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(idle_runs) / sizeof(*idle_runs); i++) {
        char text[256];
        snprintf(text, sizeof(text), "%s", idle_runs[i].run);
        for (char *p = text; *p; p++)
            *p = *p == '\'' ? '"' : *p;
        json_t *run = json_loads(text, 0, NULL);
        const char *why = baseline_run_unsound(run);
        if (!why != !idle_runs[i].why || (why && !strstr(why, idle_runs[i].why)))
            fail_msg("%s: %s", text, why ? why : "sound");
        json_decref(run);
    }
    assert_non_null(baseline_run_unsound(NULL));
}

static int set_up(void **state)
{
    (void)state;
    return !mkdtemp(home) || setenv("BELLJAR_DATA", inside("data"), 1) < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    return file_remove_tree(home, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_out_folder),
        cmocka_unit_test(test_out_refused),
        cmocka_unit_test(test_changing_sample),
        cmocka_unit_test(test_idle_record),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
