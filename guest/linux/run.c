/* SPDX-License-Identifier: GPL-3.0-or-later */
/* WIRE_RUN: a shell command of the administrator, before a sample runs. Asynchronous: its output is watched. */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

struct runner {
    pid_t pid;
};

bool run_busy(const struct agent *a)
{
    return a->runner && a->runner->pid > 0;
}

static void send_output(struct agent *a, const char *p, size_t n)
{
    uint8_t space[4096 + 1];

    space[0] = 1;
    memcpy(space + 1, p, n);
    channel_send(a->channel, LANE_CONTROL, WIRE_OUTPUT, space, n + 1);
}

static void on_output(struct agent *a, int fd, uint32_t events)
{
    struct runner *r = a->runner;
    char space[4096];
    int status = 0;
    ssize_t n;

    (void)events;
    while ((n = read(fd, space, sizeof(space))) > 0)
        send_output(a, space, (size_t)n);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    agent_unwatch(a, fd);
    close(fd);
    while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
        ;
    r->pid = 0;
    agent_result(a, WIRE_RUN, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), "");
}

static void child(const char *command, int out)
{
    static const char *const env[] = {"HOME=/root",
                                      "USER=root",
                                      "LANG=C.UTF-8",
                                      "TERM=dumb",
                                      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                                      NULL};
    char *argv[] = {"sh", "-c", (char *)command, NULL};
    int null = open("/dev/null", O_RDONLY);

    for (int i = 1; i < NSIG; i++)
        signal(i, SIG_DFL);
    setsid();
    dup2(null, 0);
    dup2(out, 1);
    dup2(out, 2);
    file_put("/proc/self/oom_score_adj", "0", 1);
    nice(20);
    execve("/bin/sh", argv, (char *const *)env);
    _exit(127);
}

void run_command(struct agent *a, const uint8_t *p, size_t n)
{
    struct wire_get r = {.p = p, .n = n};
    size_t len;
    const char *text = wire_get_str(&r, &len);
    char *command = r.failed ? NULL : strndup(text, len);
    int ends[2];

    if (!a->runner)
        a->runner = calloc(1, sizeof(*a->runner));
    if (!command || !a->runner) {
        agent_result(a, WIRE_RUN, -EINVAL, "malformed command");
    } else if (run_busy(a)) {
        agent_result(a, WIRE_RUN, -EBUSY, "another command is running");
    } else if (pipe2(ends, O_CLOEXEC) < 0) {
        agent_result(a, WIRE_RUN, -errno, "no pipe");
    } else {
        a->runner->pid = fork();
        if (a->runner->pid == 0)
            child(command, ends[1]);
        close(ends[1]);
        if (a->runner->pid < 0) {
            agent_result(a, WIRE_RUN, -errno, "no process");
            close(ends[0]);
        } else {
            fcntl(ends[0], F_SETFL, O_NONBLOCK);
            agent_watch(a, ends[0], EPOLLIN, on_output);
        }
    }
    free(command);
}
