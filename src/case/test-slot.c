/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "case/slot.h"
#include "os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int give_up(void *context)
{
    return ++*(int *)context >= 2;
}

static void test_places(void **state)
{
    int a = -1, b = -1, c = -1, asked = 0;
    struct err e;

    (void)state;
    assert_int_equal(slot_take(2, NULL, NULL, &a, &e), 0);
    assert_int_equal(slot_take(2, NULL, NULL, &b, &e), 0);
    assert_int_equal(slot_take(2, give_up, &asked, &c, &e), -ECANCELED);
    assert_int_equal(asked, 2);
    assert_int_equal(c, -1);
    slot_leave(&a);
    assert_int_equal(a, -1);
    assert_int_equal(slot_take(2, NULL, NULL, &c, &e), 0);
    slot_leave(&b);
    slot_leave(&c);
}

/* A killed holder leaves its place free. */
static void test_killed(void **state)
{
    int pipe_fd[2], mine = -1, status;
    char byte;
    struct err e;
    pid_t pid;

    (void)state;
    assert_int_equal(pipe(pipe_fd), 0);
    if ((pid = fork()) == 0) {
        int theirs = -1;
        if (slot_take(1, NULL, NULL, &theirs, NULL) == 0 && write(pipe_fd[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(pipe_fd[0], &byte, 1), 1);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(slot_take(1, NULL, NULL, &mine, &e), 0);
    slot_leave(&mine);
}

/* Another user's cache: images may be read there, locks may not be made. */
static void test_other_user(void **state)
{
    char data[] = "/tmp/belljar-slot-data-XXXXXX";
    int status;
    pid_t pid;

    (void)state;
    if (geteuid() != 0)
        skip(); /* only root can become somebody else */
    assert_non_null(mkdtemp(data));
    assert_int_equal(chown(data, 65534, 65534), 0);
    assert_int_equal(setenv("BELLJAR_DATA", data, 1), 0);
    if ((pid = fork()) == 0) {
        int first = -1, second = -1, asked = 0;
        if (setgid(65534) < 0 || setuid(65534) < 0)
            _exit(3);
        _exit(slot_take(1, NULL, NULL, &first, NULL) != 0 ? 1
                                                          : slot_take(1, give_up, &asked, &second, NULL) != -ECANCELED);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    unsetenv("BELLJAR_DATA");
    file_remove_tree(data, NULL);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_places), cmocka_unit_test(test_killed),
                                       cmocka_unit_test(test_other_user)};
    char dir[] = "/tmp/belljar-slot-XXXXXX";
    int r;

    if (!mkdtemp(dir) || setenv("BELLJAR_CACHE", dir, 1) < 0)
        return 1;
    r = cmocka_run_group_tests(tests, NULL, NULL);
    file_remove_tree(dir, NULL);
    return r;
}
