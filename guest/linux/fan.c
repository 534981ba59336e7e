/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * fanotify: every file that is closed after writing, on every real file
 * system, with a descriptor that keeps the content even when the file is
 * deleted a moment later.
 */
#include "capture-parts.h"
#include "feed.h"
#include "follow.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <unistd.h>

/* Kernel interfaces, and devtmpfs, where every write to /dev/null would be an event. */
static const char *const no_content[] = {"proc",   "sysfs",       "cgroup",   "cgroup2",    "devtmpfs",
                                         "devpts", "bpf",         "debugfs",  "tracefs",    "securityfs",
                                         "pstore", "efivarfs",    "configfs", "mqueue",     "hugetlbfs",
                                         "autofs", "binfmt_misc", "fusectl",  "rpc_pipefs", "nsfs"};

/* Where the system itself writes all the time. Writes of the sample are taken there too. */
static const char *const noise[] = {"/run/", "/var/log/", "/var/lib/systemd/", "/var/lib/dhcp", "/var/cache/",
                                    "/sys/", "/proc/",    "/var/lib/dpkg/",    "/var/lib/apt/"};

static bool has_content(const char *type)
{
    for (size_t i = 0; i < sizeof(no_content) / sizeof(*no_content); i++)
        if (strcmp(type, no_content[i]) == 0)
            return false;
    return true;
}

/* mountinfo writes blanks and backslashes as \ooo. */
static void unescape(char *s)
{
    char *to = s;

    for (; *s; s++)
        if (s[0] == '\\' && s[1] && s[2] && s[3]) {
            *to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
            s += 3;
        } else {
            *to++ = *s;
        }
    *to = 0;
}

void fan_mark_mounts(struct capture *c)
{
    char *text = malloc(1 << 18), *save = NULL;
    ssize_t n = -1, got;

    if (!text || c->mounts < 0 || c->fan < 0) {
        free(text);
        return;
    }
    if (lseek(c->mounts, 0, SEEK_SET) == 0)
        for (n = 0; n < (1 << 18) - 1 && (got = read(c->mounts, text + n, (size_t)((1 << 18) - 1 - n))) > 0;)
            n += got;
    text[n > 0 ? n : 0] = 0;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char where[PATH_MAX], type[64];
        const char *dash = strstr(line, " - ");
        if (!dash || sscanf(line, "%*d %*d %*s %*s %4095s", where) != 1 || sscanf(dash + 3, "%63s", type) != 1 ||
            !has_content(type))
            continue;
        unescape(where);
        if (fanotify_mark(c->fan, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_CLOSE_WRITE, AT_FDCWD, where) < 0 &&
            errno != ENOENT && errno != EACCES)
            agent_log(c->agent, "files on %s (%s) cannot be watched: %s", where, type, strerror(errno));
    }
    free(text);
}

void fan_begin(struct capture *c)
{
    if (c->fan >= 0)
        return;
    c->fan = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS,
                           O_RDONLY | O_LARGEFILE | O_CLOEXEC | O_NOATIME);
    if (c->fan < 0) {
        agent_log(c->agent, "fanotify is not there: %s", strerror(errno));
        feed_note(c->agent->feed, "no-captures", "written files are only found by the last sweep: %s", strerror(errno));
        return;
    }
    c->mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    fan_mark_mounts(c);
}

static bool is_noise(const char *path)
{
    for (size_t i = 0; i < sizeof(noise) / sizeof(*noise); i++)
        if (text_starts(path, noise[i]))
            return true;
    return false;
}

static void take_one(struct capture *c, int fd, uint32_t pid)
{
    char link[64], path[PATH_MAX];

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof(path) - 1);
    if (n <= 0)
        return;
    path[n] = 0;
    bool deleted = n > 10 && strcmp(path + n - 10, " (deleted)") == 0;
    if (deleted)
        path[n - 10] = 0;
    if (!follow_member(c->agent->follow, pid) && is_noise(path))
        return;
    capture_file(c, fd, path, deleted ? "delete" : "close", pid);
}

bool fan_take(struct capture *c, unsigned max)
{
    /* One event holds a descriptor; small reads keep their number small. */
    char space[64 * sizeof(struct fanotify_event_metadata)] __attribute__((aligned(8)));
    size_t want = max * sizeof(struct fanotify_event_metadata);
    ssize_t n = c->fan < 0 ? -1 : read(c->fan, space, want < sizeof(space) ? want : sizeof(space));
    struct fanotify_event_metadata *e = (struct fanotify_event_metadata *)space;

    if (n <= 0)
        return n < 0 && c->fan >= 0 && errno != EAGAIN && errno != EINTR ? errno != EBADF : false;
    for (; FAN_EVENT_OK(e, n); e = FAN_EVENT_NEXT(e, n)) {
        if (e->mask & FAN_Q_OVERFLOW)
            feed_note(c->agent->feed, "capture-overflow", "the kernel dropped news of written files");
        if (e->fd < 0)
            continue;
        if (e->pid != c->agent->self)
            take_one(c, e->fd, (uint32_t)e->pid);
        close(e->fd);
    }
    return true;
}
