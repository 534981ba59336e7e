/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "os/proc.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A child that waits to be killed, with a name of its own. */
static pid_t child_new(const char *name)
{
    int fds[2];
    char c;
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        prctl(PR_SET_NAME, name);
        if (write(fds[1], "r", 1) != 1)
            _exit(1);
        pause();
        _exit(0);
    }
    assert_int_equal(read(fds[0], &c, 1), 1);
    close(fds[0]);
    close(fds[1]);
    return pid;
}

static void child_end(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void test_stat(void **state)
{
    struct proc_stat s;
    struct err e = {0};
    pid_t pid = child_new("a) R 1 (b\n");
    (void)state;
    assert_int_equal(proc_stat_read(pid, &s, &e), 0);
    assert_string_equal(s.name, "a) R 1 (b\n"); /* a name that imitates the fields behind it */
    assert_int_equal(s.pid, pid);
    assert_int_equal(s.ppid, getpid());
    assert_int_equal(s.session, getsid(0));
    assert_int_equal(s.threads, 1);
    assert_true(s.start_ticks > 0);
    child_end(pid);
    assert_int_equal(proc_stat_read(pid, &s, &e), ERR_MISSING);
    assert_true(e.text[0]);
}

static void test_cpu_time(void **state)
{
    struct proc_stat s;
    (void)state;
    for (;;) { /* work until 30 ms are seen; the test's time limit is the bound */
        for (volatile int i = 0; i < 1000000; i++)
            ;
        assert_int_equal(proc_stat_read(getpid(), &s, NULL), 0);
        if (s.user_ns >= 30000000)
            break;
    }
    assert_true(s.user_ns < 600000000000ull);
}

static void test_memory(void **state)
{
    struct proc_memory before, after;
    struct err e;
    (void)state;
    assert_int_equal(proc_memory_read(getpid(), &before, &e), 0);
    size_t n = 32u << 20;
    char *p = malloc(n);
    memset(p, 1, n);
    assert_int_equal(proc_memory_read(getpid(), &after, &e), 0);
    assert_in_range(after.private_dirty - before.private_dirty, 31u << 20, 64u << 20);
    assert_in_range(after.rss - before.rss, 31u << 20, 64u << 20);
    free(p);
    assert_int_equal(proc_memory_read(0x3fffffff, &after, &e), ERR_MISSING);
}

static void test_children(void **state)
{
    pid_t have[3], list[2];
    (void)state;
    for (int i = 0; i < 3; i++)
        have[i] = child_new("child");
    assert_int_equal(proc_children(getpid(), list, 2, NULL), 3); /* says how many there are, fills what fits */
    assert_int_equal(list[0], have[0]);
    assert_int_equal(list[1], have[1]);
    for (int i = 0; i < 3; i++)
        child_end(have[i]);
    assert_int_equal(proc_children(getpid(), list, 2, NULL), 0);
    assert_int_equal(proc_children(0x3fffffff, list, 2, NULL), ERR_MISSING);
}

static void test_identity(void **state)
{
    char boot[PROC_BOOT_ID_SIZE];
    struct proc_stat s;
    pid_t pid = child_new("child");
    (void)state;
    assert_int_equal(proc_boot_id(boot, NULL), 0);
    assert_int_equal(strlen(boot), PROC_BOOT_ID_SIZE - 1);
    assert_int_equal(proc_stat_read(pid, &s, NULL), 0);
    assert_true(proc_is_alive(boot, pid, s.start_ticks));
    assert_false(proc_is_alive(boot, pid, s.start_ticks + 1));                               /* pid used again */
    assert_false(proc_is_alive("00000000-0000-0000-0000-000000000000", pid, s.start_ticks)); /* earlier boot */
    assert_false(proc_is_alive(boot, 0, s.start_ticks));
    kill(pid, SIGKILL);
    siginfo_t si;
    waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT);
    assert_false(proc_is_alive(boot, pid, s.start_ticks)); /* a zombie */
    child_end(pid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat),     cmocka_unit_test(test_cpu_time), cmocka_unit_test(test_memory),
        cmocka_unit_test(test_children), cmocka_unit_test(test_identity),
    };
    return cmocka_run_group_tests_name("proc", tests, NULL, NULL);
}
