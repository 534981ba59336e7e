/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "os/loop.h"

#include "os/time.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENTS_PER_TURN 64
#define NS_PER_MS 1000000ull

/*
 * A watch is never freed while a turn runs: epoll may already have handed out
 * its pointer. It is marked dead and freed when the outermost turn ends.
 */
struct loop_fd {
    struct loop *loop;
    struct loop_fd *next, **link;
    int fd;
    bool dead;
    void (*fn)(void *, unsigned);
    void *context;
};

struct loop_timer {
    struct loop *loop;
    size_t index; /* place in the heap; NOT_IN_HEAP when it is not there */
    uint64_t due_ns, repeat_ns;
    bool dead;
    unsigned firing; /* how many (nested) turns are inside its callback */
    bool anonymous;  /* nobody holds a pointer to it: freed after its only firing */
    void (*fn)(void *);
    void *context;
};

struct child {
    struct child *next;
    struct loop *loop;
    pid_t pid;
    int pidfd;
    struct loop_fd *watch;
    void (*fn)(void *, int);
    void *context;
};

struct signal_handler {
    void (*fn)(void *, int);
    void *context;
    bool was_blocked;
};

struct loop {
    int epoll;
    unsigned depth; /* nested turns */
    bool stopped;
    int result;
    struct loop_fd *fds, *dead;
    struct loop_timer **heap;
    size_t timers, heap_size;
    struct child *children;
    int signal_fd;
    struct loop_fd *signal_watch;
    struct signal_handler signals[_NSIG];
};

#define NOT_IN_HEAP SIZE_MAX

uint64_t loop_now_ms(void)
{
    return time_monotonic_ns() / NS_PER_MS;
}

int loop_new(struct loop **ret, struct err *e)
{
    struct loop *l = calloc(1, sizeof(*l));

    if (!l)
        return err_set(e, -ENOMEM, "no memory for an event loop");
    l->signal_fd = -1;
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll < 0) {
        int r = err_errno(e, "cannot make an epoll descriptor");
        free(l);
        return r;
    }
    *ret = l;
    return 0;
}

/* ---- descriptors ---- */

static uint32_t to_epoll(unsigned events)
{
    return (events & LOOP_READ ? (uint32_t)EPOLLIN : 0) | (events & LOOP_WRITE ? (uint32_t)EPOLLOUT : 0);
}

int loop_add_fd(struct loop *l, int fd, unsigned events, void (*fn)(void *context, unsigned events), void *context,
                struct loop_fd **ret)
{
    struct loop_fd *w = calloc(1, sizeof(*w));
    struct epoll_event ev = {.events = to_epoll(events), .data.ptr = w};

    if (!w)
        return -ENOMEM;
    w->loop = l;
    w->fd = fd;
    w->fn = fn;
    w->context = context;
    if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &ev) < 0) {
        int r = -errno;
        free(w);
        return r;
    }
    w->next = l->fds;
    w->link = &l->fds;
    if (w->next)
        w->next->link = &w->next;
    l->fds = w;
    if (ret)
        *ret = w;
    return 0;
}

int loop_set_fd(struct loop_fd *w, unsigned events)
{
    struct epoll_event ev = {.events = to_epoll(events), .data.ptr = w};

    if (epoll_ctl(w->loop->epoll, EPOLL_CTL_MOD, w->fd, &ev) < 0)
        return -errno;
    return 0;
}

void loop_remove_fd(struct loop_fd **pw)
{
    struct loop_fd *w = *pw;

    if (!w)
        return;
    *pw = NULL;
    struct loop *l = w->loop;
    /* Fails when the owner closed it already: then the kernel has forgotten it too (unless it was dup'ed). */
    epoll_ctl(l->epoll, EPOLL_CTL_DEL, w->fd, NULL);
    *w->link = w->next;
    if (w->next)
        w->next->link = w->link;
    if (l->depth == 0) {
        free(w);
        return;
    }
    w->dead = true;
    w->next = l->dead;
    l->dead = w;
}

static void bury_dead(struct loop *l)
{
    while (l->dead) {
        struct loop_fd *w = l->dead;
        l->dead = w->next;
        free(w);
    }
}

/* ---- timers: a binary heap by due time ---- */

static void heap_put(struct loop *l, size_t i, struct loop_timer *t)
{
    l->heap[i] = t;
    t->index = i;
}

static void heap_up(struct loop *l, size_t i)
{
    struct loop_timer *t = l->heap[i];

    while (i > 0 && l->heap[(i - 1) / 2]->due_ns > t->due_ns) {
        heap_put(l, i, l->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    heap_put(l, i, t);
}

static void heap_down(struct loop *l, size_t i)
{
    struct loop_timer *t = l->heap[i];

    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= l->timers)
            break;
        if (child + 1 < l->timers && l->heap[child + 1]->due_ns < l->heap[child]->due_ns)
            child++;
        if (l->heap[child]->due_ns >= t->due_ns)
            break;
        heap_put(l, i, l->heap[child]);
        i = child;
    }
    heap_put(l, i, t);
}

static void heap_add(struct loop *l, struct loop_timer *t)
{
    heap_put(l, l->timers++, t);
    heap_up(l, t->index);
}

static void heap_remove(struct loop *l, struct loop_timer *t)
{
    size_t i = t->index;

    t->index = NOT_IN_HEAP;
    struct loop_timer *last = l->heap[--l->timers];
    if (last == t)
        return;
    heap_put(l, i, last);
    heap_up(l, i);
    heap_down(l, last->index);
}

int loop_add_timer(struct loop *l, uint64_t ms, uint64_t repeat_ms, void (*fn)(void *context), void *context,
                   struct loop_timer **ret)
{
    if (l->timers == l->heap_size) {
        size_t n = l->heap_size ? l->heap_size * 2 : 16;
        struct loop_timer **p = reallocarray(l->heap, n, sizeof(struct loop_timer *));
        if (!p)
            return -ENOMEM;
        l->heap = p;
        l->heap_size = n;
    }
    struct loop_timer *t = calloc(1, sizeof(*t));
    if (!t)
        return -ENOMEM;
    t->loop = l;
    t->fn = fn;
    t->context = context;
    if (ms > UINT64_MAX / NS_PER_MS / 4)
        ms = UINT64_MAX / NS_PER_MS / 4;
    if (repeat_ms > UINT64_MAX / NS_PER_MS / 4)
        repeat_ms = UINT64_MAX / NS_PER_MS / 4;
    t->repeat_ns = repeat_ms * NS_PER_MS;
    t->due_ns = time_monotonic_ns() + ms * NS_PER_MS;
    t->anonymous = !ret;
    heap_add(l, t);
    if (ret)
        *ret = t;
    return 0;
}

void loop_remove_timer(struct loop_timer **pt)
{
    struct loop_timer *t = *pt;

    if (!t)
        return;
    *pt = NULL;
    if (t->index != NOT_IN_HEAP)
        heap_remove(t->loop, t);
    if (t->firing)
        t->dead = true; /* timers_fire frees it */
    else
        free(t);
}

/*
 * A timer without repeat stays in the heap after firing, due never, until its
 * owner removes it: so the owner's pointer stays good and loop_free finds it.
 */
static unsigned timers_fire(struct loop *l)
{
    uint64_t now = time_monotonic_ns();
    unsigned n = 0;

    while (l->timers && l->heap[0]->due_ns <= now) {
        struct loop_timer *t = l->heap[0];
        if (t->repeat_ns) {
            t->due_ns += t->repeat_ns;
            if (t->due_ns <= now) /* late by more than a period: the missed ones are not made up for */
                t->due_ns = now + t->repeat_ns;
        } else {
            t->due_ns = UINT64_MAX;
        }
        heap_down(l, 0);
        t->firing++;
        t->fn(t->context);
        t->firing--;
        n++;
        if (t->dead) {
            if (!t->firing)
                free(t);
        } else if (t->anonymous && !t->repeat_ns)
            loop_remove_timer(&t);
    }
    return n;
}

static int timeout_until_timer(const struct loop *l, int ms)
{
    if (!l->timers || l->heap[0]->due_ns == UINT64_MAX)
        return ms;
    uint64_t now = time_monotonic_ns(), due = l->heap[0]->due_ns;
    uint64_t wait = due <= now ? 0 : (due - now + NS_PER_MS - 1) / NS_PER_MS;
    if (ms >= 0 && wait > (uint64_t)ms)
        return ms;
    return wait > 1000000 ? 1000000 : (int)wait;
}

/* ---- children ---- */

static void child_free(struct child *c)
{
    loop_remove_fd(&c->watch);
    close(c->pidfd);
    free(c);
}

static struct child *child_unlink(struct loop *l, pid_t pid)
{
    for (struct child **p = &l->children; *p; p = &(*p)->next)
        if ((*p)->pid == pid) {
            struct child *c = *p;
            *p = c->next;
            return c;
        }
    return NULL;
}

static void child_ended(void *context, unsigned events)
{
    struct child *c = context;
    int status = 0;
    pid_t r;

    (void)events;
    do
        r = waitpid(c->pid, &status, WNOHANG);
    while (r < 0 && errno == EINTR);
    if (r == 0)
        return;
    if (r < 0) /* somebody else reaped it: its status is lost, which is not success */
        status = SIGKILL;
    void (*fn)(void *, int) = c->fn;
    void *fn_context = c->context;
    child_unlink(c->loop, c->pid);
    child_free(c);
    fn(fn_context, status);
}

int loop_add_child(struct loop *l, pid_t pid, void (*fn)(void *context, int status), void *context)
{
    struct child *c = calloc(1, sizeof(*c));
    int r;

    if (!c)
        return -ENOMEM;
    c->loop = l;
    c->pid = pid;
    c->fn = fn;
    c->context = context;
    c->pidfd = (int)syscall(SYS_pidfd_open, pid, 0); /* close-on-exec by definition */
    if (c->pidfd < 0) {
        r = -errno;
        free(c);
        return r;
    }
    r = loop_add_fd(l, c->pidfd, LOOP_READ, child_ended, c, &c->watch);
    if (r < 0) {
        close(c->pidfd);
        free(c);
        return r;
    }
    c->next = l->children;
    l->children = c;
    return 0;
}

void loop_remove_child(struct loop *l, pid_t pid)
{
    struct child *c = child_unlink(l, pid);

    if (c)
        child_free(c);
}

/* ---- signals ---- */

static void signal_arrived(void *context, unsigned events)
{
    struct loop *l = context;
    struct signalfd_siginfo si;

    (void)events;
    while (read(l->signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si))
        if (si.ssi_signo < _NSIG && l->signals[si.ssi_signo].fn)
            l->signals[si.ssi_signo].fn(l->signals[si.ssi_signo].context, (int)si.ssi_signo);
}

int loop_add_signal(struct loop *l, int signo, void (*fn)(void *context, int signo), void *context)
{
    sigset_t all, one, old;

    if (signo <= 0 || signo >= _NSIG || l->signals[signo].fn)
        return -EINVAL;
    sigemptyset(&all);
    for (int i = 1; i < _NSIG; i++)
        if (i == signo || l->signals[i].fn)
            sigaddset(&all, i);
    int fd = signalfd(l->signal_fd, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0)
        return -errno;
    l->signal_fd = fd;
    if (!l->signal_watch) {
        int r = loop_add_fd(l, fd, LOOP_READ, signal_arrived, l, &l->signal_watch);
        if (r < 0) {
            close(fd);
            l->signal_fd = -1;
            return r;
        }
    }
    sigemptyset(&one);
    sigaddset(&one, signo);
    sigprocmask(SIG_BLOCK, &one, &old);
    l->signals[signo] = (struct signal_handler){fn, context, sigismember(&old, signo) == 1};
    return 0;
}

static void signals_free(struct loop *l)
{
    sigset_t set;

    loop_remove_fd(&l->signal_watch);
    if (l->signal_fd >= 0)
        close(l->signal_fd);
    sigemptyset(&set);
    for (int i = 1; i < _NSIG; i++)
        if (l->signals[i].fn && !l->signals[i].was_blocked)
            sigaddset(&set, i);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* ---- turns ---- */

int loop_turn(struct loop *l, int ms)
{
    struct epoll_event events[EVENTS_PER_TURN];
    int n, called = 0;

    n = epoll_wait(l->epoll, events, EVENTS_PER_TURN, timeout_until_timer(l, ms));
    if (n < 0)
        return errno == EINTR ? 0 : -errno;
    l->depth++;
    for (int i = 0; i < n; i++) {
        struct loop_fd *w = events[i].data.ptr;
        uint32_t got = events[i].events;
        if (w->dead)
            continue;
        w->fn(w->context, (got & EPOLLIN ? (unsigned)LOOP_READ : 0) | (got & EPOLLOUT ? (unsigned)LOOP_WRITE : 0) |
                              (got & (EPOLLHUP | EPOLLERR) ? (unsigned)LOOP_HANGUP : 0));
        called++;
    }
    called += (int)timers_fire(l);
    if (--l->depth == 0)
        bury_dead(l);
    return called;
}

int loop_run(struct loop *l)
{
    while (!l->stopped) { /* also when it was stopped before: a stop is never lost */
        int r = loop_turn(l, -1);
        if (r < 0)
            return r;
    }
    l->stopped = false;
    return l->result;
}

void loop_stop(struct loop *l, int result)
{
    l->stopped = true;
    l->result = result;
}

void loop_free(struct loop **pl)
{
    struct loop *l = *pl;

    if (!l)
        return;
    *pl = NULL;
    signals_free(l);
    while (l->children)
        loop_remove_child(l, l->children->pid);
    while (l->fds) {
        struct loop_fd *w = l->fds;
        loop_remove_fd(&w);
    }
    bury_dead(l);
    for (size_t i = 0; i < l->timers; i++)
        free(l->heap[i]);
    free(l->heap);
    close(l->epoll);
    free(l);
}
