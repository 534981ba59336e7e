/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Guest images and their snapshots.
 *
 * An image is made from a recipe folder (images/NAME) and cached under
 * path_cache_dir()/images/NAME-HASH, HASH over the recipe's files. A snapshot
 * (booted machine, agent ready, BPF attached, frozen) is cached below it, keyed
 * by agent, QEMU version, machine options and accelerator. Both are built when
 * missing, under a lock, in a temporary folder that is renamed when whole:
 * killed half-way leaves nothing that is taken for good.
 */
#ifndef BELLJAR_MACHINE_IMAGE_H
#define BELLJAR_MACHINE_IMAGE_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct image {
    char *name; /* "debian13" */
    char *hash; /* of the recipe, hex */
    char *dir;
    char *disk;   /* qcow2, immutable */
    char *kernel; /* vmlinux (PVH) */
    char *initrd; /* our agent as /init */
    char *title;  /* "Debian 13 (amd64)" */
    bool built;
    uint64_t bytes;
};
void image_clear(struct image *i);

/* Progress lines for people; done/total may be 0 when unknown. */
typedef void image_progress(void *context, const char *step, uint64_t done, uint64_t total);
/* For what takes minutes. All may be NULL, and so may the whole. */
struct image_work {
    image_progress *progress;
    void *context;
    const volatile int *stop; /* becomes non-zero: give up soon, leave nothing behind; the result is -ECANCELED */
};

/* Fills *ret for a recipe name; `built` tells whether it is in the cache. ERR_MISSING: no such recipe. */
int image_find(const char *name, struct image *ret, struct err *e);
int image_build(const char *name, const struct image_work *w, struct image *ret, struct err *e);
/* Names of recipes, one call each. */
int image_each(void (*fn)(void *context, const char *name), void *context, struct err *e);
int image_remove(const char *name, struct err *e);

struct snapshot {
    char *dir;
    char *ram;   /* memory file */
    char *state; /* migration stream */
    char *disk;  /* qcow2 at the snapshot instant (backing file: the image) */
    char *accel; /* "tcg" or "kvm" */
    uint64_t ram_bytes;
    char *blank;        /* an empty overlay of the disk's size, to be copied for each run */
    char *command_line; /* the kernel's */
    unsigned cpus;
};
void snapshot_clear(struct snapshot *s);
int snapshot_ensure(const struct image *i, const struct image_work *w, struct snapshot *ret, struct err *e);
/* malloc'ed folder of the snapshot that snapshot_ensure would take, when it is there; else ERR_MISSING. */
int snapshot_current(const struct image *i, char **ret_dir);

#endif
