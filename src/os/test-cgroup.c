/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs for real where cgroup v2 may be written; elsewhere it demands a sentence. */
#include "os/cgroup.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const struct cgroup_limits limits = {.memory_max = 64u << 20, .pids_max = 10, .cpu_percent = 50};

static struct cgroup *group_new(char name[64])
{
    struct cgroup *c = NULL;
    struct err e = {0};
    snprintf(name, 64, "test-%d", (int)getpid());
    int r = cgroup_new(name, &limits, &c, &e);
    if (r < 0) {
        assert_int_equal(r, ERR_UNSUPPORTED);
        assert_true(e.text[0]);
        print_message("not permitted here: %s\n", e.text);
        skip();
    }
    return c;
}

static void test_kill_forgets_nobody(void **state)
{
    char name[64];
    struct cgroup *c = group_new(name);
    struct err e = {0};
    int status;
    (void)state;
    int fds[2];
    char byte;
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    if (pid == 0) { /* leaves its session; so does its own child, which nobody else would find */
        if (cgroup_add(c, getpid(), NULL) < 0 || setsid() < 0)
            _exit(1);
        if (fork() == 0 && setsid() >= 0 && write(fds[1], "r", 1) == 1)
            pause();
        pause();
        _exit(0);
    }
    close(fds[1]);
    assert_int_equal(read(fds[0], &byte, 1), 1);
    assert_int_equal(cgroup_kill(c, &e), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(read(fds[0], &byte, 1), 0); /* the last holder of the other end is gone */
    close(fds[0]);
    cgroup_free(&c);
    assert_null(c);
    struct cgroup *again = NULL; /* really removed: the name is free */
    assert_int_equal(cgroup_new(name, &limits, &again, &e), 0);
    struct cgroup *twice = NULL;
    assert_int_equal(cgroup_new(name, &limits, &twice, &e), ERR_CONFLICT);
    cgroup_free(&again);
}

/* Limits that cannot be set are named; those that are not named hold. */
static void test_limits_hold_or_are_named(void **state)
{
    char name[64];
    struct cgroup *c = group_new(name);
    int status;
    (void)state;
    print_message("missing here: %s\n", cgroup_missing(c));
    if (!strstr(cgroup_missing(c), "pids")) {
        pid_t pid = fork();
        if (pid == 0) {
            int n = 0;
            if (cgroup_add(c, getpid(), NULL) < 0)
                _exit(100);
            while (n < 50 && fork() > 0)
                n++;
            _exit(n);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 10);
    }
    cgroup_free(&c);
}

static void test_bad_name(void **state)
{
    struct cgroup *c = NULL;
    struct err e;
    (void)state;
    assert_true(cgroup_new("../x", &limits, &c, &e) < 0);
    cgroup_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kill_forgets_nobody),
        cmocka_unit_test(test_limits_hold_or_are_named),
        cmocka_unit_test(test_bad_name),
    };
    return cmocka_run_group_tests_name("cgroup", tests, NULL, NULL);
}
