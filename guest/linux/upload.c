/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files from the host: written under a name that does not tell, checked, then renamed. One at a time. */
#include "agent.h"
#include "sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct upload {
    int fd;
    int code; /* first error, told at the end */
    uint32_t id;
    char path[PATH_MAX], owner[64];
    struct sha256_state hash;
};

static void open_target(struct upload *u, const char *path, size_t n, uint32_t mode)
{
    struct account who;

    if (account_find(u->owner, &who) < 0) {
        u->code = -ESRCH;
        return;
    }
    if (n && path[0] == '/')
        n = (size_t)snprintf(u->path, sizeof(u->path), "%.*s", (int)n, path);
    else
        n = (size_t)snprintf(u->path, sizeof(u->path), "%s/%.*s", who.home, (int)n, path);
    if (n >= sizeof(u->path))
        u->code = -ENAMETOOLONG;
    else
        u->code = make_parents(u->path, who.uid, who.gid);
    if (u->code < 0)
        return;
    unlink(u->path); /* never through a link, never into a running program */
    u->fd = open(u->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (u->fd < 0 || fchown(u->fd, who.uid, who.gid) < 0 || fchmod(u->fd, mode & 07777) < 0)
        u->code = -errno;
}

void upload_begin(struct agent *a, const uint8_t *p, size_t n)
{
    struct wire_get r = {.p = p, .n = n};
    struct upload *u = a->upload ? a->upload : calloc(1, sizeof(*u));
    uint32_t id = wire_get_u32(&r), mode;
    size_t path_len, owner_len;

    const char *path = wire_get_str(&r, &path_len);
    mode = wire_get_u32(&r);
    const char *user = wire_get_str(&r, &owner_len);
    if (!u)
        return;
    if (a->upload && u->fd >= 0)
        close(u->fd);
    a->upload = u;
    u->fd = -1;
    u->id = id;
    u->path[0] = 0;
    u->code = -EINVAL;
    sha256_begin(&u->hash);
    if (r.failed || !path_len || path_len >= PATH_MAX || owner_len >= sizeof(u->owner))
        return;
    if (owner_len)
        memcpy(u->owner, user, owner_len);
    u->owner[owner_len] = 0;
    open_target(u, path, path_len, mode);
}

void upload_data(struct agent *a, const uint8_t *p, size_t n)
{
    struct wire_get r = {.p = p, .n = n};
    struct upload *u = a->upload;
    uint32_t id = wire_get_u32(&r);

    if (!u || r.failed || u->code < 0 || id != u->id)
        return;
    sha256_add(&u->hash, p + r.pos, n - r.pos);
    u->code = write_whole(u->fd, p + r.pos, n - r.pos);
}

void upload_end(struct agent *a, const uint8_t *p, size_t n)
{
    struct wire_get r = {.p = p, .n = n};
    struct upload *u = a->upload;
    uint8_t own[32];
    char why[128];

    wire_get_u32(&r);
    const uint8_t *want = wire_get_bytes(&r, sizeof(own));
    if (!u || !want) {
        agent_result(a, WIRE_FILE_END, -EINVAL, "no file was begun");
        return;
    }
    sha256_end(&u->hash, own);
    if (u->fd >= 0 && close(u->fd) < 0 && u->code == 0)
        u->code = -errno;
    u->fd = -1;
    if (u->code == 0 && memcmp(own, want, sizeof(own)) != 0)
        u->code = -EIO;
    if (u->code < 0 && u->path[0])
        unlink(u->path);
    if (u->code == -ESRCH)
        snprintf(why, sizeof(why), "no such user in the guest: %s", u->owner);
    else if (u->code < 0)
        snprintf(why, sizeof(why), "%s", strerror(-u->code));
    agent_result(a, WIRE_FILE_END, u->code, u->code < 0 ? why : u->path);
    u->path[0] = 0;
}
