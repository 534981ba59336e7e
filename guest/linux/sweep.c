/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the close of a written file does not show: files changed through
 * mappings, still open ones, memfds, executables that were deleted.
 */
#include "capture-parts.h"
#include "follow.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#define DEPTH_MAX 24
#define ENTRIES_MAX 400000
#define MEMFDS_MAX 64

/* The likely places first: should the time end, they were looked at. */
/* Packages' own trees (/usr/share, /usr/lib, /var/lib) are left to fanotify: walking them would take seconds. */
static const char *const places[] = {
    "/tmp", "/var/tmp", "/dev/shm",   "/dev",     "/home",      "/root",    "/etc",      "/run/user",
    "/opt", "/srv",     "/var/spool", "/var/www", "/usr/local", "/usr/bin", "/usr/sbin", "/usr/lib/systemd",
    "/boot"};
static const char *const left_out[] = {"/dev/pts", "/dev/mqueue", "/dev/hugepages"};

struct walk {
    struct capture *c;
    uint64_t deadline, entries;
    bool ended;
};

static bool is_left_out(const char *path)
{
    for (size_t i = 0; i < sizeof(left_out) / sizeof(*left_out); i++)
        if (strcmp(path, left_out[i]) == 0)
            return true;
    return false;
}

static int64_t stamp(const struct timespec *t)
{
    return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

static void look_at_file(struct walk *w, int folder, const char *name, const char *path, const struct stat *st)
{
    int64_t since = w->c->agent->start_realtime;

    if (!S_ISREG(st->st_mode) || st->st_size == 0 || (stamp(&st->st_ctim) < since && stamp(&st->st_mtim) < since))
        return;
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOATIME);
    if (fd < 0)
        return;
    capture_file(w->c, fd, path, "sweep", 0);
    close(fd);
}

static void walk_folder(struct walk *w, int fd, char *path, size_t len, unsigned depth)
{
    DIR *d = fdopendir(fd);

    if (!d) {
        close(fd);
        return;
    }
    for (struct dirent *e; !w->ended && (e = readdir(d));) {
        struct stat st;
        size_t n = strlen(e->d_name);
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || len + n + 2 > PATH_MAX)
            continue;
        if (++w->entries % 256 == 0 && (now_boot() > w->deadline || w->entries > ENTRIES_MAX)) {
            w->ended = true;
            break;
        }
        if (e->d_type != DT_REG && e->d_type != DT_DIR && e->d_type != DT_UNKNOWN)
            continue;
        if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        path[len] = '/';
        memcpy(path + len + 1, e->d_name, n + 1);
        if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX && !is_left_out(path)) {
            int sub = openat(dirfd(d), e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NOATIME);
            if (sub >= 0)
                walk_folder(w, sub, path, len + n + 1, depth + 1);
        } else {
            look_at_file(w, dirfd(d), e->d_name, path, &st);
        }
        path[len] = 0;
    }
    closedir(d);
}

bool sweep_files(struct capture *c, uint64_t deadline)
{
    struct walk w = {.c = c, .deadline = deadline};
    char path[PATH_MAX];

    for (size_t i = 0; !w.ended && i < sizeof(places) / sizeof(*places); i++) {
        int fd = open(places[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
            continue;
        snprintf(path, sizeof(path), "%s", places[i]);
        walk_folder(&w, fd, path, strlen(path), 0);
    }
    return !w.ended;
}

void sweep_executable(struct capture *c, uint32_t pid)
{
    char link[64], path[PATH_MAX];

    snprintf(link, sizeof(link), "/proc/%u/exe", pid);
    ssize_t n = readlink(link, path, sizeof(path) - 1);
    int fd = open(link, O_RDONLY | O_CLOEXEC);
    if (n > 0 && fd >= 0) {
        path[n] = 0;
        if (n > 10 && strcmp(path + n - 10, " (deleted)") == 0)
            path[n - 10] = 0;
        const char *name = text_starts(path, "/memfd:") ? path + 1 : path;
        capture_file(c, fd, name, text_starts(path, "/memfd:") ? "memfd" : "exec", pid);
    }
    if (fd >= 0)
        close(fd);
}

void sweep_memfds(struct capture *c, uint32_t pid)
{
    char folder[64], link[400], path[PATH_MAX];
    unsigned count = 0;

    snprintf(folder, sizeof(folder), "/proc/%u/fd", pid);
    DIR *d = opendir(folder);
    if (!d)
        return;
    for (struct dirent *e; count < MEMFDS_MAX && (e = readdir(d));) {
        snprintf(link, sizeof(link), "%s/%s", folder, e->d_name);
        ssize_t n = readlink(link, path, sizeof(path) - 1);
        if (n <= 0)
            continue;
        path[n] = 0;
        bool memfd = text_starts(path, "/memfd:"), deleted = n > 10 && strcmp(path + n - 10, " (deleted)") == 0;
        if (!memfd && !deleted)
            continue;
        if (deleted)
            path[n - 10] = 0;
        int fd = open(link, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0)
            continue;
        capture_file(c, fd, memfd ? path + 1 : path, memfd ? "memfd" : "delete", pid);
        close(fd);
        count++;
    }
    closedir(d);
}
