/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "os/cgroup.h"

#include "base/buf.h"
#include "os/file.h"
#include "os/time.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_MAX (1u << 20)
#define KILL_NS 5000000000ull

struct cgroup {
    char *path;
    char missing[256];
};

/* Mount point of cgroup2 in /proc/self/mountinfo: fields ... 5 = mount point ... " - " type */
static char *mount_point(void)
{
    struct buf b;
    struct str rest, line, part;
    char *found = NULL;

    if (file_read("/proc/self/mountinfo", TEXT_MAX, &b, NULL) < 0)
        return NULL;
    rest = buf_str(&b);
    while (!found && str_split(&rest, '\n', &line)) {
        if (str_find(line, STR_LIT(" - cgroup2 ")) < 0)
            continue;
        for (int i = 0; i < 5 && str_split(&line, ' ', &part); i++)
            if (i == 4)
                found = str_dup(part);
    }
    buf_free(&b);
    return found;
}

/* Our own group: the line "0::/path" of /proc/self/cgroup. */
static char *own_group(void)
{
    struct buf b;
    struct str rest, line;
    char *mount = mount_point(), *found = NULL;

    if (!mount)
        return NULL;
    if (file_read("/proc/self/cgroup", TEXT_MAX, &b, NULL) == 0) {
        rest = buf_str(&b);
        while (!found && str_split(&rest, '\n', &line))
            if (str_starts(line, STR_LIT("0::/")))
                found = path_format("%s%.*s", mount, (int)(line.n - 3), line.p + 3);
        buf_free(&b);
    }
    free(mount);
    return found;
}

static int put(const char *dir, const char *name, const char *text)
{
    char *path = path_join(dir, name);
    int r;

    if (!path)
        return -ENOMEM;
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    r = fd < 0 ? -errno : file_write_all(fd, text, strlen(text));
    if (fd >= 0)
        close(fd);
    free(path);
    return r;
}

static void limit_set(struct cgroup *c, const char *controller, const char *file, const char *value)
{
    int r = put(c->path, file, value);

    if (r == 0)
        return;
    size_t n = strlen(c->missing);
    snprintf(c->missing + n, sizeof(c->missing) - n, "%s%s (%s)", n ? ", " : "", controller,
             r == -ENOENT ? "controller not handed to our group" : strerror(-r));
}

static void limits_set(struct cgroup *c, const char *parent, const struct cgroup_limits *l)
{
    char value[64];

    /* Works where our group holds no process itself or is the root; fails harmlessly elsewhere. */
    put(parent, "cgroup.subtree_control", "+memory");
    put(parent, "cgroup.subtree_control", "+pids");
    put(parent, "cgroup.subtree_control", "+cpu");
    if (l->memory_max) {
        snprintf(value, sizeof(value), "%llu", (unsigned long long)l->memory_max);
        limit_set(c, "memory", "memory.max", value);
        put(c->path, "memory.swap.max", "0"); /* not there without swap accounting */
        put(c->path, "memory.oom.group", "1");
    }
    if (l->pids_max) {
        snprintf(value, sizeof(value), "%u", l->pids_max);
        limit_set(c, "pids", "pids.max", value);
    }
    if (l->cpu_percent) {
        snprintf(value, sizeof(value), "%llu 100000", (unsigned long long)l->cpu_percent * 1000);
        limit_set(c, "cpu", "cpu.max", value);
    }
}

int cgroup_new(const char *name, const struct cgroup_limits *limits, struct cgroup **ret, struct err *e)
{
    char *parent = own_group();
    int r = 0;

    if (!parent)
        return err_set(e, ERR_UNSUPPORTED, "no cgroup version 2 on this system");
    struct cgroup *c = calloc(1, sizeof(*c));
    char *leaf = path_format("belljar-%s", name);
    if (c && leaf)
        c->path = path_join(parent, leaf);
    if (!c || !c->path || strchr(name, '/')) {
        r = err_set(e, c && c->path ? -EINVAL : -ENOMEM, "cannot name a cgroup %s", name);
        goto out;
    }
    if (mkdir(c->path, 0755) < 0) {
        r = err_set(e, errno == EEXIST ? ERR_CONFLICT : ERR_UNSUPPORTED, "cannot make the cgroup %s: %s", c->path,
                    strerror(errno));
        goto out;
    }
    limits_set(c, parent, limits);
    *ret = c;
    c = NULL;
out:
    if (c)
        free(c->path);
    free(c);
    free(leaf);
    free(parent);
    return r;
}

const char *cgroup_missing(const struct cgroup *c)
{
    return c->missing;
}

int cgroup_add(struct cgroup *c, pid_t pid, struct err *e)
{
    char text[32];

    snprintf(text, sizeof(text), "%d", (int)pid);
    int r = put(c->path, "cgroup.procs", text);
    if (r < 0) {
        errno = -r;
        return err_errno(e, "cannot put process %d into %s", (int)pid, c->path);
    }
    return 0;
}

static int get(const struct cgroup *c, const char *name, struct buf *ret)
{
    char *path = path_join(c->path, name);
    int r = path ? file_read(path, TEXT_MAX, ret, NULL) : -ENOMEM;

    free(path);
    return r;
}

uint64_t cgroup_memory_peak(const struct cgroup *c)
{
    struct buf b;
    uint64_t v = 0;

    if (get(c, "memory.peak", &b) < 0)
        return 0;
    if (str_u64(str_trim(buf_str(&b)), 10, &v) < 0)
        v = 0;
    buf_free(&b);
    return v;
}

uint64_t cgroup_oom_kills(const struct cgroup *c)
{
    struct buf b;
    struct str rest, line;
    uint64_t v = 0;

    if (get(c, "memory.events", &b) < 0)
        return 0;
    rest = buf_str(&b);
    while (str_split(&rest, '\n', &line))
        if (str_starts(line, STR_LIT("oom_kill ")) && str_u64(str_sub(line, 9, line.n), 10, &v) < 0)
            v = 0;
    buf_free(&b);
    return v;
}

/* How many processes there are; each gets SIGKILL. */
static int kill_each(const struct cgroup *c)
{
    struct buf b;
    struct str rest, line;
    uint64_t pid;
    int n = 0;

    if (get(c, "cgroup.procs", &b) < 0)
        return 0;
    rest = buf_str(&b);
    while (rest.p && str_split(&rest, '\n', &line))
        if (line.n && str_u64(line, 10, &pid) == 0 && pid > 1) {
            kill((pid_t)pid, SIGKILL);
            n++;
        }
    buf_free(&b);
    return n;
}

int cgroup_kill(struct cgroup *c, struct err *e)
{
    uint64_t end = time_monotonic_ns() + KILL_NS;

    put(c->path, "cgroup.kill", "1"); /* Linux 5.14; the loop does the same on older ones, and waits */
    while (kill_each(c) > 0) {
        if (time_monotonic_ns() > end)
            return err_set(e, ERR_TIMEOUT, "processes in %s do not die", c->path);
        usleep(2000);
    }
    return 0;
}

void cgroup_free(struct cgroup **pc)
{
    struct cgroup *c = *pc;

    if (!c)
        return;
    *pc = NULL;
    cgroup_kill(c, NULL);
    for (int i = 0; i < 50 && rmdir(c->path) < 0 && errno == EBUSY; i++)
        usleep(2000); /* dying processes leave a moment later */
    free(c->path);
    free(c);
}
