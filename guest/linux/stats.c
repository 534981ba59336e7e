/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "stats.h"
#include "feed.h"
#include "follow.h"
#include "trace.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define PER_SECOND_MAX 64 /* processes that are looked at */
#define KNOWN_MAX 256
#define CROWD 300 /* living processes of the sample that are worth a note */
#define OOM_NOTES_MAX 20

struct known {
    uint32_t pid;
    uint64_t cpu_ms, rss_kib;
};

struct stats {
    uint64_t busy, total; /* ticks of all CPUs at the last look */
    struct known known[KNOWN_MAX];
    uint32_t next; /* pid behind which the next look begins */
    int kmsg;
    unsigned oom_notes;
    bool disk_told, crowd_told;
};

int stats_open(struct agent *a)
{
    a->stats = calloc(1, sizeof(*a->stats));
    if (!a->stats)
        return -ENOMEM;
    a->stats->kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    return 0;
}

static unsigned cpu_permille(struct stats *s)
{
    char text[512];
    unsigned long long v[8] = {0};

    if (file_get("/proc/stat", text, sizeof(text)) <= 0 ||
        sscanf(text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6],
               &v[7]) < 5)
        return 0;
    uint64_t idle = v[3] + v[4], total = idle;
    for (int i = 0; i < 8; i++)
        total += i == 3 || i == 4 ? 0 : v[i];
    uint64_t busy = total - idle, d_busy = busy - s->busy, d_total = total - s->total;
    s->busy = busy;
    s->total = total;
    return d_total ? (unsigned)(d_busy * 1000 / d_total) : 0;
}

static uint64_t meminfo(const char *text, const char *name)
{
    const char *at = strstr(text, name);
    return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

static unsigned count_processes(void)
{
    DIR *d = opendir("/proc");
    unsigned n = 0;

    if (!d)
        return 0;
    for (struct dirent *e; (e = readdir(d));)
        n += isdigit((unsigned char)e->d_name[0]) != 0;
    closedir(d);
    return n;
}

static void system_stats(struct agent *a)
{
    struct wire_event ev = {.kind = EVENT_RUN_STATS, .count = EVF_RUN_STATS__COUNT, .time = now_boot()};
    struct statvfs fs = {0};
    char text[2048];

    file_get("/proc/meminfo", text, sizeof(text));
    uint64_t total = meminfo(text, "MemTotal:"), available = meminfo(text, "MemAvailable:"), free_kib = 0;
    if (statvfs("/", &fs) == 0)
        free_kib = (uint64_t)fs.f_bavail * fs.f_frsize / 1024;
    ev_number(&ev, EVF_RUN_STATS_CpuPermille, cpu_permille(a->stats));
    ev_number(&ev, EVF_RUN_STATS_MemoryUsedKib, total - available);
    ev_number(&ev, EVF_RUN_STATS_MemoryTotalKib, total);
    ev_number(&ev, EVF_RUN_STATS_Processes, count_processes());
    ev_number(&ev, EVF_RUN_STATS_DiskFreeKib, free_kib);
    feed_event(a->feed, EVENT_SOURCE_AGENT, &ev);
    if (fs.f_blocks > 0 && free_kib < 4096 && !a->stats->disk_told) {
        a->stats->disk_told = true;
        feed_note(a->feed, "disk-full", "the root file system has %llu KiB left", (unsigned long long)free_kib);
    }
}

static struct known *known_of(struct stats *s, uint32_t pid)
{
    return &s->known[pid % KNOWN_MAX]; /* a clash only means one event more */
}

static void process_stats(struct agent *a, uint32_t pid)
{
    struct wire_event ev = {.kind = EVENT_PROCESS_STATS, .count = EVF_PROCESS_STATS__COUNT, .pid = pid, .tid = pid};
    struct known *k = known_of(a->stats, pid);
    char path[64], text[1024];
    unsigned long user, kernel;
    long threads, rss;

    snprintf(path, sizeof(path), "/proc/%u/stat", pid);
    if (file_get(path, text, sizeof(text)) <= 0)
        return;
    const char *after = strrchr(text, ')');
    if (!after || sscanf(after + 1,
                         " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %ld %*d "
                         "%*u %*u %ld",
                         &user, &kernel, &threads, &rss) != 4)
        return;
    uint64_t cpu_ms = (user + kernel) * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
    uint64_t rss_kib = (uint64_t)rss * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
    uint64_t moved = rss_kib > k->rss_kib ? rss_kib - k->rss_kib : k->rss_kib - rss_kib;
    if (k->pid == pid && cpu_ms < k->cpu_ms + 10 && moved < 256)
        return;
    *k = (struct known){.pid = pid, .cpu_ms = cpu_ms, .rss_kib = rss_kib};
    ev.time = now_boot();
    ev_number(&ev, EVF_PROCESS_STATS_CpuMs, cpu_ms);
    ev_number(&ev, EVF_PROCESS_STATS_RssKib, rss_kib);
    ev_number(&ev, EVF_PROCESS_STATS_Threads, (uint64_t)threads);
    feed_event(a->feed, EVENT_SOURCE_AGENT, &ev);
}

/* One line of the kernel's log: "priority,number,time,-;text". */
static void kernel_line(struct agent *a, char *line)
{
    char *text = strchr(line, ';');

    if (!text++)
        return;
    text[strcspn(text, "\n")] = 0;
    if (!strstr(text, "Out of memory: Killed process") && !strstr(text, "Memory cgroup out of memory"))
        return;
    if (a->stats->oom_notes++ < OOM_NOTES_MAX)
        feed_note(a->feed, "oom", "%.300s", text);
}

static void kernel_log(struct agent *a)
{
    char line[2048];

    for (int i = 0; a->stats->kmsg >= 0 && i < 200; i++) {
        ssize_t n = read(a->stats->kmsg, line, sizeof(line) - 1);
        if (n < 0 && errno == EPIPE) /* the ring went over what we had not read */
            continue;
        if (n <= 0)
            return;
        line[n] = 0;
        if (a->start_ns)
            kernel_line(a, line);
    }
}

void stats_begin(struct agent *a)
{
    if (a->stats->kmsg >= 0)
        lseek(a->stats->kmsg, 0, SEEK_END);
    cpu_permille(a->stats);
}

void stats_second(struct agent *a)
{
    uint32_t pids[PER_SECOND_MAX];
    size_t n = follow_list(a->follow, a->stats->next, pids, PER_SECOND_MAX);
    uint32_t alive = follow_alive(a->follow);

    system_stats(a);
    for (size_t i = 0; i < n; i++)
        process_stats(a, pids[i]);
    a->stats->next = n == PER_SECOND_MAX ? pids[n - 1] : 0;
    kernel_log(a);
    if (alive >= CROWD && !a->stats->crowd_told) {
        a->stats->crowd_told = true;
        feed_note(a->feed, "process-crowd", "%u processes of the sample live at the same time", alive);
    }
}

void stats_put(struct agent *a, struct wire_put *w)
{
    wire_put_u64(w, now_boot());
    wire_put_u64(w, feed_sent(a->feed, EVENT_SOURCE_TRACER));
    wire_put_u64(w, feed_lost(a->feed, EVENT_SOURCE_TRACER));
    wire_put_u32(w, follow_alive(a->follow));
    wire_put_u64(w, channel_queued(a->channel));
}

void stats_status(struct agent *a)
{
    uint8_t space[64];
    struct wire_put w = {.p = space, .cap = sizeof(space)};

    stats_put(a, &w);
    channel_send(a->channel, LANE_CONTROL, WIRE_STATUS, w.p, w.len);
}
