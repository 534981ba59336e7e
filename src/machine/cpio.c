/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/cpio.h"

#include "base/err.h"

#include <string.h>
#include <sys/stat.h>

#define NAME_MAX_BYTES 4096

void cpio_begin(struct cpio *c, struct buf *out)
{
    *c = (struct cpio){.out = out, .next_inode = 1};
}

static void pad(struct buf *b)
{
    while (b->len % 4 && !b->failed)
        buf_u8(b, 0);
}

static int entry(struct cpio *c, const char *path, mode_t mode, unsigned major, unsigned minor, const void *p, size_t n)
{
    while (*path == '/')
        path++;
    size_t name = strlen(path) + 1;
    if (name > NAME_MAX_BYTES || n > UINT32_MAX)
        return ERR_LIMIT;
    unsigned links = S_ISDIR(mode) ? 2 : 1;
    /* magic ino mode uid gid nlink mtime filesize maj min rmaj rmin namesize chksum */
    buf_addf(c->out, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", c->next_inode++, (unsigned)mode, 0u,
             0u, links, 0u, (unsigned)n, 0u, 0u, major, minor, (unsigned)name, 0u);
    buf_add(c->out, path, name);
    pad(c->out);
    if (n)
        buf_add(c->out, p, n);
    pad(c->out);
    return c->out->failed;
}

int cpio_folder(struct cpio *c, const char *path, mode_t mode)
{
    return entry(c, path, S_IFDIR | (mode & 07777), 0, 0, NULL, 0);
}

int cpio_file(struct cpio *c, const char *path, mode_t mode, const void *p, size_t n)
{
    return entry(c, path, S_IFREG | (mode & 07777), 0, 0, p, n);
}

int cpio_device(struct cpio *c, const char *path, mode_t mode, unsigned major, unsigned minor)
{
    return entry(c, path, S_IFCHR | (mode & 07777), major, minor, NULL, 0);
}

int cpio_end(struct cpio *c)
{
    c->next_inode = 0;
    int r = entry(c, "TRAILER!!!", 0, 0, 0, NULL, 0);

    /* Boot loaders and kernels like whole sectors. */
    while (c->out->len % 512 && !c->out->failed)
        buf_u8(c->out, 0);
    return r < 0 ? r : c->out->failed;
}
