/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/rulefiles.h"

#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void rulefiles_free(struct rulefiles *f)
{
    for (size_t i = 0; i < f->count; i++)
        free(f->items[i]);
    free(f->items);
    *f = (struct rulefiles){0};
}

static int keep(struct rulefiles *f, const char *dir, char *path, struct err *e)
{
    if (f->count >= RULEFILES_MAX) {
        free(path);
        return err_set(e, ERR_LIMIT, "%s: more than %d rule files", dir, RULEFILES_MAX);
    }
    if (f->count == f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 64;
        char **items = realloc(f->items, cap * sizeof(char *));
        if (!items) {
            free(path);
            return err_set(e, -ENOMEM, "no memory for rules");
        }
        f->items = items;
        f->cap = cap;
    }
    f->items[f->count++] = path;
    return 0;
}

static int walk(struct rulefiles *f, const char *dir, rulefiles_want *want, unsigned depth, struct err *e);

static int entry(struct rulefiles *f, const char *dir, const char *name, rulefiles_want *want, unsigned depth,
                 struct err *e)
{
    char *path = path_join(dir, name);
    struct stat link, st;
    int rc = 0;
    if (!path)
        return err_set(e, -ENOMEM, "no memory for rules");
    if (lstat(path, &link) < 0 || stat(path, &st) < 0) {
        free(path); /* gone meanwhile, or a link that leads nowhere */
        return 0;
    }
    if (S_ISREG(st.st_mode) && (!want || want(name)))
        return keep(f, dir, path, e);
    if (S_ISDIR(link.st_mode))
        rc = depth < RULEFILES_DEPTH_MAX
                 ? walk(f, path, want, depth + 1, e)
                 : err_set(e, ERR_LIMIT, "%s: folders are nested deeper than %d", path, RULEFILES_DEPTH_MAX);
    free(path);
    return rc;
}

static int walk(struct rulefiles *f, const char *dir, rulefiles_want *want, unsigned depth, struct err *e)
{
    DIR *d = opendir(dir);
    int rc = 0;
    if (!d)
        return err_errno(e, "cannot open the folder %s", dir);
    for (struct dirent *k; rc >= 0 && (k = readdir(d));)
        if (k->d_name[0] != '.')
            rc = entry(f, dir, k->d_name, want, depth, e);
    closedir(d);
    return rc;
}

static int path_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int rulefiles_list(const char *dir, rulefiles_want *want, struct rulefiles *ret, struct err *e)
{
    struct rulefiles f = {0};
    int rc = walk(&f, dir, want, 0, e);
    if (rc < 0) {
        rulefiles_free(&f);
        return rc;
    }
    if (f.count)
        qsort(f.items, f.count, sizeof(char *), path_compare);
    *ret = f;
    return 0;
}
