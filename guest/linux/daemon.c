/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent.h"
#include "parts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 50
#define CONNECT_EVERY_MS 50
#define WATCH_MAX 64

#ifndef AGENT_BUILD
#define AGENT_BUILD "1"
#endif

static struct {
    int fd;
    watch_fn *fn;
} watches[WATCH_MAX];

int agent_watch(struct agent *a, int fd, uint32_t events, watch_fn *fn)
{
    for (int i = 0; i < WATCH_MAX; i++) {
        struct epoll_event ev = {.events = events, .data.u32 = (uint32_t)i};
        if (watches[i].fn)
            continue;
        if (epoll_ctl(a->epoll, EPOLL_CTL_ADD, fd, &ev) < 0)
            return -errno;
        watches[i].fd = fd;
        watches[i].fn = fn;
        return 0;
    }
    return -ENOSPC;
}

void agent_unwatch(struct agent *a, int fd)
{
    for (int i = 0; i < WATCH_MAX; i++)
        if (watches[i].fn && watches[i].fd == fd) {
            epoll_ctl(a->epoll, EPOLL_CTL_DEL, fd, NULL);
            watches[i].fn = NULL;
        }
}

void agent_log(struct agent *a, const char *format, ...)
{
    uint8_t space[600];
    char text[512];
    struct wire_put w = {.p = space, .cap = sizeof(space)};
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    wire_put_str(&w, text, strlen(text));
    channel_send(a->channel, LANE_CONTROL, WIRE_LOG, w.p, w.len);
}

void agent_result(struct agent *a, uint32_t type, int32_t code, const char *text)
{
    uint8_t space[1024];
    struct wire_put w = {.p = space, .cap = sizeof(space)};
    size_t n = text ? strlen(text) : 0;

    wire_put_u32(&w, type);
    wire_put_u32(&w, (uint32_t)code);
    wire_put_str(&w, text, n < 900 ? n : 900);
    channel_send(a->channel, LANE_CONTROL, WIRE_RESULT, w.p, w.len);
}

/* Nothing that a sample does to processes in general may reach us: signals, memory shortage, nice levels. */
static void harden(void)
{
    struct rlimit files = {.rlim_cur = 4096, .rlim_max = 4096};
    struct rlimit none = {0};

    for (int i = 1; i < NSIG; i++)
        if (i != SIGKILL && i != SIGSTOP && i != SIGCHLD && i != SIGSEGV && i != SIGBUS && i != SIGILL && i != SIGFPE)
            signal(i, SIG_IGN);
    prctl(PR_SET_NAME, AGENT_DISGUISE);
    prctl(PR_SET_DUMPABLE, 0);
    file_put("/proc/self/oom_score_adj", "-1000", 5);
    setpriority(PRIO_PROCESS, 0, -20);
    setrlimit(RLIMIT_NOFILE, &files);
    setrlimit(RLIMIT_CORE, &none);
    mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
    umask(022);
}

static void send_booted(struct agent *a)
{
    uint8_t space[512];
    struct wire_put w = {.p = space, .cap = sizeof(space)};
    struct utsname u;

    uname(&u);
    wire_put_u32(&w, WIRE_VERSION);
    wire_put_str(&w, u.release, strlen(u.release));
    wire_put_str(&w, AGENT_BUILD, strlen(AGENT_BUILD));
    channel_send(a->channel, LANE_CONTROL, WIRE_BOOTED, w.p, w.len);
}

static void on_channel(struct agent *a, int fd, uint32_t events)
{
    (void)fd;
    (void)events;
    channel_serve(a->channel);
}

static void connect_channel(struct agent *a, const char *transport)
{
    struct timespec t = {.tv_nsec = CONNECT_EVERY_MS * 1000000};

    while (channel_connect(a->channel, transport) < 0)
        nanosleep(&t, NULL);
    agent_watch(a, channel_fd(a->channel), EPOLLIN | EPOLLOUT | EPOLLET, on_channel);
    agent_watch(a, channel_wake_fd(a->channel), EPOLLIN, on_channel);
}

/* "console.link=tcp:..." on the kernel's command line; without it the virtio port is meant. */
static const char *transport_option(char *space, size_t n)
{
    char line[4096];
    const char *at;

    if (file_get("/proc/cmdline", line, sizeof(line)) < 0 || !(at = strstr(line, "console.link=")))
        return NULL;
    at += strlen("console.link=");
    size_t len = strcspn(at, " \n");
    if (len >= n)
        return NULL;
    memcpy(space, at, len);
    space[len] = 0;
    return space;
}

static void turn(struct agent *a, int timeout_ms)
{
    struct epoll_event evs[16];
    int n = epoll_wait(a->epoll, evs, 16, timeout_ms);

    for (int i = 0; i < n; i++) {
        uint32_t k = evs[i].data.u32;
        if (k < WATCH_MAX && watches[k].fn)
            watches[k].fn(a, watches[k].fd, evs[i].events);
    }
}

int agent_daemon(const char *transport)
{
    static struct agent agent;
    struct agent *a = &agent;
    char space[128];
    uint64_t next_tick = 0;

    harden();
    a->self = getpid();
    a->epoll = epoll_create1(EPOLL_CLOEXEC);
    a->channel = channel_new(agent_frame, a);
    if (a->epoll < 0 || !a->channel || parts_open(a) < 0)
        return -ENOMEM;
    connect_channel(a, transport ? transport : transport_option(space, sizeof(space)));
    send_booted(a);
    for (;;) {
        turn(a, TICK_MS);
        uint64_t now = now_boot();
        if (now < next_tick)
            continue;
        next_tick = now + TICK_MS * 1000000u;
        channel_serve(a->channel); /* also mends a missed edge, such as the host's reconnection after a restore */
        parts_tick(a, now);
    }
}
