/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The program as its users call it: where its words go, and what it makes of folders that a stranger made. */
#include "case/case.h"
#include "event/evlog.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ARGS_MAX 8

static char home[] = "/tmp/belljar-cli-XXXXXX";

struct said {
    int code;
    char err[4096];
};

/* Runs the program with out as its standard output (-1: closed). A hang ends the test by its time limit. */
static struct said call(const char *const *args, int out)
{
    const char *argv[ARGS_MAX + 2] = {BELLJAR_PROGRAM};
    struct said s = {0};
    FILE *err = tmpfile();
    int status;

    for (int i = 0; i < ARGS_MAX && args[i]; i++)
        argv[i + 1] = args[i];
    assert_non_null(err);
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDONLY);
        dup2(null, 0);
        if (out >= 0)
            dup2(out, 1);
        else
            close(1);
        dup2(fileno(err), 2);
        execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(126);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    s.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    rewind(err);
    s.err[fread(s.err, 1, sizeof(s.err) - 1, err)] = 0;
    fclose(err);
    return s;
}

static char *inside(const char *name)
{
    static char path[512];
    snprintf(path, sizeof(path), "%s/%s", home, name);
    return path;
}

static void write_log(const char *path)
{
    struct evlog_writer *w = NULL;
    struct event ev = {.kind = EVENT_RUN_NOTE, .source = EVENT_SOURCE_HOST, .count = EVF_RUN_NOTE__COUNT};

    ev.f[EVF_RUN_NOTE_Code].s = STR_LIT("code");
    ev.f[EVF_RUN_NOTE_Text].s = STR_LIT("a sentence");
    assert_int_equal(evlog_create(path, &w, NULL), 0);
    for (int i = 0; i < 2000; i++)
        assert_int_equal(evlog_append(w, &ev, NULL), 0);
    assert_int_equal(evlog_close(&w, NULL), 0);
}

/* A case that ran: in the data folder, named "last". */
static char *make_case(void)
{
    struct case_options o = {
        .kind = CASE_COMMAND, .target = "true", .system = "debian13", .user = "root", .seconds = 30};
    struct case_folder c;
    struct err e = {0};
    char *path;

    if (case_create(&o, &c, &e) < 0)
        fail_msg("%s", e.text);
    path = case_path(&c, "runs/1");
    assert_int_equal(file_mkdirs(path, 0700, NULL), 0);
    free(path);
    path = case_path(&c, "runs/1/events.bjl");
    write_log(path);
    free(path);
    assert_int_equal(case_state_set(&c, "done", NULL, NULL), 0);
    path = strdup(c.dir);
    case_clear(&c);
    return path;
}

static const char *const commands[][ARGS_MAX] = {
    {"--help"},
    {"help"},
    {"--version"},
    {"version"},
    {"analyze", "--help"},
    {"cases"},
    {"events", "last"},
    {"events", "last", "--json"},
    {"report", "last", "--again"},
    {"report", "last"},
    {"report", "last", "--json"},
    {"settings"},
    {"rules", "check"},
    {"rules", "list"},
    {"rules", "list", "--json"},
    {"rules", "test"},
    {"image", "list"},
    {"doctor"},
    {"docs", "FOLDER"},
};

/* Each command: a full disk and a closed output are failures with a sentence, a reader that went away is none. */
static void test_output(void **state)
{
    char *dir = make_case();
    int full = open("/dev/full", O_WRONLY), null = open("/dev/null", O_WRONLY), ends[2];

    (void)state;
    assert_true(full >= 0 && null >= 0);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        const char *args[ARGS_MAX];
        memcpy(args, commands[i], sizeof(args));
        if (!strcmp(args[0], "docs"))
            args[1] = inside("docs");
        struct said good = call(args, null), bad = call(args, full), closed = call(args, -1);
        bool doctor = !strcmp(args[0], "doctor"); /* what it says of this machine is not our matter here */
        if (good.code && !doctor)
            fail_msg("%s %s ends with %d: %s", args[0], args[1] ? args[1] : "", good.code, good.err);
        if (bad.code != 1 || !strstr(bad.err, "standard output"))
            fail_msg("%s %s >/dev/full ends with %d: %s", args[0], args[1] ? args[1] : "", bad.code, bad.err);
        if (closed.code != 1 || !strstr(closed.err, "standard output"))
            fail_msg("%s %s >&- ends with %d: %s", args[0], args[1] ? args[1] : "", closed.code, closed.err);
        assert_int_equal(pipe(ends), 0);
        close(ends[0]);
        struct said gone = call(args, ends[1]);
        close(ends[1]);
        if (strcmp(args[0], "report") && !doctor && (gone.code || *gone.err))
            fail_msg("%s %s into a pipe without a reader ends with %d: %s", args[0], args[1] ? args[1] : "", gone.code,
                     gone.err);
    }
    close(full);
    close(null);
    free(dir);
}

static void make_fifo(const char *path)
{
    assert_int_equal(mkfifo(path, 0600), 0);
}
static void make_link(const char *path)
{
    assert_int_equal(symlink("/dev/zero", path), 0);
}
static void make_good_link(const char *path)
{
    assert_int_equal(symlink(inside("good.bjl"), path), 0);
}
static void make_folder(const char *path)
{
    assert_int_equal(mkdir(path, 0700), 0);
}
static void make_sparse(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(ftruncate(fd, (off_t)1 << 42), 0);
    close(fd);
}
static void make_socket(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(strlen(path) < sizeof(a.sun_path));
    strncpy(a.sun_path, path, sizeof(a.sun_path) - 1);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    close(fd);
}

static const struct {
    const char *file;
    void (*make)(const char *path);
    const char *word;
} traps[] = {
    {"runs/1/events.bjl", make_fifo, "no plain file"},
    {"runs/1/events.bjl", make_link, "a link"},
    {"runs/1/events.bjl", make_good_link, "a link"},
    {"runs/1/events.bjl", make_folder, "no plain file"},
    {"runs/1/events.bjl", make_socket, "no plain file"},
    {"runs/1/events.bjl", make_sparse, "none that Belljar writes has more"},
    {"runs/1/run.json", make_fifo, "no plain file"},
    {"static.json", make_link, "a link"},
    {"submission.json", make_fifo, "no plain file"},
};

/* A folder that somebody sent: what is no plain file is refused with a sentence, at once, without a half report. */
static void test_foreign_folder(void **state)
{
    char *good = inside("good.bjl");

    (void)state;
    write_log(good);
    for (size_t i = 0; i < sizeof(traps) / sizeof(*traps); i++) {
        char *dir = make_case(), *path = path_join(dir, traps[i].file), *half = path_join(dir, ".report.json.new");
        char *report = path_join(dir, "report.json");
        const char *const args[] = {"report", dir, "--again", NULL}, *const events[] = {"events", dir, NULL};
        int null = open("/dev/null", O_WRONLY);

        unlink(path);
        traps[i].make(path);
        struct said s = call(args, null);
        if (s.code != 1 || !strstr(s.err, traps[i].word))
            fail_msg("report with a bad %s (%zu) ends with %d: %s", traps[i].file, i, s.code, s.err);
        assert_false(file_exists(report));
        assert_false(file_exists(half));
        s = call(events, null);
        if (!strcmp(traps[i].file, "runs/1/events.bjl") && (s.code != 1 || !strstr(s.err, traps[i].word)))
            fail_msg("events of a bad log (%zu) ends with %d: %s", i, s.code, s.err);
        close(null);
        file_remove_tree(dir, NULL);
        free(dir);
        free(path);
        free(half);
        free(report);
    }
}

/* A log of gigabytes of nothing behind a sound head is read at once. */
static void test_holes(void **state)
{
    char *dir = make_case(), *path = path_join(dir, "runs/1/events.bjl");
    const char *const args[] = {"report", dir, "--again", NULL};
    int null = open("/dev/null", O_WRONLY);

    (void)state;
    assert_int_equal(truncate(path, (off_t)60 << 30), 0);
    alarm(30);
    struct said s = call(args, null);
    alarm(0);
    if (s.code)
        fail_msg("ends with %d: %s", s.code, s.err);
    close(null);
    file_remove_tree(dir, NULL);
    free(dir);
    free(path);
}

static int set_up(void **state)
{
    (void)state;
    if (!mkdtemp(home) || setenv("BELLJAR_DATA", inside("data"), 1) < 0 ||
        setenv("BELLJAR_CACHE", inside("cache"), 1) < 0 || setenv("BELLJAR_CONFIG", "", 1) < 0)
        return -1;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return file_remove_tree(home, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output),
        cmocka_unit_test(test_foreign_folder),
        cmocka_unit_test(test_holes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
