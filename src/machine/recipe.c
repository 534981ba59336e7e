/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/recipe.h"

#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECIPE_FILE_MAX 65536

void recipe_clear(struct recipe *r)
{
    if (!r)
        return;
    free(r->name);
    free(r->dir);
    free(r->title);
    free(r->suite);
    free(r->architecture);
    free(r->kernel);
    *r = (struct recipe){0};
}

bool recipe_name_valid(const char *name)
{
    size_t n = strlen(name);

    if (n == 0 || n > 64 || strchr("-._", name[0]))
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-_") == n;
}

/* ---- the hash ---- */

struct listing {
    char **paths; /* relative */
    size_t n;
    uint64_t bytes;
};

static void listing_free(struct listing *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->paths[i]);
    free(l->paths);
}

static int list_folder(struct listing *l, const char *dir, const char *below, unsigned depth, struct err *e);

static int list_entry(struct listing *l, const char *dir, char *path, unsigned depth, struct err *e)
{
    struct stat st;
    char *full = path_join(dir, path);
    int r = 0;

    if (!full)
        r = err_set(e, -ENOMEM, "out of memory");
    else if (lstat(full, &st) < 0)
        r = err_errno(e, "cannot look at %s", full);
    else if (S_ISDIR(st.st_mode))
        r = list_folder(l, dir, path, depth + 1, e);
    else if (!S_ISREG(st.st_mode))
        r = err_set(e, ERR_UNSUPPORTED, "%s is neither a file nor a folder", full);
    else if (l->n == RECIPE_FILES_MAX)
        r = err_set(e, ERR_LIMIT, "%s has more than %d files", dir, RECIPE_FILES_MAX);
    else {
        l->paths[l->n++] = path;
        path = NULL;
    }
    free(path);
    free(full);
    return r;
}

static int list_folder(struct listing *l, const char *dir, const char *below, unsigned depth, struct err *e)
{
    char *full = path_join(dir, below);
    DIR *d = full ? opendir(full) : NULL;
    int r = 0;

    if (!d) {
        r = full ? err_errno(e, "cannot open %s", full) : err_set(e, -ENOMEM, "out of memory");
        goto out;
    }
    if (depth > RECIPE_DEPTH_MAX) {
        r = err_set(e, ERR_LIMIT, "%s is nested too deeply", full);
        goto out;
    }
    for (struct dirent *entry; r == 0 && (entry = readdir(d));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        char *path = *below ? path_join(below, entry->d_name) : strdup(entry->d_name);
        r = path ? list_entry(l, dir, path, depth, e) : err_set(e, -ENOMEM, "out of memory");
    }
out:
    if (d)
        closedir(d);
    free(full);
    return r;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int hash_file(struct sha256 *h, struct listing *l, const char *dir, const char *path, struct err *e)
{
    char *full = path_join(dir, path);
    struct buf content = {0};
    struct stat st;
    int r;

    if (!full)
        return err_set(e, -ENOMEM, "out of memory");
    if (stat(full, &st) < 0) {
        r = err_errno(e, "cannot look at %s", full);
        goto out;
    }
    r = file_read(full, RECIPE_BYTES_MAX - l->bytes, &content, e);
    if (r < 0)
        goto out;
    l->bytes += content.len;
    uint8_t size[8];
    for (int i = 0; i < 8; i++)
        size[i] = (uint8_t)((uint64_t)content.len >> (8 * i));
    r = sha256_add(h, path, strlen(path) + 1);
    if (r == 0)
        r = sha256_add(h, (st.st_mode & 0100) ? "x" : "-", 2);
    if (r == 0)
        r = sha256_add(h, size, sizeof(size));
    if (r == 0 && content.len)
        r = sha256_add(h, content.data, content.len);
    if (r < 0)
        err_set(e, r, "cannot hash %s", full);
out:
    buf_free(&content);
    free(full);
    return r;
}

int recipe_hash(const char *dir, char ret[SHA256_HEX], struct err *e)
{
    struct listing l = {0};
    struct sha256 *h = NULL;
    uint8_t sum[SHA256_SIZE];
    int r;

    l.paths = calloc(RECIPE_FILES_MAX, sizeof(*l.paths));
    if (!l.paths || sha256_new(&h) < 0) {
        r = err_set(e, -ENOMEM, "out of memory");
        goto out;
    }
    r = list_folder(&l, dir, "", 0, e);
    if (r < 0)
        goto out;
    qsort(l.paths, l.n, sizeof(*l.paths), by_bytes);
    for (size_t i = 0; r == 0 && i < l.n; i++)
        r = hash_file(h, &l, dir, l.paths[i], e);
    if (r == 0 && (r = sha256_end(&h, sum)) < 0)
        err_set(e, r, "cannot hash %s", dir);
    if (r == 0)
        hex_encode(sum, sizeof(sum), ret);
out:
    sha256_free(&h);
    listing_free(&l);
    return r;
}

/* ---- the file ---- */

static int set_text(char **slot, struct str value)
{
    free(*slot);
    *slot = str_dup(value);
    return *slot ? 0 : -ENOMEM;
}

static int set_number(unsigned *slot, struct str value, unsigned least, unsigned most)
{
    uint64_t v;

    if (str_u64(value, 10, &v) < 0 || v < least || v > most)
        return ERR_FORMAT;
    *slot = (unsigned)v;
    return 0;
}

static int set_key(struct recipe *r, struct str key, struct str value)
{
    if (str_eqz(key, "title"))
        return set_text(&r->title, value);
    if (str_eqz(key, "suite"))
        return set_text(&r->suite, value);
    if (str_eqz(key, "architecture"))
        return set_text(&r->architecture, value);
    if (str_eqz(key, "kernel"))
        return set_text(&r->kernel, value);
    if (str_eqz(key, "memory_mib"))
        return set_number(&r->memory_mib, value, 128, 65536);
    if (str_eqz(key, "cpus"))
        return set_number(&r->cpus, value, 1, 16);
    if (str_eqz(key, "root_modules"))
        return 0;     /* read by `build` alone */
    uint64_t ignored; /* these too */
    if (str_eqz(key, "disk_gib") || str_eqz(key, "free_gib"))
        return str_u64(value, 10, &ignored);
    return ERR_MISSING;
}

static int parse(struct recipe *r, struct str text, struct err *e)
{
    struct str line;
    unsigned number = 0;

    while (str_split(&text, '\n', &line)) {
        number++;
        line = str_trim(line);
        if (line.n == 0 || line.p[0] == '#')
            continue;
        ptrdiff_t equals = str_find(line, STR_LIT("="));
        if (equals < 0)
            return err_set(e, ERR_FORMAT, "%s/recipe line %u: \"key = value\" is wanted", r->dir, number);
        struct str key = str_trim(str_sub(line, 0, (size_t)equals));
        struct str value = str_trim(str_sub(line, (size_t)equals + 1, line.n));
        int x = value.n ? set_key(r, key, value) : ERR_FORMAT;
        if (x == ERR_MISSING)
            return err_set(e, ERR_FORMAT, "%s/recipe line %u: unknown key \"%.*s\"", r->dir, number, STR_ARG(key));
        if (x < 0)
            return err_set(e, ERR_FORMAT, "%s/recipe line %u: bad value for \"%.*s\"", r->dir, number, STR_ARG(key));
    }
    if (!r->title || !r->suite || !r->memory_mib)
        return err_set(e, ERR_FORMAT, "%s/recipe: title, suite and memory_mib must be there", r->dir);
    return 0;
}

int recipe_load_dir(const char *name, const char *dir, struct recipe *ret, struct err *e)
{
    struct recipe r = {.name = strdup(name), .dir = strdup(dir), .cpus = 2};
    char *path = path_join(dir, "recipe");
    struct buf text = {0};
    int x;

    if (!r.name || !r.dir || !path) {
        x = err_set(e, -ENOMEM, "out of memory");
        goto out;
    }
    if (!file_exists(path)) {
        x = err_set(e, ERR_MISSING, "there is no image recipe \"%s\" (%s)", name, path);
        goto out;
    }
    x = file_read(path, RECIPE_FILE_MAX, &text, e);
    if (x == 0)
        x = parse(&r, buf_str(&text), e);
    if (x == 0)
        x = recipe_hash(dir, r.hash, e);
    if (x == 0) {
        *ret = r;
        r = (struct recipe){0};
    }
out:
    recipe_clear(&r);
    buf_free(&text);
    free(path);
    return x;
}

static char *recipes_dir(void)
{
    char *share = path_share_dir();
    char *dir = share ? path_join(share, "images") : NULL;

    free(share);
    return dir;
}

int recipe_load(const char *name, struct recipe *ret, struct err *e)
{
    if (!recipe_name_valid(name))
        return err_set(e, ERR_USAGE, "\"%s\" cannot be the name of an image", name);
    char *images = recipes_dir();
    char *dir = images ? path_join(images, name) : NULL;
    int r = dir ? recipe_load_dir(name, dir, ret, e) : err_set(e, ERR_MISSING, "Belljar's share folder was not found");

    free(dir);
    free(images);
    return r;
}

int recipe_each(void (*fn)(void *context, const char *name), void *context, struct err *e)
{
    char *images = recipes_dir();
    struct dirent **list = NULL;
    int n = images ? scandir(images, &list, NULL, alphasort) : -1;
    int r = 0;

    if (n < 0)
        r = images ? err_errno(e, "cannot read %s", images)
                   : err_set(e, ERR_MISSING, "Belljar's share folder was not found");
    for (int i = 0; i < n; i++) {
        char *path = path_format("%s/%s/recipe", images, list[i]->d_name);
        if (path && recipe_name_valid(list[i]->d_name) && file_exists(path))
            fn(context, list[i]->d_name);
        free(path);
        free(list[i]);
    }
    free(list);
    free(images);
    return r;
}
