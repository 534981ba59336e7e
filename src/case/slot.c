/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "case/slot.h"

#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#define LOOK_EVERY_MS 500

/* 1: taken, 0: busy. */
static int try_one(const char *dir, unsigned n, int *ret, struct err *e)
{
    char *path = path_format("%s/machine-%u.lock", dir, n);
    int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600) : -1, r = 1;

    if (fd < 0)
        r = err_errno(e, "cannot open %s", path ? path : "a lock");
    else if (flock(fd, LOCK_EX | LOCK_NB) < 0)
        r = errno == EWOULDBLOCK ? 0 : err_errno(e, "cannot lock %s", path);
    if (r == 1)
        *ret = fd;
    else if (fd >= 0)
        close(fd);
    free(path);
    return r;
}

static char *make_dir(char *base, struct err *e)
{
    char *dir = base ? path_join(base, "slots") : NULL;
    int r = dir ? file_mkdirs(dir, 0700, e) : err_set(e, -ENOMEM, "out of memory");

    free(base);
    if (r == 0 && access(dir, R_OK | W_OK | X_OK) < 0)
        r = err_errno(e, "cannot use %s", dir);
    if (r == 0)
        return dir;
    free(dir);
    return NULL;
}

int slot_take(unsigned slots, int (*wait)(void *context), void *context, int *ret_slot, struct err *e)
{
    char *dir = make_dir(path_cache_dir(), e);
    int r;

    if (!dir) /* images of a cache that is somebody else's: one may read them, but not lock there */
        dir = make_dir(path_data_dir(), e);
    r = dir ? 0 : e ? e->code : -EACCES;
    while (r == 0) {
        for (unsigned i = 0; i < slots && r == 0; i++)
            r = try_one(dir, i, ret_slot, e);
        if (r == 0 && wait && wait(context))
            r = err_set(e, -ECANCELED, "stopped while waiting for a machine");
        if (r == 0)
            poll(NULL, 0, LOOK_EVERY_MS);
    }
    free(dir);
    return r < 0 ? r : 0;
}

void slot_leave(int *slot)
{
    if (*slot >= 0)
        close(*slot);
    *slot = -1;
}
