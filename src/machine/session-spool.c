/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/session-spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PHASE_BEGIN = 0, PHASE_DATA = 1, PHASE_END = 2 };

int spool_init(struct spool *s, const char *folder)
{
    memset(s, 0, sizeof(*s));
    for (unsigned i = 0; i < SPOOL_OPEN_MAX; i++)
        s->items[i].fd = -1;
    s->file_max = 64u << 20;
    s->total_max = 1u << 30;
    s->folder = strdup(folder);
    return s->folder ? 0 : -ENOMEM;
}

void spool_release(struct spool *s, unsigned slot)
{
    struct spool_item *it = &s->items[slot];

    if (it->fd >= 0)
        close(it->fd);
    sha256_free(&it->hash);
    it->fd = -1;
}

void spool_free(struct spool *s)
{
    for (unsigned i = 0; s->folder && i < SPOOL_OPEN_MAX; i++)
        spool_release(s, i);
    free(s->folder);
    s->folder = NULL;
}

/* A file without a name: nothing is left behind whatever happens to us. */
static int temporary(const char *folder)
{
    char path[4096];
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
        return fd;
    if (snprintf(path, sizeof(path), "%s/capture-XXXXXX", folder) >= (int)sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

static int slot_of(const struct spool *s, uint32_t id)
{
    for (unsigned i = 0; i < SPOOL_OPEN_MAX; i++)
        if (s->items[i].fd >= 0 && s->items[i].id == id)
            return (int)i;
    return -1;
}

/* A free slot; without one the capture that was begun first is given up. */
static unsigned slot_take(struct spool *s)
{
    unsigned oldest = 0;

    for (unsigned i = 0; i < SPOOL_OPEN_MAX; i++) {
        if (s->items[i].fd < 0)
            return i;
        if (s->items[i].age < s->items[oldest].age)
            oldest = i;
    }
    s->bad++;
    spool_release(s, oldest);
    return oldest;
}

static int begin(struct spool *s, uint32_t id, struct wire_get *r, struct err *e)
{
    uint8_t kind = wire_get_u8(r);
    uint64_t size = wire_get_u64(r);
    size_t n;
    const char *name = wire_get_str(r, &n);

    if (r->failed || (kind != 1 && kind != 2) || n >= SPOOL_NAME_MAX || slot_of(s, id) >= 0 ||
        s->count >= SPOOL_COUNT_MAX) {
        s->bad++;
        return 0;
    }
    struct spool_item *it = &s->items[slot_take(s)];
    struct sha256 *hash = NULL;
    int fd = temporary(s->folder);
    if (fd < 0)
        return err_errno(e, "cannot make a temporary file in %s", s->folder);
    if (sha256_new(&hash) < 0) {
        close(fd);
        return err_set(e, -ENOMEM, "no memory for a capture");
    }
    it->id = id;
    it->kind = kind;
    it->fd = fd;
    it->hash = hash;
    it->age = s->clock++;
    it->announced = size;
    it->stored = it->came = 0;
    it->cut = false;
    memcpy(it->name, name, n);
    it->name_len = n;
    s->count++;
    return 0;
}

static int store(struct spool *s, struct spool_item *it, const uint8_t *p, size_t n, struct err *e)
{
    uint64_t room = s->file_max - (it->stored < s->file_max ? it->stored : s->file_max);

    uint64_t left = s->total_max - (s->total < s->total_max ? s->total : s->total_max);

    if (room > left)
        room = left;
    it->came += n;
    if (n > room) {
        it->cut = true;
        n = (size_t)room;
    }
    if (it->cut && n == 0)
        return 0;
    for (size_t done = 0; done < n;) {
        ssize_t w = write(it->fd, p + done, n - done);
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0) {
            int code = err_errno(e, "cannot store a capture in %s", s->folder);
            it->cut = true;
            s->file_max = it->stored; /* a full disk does not get emptier: take no more of this run */
            s->total_max = s->total;
            return code;
        }
        sha256_add(it->hash, p + done, (size_t)w);
        done += (size_t)w;
        it->stored += (size_t)w;
        s->total += (size_t)w;
    }
    return 0;
}

static int finish(struct spool *s, unsigned slot, struct wire_get *r, struct spool_result *ret)
{
    struct spool_item *it = &s->items[slot];
    const uint8_t *claimed = wire_get_bytes(r, SHA256_SIZE);
    uint8_t truncated = wire_get_u8(r), own[SHA256_SIZE];

    if (r->failed || sha256_end(&it->hash, own) < 0 || lseek(it->fd, 0, SEEK_SET) < 0) {
        s->bad++;
        spool_release(s, slot);
        return 0;
    }
    *ret = (struct spool_result){.kind = it->kind, .fd = it->fd, .name = {it->name, it->name_len}, .size = it->stored};
    ret->truncated = truncated || it->cut;
    ret->mismatch = !it->cut && memcmp(own, claimed, SHA256_SIZE) != 0;
    s->bad += ret->mismatch;
    hex_encode(own, SHA256_SIZE, ret->sha256);
    return 1;
}

int spool_add(struct spool *s, const uint8_t *payload, size_t n, struct spool_result *ret, unsigned *ret_slot,
              struct err *e)
{
    struct wire_get r = {.p = payload, .n = n};
    uint32_t id = wire_get_u32(&r);
    uint8_t phase = wire_get_u8(&r);

    if (r.failed || phase > PHASE_END) {
        s->bad++;
        return 0;
    }
    if (phase == PHASE_BEGIN)
        return begin(s, id, &r, e);
    int slot = slot_of(s, id);
    if (slot < 0) {
        s->bad++;
        return 0;
    }
    if (phase == PHASE_DATA)
        return store(s, &s->items[slot], payload + r.pos, n - r.pos, e);
    *ret_slot = (unsigned)slot;
    return finish(s, (unsigned)slot, &r, ret);
}
