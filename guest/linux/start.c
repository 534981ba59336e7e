/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "start.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EXEC_WAIT_MS 10000
#define SHELL_WAIT_MS 1500

/* Everything that the agent has and a login has not. */
static void become_ordinary(void)
{
    struct rlimit files = {.rlim_cur = 1024, .rlim_max = 1048576};
    struct rlimit core = {.rlim_cur = 0, .rlim_max = RLIM_INFINITY};
    sigset_t none;

    for (int i = 1; i < NSIG; i++)
        signal(i, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    file_put("/proc/self/oom_score_adj", "0", 1);
    setpriority(PRIO_PROCESS, 0, 0);
    setrlimit(RLIMIT_NOFILE, &files);
    setrlimit(RLIMIT_CORE, &core);
    umask(022);
}

/* A login's place among the control groups, where systemd made the slices. */
static void enter_session_group(uid_t uid)
{
    char path[200], pid[16];
    int n = snprintf(pid, sizeof(pid), "%d", (int)getpid());

    if (access("/sys/fs/cgroup/user.slice", F_OK) != 0)
        return;
    snprintf(path, sizeof(path), "/sys/fs/cgroup/user.slice/user-%u.slice", (unsigned)uid);
    mkdir(path, 0755);
    snprintf(path, sizeof(path), "/sys/fs/cgroup/user.slice/user-%u.slice/session-2.scope", (unsigned)uid);
    mkdir(path, 0755);
    snprintf(path, sizeof(path), "/sys/fs/cgroup/user.slice/user-%u.slice/session-2.scope/cgroup.procs", (unsigned)uid);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (write(fd, pid, (size_t)n) < 0) /* stays where it is: no harm */
        n = 0;
    close(fd);
}

static int become_user(const struct account *u)
{
    if (setgroups((size_t)u->group_count, u->groups) < 0 || setresgid(u->gid, u->gid, u->gid) < 0 ||
        setresuid(u->uid, u->uid, u->uid) < 0)
        return -errno;
    return 0;
}

/* What a shell does with a file that the kernel does not know: a script, unless it looks binary. */
static bool looks_like_text(const char *path)
{
    char head[80];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof(head));

    if (fd >= 0)
        close(fd);
    return n > 0 && !memchr(head, 0, (size_t)n);
}

static void execute(const struct launch *l, int status)
{
    int e;

    if (chdir(l->cwd) < 0 && chdir("/") < 0)
        _exit(126);
    execve(l->path, l->argv, l->envp);
    e = errno;
    if (e == ENOEXEC && looks_like_text(l->path)) {
        size_t n = 0;
        while (l->argv[n])
            n++;
        char **argv = calloc(n + 3, sizeof(*argv));
        if (argv) {
            argv[0] = (char *)"sh";
            argv[1] = (char *)l->path;
            for (size_t i = 1; i < n; i++)
                argv[i + 1] = l->argv[i];
            execve("/bin/sh", argv, l->envp);
        }
    }
    if (write(status, &e, sizeof(e)) != sizeof(e))
        _exit(125);
    _exit(127);
}

struct plumbing {
    int release[2], status[2], out[2], err[2], keep[2], pids[2];
};

static void sample_child(const struct launch *l, const struct plumbing *p)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    char go;

    setpgid(0, 0);
    dup2(null, 0);
    dup2(p->out[1], 1);
    dup2(p->err[1], 2);
    close(p->release[1]);
    if (read(p->release[0], &go, 1) != 1)
        _exit(124);
    /* Whatever else is open is ours and none of the sample's business. */
    int status = dup2(p->status[1], 3);
    fcntl(status, F_SETFD, FD_CLOEXEC);
    syscall(SYS_close_range, 4u, ~0u, 0u);
    execute(l, status);
}

/* The shell above the sample: forks it, then really is a shell that waits for its next line. */
static void shell_parent(const struct launch *l, const struct plumbing *p)
{
    static char *const bash[] = {(char *)"bash", NULL}, *const sh[] = {(char *)"sh", NULL};
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC), pids[2];

    setsid();
    enter_session_group(l->user.uid);
    become_ordinary();
    if (become_user(&l->user) < 0)
        _exit(123);
    pids[0] = getpid();
    pids[1] = fork();
    if (pids[1] == 0)
        sample_child(l, p);
    if (write(p->pids[1], pids, sizeof(pids)) != sizeof(pids))
        _exit(122);
    dup2(p->keep[0], 0);
    dup2(null, 1);
    dup2(null, 2);
    syscall(SYS_close_range, 3u, ~0u, 0u);
    if (chdir(l->user.home) < 0 && chdir("/") < 0)
        _exit(121);
    execve("/bin/bash", bash, l->envp);
    execve("/bin/sh", sh, l->envp);
    for (;;)
        pause();
}

static void close_all(struct plumbing *p)
{
    int *fds = (int *)p;

    for (size_t i = 0; i < sizeof(*p) / sizeof(int); i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static int make_pipes(struct plumbing *p)
{
    int(*pairs)[2] = (int(*)[2])p;

    memset(p, 0xff, sizeof(*p));
    for (size_t i = 0; i < sizeof(*p) / sizeof(*pairs); i++)
        if (pipe2(pairs[i], O_CLOEXEC) < 0) {
            int r = -errno;
            close_all(p);
            return r;
        }
    return 0;
}

/* The scan of running processes must find a shell there, not a copy of us. */
static void wait_for_shell(uint32_t pid)
{
    char path[64], name[32];
    struct timespec t = {.tv_nsec = 5000000};

    snprintf(path, sizeof(path), "/proc/%u/comm", pid);
    for (int ms = 0; ms < SHELL_WAIT_MS; ms += 5) {
        if (file_get(path, name, sizeof(name)) <= 0 || text_starts(name, "bash") || text_starts(name, "sh"))
            return;
        nanosleep(&t, NULL);
    }
}

static int take(int *fd)
{
    int r = *fd;
    *fd = -1;
    return r;
}

int start_fork(const struct launch *l, struct sample_process *ret)
{
    struct plumbing p;
    int pids[2] = {0}, status, r = make_pipes(&p);

    if (r < 0)
        return r;
    pid_t middle = fork();
    if (middle < 0) {
        r = -errno;
        close_all(&p);
        return r;
    }
    if (middle == 0) { /* its end makes the shell a child of init */
        if (fork() == 0)
            shell_parent(l, &p);
        _exit(0);
    }
    while (waitpid(middle, &status, 0) < 0 && errno == EINTR)
        ;
    close(take(&p.pids[1]));
    if (read(p.pids[0], pids, sizeof(pids)) != sizeof(pids) || pids[1] <= 0) {
        close_all(&p);
        return -EAGAIN;
    }
    *ret = (struct sample_process){.pid = (uint32_t)pids[1], .parent = (uint32_t)pids[0]};
    ret->release = take(&p.release[1]);
    ret->status = take(&p.status[0]);
    ret->out = take(&p.out[0]);
    ret->err = take(&p.err[0]);
    ret->keep_parent = take(&p.keep[1]);
    close_all(&p);
    wait_for_shell(ret->parent);
    return 0;
}

int start_release(struct sample_process *s)
{
    struct pollfd p = {.fd = s->status, .events = POLLIN};
    int code = 0;

    if (write(s->release, "x", 1) != 1)
        return -errno;
    if (poll(&p, 1, EXEC_WAIT_MS) <= 0)
        return 0; /* a slow machine, not a failed exec: that would have spoken */
    ssize_t n = read(s->status, &code, sizeof(code));
    close(s->release);
    close(s->status);
    s->release = s->status = -1;
    return n == sizeof(code) ? -code : 0;
}

void start_close(struct sample_process *s)
{
    int *const fds[] = {&s->release, &s->status, &s->out, &s->err, &s->keep_parent};

    for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
        if (*fds[i] >= 0)
            close(take(fds[i]));
}

/* ---- output ---------------------------------------------------------------- */

static struct {
    int out, err;
    uint64_t sent[3], cut[3];
} output = {.out = -1, .err = -1};

static void on_output(struct agent *a, int fd, uint32_t events)
{
    uint8_t space[1 + 16384];
    int stream = fd == output.out ? 1 : 2;
    ssize_t n;

    (void)events;
    for (int turns = 0; turns < 64; turns++) { /* a flood must not keep us from the rest */
        n = read(fd, space + 1, sizeof(space) - 1);
        if (n <= 0)
            break;
        size_t room = START_OUTPUT_MAX - output.sent[stream];
        size_t take_n = (size_t)n < room ? (size_t)n : room;
        output.cut[stream] += (size_t)n - take_n;
        output.sent[stream] += take_n;
        space[0] = (uint8_t)stream;
        if (take_n && channel_send(a->channel, LANE_EVENTS, WIRE_OUTPUT, space, take_n + 1) < 0)
            output.cut[stream] += take_n;
        if (output.cut[stream] && output.cut[stream] <= (size_t)n)
            agent_log(a, "output of the sample is cut here (stream %d)", stream);
    }
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        agent_unwatch(a, fd);
        close(fd);
        if (stream == 1)
            output.out = -1; /* the number will be used again for something else */
    }
}

void start_watch_output(struct agent *a, const struct sample_process *s)
{
    output.out = s->out;
    output.err = s->err;
    for (int i = 0; i < 2; i++) {
        int fd = i ? s->err : s->out;
        set_cloexec_nonblock(fd);
        agent_watch(a, fd, EPOLLIN, on_output);
    }
}
