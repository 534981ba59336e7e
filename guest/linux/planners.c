/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Services that plan by the clock. cron sleeps until the next minute and, when the clock jumped meanwhile, catches up
 * on every minute that it missed: an entry would start several times at once, and up to a minute late. A restore moves
 * the clock by minutes or weeks, so cron does not live through one: it ends before the snapshot and begins anew when
 * the clock is right. systemd's own timers hear of a changed clock and need no help.
 */
#include "agent.h"
#include "parts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SYSTEMCTL "/usr/bin/systemctl"
#define STOP_WAIT_MS 30000
#define START_WAIT_MS 8000
#define LOOK_MS 5

static pid_t starter; /* of planners_start; 0: none */

static void child(const char *verb)
{
    char *argv[] = {"systemctl", "--quiet", (char *)verb, "cron.service", NULL};
    char *envp[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    int null = open("/dev/null", O_RDWR);

    for (int i = 1; i < NSIG; i++)
        signal(i, SIG_DFL);
    setsid();
    for (int i = 0; null >= 0 && i < 3; i++)
        dup2(null, i);
    file_put("/proc/self/oom_score_adj", "0", 1);
    execve(SYSTEMCTL, argv, envp);
    _exit(127);
}

/* 0: there is no systemd to ask. */
static pid_t ask(const char *verb)
{
    if (access("/run/systemd/private", F_OK) != 0 || access(SYSTEMCTL, X_OK) != 0)
        return 0;
    pid_t pid = fork();
    if (pid == 0)
        child(verb);
    return pid < 0 ? 0 : pid;
}

static void await(struct agent *a, pid_t pid, int wait_ms, const char *verb)
{
    struct timespec t = {.tv_nsec = LOOK_MS * 1000000};
    int status = 0;

    for (; wait_ms > 0; wait_ms -= LOOK_MS) {
        pid_t r = waitpid(pid, &status, WNOHANG);
        if (r == pid && status)
            agent_log(a, "systemctl %s cron: status %d", verb, status);
        if (r == pid || (r < 0 && errno != EINTR))
            return;
        nanosleep(&t, NULL);
    }
    agent_log(a, "systemctl %s cron takes longer than expected", verb);
}

void planners_stop(struct agent *a)
{
    pid_t pid = ask("stop");

    if (pid)
        await(a, pid, STOP_WAIT_MS, "stop");
}

void planners_start(void)
{
    starter = ask("start");
}

void planners_wait(struct agent *a)
{
    if (starter)
        await(a, starter, START_WAIT_MS, "start");
    starter = 0;
}
