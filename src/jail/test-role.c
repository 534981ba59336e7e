/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Roles that end well, badly or never; run as root and again as an ordinary user. */
#include "jail/jail.h"
#include "os/file.h"
#include "os/loop.h"
#include "os/proc.h"
#include "os/role-wire.h"
#include "os/role.h"
#include "os/sanitizer.h"
#include "os/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const struct jail_profile jail = {.name = "test", .memory_max = 512u << 20, .cpu_seconds = 2, .files_max = 32};

/* Answers every message with the same one, descriptors too, until the parent closes. */
static int echo_run(struct ipc *parent)
{
    struct ipc_message m;
    int r;

    while ((r = ipc_receive(parent, -1, &m, NULL)) == 1) {
        if (ipc_send(parent, m.type, m.payload, m.length, m.fds, m.nfds, NULL) < 0)
            return 2;
        ipc_message_close(&m);
    }
    return r < 0 ? 1 : 0;
}

/* Does what the first message's type says. */
enum { DO_EXIT = 1, DO_CRASH, DO_HANG, DO_SPIN, DO_ABORT, DO_FORBIDDEN, DO_BAD_STATUS, DO_CLOSE_AND_HANG };

static int do_run(struct ipc *parent)
{
    struct ipc_message m;
    volatile uintptr_t nowhere = 16;

    if (ipc_receive(parent, -1, &m, NULL) != 1)
        return 1;
    switch (m.type) {
    case DO_EXIT:
        return 42;
    case DO_CRASH:
        return *(volatile char *)nowhere;
    case DO_SPIN:
        for (volatile uint64_t i = 0;; i++)
            ;
    case DO_ABORT:
        abort();
    case DO_FORBIDDEN:
        return socket(AF_UNIX, SOCK_STREAM, 0);
    case DO_BAD_STATUS:
        return 300;
    case DO_CLOSE_AND_HANG:
        close(ipc_fd(parent));
        /* fall through */
    default:
        for (;;)
            poll(NULL, 0, 1000);
    }
}

static int free_run(struct ipc *parent)
{
    const char *v = getenv("BELLJAR_TEST_FREE");
    ipc_send(parent, 1, v ? v : "", v ? strlen(v) : 0, NULL, 0, NULL);
    return 0;
}

static const struct role echo_role = {"echo", "", &jail, echo_run};
static const struct role do_role = {"do", "", &jail, do_run};
static const struct role free_role = {"free", "", NULL, free_run};
static const struct role unknown_role = {"nobody-knows-me", "", &jail, do_run};
static const struct role *const roles[] = {&echo_role, &do_role, &free_role, NULL};

static struct role_process start(const struct role *r)
{
    struct role_process p = {0};
    struct err e = {0};
    if (role_start(r, &p, &e) < 0)
        fail_msg("%s", e.text);
    assert_true(p.pid > 0);
    return p;
}

static void test_echo(void **state)
{
    struct role_process p = start(&echo_role);
    struct ipc_message m;
    struct err e = {0};
    int status, fd = open("/proc/self/comm", O_RDONLY | O_CLOEXEC);
    (void)state;
    char *big = calloc(1, 100000);
    memset(big, 'b', 100000);
    assert_int_equal(ipc_send(p.ipc, 77, big, 100000, &fd, 1, &e), 0);
    assert_int_equal(ipc_receive(p.ipc, 10000, &m, &e), 1);
    assert_int_equal(m.type, 77);
    assert_int_equal(m.length, 100000);
    assert_memory_equal(m.payload, big, 100000);
    assert_int_equal(m.nfds, 1);
    ipc_message_close(&m);
    free(big);
    close(fd);
    assert_int_equal(role_wait(&p, 20, &status), ERR_TIMEOUT); /* it waits for more */
    ipc_free(&p.ipc);
    assert_int_equal(role_wait(&p, 10000, &status), 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(p.pid, 0);
    assert_int_equal(role_wait(&p, 0, &status), ERR_MISSING);
    role_stop(&p);
    role_stop(&p);
}

static void test_ends(void **state)
{
    static const struct {
        uint32_t what;
        const char *words, *sanitized;
    } cases[] = {
        {DO_EXIT, "exited with status 42", NULL},
        {DO_CRASH, "killed by signal 11 (memory error)", "exited with status 99"},
        {DO_SPIN, "killed by signal 24 (CPU time limit)", NULL},
        {DO_ABORT, "killed by signal 6 (gave up: failed check)", NULL},
        {DO_FORBIDDEN, "killed by signal 31 (seccomp: forbidden system call)", NULL},
        {DO_BAD_STATUS, "exited with status 125", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct role_process p = start(&do_role);
        struct ipc_message m;
        char words[128];
        int status = 0;
        assert_int_equal(ipc_send(p.ipc, cases[i].what, NULL, 0, NULL, 0, NULL), 0);
        assert_int_equal(ipc_receive(p.ipc, 20000, &m, NULL), 0); /* the channel ends with it */
        assert_int_equal(role_wait(&p, 10000, &status), 0);
        role_describe_status(status, words, sizeof(words));
        assert_string_equal(words, OS_SANITIZED && cases[i].sanitized ? cases[i].sanitized : cases[i].words);
        role_stop(&p);
    }
}

static void test_hang_is_stopped(void **state)
{
    (void)state;
    for (uint32_t what = DO_HANG; what <= DO_CLOSE_AND_HANG; what += DO_CLOSE_AND_HANG - DO_HANG) {
        struct role_process p = start(&do_role);
        struct ipc_message m;
        int status;
        pid_t pid = p.pid;
        assert_int_equal(ipc_send(p.ipc, what, NULL, 0, NULL, 0, NULL), 0);
        int r = ipc_receive(p.ipc, 100, &m, NULL);
        assert_int_equal(r, what == DO_HANG ? ERR_TIMEOUT : 0);
        assert_int_equal(role_wait(&p, 50, &status), ERR_TIMEOUT);
        role_stop(&p);
        assert_int_equal(p.pid, 0);
        assert_null(p.ipc);
        assert_int_equal(kill(pid, 0), -1); /* reaped, not only dead */
    }
}

static void on_end(void *context, int status)
{
    *(int *)context = status;
}

static void test_in_a_loop(void **state)
{
    struct role_process p = start(&do_role);
    struct loop *l;
    int status = -1;
    (void)state;
    assert_int_equal(loop_new(&l, NULL), 0);
    assert_int_equal(loop_add_child(l, p.pid, on_end, &status), 0);
    assert_int_equal(ipc_send(p.ipc, DO_EXIT, NULL, 0, NULL, 0, NULL), 0);
    while (status == -1)
        assert_true(loop_turn(l, 10000) >= 0);
    assert_int_equal(WEXITSTATUS(status), 42);
    p.pid = 0; /* the loop reaped it */
    role_stop(&p);
    loop_free(&l);
}

static void test_unknown_role(void **state)
{
    struct role_process p = {0};
    struct err e = {0};
    (void)state;
    assert_int_equal(role_start(&unknown_role, &p, &e), ERR_PEER);
    assert_string_equal(e.text, "the role nobody-knows-me did not start: it exited with status 127");
    assert_int_equal(p.pid, 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no zombie */
}

static void test_without_jail(void **state)
{
    struct ipc_message m;
    (void)state;
    setenv("BELLJAR_TEST_FREE", "kept", 1);
    struct role_process p = start(&free_role);
    assert_int_equal(ipc_receive(p.ipc, 10000, &m, NULL), 1);
    assert_int_equal(m.length, 4);
    role_stop(&p);
}

/* Typed by hand: no channel, no harm. */
static void test_by_hand(void **state)
{
    int status;
    pid_t pid;
    (void)state;
    struct spawn_options o = {
        .argv = (const char *const[]){"/proc/self/exe", ROLE_FLAG, "echo", NULL}, .in = -1, .out = -1, .err = -1};
    assert_int_equal(spawn(&o, &pid, NULL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == ROLE_EXIT_USAGE);
}

/* kill -9 of the parent: the role goes too, although it changed its user (which clears the parent-death signal). */
static void test_dies_with_parent(void **state)
{
    int fds[2];
    struct proc_stat s;
    char boot[PROC_BOOT_ID_SIZE];
    pid_t pid = 0;
    (void)state;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    pid_t middle = fork();
    if (middle == 0) {
        struct role_process p = {0};
        if (role_start(&do_role, &p, NULL) < 0 || ipc_send(p.ipc, DO_CLOSE_AND_HANG, NULL, 0, NULL, 0, NULL) < 0)
            _exit(1);
        usleep(50000); /* it hangs without a channel now: only the signal can end it */
        if (write(fds[1], &p.pid, sizeof(p.pid)) != (ssize_t)sizeof(p.pid))
            _exit(1);
        pause();
    }
    assert_int_equal(read(fds[0], &pid, sizeof(pid)), sizeof(pid));
    close(fds[0]);
    close(fds[1]);
    assert_int_equal(proc_boot_id(boot, NULL), 0);
    assert_int_equal(proc_stat_read(pid, &s, NULL), 0);
    assert_true(proc_is_alive(boot, pid, s.start_ticks));
    kill(middle, SIGKILL);
    assert_int_equal(waitpid(middle, NULL, 0), middle);
    uint64_t end = loop_now_ms() + 10000;
    while (proc_is_alive(boot, pid, s.start_ticks) && loop_now_ms() < end)
        usleep(1000);
    assert_false(proc_is_alive(boot, pid, s.start_ticks));
}

/* The parent dies while the role is on its way into the jail, at any moment: none may survive. */
static void test_dies_with_parent_early(void **state)
{
    (void)state;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    for (int i = 0; i < 30; i++) {
        pid_t middle = fork();
        if (middle == 0) {
            struct role_process p = {0};
            role_start(&do_role, &p, NULL);
            pause();
        }
        usleep((useconds_t)(i * 700));
        kill(middle, SIGKILL);
        uint64_t end = loop_now_ms() + 10000;
        while (waitpid(-1, NULL, WNOHANG) >= 0 && loop_now_ms() < end) /* until nobody is left: orphans come to us */
            usleep(500);
        assert_true(loop_now_ms() < end);
    }
    prctl(PR_SET_CHILD_SUBREAPER, 0);
}

static int run_as_nobody(void)
{
    struct spawn_options o = {
        .argv = (const char *const[]){"/proc/self/exe", "--as-user", NULL}, .in = -1, .out = 1, .err = 2, .uid = 65534};
    struct err e = {0};
    pid_t pid;
    int status = 0;

    if (spawn(&o, &pid, &e) < 0) {
        print_error("as nobody: %s\n", e.text);
        return 1;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
    int r = role_main(argc, argv, roles);
    if (r >= 0)
        return r;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_echo),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_hang_is_stopped),
        cmocka_unit_test(test_in_a_loop),
        cmocka_unit_test(test_unknown_role),
        cmocka_unit_test(test_without_jail),
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_dies_with_parent),
        cmocka_unit_test(test_dies_with_parent_early),
    };
    if (argc == 2 && strcmp(argv[1], "--as-user") == 0)
        return cmocka_run_group_tests_name("roles as an ordinary user", tests, NULL, NULL);
    int bad = cmocka_run_group_tests_name("roles", tests, NULL, NULL);
    if (geteuid() == 0)
        bad += run_as_nobody();
    return bad;
}
