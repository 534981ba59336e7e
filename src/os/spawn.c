/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "os/spawn.h"

#include "os/time.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TAIL_MAX 4096
#define NS_PER_MS 1000000ull

extern char **environ;

/* ---- in the child: only calls that are safe between fork and exec ---- */

static int child_limit(int resource, uint64_t max)
{
    struct rlimit l = {max, max};

    return max ? setrlimit(resource, &l) : 0;
}

/* Three steps, so that in = 1, out = 0 and the like do not overwrite each other. */
static int child_stdio(const struct spawn_options *o)
{
    int from[3] = {o->in, o->out, o->err}, high[3];

    for (int i = 0; i < 3; i++) {
        int fd = from[i] >= 0 ? from[i] : open("/dev/null", O_RDWR | O_CLOEXEC);
        if (fd < 0)
            return -1;
        high[i] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (high[i] < 0)
            return -1;
    }
    for (int i = 0; i < 3; i++)
        if (dup2(high[i], i) < 0)
            return -1;
    return 0;
}

static int child_descriptors(const struct spawn_options *o)
{
    if (child_stdio(o) < 0)
        return -1;
    /* Everything is closed by exec; the error pipe thus lives exactly until then. */
    if (syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
        return -1;
    for (unsigned i = 0; i < o->nkeep; i++)
        if (o->keep[i] > 2 && fcntl(o->keep[i], F_SETFD, 0) < 0)
            return -1;
    return 0;
}

static int child_user(uid_t uid)
{
    if (uid == 0)
        return 0;
    if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
        return -1;
    return 0;
}

static int child_prepare(const struct spawn_options *o, pid_t parent)
{
    sigset_t none;

    for (int i = 1; i < _NSIG; i++)
        signal(i, SIG_DFL); /* ignored signals would stay ignored over exec */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (o->own_group && setpgid(0, 0) < 0)
        return -1;
    if (child_descriptors(o) < 0 || child_limit(RLIMIT_AS, o->memory_max) < 0 ||
        child_limit(RLIMIT_NOFILE, o->files_max) < 0 || child_limit(RLIMIT_FSIZE, o->file_size_max) < 0)
        return -1;
    if (o->cwd && chdir(o->cwd) < 0)
        return -1;
    if (child_user(o->uid) < 0)
        return -1;
    /* After the change of user, which clears it. The parent may have died before: then nobody would kill us. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        return -1;
    if (getppid() != parent)
        _exit(127);
    return 0;
}

static void child_run(const struct spawn_options *o, pid_t parent, int error_fd)
{
    if (child_prepare(o, parent) == 0)
        execvpe(o->argv[0], (char *const *)(uintptr_t)o->argv, o->envp ? (char *const *)(uintptr_t)o->envp : environ);
    int error = errno;
    ssize_t r = write(error_fd, &error, sizeof(error));
    _exit(r == (ssize_t)sizeof(error) ? 127 : 126);
}

/* ---- in the parent ---- */

/* The pipe ends without a word when exec worked. */
static int exec_result(int fd, pid_t pid, const char *name, struct err *e)
{
    int error = 0;
    ssize_t r;

    do
        r = read(fd, &error, sizeof(error));
    while (r < 0 && errno == EINTR);
    if (r == 0)
        return 0;
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    errno = r == (ssize_t)sizeof(error) ? error : EIO;
    return err_errno(e, "cannot start %s", name);
}

int spawn(const struct spawn_options *o, pid_t *ret_pid, struct err *e)
{
    int pipe_fds[2], high, r;
    pid_t parent = getpid();

    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return err_errno(e, "cannot make a pipe");
    high = fcntl(pipe_fds[1], F_DUPFD_CLOEXEC, 3); /* not where the child's 0-2 will be */
    close(pipe_fds[1]);
    if (high < 0) {
        r = err_errno(e, "cannot make a pipe");
        goto out;
    }
    pid_t pid = fork();
    if (pid == 0)
        child_run(o, parent, high);
    if (pid < 0)
        r = err_errno(e, "cannot start %s: fork", o->argv[0]);
    close(high);
    if (pid < 0)
        goto out;
    r = exec_result(pipe_fds[0], pid, o->argv[0], e);
    if (r == 0)
        *ret_pid = pid;
out:
    close(pipe_fds[0]);
    return r;
}

/* ---- run to the end ---- */

struct run {
    pid_t pid;
    int pidfd, out_fd;
    struct buf *out, tail; /* tail: the last words, for the error sentence */
    uint64_t deadline_ns;  /* 0 = never */
    bool eof;
};

static void run_keep(struct run *r, const uint8_t *p, size_t n)
{
    if (r->out && r->out->len < r->out->max) {
        size_t room = r->out->max - r->out->len;
        buf_add(r->out, p, n < room ? n : room);
    }
    if (r->tail.len + n > TAIL_MAX)
        buf_consume(&r->tail, r->tail.len + n - TAIL_MAX);
    buf_add(&r->tail, p, n);
}

/* Reads what is there without waiting, at most `chunks` times: a grandchild that writes for ever must not hold us. */
static void run_drain(struct run *r, int chunks)
{
    uint8_t chunk[TAIL_MAX];

    while (!r->eof && chunks-- > 0) {
        ssize_t n = read(r->out_fd, chunk, sizeof(chunk));
        if (n > 0)
            run_keep(r, chunk, (size_t)n);
        else if (n == 0)
            r->eof = true;
        else if (errno != EINTR)
            return;
    }
}

static int run_wait_ms(const struct run *r)
{
    if (!r->deadline_ns)
        return -1;
    uint64_t now = time_monotonic_ns();
    uint64_t left = now >= r->deadline_ns ? 0 : (r->deadline_ns - now + NS_PER_MS - 1) / NS_PER_MS;
    return left > 1000000 ? 1000000 : (int)left;
}

/* 0 when the program ended, ERR_TIMEOUT. Ends with the program, even when a grandchild still holds the pipe. */
static int run_until_end(struct run *r)
{
    for (;;) {
        struct pollfd p[2] = {{.fd = r->pidfd, .events = POLLIN}, {.fd = r->eof ? -1 : r->out_fd, .events = POLLIN}};
        int n = poll(p, 2, run_wait_ms(r));
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0 && p[1].revents)
            run_drain(r, 1);
        if (n > 0 && p[0].revents) {
            run_drain(r, 256);
            return 0;
        }
        if (r->deadline_ns && time_monotonic_ns() >= r->deadline_ns)
            return ERR_TIMEOUT;
    }
}

/* The last line that says something, with control bytes made harmless. */
static const char *run_last_words(struct run *r)
{
    while (r->tail.len && r->tail.data[r->tail.len - 1] <= ' ')
        r->tail.len--;
    for (size_t i = r->tail.len; i > 0; i--)
        if (r->tail.data[i - 1] == '\n') {
            buf_consume(&r->tail, i);
            break;
        }
    for (size_t i = 0; i < r->tail.len; i++)
        if (r->tail.data[i] < ' ' || r->tail.data[i] == 0x7f)
            r->tail.data[i] = '?';
    return r->tail.len ? buf_z(&r->tail) : "it said nothing";
}

static int run_reap(struct run *r, const char *name, int ended, int timeout_ms, struct err *e)
{
    int status = 0;

    if (ended < 0)
        kill(-r->pid, SIGKILL);
    while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (ended == ERR_TIMEOUT)
        return err_set(e, ERR_TIMEOUT, "%s did not end within %d ms", name, timeout_ms);
    if (ended < 0) {
        errno = -ended;
        return err_errno(e, "cannot wait for %s", name);
    }
    if (WIFSIGNALED(status))
        return err_set(e, -EPROTO, "%s was killed by signal %d: %s", name, WTERMSIG(status), run_last_words(r));
    if (WEXITSTATUS(status))
        return err_set(e, -EPROTO, "%s ended with status %d: %s", name, WEXITSTATUS(status), run_last_words(r));
    return 0;
}

int spawn_run(const char *const *argv, struct buf *out, int timeout_ms, struct err *e)
{
    struct run run = {.out = out, .pidfd = -1};
    int fds[2], r;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return err_errno(e, "cannot make a pipe");
    run.out_fd = fds[0];
    fcntl(fds[0], F_SETFL, O_NONBLOCK); /* our end only */
    buf_init(&run.tail, 2 * TAIL_MAX);
    if (timeout_ms >= 0)
        run.deadline_ns = time_monotonic_ns() + (uint64_t)timeout_ms * NS_PER_MS;
    struct spawn_options o = {.argv = argv, .in = -1, .out = fds[1], .err = fds[1], .own_group = true};
    r = spawn(&o, &run.pid, e);
    close(fds[1]);
    if (r < 0)
        goto out;
    run.pidfd = (int)syscall(SYS_pidfd_open, run.pid, 0);
    int ended = run.pidfd < 0 ? -errno : run_until_end(&run);
    r = run_reap(&run, argv[0], ended, timeout_ms, e);
out:
    if (run.pidfd >= 0)
        close(run.pidfd);
    buf_free(&run.tail);
    close(fds[0]);
    return r;
}
