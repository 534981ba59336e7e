/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "os/file.h"

#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define READ_STEP (64u << 10)
#define COPY_STEP (256u << 10)

bool file_exists(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0;
}

uint64_t file_free_bytes(const char *path)
{
    struct statvfs v;

    if (statvfs(path, &v) < 0)
        return 0;
    return (uint64_t)v.f_bavail * v.f_frsize;
}

int file_write_all(int fd, const void *p, size_t n)
{
    const uint8_t *at = p;

    while (n > 0) {
        ssize_t r = write(fd, at, n);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return -errno;
        at += r;
        n -= (size_t)r;
    }
    return 0;
}

/* ---- reading ---- */

static int too_large(size_t max, struct err *e)
{
    return err_set(e, ERR_LIMIT, "larger than the limit of %zu bytes", max);
}

/* One byte further than the cap tells "exactly max" from "more". */
static int at_end(int fd, size_t max, struct err *e)
{
    uint8_t extra;
    ssize_t r;

    do
        r = read(fd, &extra, 1);
    while (r < 0 && errno == EINTR);
    if (r < 0)
        return err_errno(e, "cannot read");
    return r > 0 ? too_large(max, e) : 0;
}

int file_read_fd(int fd, size_t max, struct buf *ret, struct err *e)
{
    struct stat st;
    int r = 0;

    buf_init(ret, max ? max : 1);
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 && (uint64_t)st.st_size <= max &&
        buf_reserve(ret, (size_t)st.st_size) < 0) {
        r = err_set(e, -ENOMEM, "no memory for a file of %lld bytes", (long long)st.st_size);
        goto out;
    }
    while (ret->len < max) {
        size_t want = ret->cap > ret->len ? ret->cap - ret->len : READ_STEP;
        want = want < max - ret->len ? want : max - ret->len;
        if (buf_reserve(ret, want) < 0) {
            r = err_set(e, -ENOMEM, "no memory after %zu bytes", ret->len);
            goto out;
        }
        ssize_t n = read(fd, ret->data + ret->len, want);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            r = err_errno(e, "cannot read");
            goto out;
        }
        if (n == 0)
            goto out;
        ret->len += (size_t)n;
    }
    r = at_end(fd, max, e);
out:
    if (r < 0)
        buf_free(ret);
    return r;
}

int file_open_regular(const char *path, int *ret_fd, uint64_t *ret_size, struct err *e)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);

    if (fd < 0 && errno == ELOOP)
        return err_set(e, -ELOOP, "cannot read %s: it is a link, not a plain file", path);
    if (fd < 0 && errno == ENXIO) /* a socket, or a device without a driver */
        return err_set(e, ERR_UNSUPPORTED, "cannot read %s: it is no plain file", path);
    if (fd < 0)
        return err_errno(e, "cannot open %s", path);
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return err_set(e, ERR_UNSUPPORTED, "cannot read %s: it is no plain file", path);
    }
    *ret_fd = fd;
    if (ret_size)
        *ret_size = (uint64_t)st.st_size;
    return 0;
}

int file_read_regular(const char *path, size_t max, struct buf *ret, struct err *e)
{
    int fd, r = file_open_regular(path, &fd, NULL, e);

    if (r < 0)
        return r;
    r = file_read_fd(fd, max, ret, e);
    close(fd);
    return r < 0 ? err_prefix(e, "%s: ", path) : 0;
}

int file_read(const char *path, size_t max, struct buf *ret, struct err *e)
{
    struct stat st;
    int r;
    /* O_NONBLOCK: a named pipe without a writer must not hold us. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0)
        return err_errno(e, "cannot open %s", path);
    if (fstat(fd, &st) < 0) {
        r = err_errno(e, "cannot look at %s", path);
    } else if (S_ISDIR(st.st_mode)) {
        r = err_set(e, -EISDIR, "cannot read %s: it is a folder", path);
    } else if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)) {
        r = err_set(e, ERR_UNSUPPORTED, "cannot read %s: it is a pipe or socket", path);
    } else {
        r = file_read_fd(fd, max, ret, e);
        if (r < 0)
            err_prefix(e, "%s: ", path);
    }
    close(fd);
    return r;
}

/* ---- writing ---- */

static int folder_sync(const char *path)
{
    struct str dir = str_dirname(str_from(path));
    char *name = str_dup(dir);
    int fd, r = 0;

    if (!name)
        return -ENOMEM;
    fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(name);
    if (fd < 0)
        return -errno;
    /* Some file systems cannot sync a folder; that is no failure of the write. */
    if (fsync(fd) < 0 && errno != EINVAL && errno != EROFS)
        r = -errno;
    close(fd);
    return r;
}

int file_write_atomic(const char *path, const void *p, size_t n, int mode, struct err *e)
{
    uint8_t salt[6];
    char hex[2 * sizeof(salt) + 1];
    int r, fd = -1;

    random_bytes(salt, sizeof(salt));
    hex_encode(salt, sizeof(salt), hex);
    char *temporary = path_format("%s.tmp-%s", path, hex);
    if (!temporary)
        return err_set(e, -ENOMEM, "no memory to write %s", path);
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0) {
        r = err_errno(e, "cannot create %s", temporary);
        goto out;
    }
    r = file_write_all(fd, p, n);
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    if (close(fd) < 0 && r == 0)
        r = -errno;
    if (r == 0 && rename(temporary, path) < 0)
        r = -errno;
    if (r < 0) {
        unlink(temporary);
        errno = -r;
        err_errno(e, "cannot write %s", path);
        goto out;
    }
    r = folder_sync(path);
    if (r < 0) {
        errno = -r;
        err_errno(e, "cannot sync the folder of %s", path);
    }
out:
    free(temporary);
    return r;
}

static int make_one(const char *path, int mode, struct err *e)
{
    struct stat st;

    if (mkdir(path, (mode_t)mode) == 0)
        return 0;
    int error = errno;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) /* there, or made by somebody else just now */
        return 0;
    errno = error;
    return err_errno(e, "cannot make the folder %s", path);
}

int file_mkdirs(const char *path, int mode, struct err *e)
{
    char *copy = str_dup(str_from(path));
    int r = 0;

    if (!copy)
        return err_set(e, -ENOMEM, "no memory to make %s", path);
    for (char *p = copy + 1; *copy && *p && r == 0; p++) {
        if (*p != '/')
            continue;
        *p = 0;
        r = make_one(copy, mode, e);
        *p = '/';
    }
    if (r == 0)
        r = make_one(copy, mode, e);
    free(copy);
    return r;
}

/* ---- copying ---- */

/* The data between two holes. copy_file_range first; plain reads where the file systems do not let it. */
static int copy_range(int in, int out, off_t from, off_t to, uint8_t *chunk)
{
    off_t in_at = from, out_at = from;

    while (in_at < to) {
        ssize_t n = copy_file_range(in, &in_at, out, &out_at, (size_t)(to - in_at), 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
    }
    while (in_at < to) {
        size_t want = to - in_at > COPY_STEP ? COPY_STEP : (size_t)(to - in_at);
        ssize_t n = pread(in, chunk, want, in_at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0) /* became shorter meanwhile */
            return 0;
        if (lseek(out, in_at, SEEK_SET) < 0)
            return -errno;
        int r = file_write_all(out, chunk, (size_t)n);
        if (r < 0)
            return r;
        in_at += n;
    }
    return 0;
}

static int copy_sparse(int in, int out, off_t size)
{
    uint8_t *chunk = malloc(COPY_STEP);
    off_t at = 0;
    int r = 0;

    if (!chunk)
        return -ENOMEM;
    while (at < size && r == 0) {
        off_t data = lseek(in, at, SEEK_DATA), hole;
        if (data < 0 && errno == ENXIO) /* only a hole is left */
            break;
        if (data < 0) {
            data = at;
            hole = size;
        } else {
            hole = lseek(in, data, SEEK_HOLE);
            if (hole < 0)
                hole = size;
        }
        r = copy_range(in, out, data, hole, chunk);
        at = hole;
    }
    free(chunk);
    if (r == 0 && ftruncate(out, size) < 0)
        r = -errno;
    return r;
}

static int copy_stream(int in, int out)
{
    uint8_t *chunk = malloc(COPY_STEP);
    int r = 0;

    if (!chunk)
        return -ENOMEM;
    while (r == 0) {
        ssize_t n = read(in, chunk, COPY_STEP);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            r = n < 0 ? -errno : 0;
            break;
        }
        r = file_write_all(out, chunk, (size_t)n);
    }
    free(chunk);
    return r;
}

static int copy_fds(int in, int out)
{
    struct stat a, b;

    if (fstat(in, &a) < 0 || fstat(out, &b) < 0)
        return -errno;
    if (a.st_dev == b.st_dev && a.st_ino == b.st_ino)
        return -EEXIST; /* emptying the target would lose the source */
    if (S_ISREG(b.st_mode) && ftruncate(out, 0) < 0)
        return -errno;
    if (!S_ISREG(a.st_mode) || a.st_size == 0) /* also /proc, whose files claim to be empty */
        return copy_stream(in, out);
    if (ioctl(out, FICLONE, in) == 0)
        return 0;
    return copy_sparse(in, out, a.st_size);
}

int file_copy(const char *from, const char *to, int mode, struct err *e)
{
    int in = open(from, O_RDONLY | O_CLOEXEC), out, r;

    if (in < 0)
        return err_errno(e, "cannot open %s", from);
    bool was_there = file_exists(to);
    out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, mode);
    if (out < 0) {
        r = err_errno(e, "cannot create %s", to);
        close(in);
        return r;
    }
    r = copy_fds(in, out);
    close(in);
    if (close(out) < 0 && r == 0)
        r = -errno;
    if (r < 0) {
        if (!was_there)
            unlink(to); /* half a copy is worse than none */
        errno = -r;
        return err_errno(e, "cannot copy %s to %s", from, to);
    }
    return 0;
}
