/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "jail/stages.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Namespaces are tried where they do no harm: in a child that ends at once. */
static bool can_unshare(int flags)
{
    int status = 1;
    pid_t pid = fork();

    if (pid == 0)
        _exit(unshare(flags) == 0 ? 0 : 1);
    if (pid < 0)
        return false;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool can_change_uid(void)
{
    int status = 1;
    pid_t pid = fork();

    if (pid == 0)
        _exit(setresuid(JAIL_UID_FIRST, JAIL_UID_FIRST, JAIL_UID_FIRST) == 0 ? 0 : 1);
    if (pid < 0)
        return false;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void jail_probe(struct jail_support *ret)
{
    uint32_t action = SECCOMP_RET_KILL_PROCESS;

    ret->user_namespace = can_unshare(CLONE_NEWUSER);
    ret->network_namespace = can_unshare(CLONE_NEWNET) || can_unshare(CLONE_NEWUSER | CLONE_NEWNET);
    ret->seccomp = syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
    ret->own_uid = geteuid() == 0 && can_change_uid();
    ret->landlock_abi = jail_landlock_abi();
}
