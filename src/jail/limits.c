/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "jail/stages.h"

#include "os/sanitizer.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#define FILES_DEFAULT 32
#define THREADS_MAX 256 /* counted per user: jails that happen to share a uid count together */

struct limit {
    int resource;
    const char *name;
    rlim_t soft, hard;
};

static int limit_set(const struct limit *l, struct err *e)
{
    struct rlimit old, now = {l->soft, l->hard};

    if (getrlimit(l->resource, &old) < 0)
        return err_errno(e, "cannot read the limit of %s", l->name);
    /* Never above what we were given ourselves. */
    if (old.rlim_max < now.rlim_max)
        now.rlim_max = old.rlim_max;
    if (now.rlim_cur > now.rlim_max)
        now.rlim_cur = now.rlim_max;
    if (setrlimit(l->resource, &now) < 0)
        return err_errno(e, "cannot limit %s", l->name);
    return 0;
}

static void end_by_signal(int signo)
{
    _exit(128 + signo); /* role_describe_status turns it back into the signal */
}

/*
 * A role is usually the first process of its pid namespace, for which the
 * kernel skips the default action of signals that come from inside. So that
 * the ends look the same everywhere, they are handled: the CPU limit and
 * abort() end the process, the file size limit is an error of write().
 */
static int signals_set(struct err *e)
{
    struct sigaction end = {.sa_handler = end_by_signal}, ignore = {.sa_handler = SIG_IGN};

    if (sigaction(SIGXCPU, &end, NULL) < 0 || sigaction(SIGABRT, &end, NULL) < 0 ||
        sigaction(SIGXFSZ, &ignore, NULL) < 0)
        return err_errno(e, "cannot set signal handlers");
    return 0;
}

int jail_limits(struct jail_state *s, struct err *e)
{
    const struct jail_profile *p = s->profile;
    rlim_t files = p->files_max ? p->files_max : FILES_DEFAULT;
    rlim_t memory = p->memory_max ? p->memory_max : RLIM_INFINITY;
    rlim_t cpu = p->cpu_seconds ? p->cpu_seconds : RLIM_INFINITY;
    rlim_t threads = p->threads ? THREADS_MAX : 0;

    if (OS_SANITIZED)
        memory = RLIM_INFINITY; /* AddressSanitizer reserves terabytes of address space */
    const struct limit table[] = {
        {RLIMIT_AS, "memory", memory, memory},
        /* SIGXCPU at the soft limit; one second later SIGKILL, should somebody have changed its handler. */
        {RLIMIT_CPU, "CPU time", cpu, cpu == RLIM_INFINITY ? cpu : cpu + 1},
        {RLIMIT_NOFILE, "descriptors", files, files},
        {RLIMIT_FSIZE, "file size", p->file_size_max, p->file_size_max},
        {RLIMIT_NPROC, "processes", threads, threads},
        {RLIMIT_CORE, "core dumps", 0, 0},
        {RLIMIT_MEMLOCK, "locked memory", 0, 0},
        {RLIMIT_MSGQUEUE, "message queues", 0, 0},
        {RLIMIT_SIGPENDING, "pending signals", 64, 64},
    };
    int ready = signals_set(e);
    if (ready < 0)
        return ready;
    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        int r = limit_set(&table[i], e);
        if (r < 0)
            return r;
    }
    return 0;
}
