/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The parent's side of roles. role_main, which enters the jail, is in
 * jail/role-main.c: os may not depend on jail.
 */
#include "os/role.h"

#include "os/role-wire.h"
#include "os/sanitizer.h"
#include "os/time.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_MS 30000
#define SEND_MS 30000
#define ENTRIES_MAX 4

struct start {
    const char *name;
    int channel; /* the child's end */
    int parent_pidfd, error_fd;
    bool map_user; /* the child is in a new user namespace without a mapping */
    uid_t uid;
    gid_t gid;
    bool weak; /* the owner asked for a jail without namespaces */
    bool free; /* a role without a jail: plain fork, own environment and standard error */
    const char *env[ENTRIES_MAX];
};

/* ---- in the child: only calls that are safe between fork and exec ---- */

static int child_write(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return -1;
    ssize_t n = write(fd, text, strlen(text));
    close(fd);
    return n == (ssize_t)strlen(text) ? 0 : -1;
}

/* Our own user and group, unchanged: the namespace is only there so that a pid namespace is permitted. */
static int child_map_user(const struct start *s)
{
    char map[64];

    if (child_write("/proc/self/setgroups", "deny") < 0)
        return -1;
    snprintf(map, sizeof(map), "%u %u 1\n", (unsigned)s->uid, (unsigned)s->uid);
    if (child_write("/proc/self/uid_map", map) < 0)
        return -1;
    snprintf(map, sizeof(map), "%u %u 1\n", (unsigned)s->gid, (unsigned)s->gid);
    return child_write("/proc/self/gid_map", map);
}

static int child_descriptors(const struct start *s)
{
    int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    int high_null = null_fd < 0 ? -1 : fcntl(null_fd, F_DUPFD_CLOEXEC, 4);
    int high_channel = fcntl(s->channel, F_DUPFD_CLOEXEC, 4);

    if (high_null < 0 || high_channel < 0)
        return -1;
    /* Sanitizer builds keep standard error for their reports; else a hostile child could write to a terminal. What has
     * no jail is no such child. */
    for (int i = 0; i <= (OS_SANITIZED || s->free ? 1 : 2); i++)
        if (dup2(high_null, i) < 0)
            return -1;
    if (dup2(high_channel, ROLE_CHANNEL_FD) < 0)
        return -1;
    /* Closed by exec, so that the error pipe works until then. */
    return syscall(SYS_close_range, ROLE_CHANNEL_FD + 1u, ~0u, CLOSE_RANGE_CLOEXEC) < 0 ? -1 : 0;
}

/* In a pid namespace getppid() is 0 whoever lives, so the parent is asked through its pidfd. */
static void child_die_with_parent(const struct start *s)
{
    struct pollfd p = {.fd = s->parent_pidfd, .events = POLLIN};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (poll(&p, 1, 0) > 0)
        _exit(127);
}

static void child_run(const struct start *s)
{
    const char *argv[] = {"belljar", ROLE_FLAG, s->name, NULL};
    sigset_t none;

    child_die_with_parent(s);
    for (int i = 1; i < _NSIG; i++)
        signal(i, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (s->map_user)
        (void)!child_map_user(s); /* where that is forbidden the jail meets the same wall and says so in words */
    if (child_descriptors(s) == 0)
        execve("/proc/self/exe", (char *const *)(uintptr_t)argv, s->free ? environ : (char *const *)(uintptr_t)s->env);
    int error = errno;
    ssize_t r = write(s->error_fd, &error, sizeof(error));
    _exit(r == (ssize_t)sizeof(error) ? 127 : 126);
}

/* ---- in the parent ---- */

static pid_t clone_like_fork(uint64_t flags)
{
    struct clone_args a = {.flags = flags, .exit_signal = SIGCHLD};

    return (pid_t)syscall(SYS_clone3, &a, sizeof(a));
}

/*
 * The pid namespace has to be made at birth: a later unshare would only hold
 * for grandchildren. Where it is not permitted the role starts without; the
 * rest of the jail does not depend on it.
 */
static pid_t start_process(struct start *s)
{
    uint64_t flags = CLONE_NEWPID | (geteuid() == 0 ? 0 : CLONE_NEWUSER);
    pid_t pid;

    s->map_user = geteuid() != 0;
    pid = s->weak || s->free ? -1 : clone_like_fork(flags);
    if (pid < 0) {
        s->map_user = false;
        pid = fork();
    }
    if (pid == 0)
        child_run(s);
    return pid;
}

static void environment(struct start *s)
{
    const char *weak = getenv("BELLJAR_JAIL");
    int n = 0;

    s->weak = weak && strcmp(weak, "weak") == 0;
    if (s->weak)
        s->env[n++] = "BELLJAR_JAIL=weak";
    if (OS_SANITIZED) /* what a sanitizer may do inside: no helper programs, no ptrace, end by a signal */
        s->env[n++] =
            "ASAN_OPTIONS=symbolize=0:detect_leaks=0:exitcode=99:print_module_map=0:allocator_may_return_null=1";
    if (OS_SANITIZED)
        s->env[n++] = "UBSAN_OPTIONS=symbolize=0:exitcode=99";
    s->env[n] = NULL;
}

static int exec_result(int fd, const struct role *r, struct err *e)
{
    int error = 0;
    ssize_t n;

    do
        n = read(fd, &error, sizeof(error));
    while (n < 0 && errno == EINTR);
    if (n == 0)
        return 0;
    errno = n == (ssize_t)sizeof(error) ? error : EIO;
    return err_errno(e, "cannot start the role %s", r->name);
}

/* The child's first message says that it is in its jail, or why it is not. */
static int wait_until_jailed(struct role_process *p, const struct role *r, struct err *e)
{
    struct ipc_message m;
    struct err inner = {0};
    char how[128];
    int status;

    int n = ipc_receive(p->ipc, READY_MS, &m, &inner);
    if (n == 1) {
        ipc_message_close(&m);
        if (m.type == ROLE_READY)
            return 0;
        if (m.type == ROLE_REFUSED)
            return err_set(e, ERR_UNSUPPORTED, "the role %s has no jail: %.*s", r->name,
                           (int)(m.length < 400 ? m.length : 400), m.length ? (const char *)m.payload : "");
        return err_set(e, ERR_PEER, "the role %s sent something before it was in its jail", r->name);
    }
    if (n < 0)
        return err_set(e, n, "the role %s did not start: %s", r->name, inner.text);
    if (role_wait(p, 1000, &status) < 0)
        return err_set(e, ERR_PEER, "the role %s closed its channel at once", r->name);
    role_describe_status(status, how, sizeof(how));
    return err_set(e, ERR_PEER, "the role %s did not start: it %s", r->name, how);
}

static int start_into(const struct role *r, struct start *s, int pair[2], struct role_process *p, struct err *e)
{
    int errors[2], n;

    if (pipe2(errors, O_CLOEXEC) < 0)
        return err_errno(e, "cannot make a pipe");
    s->error_fd = fcntl(errors[1], F_DUPFD_CLOEXEC, ROLE_CHANNEL_FD + 1);
    close(errors[1]);
    if (s->error_fd < 0) {
        n = err_errno(e, "cannot make a pipe");
        goto out;
    }
    p->pid = start_process(s);
    if (p->pid < 0) {
        p->pid = 0;
        n = err_errno(e, "cannot start the role %s", r->name);
    } else {
        n = 0;
    }
    close(s->error_fd);
    /* Ours to keep only until the child has its own: its end must close when it dies. */
    close(pair[1]);
    pair[1] = -1;
    if (n == 0)
        n = exec_result(errors[0], r, e);
    if (n == 0)
        n = wait_until_jailed(p, r, e);
out:
    close(errors[0]);
    return n;
}

int role_start(const struct role *r, struct role_process *ret, struct err *e)
{
    struct role_process p = {0};
    struct start s = {.name = r->name, .uid = geteuid(), .gid = getegid(), .parent_pidfd = -1, .free = !r->jail};
    int pair[2], n;

    n = ipc_pair(pair, e);
    if (n < 0)
        return n;
    s.channel = pair[1];
    if (ipc_new(pair[0], &p.ipc) < 0) {
        close(pair[0]);
        n = err_set(e, -ENOMEM, "no memory to start the role %s", r->name);
        goto out;
    }
    ipc_set_send_timeout(p.ipc, SEND_MS);
    s.parent_pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    if (s.parent_pidfd < 0) {
        n = err_errno(e, "cannot open a pidfd");
        goto out;
    }
    environment(&s);
    n = start_into(r, &s, pair, &p, e);
    if (n == 0)
        *ret = p;
out:
    if (n < 0)
        role_stop(&p);
    if (pair[1] >= 0)
        close(pair[1]);
    if (s.parent_pidfd >= 0)
        close(s.parent_pidfd);
    return n;
}

void role_stop(struct role_process *p)
{
    if (p->pid > 0) {
        kill(p->pid, SIGKILL);
        while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    p->pid = 0;
    ipc_free(&p->ipc);
}

static int reap(struct role_process *p, int *ret_status)
{
    pid_t r;

    do
        r = waitpid(p->pid, ret_status, 0);
    while (r < 0 && errno == EINTR);
    p->pid = 0;
    return r < 0 ? -errno : 0;
}

int role_wait(struct role_process *p, int timeout_ms, int *ret_status)
{
    uint64_t end = time_monotonic_ns() + (uint64_t)(timeout_ms < 0 ? 0 : timeout_ms) * 1000000;
    int r;

    if (p->pid <= 0)
        return ERR_MISSING;
    int fd = (int)syscall(SYS_pidfd_open, p->pid, 0);
    if (fd < 0)
        return -errno;
    for (;;) {
        uint64_t now = time_monotonic_ns();
        int ms = timeout_ms < 0 ? -1 : now >= end ? 0 : (int)((end - now + 999999) / 1000000);
        struct pollfd w = {.fd = fd, .events = POLLIN};
        r = poll(&w, 1, ms);
        if (r < 0 && errno == EINTR)
            continue;
        r = r > 0 ? reap(p, ret_status) : r == 0 ? ERR_TIMEOUT : -errno;
        break;
    }
    close(fd);
    return r;
}

static const char *signal_meaning(int signo)
{
    switch (signo) {
    case SIGSYS:
        return "seccomp: forbidden system call";
    case SIGXCPU:
        return "CPU time limit";
    case SIGXFSZ:
        return "file size limit";
    case SIGSEGV:
    case SIGBUS:
        return "memory error";
    case SIGABRT:
        return "gave up: failed check";
    case SIGKILL:
        return "killed from outside, out of memory, or CPU time limit";
    case SIGFPE:
        return "arithmetic error";
    case SIGILL:
        return "illegal instruction";
    default:
        return strsignal(signo);
    }
}

void role_describe_status(int status, char *ret, size_t n)
{
    int signo = WIFSIGNALED(status)                              ? WTERMSIG(status)
                : WIFEXITED(status) && WEXITSTATUS(status) > 128 ? WEXITSTATUS(status) - 128
                                                                 : 0; /* jail/limits.c: signals_set */
    if (signo)
        snprintf(ret, n, "killed by signal %d (%s)", signo, signal_meaning(signo));
    else if (WIFEXITED(status) && WEXITSTATUS(status) == ROLE_EXIT_JAIL)
        snprintf(ret, n, "could not enter its jail");
    else if (WIFEXITED(status))
        snprintf(ret, n, "exited with status %d", WEXITSTATUS(status));
    else
        snprintf(ret, n, "has the unknown wait status 0x%x", (unsigned)status);
}
