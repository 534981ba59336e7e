/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "os/loop.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
    struct loop *loop;
    int calls, last;
    unsigned events;
    struct loop_timer *timer, *other;
    struct loop_fd *watch[2];
    int pair[2][2];
    uint64_t at_ms;
};

static int setup(void **state)
{
    static struct world w;
    memset(&w, 0, sizeof(w));
    assert_int_equal(loop_new(&w.loop, NULL), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, w.pair[i]), 0);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    loop_free(&w->loop);
    for (int i = 0; i < 4; i++)
        close(w->pair[i / 2][i % 2]);
    return 0;
}

static void on_count(void *context)
{
    struct world *w = context;
    w->calls++;
    w->at_ms = loop_now_ms();
}

static void on_stop(void *context)
{
    struct world *w = context;
    loop_stop(w->loop, 7);
}

static void test_timer_once(void **state)
{
    struct world *w = *state;
    uint64_t start = loop_now_ms();
    assert_int_equal(loop_add_timer(w->loop, 20, 0, on_count, w, &w->timer), 0);
    assert_int_equal(loop_add_timer(w->loop, 80, 0, on_stop, w, NULL), 0);
    assert_int_equal(loop_run(w->loop), 7);
    assert_int_equal(w->calls, 1);
    assert_in_range(w->at_ms - start, 19,
                    79);          /* never early (one millisecond of rounding), clearly before the second */
    loop_remove_timer(&w->timer); /* a fired one may still be removed by its owner */
    assert_null(w->timer);
}

static void on_repeat(void *context)
{
    struct world *w = context;
    if (++w->calls == 3)
        loop_remove_timer(&w->timer);
}

static void test_timer_repeats_until_removed_by_itself(void **state)
{
    struct world *w = *state;
    assert_int_equal(loop_add_timer(w->loop, 1, 5, on_repeat, w, &w->timer), 0);
    assert_int_equal(loop_add_timer(w->loop, 60, 0, on_stop, w, NULL), 0);
    assert_int_equal(loop_run(w->loop), 7);
    assert_int_equal(w->calls, 3);
}

static void on_remove_other(void *context)
{
    struct world *w = context;
    w->calls++;
    loop_remove_timer(&w->other);
}

static void test_timer_removes_another_that_is_due(void **state)
{
    struct world *w = *state;
    assert_int_equal(loop_add_timer(w->loop, 0, 0, on_remove_other, w, &w->timer), 0);
    assert_int_equal(loop_add_timer(w->loop, 1, 0, on_count, w, &w->other), 0);
    usleep(5000);
    assert_int_equal(loop_turn(w->loop, 0), 1);
    assert_int_equal(loop_turn(w->loop, 5), 0);
    assert_int_equal(w->calls, 1);
}

static int order[512], norder;

static void on_order(void *context)
{
    order[norder++] = (int)(intptr_t)context;
}

/* Many, added in a shuffled order and half of them removed: the rest fires in order of time. */
static void test_timer_order(void **state)
{
    struct world *w = *state;
    struct loop_timer *t[400];
    norder = 0;
    for (int i = 0; i < 400; i++) {
        int ms = i * 173 % 400;
        assert_int_equal(loop_add_timer(w->loop, (uint64_t)ms / 10, 0, on_order, (void *)(intptr_t)(ms / 10), &t[i]),
                         0);
    }
    for (int i = 0; i < 400; i += 2)
        loop_remove_timer(&t[i]);
    uint64_t end = loop_now_ms() + 2000;
    while (norder < 200 && loop_now_ms() < end)
        assert_true(loop_turn(w->loop, 10) >= 0);
    assert_int_equal(norder, 200);
    for (int i = 1; i < 200; i++)
        assert_true(order[i - 1] <= order[i]);
}

static void on_nested(void *context)
{
    struct world *w = context;
    w->calls++;
    if (w->calls == 1) {
        usleep(3000);
        assert_true(loop_turn(w->loop, 0) >= 1); /* fires itself again, inside */
    } else {
        loop_remove_timer(&w->timer);
    }
}

static void test_timer_removed_in_a_nested_turn(void **state)
{
    struct world *w = *state;
    assert_int_equal(loop_add_timer(w->loop, 0, 1, on_nested, w, &w->timer), 0);
    assert_true(loop_turn(w->loop, 10) >= 1);
    assert_int_equal(w->calls, 2);
    assert_null(w->timer);
}

static void test_turn_waits_no_longer_than_told(void **state)
{
    struct world *w = *state;
    uint64_t start = loop_now_ms();
    assert_int_equal(loop_add_timer(w->loop, 5000, 0, on_count, w, &w->timer), 0);
    assert_int_equal(loop_turn(w->loop, 20), 0);
    assert_in_range(loop_now_ms() - start, 19, 1000);
}

static void on_fd(void *context, unsigned events)
{
    struct world *w = context;
    w->calls++;
    w->events = events;
}

static void test_fd_events(void **state)
{
    struct world *w = *state;
    char c;
    assert_int_equal(loop_add_fd(w->loop, w->pair[0][0], LOOP_READ, on_fd, w, &w->watch[0]), 0);
    assert_int_equal(loop_add_fd(w->loop, w->pair[0][0], LOOP_READ, on_fd, w, NULL), -EEXIST);
    assert_int_equal(loop_turn(w->loop, 0), 0);
    assert_int_equal(write(w->pair[0][1], "x", 1), 1);
    assert_int_equal(loop_turn(w->loop, 100), 1);
    assert_int_equal(w->events, LOOP_READ);
    assert_int_equal(read(w->pair[0][0], &c, 1), 1);
    assert_int_equal(loop_set_fd(w->watch[0], LOOP_WRITE), 0);
    assert_int_equal(loop_turn(w->loop, 100), 1);
    assert_int_equal(w->events, LOOP_WRITE);
    assert_int_equal(loop_set_fd(w->watch[0], 0), 0);
    assert_int_equal(loop_turn(w->loop, 0), 0);
    shutdown(w->pair[0][1], SHUT_RDWR);
    assert_int_equal(loop_turn(w->loop, 100), 1); /* the hang-up is told unasked */
    assert_true(w->events & LOOP_HANGUP);
    loop_remove_fd(&w->watch[0]);
    assert_int_equal(loop_turn(w->loop, 0), 0);
}

static void on_remove_both(void *context, unsigned events)
{
    struct world *w = context;
    (void)events;
    w->calls++;
    loop_remove_fd(&w->watch[0]);
    loop_remove_fd(&w->watch[1]);
}

/* Both are ready in the same turn; whoever comes first removes both: the second must not be called nor touched. */
static void test_fd_removed_in_the_turn_that_reported_it(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(loop_add_fd(w->loop, w->pair[i][0], LOOP_READ, on_remove_both, w, &w->watch[i]), 0);
        assert_int_equal(write(w->pair[i][1], "x", 1), 1);
    }
    assert_int_equal(loop_turn(w->loop, 100), 1);
    assert_int_equal(w->calls, 1);
    assert_int_equal(loop_turn(w->loop, 0), 0);
}

static void on_child(void *context, int status)
{
    struct world *w = context;
    w->calls++;
    w->last = status;
    loop_stop(w->loop, 0);
}

static pid_t child(int code, int signo)
{
    pid_t pid = fork();
    if (pid == 0) {
        if (signo)
            raise(signo);
        _exit(code);
    }
    return pid;
}

static void test_children(void **state)
{
    struct world *w = *state;
    assert_int_equal(loop_add_child(w->loop, child(3, 0), on_child, w), 0);
    assert_int_equal(loop_run(w->loop), 0);
    assert_true(WIFEXITED(w->last) && WEXITSTATUS(w->last) == 3);
    assert_int_equal(loop_add_child(w->loop, child(0, SIGKILL), on_child, w), 0);
    assert_int_equal(loop_run(w->loop), 0);
    assert_true(WIFSIGNALED(w->last) && WTERMSIG(w->last) == SIGKILL);
    assert_int_equal(w->calls, 2);
    assert_int_equal(loop_add_child(w->loop, 0x3fffffff, on_child, w), -ESRCH);

    pid_t removed = child(0, 0);
    assert_int_equal(loop_add_child(w->loop, removed, on_child, w), 0);
    loop_remove_child(w->loop, removed);
    assert_int_equal(loop_turn(w->loop, 20), 0);
    assert_int_equal(waitpid(removed, NULL, 0), removed); /* left to us */
    assert_int_equal(w->calls, 2);
}

static void on_signal(void *context, int signo)
{
    struct world *w = context;
    w->calls++;
    w->last = signo;
}

static void test_signals(void **state)
{
    struct world *w = *state;
    sigset_t set;
    assert_int_equal(loop_add_signal(w->loop, SIGUSR1, on_signal, w), 0);
    assert_int_equal(loop_add_signal(w->loop, SIGTERM, on_signal, w), 0);
    assert_int_equal(loop_add_signal(w->loop, SIGTERM, on_signal, w), -EINVAL);
    raise(SIGTERM);
    assert_int_equal(loop_turn(w->loop, 100), 1);
    assert_int_equal(w->last, SIGTERM);
    raise(SIGUSR1);
    assert_int_equal(loop_turn(w->loop, 100), 1);
    assert_int_equal(w->last, SIGUSR1);
    loop_free(&w->loop);
    sigprocmask(SIG_BLOCK, NULL, &set);
    assert_false(sigismember(&set, SIGTERM)); /* as it was before */
}

static void test_stop_before_run_is_not_lost(void **state)
{
    struct world *w = *state;
    loop_stop(w->loop, 9);
    assert_int_equal(loop_run(w->loop), 9);
}

/* loop_free with everything still in it: the sanitizer looks for leaks. */
static void test_free_full(void **state)
{
    struct world *w = *state;
    loop_add_timer(w->loop, 1000, 10, on_count, w, &w->timer);
    loop_add_fd(w->loop, w->pair[0][0], LOOP_READ, on_fd, w, &w->watch[0]);
    pid_t pid = child(0, 0);
    loop_add_child(w->loop, pid, on_child, w);
    loop_free(&w->loop);
    assert_null(w->loop);
    loop_free(&w->loop);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_timer_once),
        T(test_timer_repeats_until_removed_by_itself),
        T(test_timer_removes_another_that_is_due),
        T(test_timer_order),
        T(test_timer_removed_in_a_nested_turn),
        T(test_turn_waits_no_longer_than_told),
        T(test_fd_events),
        T(test_fd_removed_in_the_turn_that_reported_it),
        T(test_children),
        T(test_signals),
        T(test_stop_before_run_is_not_lost),
        T(test_free_full),
    };
    return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
