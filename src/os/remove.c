/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Removing a tree that somebody hostile may change meanwhile: every step is
 * relative to a descriptor of the folder that was really opened, links are
 * never followed, other file systems never entered, and depth costs no memory:
 * folders deeper than DEPTH_MAX are first moved up to the top.
 */
#include "base/buf.h"
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DEPTH_MAX 64

struct removal {
    int top;
    dev_t device;
    unsigned long moved; /* number of the next folder that moves up */
    bool again;          /* something moved up: the top has to be read once more */
    int first_error;
    char where[256];
};

static void note(struct removal *w, const char *name, int error)
{
    if (w->first_error)
        return;
    w->first_error = error;
    snprintf(w->where, sizeof(w->where), "%s", name);
}

static int open_folder(int parent, const char *name)
{
    struct open_how how = {.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
                           /* NO_XDEV also stops at bind mounts of the same device */
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV};
    int fd = (int)syscall(SYS_openat2, parent, name, &how, sizeof(how));

    if (fd < 0 && errno == ENOSYS)
        fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd;
}

/* A folder without rights for its owner: give them, through a descriptor so that no link can be slipped in. */
static int open_folder_anyway(int parent, const char *name)
{
    int fd = open_folder(parent, name);

    if (fd >= 0 || errno != EACCES)
        return fd;
    int path_fd = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (path_fd < 0)
        return -1;
    char proc[64];
    snprintf(proc, sizeof(proc), "/proc/self/fd/%d", path_fd);
    int r = chmod(proc, 0700);
    close(path_fd);
    if (r < 0) {
        errno = EACCES;
        return -1;
    }
    return open_folder(parent, name);
}

static void remove_contents(struct removal *w, int fd, unsigned depth);

static void remove_folder(struct removal *w, int parent, const char *name, unsigned depth)
{
    if (depth >= DEPTH_MAX) {
        char up[64];
        snprintf(up, sizeof(up), ".removing-%d-%lu", (int)getpid(), w->moved++);
        if (renameat(parent, name, w->top, up) == 0)
            w->again = true;
        else
            note(w, name, errno);
        return;
    }
    int fd = open_folder_anyway(parent, name);
    if (fd < 0) {
        note(w, name, errno);
        return;
    }
    struct stat st;
    if (fstat(fd, &st) < 0 || st.st_dev != w->device) {
        note(w, name, EXDEV);
        close(fd);
        return;
    }
    if ((st.st_mode & 0700) != 0700)
        (void)!fchmod(fd, 0700); /* if that fails, unlinking tells why */
    remove_contents(w, fd, depth + 1);
    if (unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
        note(w, name, errno);
}

static void remove_entry(struct removal *w, int parent, const char *name, unsigned depth)
{
    /* Unlink first: for what is no folder that is all, and nothing is looked at that could be swapped afterwards. */
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT)
        return;
    if (errno == EISDIR || errno == EPERM) /* EPERM: POSIX's word for a folder, also an immutable file */
        remove_folder(w, parent, name, depth);
    else
        note(w, name, errno);
}

/* Owns fd. */
static void remove_contents(struct removal *w, int fd, unsigned depth)
{
    DIR *d = fdopendir(fd);

    if (!d) {
        note(w, "", errno);
        close(fd);
        return;
    }
    for (struct dirent *entry; (entry = readdir(d));) {
        if (str_eqz(str_from(entry->d_name), ".") || str_eqz(str_from(entry->d_name), ".."))
            continue;
        remove_entry(w, dirfd(d), entry->d_name, depth);
    }
    closedir(d);
}

static int remove_below(const char *path, int fd, struct err *e)
{
    struct removal w = {.top = fd};
    struct stat st;

    if (fstat(fd, &st) < 0)
        return err_errno(e, "cannot look at %s", path);
    w.device = st.st_dev;
    if ((st.st_mode & 0700) != 0700)
        (void)!fchmod(fd, 0700);
    do {
        w.again = false;
        int copy = open_folder(fd, ".");
        if (copy < 0)
            return err_errno(e, "cannot open %s", path);
        remove_contents(&w, copy, 0);
    } while (w.again && !w.first_error);
    if (!w.first_error)
        return 0;
    errno = w.first_error;
    return err_errno(e, "cannot remove %s in %s", w.where, path);
}

int file_remove_tree(const char *path, struct err *e)
{
    int r;

    if (unlink(path) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return err_errno(e, "cannot remove %s", path);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, "cannot remove %s", path);
    r = remove_below(path, fd, e);
    close(fd);
    if (r == 0 && rmdir(path) < 0 && errno != ENOENT)
        r = err_errno(e, "cannot remove %s", path);
    return r;
}
