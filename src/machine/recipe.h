/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Recipes of guest images: images/NAME below path_share_dir(), a folder with a
 * `recipe` file (lines "key = value", '#' starts a comment), an executable
 * `build` and whatever that uses. The name of an image's cache folder holds the
 * SHA-256 over all of it: a changed byte, name or execute bit makes another
 * image.
 */
#ifndef BELLJAR_MACHINE_RECIPE_H
#define BELLJAR_MACHINE_RECIPE_H

#include "base/err.h"
#include "base/hash.h"
#include "base/str.h"

#include <stdbool.h>

#define RECIPE_FILES_MAX 4096
#define RECIPE_BYTES_MAX (64u << 20)
#define RECIPE_DEPTH_MAX 16

struct recipe {
    char *name, *dir, *title, *suite, *architecture, *kernel;
    unsigned memory_mib, cpus;
    char hash[SHA256_HEX];
};

void recipe_clear(struct recipe *r);
/* Lower-case letters, digits, '.', '-' and '_', beginning with a letter or digit, at most 64. */
bool recipe_name_valid(const char *name);
/* ERR_USAGE: impossible name, ERR_MISSING: no such recipe, ERR_FORMAT: names file and line. */
int recipe_load(const char *name, struct recipe *ret, struct err *e);
int recipe_load_dir(const char *name, const char *dir, struct recipe *ret, struct err *e);
/* The SHA-256 over a folder: for each regular file in byte order of its path: path, NUL, 'x' or '-', NUL, size as 8
 * bytes little endian, content. Anything but folders and regular files is ERR_UNSUPPORTED. */
int recipe_hash(const char *dir, char ret[SHA256_HEX], struct err *e);
/* One call for each folder of images/ that has a `recipe`, by name. */
int recipe_each(void (*fn)(void *context, const char *name), void *context, struct err *e);

#endif
