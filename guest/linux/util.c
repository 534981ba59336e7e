/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

uint64_t now_boot(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

ssize_t file_get(const char *path, char *ret, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t have = 0;

    ret[0] = 0;
    if (fd < 0)
        return -errno;
    while (have < cap - 1) {
        ssize_t n = read(fd, ret + have, cap - 1 - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    close(fd);
    ret[have] = 0;
    return (ssize_t)have;
}

int write_whole(int fd, const void *p, size_t n)
{
    const char *at = p;

    while (n) {
        ssize_t w = write(fd, at, n);
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0)
            return -errno;
        at += w;
        n -= (size_t)w;
    }
    return 0;
}

int file_put(const char *path, const void *p, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

    if (fd < 0)
        return -errno;
    int r = write_whole(fd, p, n);
    if (close(fd) < 0 && r == 0)
        r = -errno;
    return r;
}

int make_parents(const char *path, uid_t uid, gid_t gid)
{
    char part[PATH_MAX];

    if (strlen(path) >= sizeof(part))
        return -ENAMETOOLONG;
    for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        memcpy(part, path, (size_t)(slash - path));
        part[slash - path] = 0;
        if (mkdir(part, 0755) == 0) {
            if (chown(part, uid, gid) < 0)
                return -errno;
        } else if (errno != EEXIST) {
            return -errno;
        }
    }
    return 0;
}

void set_cloexec_nonblock(int fd)
{
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

bool text_starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* The n-th field of a line that ends with '\n' or NUL; false when there is none. */
static bool field(const char *line, unsigned n, char *ret, size_t cap)
{
    for (; n; n--) {
        line += strcspn(line, ":\n");
        if (*line++ != ':')
            return false;
    }
    size_t len = strcspn(line, ":\n");
    if (len >= cap)
        return false;
    memcpy(ret, line, len);
    ret[len] = 0;
    return true;
}

static bool in_list(const char *list, const char *name)
{
    size_t n = strlen(name);

    for (; *list; list += strcspn(list, ","), list += *list == ',')
        if (strcspn(list, ",") == n && memcmp(list, name, n) == 0)
            return true;
    return false;
}

static void find_groups(struct account *a, char *text)
{
    char gid[16], members[4096];

    a->groups[0] = a->gid;
    a->group_count = 1;
    if (file_get("/etc/group", text, 1 << 16) < 0)
        return;
    for (char *line = text; line && *line && a->group_count < 64; line = strchr(line, '\n'), line += line != NULL)
        if (field(line, 2, gid, sizeof(gid)) && field(line, 3, members, sizeof(members)) && in_list(members, a->name) &&
            (gid_t)atoi(gid) != a->gid)
            a->groups[a->group_count++] = (gid_t)atoi(gid);
}

int account_find(const char *name, struct account *ret)
{
    struct account a = {0};
    char *text = malloc(1 << 16), uid[16], gid[16];
    int r = -ENOENT;

    if (!text)
        return -ENOMEM;
    if (!*name)
        name = "root";
    if (file_get("/etc/passwd", text, 1 << 16) < 0)
        text[0] = 0;
    for (char *line = text; line && *line; line = strchr(line, '\n'), line += line != NULL) {
        if (!field(line, 0, a.name, sizeof(a.name)) || strcmp(a.name, name) != 0)
            continue;
        if (field(line, 2, uid, sizeof(uid)) && field(line, 3, gid, sizeof(gid)) &&
            field(line, 5, a.home, sizeof(a.home)) && field(line, 6, a.shell, sizeof(a.shell))) {
            a.uid = (uid_t)atoi(uid);
            a.gid = (gid_t)atoi(gid);
            r = 0;
            break;
        }
    }
    if (r < 0 && strcmp(name, "root") == 0) { /* a bare initrd */
        a = (struct account){.name = "root", .home = "/root", .shell = "/bin/sh"};
        r = 0;
    }
    if (r == 0) {
        find_groups(&a, text);
        *ret = a;
    }
    free(text);
    return r;
}
