/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The system calls of a jailed role. One table: what every role may do, what
 * profiles add, and what is refused with an error instead of killed, because
 * libraries try it in good faith (time zones, locales, malloc's tuning) and
 * live with the refusal.
 */
#include "jail/stages.h"

#include "os/sanitizer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/prctl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

#define CALL(name) {#name, SCMP_SYS(name)}

enum when {
    ALWAYS,
    THREADS,   /* profile->threads */
    FILES,     /* profile->keep_root: Landlock decides by path */
    WRITES,    /* profile->keep_root and write_paths */
    LISTENER,  /* profile->listener */
    SANITIZER, /* AddressSanitizer builds */
};

struct call {
    const char *name;
    int number; /* negative (pseudo) when this architecture has no such call */
};

struct group {
    enum when when;
    const struct call *calls; /* ends with a NULL name */
};

static const struct group allowed[] = {
    /* input and output on descriptors that we were given */
    {ALWAYS, (const struct call[]){CALL(read),
                                   CALL(write),
                                   CALL(readv),
                                   CALL(writev),
                                   CALL(pread64),
                                   CALL(pwrite64),
                                   CALL(preadv),
                                   CALL(pwritev),
                                   CALL(lseek),
                                   CALL(_llseek),
                                   CALL(close),
                                   CALL(close_range),
                                   CALL(fstat),
                                   CALL(fstat64),
                                   CALL(ftruncate),
                                   CALL(fallocate),
                                   CALL(fsync),
                                   CALL(fdatasync),
                                   CALL(fadvise64),
                                   CALL(sendfile),
                                   CALL(copy_file_range),
                                   CALL(dup),
                                   CALL(dup2),
                                   CALL(dup3),
                                   CALL(pipe),
                                   CALL(pipe2),
                                   CALL(memfd_create),
                                   CALL(fstatfs),
                                   CALL(sync_file_range),
                                   {0}}},
    /* sockets that we were given; there is no socket(), connect(), bind() or accept() */
    {ALWAYS, (const struct call[]){CALL(sendmsg),
                                   CALL(recvmsg),
                                   CALL(sendto),
                                   CALL(recvfrom),
                                   CALL(sendmmsg),
                                   CALL(recvmmsg),
                                   CALL(shutdown),
                                   CALL(getsockopt),
                                   CALL(getsockname),
                                   CALL(getpeername),
                                   {0}}},
    /* waiting and clocks */
    {ALWAYS,
     (const struct call[]){
         CALL(poll),          CALL(ppoll),           CALL(select),         CALL(pselect6),        CALL(epoll_create),
         CALL(epoll_create1), CALL(epoll_ctl),       CALL(epoll_wait),     CALL(epoll_pwait),     CALL(epoll_pwait2),
         CALL(eventfd2),      CALL(signalfd4),       CALL(timerfd_create), CALL(timerfd_settime), CALL(timerfd_gettime),
         CALL(nanosleep),     CALL(clock_nanosleep), CALL(clock_gettime),  CALL(clock_getres),    CALL(gettimeofday),
         CALL(time),          CALL(restart_syscall), CALL(sched_yield),    CALL(futex),           {0}}},
    /* memory: mmap and mprotect have rules of their own below */
    {ALWAYS,
     (const struct call[]){
         CALL(brk), CALL(munmap), CALL(mremap), CALL(madvise), CALL(msync), CALL(mincore), CALL(membarrier), {0}}},
    /* ourselves */
    {ALWAYS, (const struct call[]){CALL(getpid),
                                   CALL(gettid),
                                   CALL(getppid),
                                   CALL(getuid),
                                   CALL(geteuid),
                                   CALL(getgid),
                                   CALL(getegid),
                                   CALL(getrandom),
                                   CALL(getrusage),
                                   CALL(getrlimit),
                                   CALL(times),
                                   CALL(uname),
                                   CALL(sysinfo),
                                   CALL(getcpu),
                                   CALL(sched_getaffinity),
                                   CALL(umask),
                                   CALL(rt_sigaction),
                                   CALL(rt_sigprocmask),
                                   CALL(rt_sigreturn),
                                   CALL(rt_sigpending),
                                   CALL(rt_sigtimedwait),
                                   CALL(sigaltstack),
                                   CALL(exit),
                                   CALL(exit_group),
                                   CALL(rseq),
                                   CALL(set_robust_list),
                                   {0}}},
    {THREADS, (const struct call[]){CALL(set_tid_address),
                                    CALL(get_robust_list),
                                    CALL(sched_getparam),
                                    CALL(sched_getscheduler),
                                    CALL(sched_setaffinity),
                                    {0}}},
    {FILES, (const struct call[]){CALL(open),
                                  CALL(openat),
                                  CALL(openat2),
                                  CALL(stat),
                                  CALL(lstat),
                                  CALL(newfstatat),
                                  CALL(statx),
                                  CALL(access),
                                  CALL(faccessat),
                                  CALL(faccessat2),
                                  CALL(readlink),
                                  CALL(readlinkat),
                                  CALL(getdents64),
                                  CALL(getcwd),
                                  CALL(chdir),
                                  CALL(fchdir),
                                  CALL(statfs),
                                  {0}}},
    {WRITES, (const struct call[]){CALL(unlink),
                                   CALL(unlinkat),
                                   CALL(mkdir),
                                   CALL(mkdirat),
                                   CALL(rmdir),
                                   CALL(rename),
                                   CALL(renameat),
                                   CALL(renameat2),
                                   CALL(link),
                                   CALL(linkat),
                                   CALL(symlink),
                                   CALL(symlinkat),
                                   CALL(fchmod),
                                   CALL(utimensat),
                                   CALL(truncate),
                                   CALL(flock),
                                   {0}}},
    {LISTENER, (const struct call[]){CALL(accept), CALL(accept4), CALL(setsockopt), {0}}},
    {SANITIZER, (const struct call[]){CALL(sched_getparam), CALL(sched_getscheduler), {0}}},
};

/* EACCES without doing anything. Without keep_root there would be nothing to find either. */
static const struct call refused[] = {
    CALL(open),        CALL(openat),     CALL(openat2),    CALL(stat),   CALL(lstat),    CALL(statx),
    CALL(access),      CALL(faccessat),  CALL(faccessat2), CALL(statfs), CALL(readlink), CALL(getcwd),
    CALL(unlink),      CALL(readlinkat), CALL(getdents64), CALL(mlock),  CALL(mlock2),   CALL(munlock),
    CALL(unlinkat),    CALL(rename),     CALL(renameat),   CALL(mkdir),  CALL(mkdirat),  CALL(renameat2),
    CALL(setpriority), CALL(setsockopt), CALL(fchown),     {0},
};

static bool applies(const struct jail_profile *p, enum when when)
{
    switch (when) {
    case ALWAYS:
        return true;
    case THREADS:
        return p->threads;
    case FILES:
        return p->keep_root;
    case WRITES:
        return p->keep_root && p->write_paths && p->write_paths[0];
    case LISTENER:
        return p->listener;
    case SANITIZER:
        return OS_SANITIZED;
    }
    return false;
}

static bool is_allowed(const struct jail_profile *p, int number)
{
    for (unsigned g = 0; g < sizeof(allowed) / sizeof(allowed[0]); g++) {
        if (!applies(p, allowed[g].when))
            continue;
        for (const struct call *c = allowed[g].calls; c->name; c++)
            if (c->number == number)
                return true;
    }
    return false;
}

/* Calls that this architecture does not have cannot be made either: nothing to add. */
static int add_calls(scmp_filter_ctx f, const struct jail_profile *p)
{
    int r = 0;

    for (unsigned g = 0; g < sizeof(allowed) / sizeof(allowed[0]) && r == 0; g++) {
        if (!applies(p, allowed[g].when))
            continue;
        for (const struct call *c = allowed[g].calls; c->name && r == 0; c++) {
            if (c->number < 0)
                continue;
            r = seccomp_rule_add(f, SCMP_ACT_ALLOW, c->number, 0);
            if (r == -EEXIST) /* named by two groups */
                r = 0;
        }
    }
    for (const struct call *c = refused; c->name && r == 0; c++)
        if (c->number >= 0 && !is_allowed(p, c->number))
            r = seccomp_rule_add(f, SCMP_ACT_ERRNO(EACCES), c->number, 0);
    return r;
}

/* Calls of which only some arguments are harmless; with others they kill, unless said otherwise. */
static int add_memory(scmp_filter_ctx f)
{
    int calls[] = {SCMP_SYS(mmap), SCMP_SYS(mmap2), SCMP_SYS(mprotect)}, r = 0;

    for (unsigned i = 0; i < 3 && r == 0; i++) {
        if (calls[i] < 0)
            continue;
        r = seccomp_rule_add(f, SCMP_ACT_ALLOW, calls[i], 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
        /* No new code. A just-in-time compiler (pcre2) gets an error and interprets instead. */
        if (r == 0)
            r = seccomp_rule_add(f, SCMP_ACT_ERRNO(EACCES), calls[i], 1,
                                 SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
    }
    return r;
}

static int add_fcntl(scmp_filter_ctx f)
{
    static const int commands[] = {F_DUPFD,     F_DUPFD_CLOEXEC, F_GETFD,     F_SETFD,  F_GETFL,
                                   F_SETFL,     F_GETLK,         F_SETLK,     F_SETLKW, F_ADD_SEALS,
                                   F_GET_SEALS, F_SETPIPE_SZ,    F_GETPIPE_SZ};
    int r = 0;

    for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]) && r == 0; i++)
        r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, SCMP_A1(SCMP_CMP_EQ, (unsigned)commands[i]));
    return r;
}

static int add_ioctl(scmp_filter_ctx f)
{
    int r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, FIONREAD));

    if (r == 0)
        r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, FIONBIO));
    /* A copy that shares blocks: copying bytes does as well. */
    if (r == 0)
        r = seccomp_rule_add(f, SCMP_ACT_ERRNO(EOPNOTSUPP), SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, FICLONE));
    /* isatty(), asked by stdio */
    if (r == 0)
        r = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, TCGETS));
    if (r == 0)
        r = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, TIOCGWINSZ));
    return r;
}

static int add_process(scmp_filter_ctx f, const struct jail_profile *p)
{
    /* abort() and pthread_kill(): signals to ourselves only */
    int r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, (unsigned)getpid()));

    if (r == 0) /* limits may be read, our own */
        r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2, SCMP_A0(SCMP_CMP_EQ, 0),
                             SCMP_A2(SCMP_CMP_EQ, 0));
    if (r == 0)
        r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));
    if (r == 0)
        r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, PR_GET_NAME));
    if (r == 0) /* names of anonymous memory: sanitizers, newer C libraries */
        r = seccomp_rule_add(f, SCMP_ACT_ERRNO(EINVAL), SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, PR_SET_VMA));
    /* Its flags lie in memory, where a filter cannot look: the C library then uses clone. */
    if (r == 0)
        r = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    if (r == 0 && p->threads) {
        const scmp_datum_t mask = CLONE_THREAD | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                  CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
        r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, mask, CLONE_THREAD));
    }
    return r;
}

/* fstat() of newer C libraries is newfstatat(fd, "", ..., AT_EMPTY_PATH). The path is not seen here: harmless, as
 * nothing is opened; in an empty root there is nothing to ask about either. */
static int add_fstat(scmp_filter_ctx f, const struct jail_profile *p)
{
    if (is_allowed(p, SCMP_SYS(newfstatat)))
        return 0;
    int r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
                             SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH));
    if (r == 0)
        r = seccomp_rule_add(f, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(newfstatat), 1,
                             SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, 0));
    return r;
}

int jail_seccomp(struct jail_state *s, struct err *e)
{
    scmp_filter_ctx f;
    int r;

    if (prctl(PR_SET_DUMPABLE, 0) < 0)
        return err_errno(e, "cannot forbid others to look into the process");
    f = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!f)
        return err_set(e, -ENOMEM, "cannot make a seccomp filter");
    r = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (r == 0)
        r = seccomp_attr_set(f, SCMP_FLTATR_CTL_NNP, 0); /* set by an earlier stage */
    if (r == 0)
        r = add_calls(f, s->profile);
    if (r == 0)
        r = add_fstat(f, s->profile);
    if (r == 0)
        r = add_memory(f);
    if (r == 0)
        r = add_fcntl(f);
    if (r == 0)
        r = add_ioctl(f);
    if (r == 0)
        r = add_process(f, s->profile);
    if (r == 0)
        r = seccomp_load(f);
    seccomp_release(f);
    if (r < 0) {
        errno = -r;
        return err_errno(e, "cannot load the seccomp filter");
    }
    return 0;
}
