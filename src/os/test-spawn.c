/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Programs that really run: the system's shell, and this program itself as "--probe". */
#include "os/spawn.h"

#include "os/file.h"
#include "os/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SELF "/proc/self/exe"

/* In the child: which descriptors are open, who and where am I. */
static int probe(void)
{
    char cwd[256];
    struct rlimit files;
    int sig = 0;

    for (int fd = 3; fd < 1024; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            printf("fd%d ", fd);
    prctl(PR_GET_PDEATHSIG, &sig);
    getrlimit(RLIMIT_NOFILE, &files);
    printf("uid=%d gid=%d groups=%d cwd=%s pdeath=%d leader=%d files=%d env=%s pipe=%s\n", (int)getuid(), (int)getgid(),
           getgroups(0, NULL), getcwd(cwd, sizeof(cwd)), sig, getpgrp() == getpid(), (int)files.rlim_cur,
           getenv("PROBE") ? getenv("PROBE") : "none", signal(SIGPIPE, SIG_DFL) == SIG_DFL ? "default" : "ignored");
    return 0;
}

static void run_probe(struct spawn_options *o, char *ret, size_t n)
{
    const char *argv[] = {SELF, "--probe", NULL};
    struct err e = {0};
    int fds[2];
    pid_t pid;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    o->argv = argv;
    o->in = o->err = -1;
    o->out = fds[1];
    if (spawn(o, &pid, &e) < 0)
        fail_msg("%s", e.text);
    close(fds[1]);
    size_t got = 0;
    for (ssize_t r; got < n - 1 && (r = read(fds[0], ret + got, n - 1 - got)) > 0;)
        got += (size_t)r;
    ret[got] = 0;
    close(fds[0]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_child_gets_only_what_it_shall(void **state)
{
    char text[2048], want[64];
    int leak = open("/dev/null", O_RDONLY), kept = open("/dev/null", O_RDONLY);
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    struct spawn_options o = {.own_group = true,
                              .files_max = 50,
                              .keep = &kept,
                              .nkeep = 1,
                              .cwd = "/usr",
                              .envp = (const char *const[]){"PROBE=yes", "ASAN_OPTIONS=detect_leaks=0", NULL}};
    run_probe(&o, text, sizeof(text));
    signal(SIGPIPE, SIG_DFL);
    snprintf(want, sizeof(want), "fd%d uid=", kept); /* this one and no other */
    assert_int_equal(strncmp(text, want, strlen(want)), 0);
    assert_non_null(strstr(text, " cwd=/usr pdeath=9 leader=1 files=50 env=yes pipe=default"));
    close(leak);
    close(kept);
}

static void test_user_is_dropped(void **state)
{
    char text[2048];
    (void)state;
    if (geteuid() != 0)
        skip();
    struct spawn_options o = {.uid = 65534};
    run_probe(&o, text, sizeof(text));
    assert_non_null(strstr(text, "uid=65534 gid=65534 groups=0 "));
    assert_non_null(strstr(text, "pdeath=9")); /* although the change of user cleared it */
}

static void test_crossed_stdio(void **state)
{
    const char *argv[] = {"sh", "-c", "cat; echo err >&2", NULL};
    int in[2], out[2], err[2], saved[3];
    char a[16] = {0}, b[16] = {0};
    pid_t pid;
    (void)state;
    assert_true(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0);
    assert_int_equal(write(in[1], "in", 2), 2);
    close(in[1]);
    /* the worst order: what shall become 0 is 1, what shall become 1 is 2, what shall become 2 is 0 */
    for (int i = 0; i < 3; i++)
        saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
    dup2(in[0], 1);
    dup2(out[1], 2);
    dup2(err[1], 0);
    struct spawn_options o = {.argv = argv, .in = 1, .out = 2, .err = 0};
    int r = spawn(&o, &pid, NULL);
    for (int i = 0; i < 3; i++) {
        dup2(saved[i], i);
        close(saved[i]);
    }
    close(out[1]);
    close(err[1]);
    assert_int_equal(r, 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(read(out[0], a, 15), 2);
    assert_string_equal(a, "in");
    assert_int_equal(read(err[0], b, 15), 4);
    assert_string_equal(b, "err\n");
    close(in[0]);
    close(out[0]);
    close(err[0]);
}

static void test_no_such_program(void **state)
{
    struct err e = {0};
    pid_t pid = -5;
    (void)state;
    struct spawn_options o = {
        .argv = (const char *const[]){"belljar-no-such-program", NULL}, .in = -1, .out = -1, .err = -1};
    assert_int_equal(spawn(&o, &pid, &e), -ENOENT);
    assert_string_equal(e.text, "cannot start belljar-no-such-program: No such file or directory");
    assert_int_equal(pid, -5);
    o.argv = (const char *const[]){"true", NULL};
    o.cwd = "/no/such/folder";
    assert_int_equal(spawn(&o, &pid, &e), -ENOENT);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nobody left to reap */
}

static void test_run(void **state)
{
    struct buf b;
    struct err e = {0};
    (void)state;
    buf_init(&b, 100);
    assert_int_equal(spawn_run((const char *const[]){"sh", "-c", "echo out; echo err >&2", NULL}, &b, 10000, &e), 0);
    assert_string_equal(buf_z(&b), "out\nerr\n");
    buf_clear(&b);
    /* much more than the cap and than a pipe holds */
    assert_int_equal(spawn_run((const char *const[]){"head", "-c", "1000000", "/dev/zero", NULL}, &b, 10000, &e), 0);
    assert_int_equal(b.len, 100);
    assert_int_equal(b.failed, 0);
    buf_free(&b);
    assert_true(spawn_run((const char *const[]){"sh", "-c", "echo first; printf 'la\\033st\\n\\n'; exit 3", NULL}, NULL,
                          10000, &e) < 0);
    assert_string_equal(e.text, "sh ended with status 3: la?st");
    assert_true(spawn_run((const char *const[]){"sh", "-c", "kill -9 $$", NULL}, NULL, 10000, &e) < 0);
    assert_string_equal(e.text, "sh was killed by signal 9: it said nothing");
}

static void test_run_timeout_kills_the_group(void **state)
{
    struct buf b;
    struct err e = {0};
    (void)state;
    buf_init(&b, 100);
    uint64_t start = loop_now_ms();
    assert_int_equal(spawn_run((const char *const[]){"sh", "-c", "sleep 100 & echo $!; wait", NULL}, &b, 300, &e),
                     ERR_TIMEOUT);
    assert_in_range(loop_now_ms() - start, 290, 20000);
    pid_t sleeper = (pid_t)atoi(buf_z(&b));
    assert_true(sleeper > 1);
    int i;
    for (i = 0; i < 500 && kill(sleeper, 0) == 0; i++) { /* its new parent reaps it in its own time */
        char path[64];
        struct buf stat;
        snprintf(path, sizeof(path), "/proc/%d/stat", (int)sleeper);
        bool zombie = file_read(path, 4096, &stat, NULL) == 0 && strstr(buf_z(&stat), ") Z ");
        buf_free(&stat);
        if (zombie)
            break;
        usleep(10000);
    }
    assert_true(i < 500);
    buf_free(&b);
}

/* A grandchild that keeps the pipe open does not keep us. */
static void test_run_ends_with_the_program(void **state)
{
    struct buf b;
    (void)state;
    buf_init(&b, 100);
    uint64_t start = loop_now_ms();
    assert_int_equal(spawn_run((const char *const[]){"sh", "-c", "sleep 20 & echo $!", NULL}, &b, 10000, NULL), 0);
    assert_in_range(loop_now_ms() - start, 0, 9000);
    kill((pid_t)atoi(buf_z(&b)), SIGKILL);
    buf_free(&b);
}

/* kill -9 of the parent takes the child along. */
static void test_dies_with_parent(void **state)
{
    int fds[2];
    pid_t grandchild = 0;
    (void)state;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    pid_t middle = fork();
    if (middle == 0) {
        struct spawn_options o = {.argv = (const char *const[]){"sleep", "100", NULL}, .in = -1, .out = -1, .err = -1};
        pid_t pid = 0;
        if (spawn(&o, &pid, NULL) < 0 || write(fds[1], &pid, sizeof(pid)) != (ssize_t)sizeof(pid))
            _exit(1);
        pause();
        _exit(0);
    }
    assert_int_equal(read(fds[0], &grandchild, sizeof(grandchild)), sizeof(grandchild));
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* so that the orphan comes to us */
    kill(middle, SIGKILL);
    assert_int_equal(waitpid(middle, NULL, 0), middle);
    int status = 0;
    assert_int_equal(waitpid(grandchild, &status, 0), grandchild); /* the test's time limit is the bound */
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    close(fds[0]);
    close(fds[1]);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--probe") == 0)
        return probe();
    setenv("PATH", "/usr/bin:/bin", 1); /* a folder that we may not read would turn "not found" into "not permitted" */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_child_gets_only_what_it_shall),
        cmocka_unit_test(test_user_is_dropped),
        cmocka_unit_test(test_crossed_stdio),
        cmocka_unit_test(test_no_such_program),
        cmocka_unit_test(test_run),
        cmocka_unit_test(test_run_timeout_kills_the_group),
        cmocka_unit_test(test_run_ends_with_the_program),
        cmocka_unit_test(test_dies_with_parent),
    };
    return cmocka_run_group_tests_name("spawn", tests, NULL, NULL);
}
