/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For tests and benchmarks: all rules of a folder or of an archive, unpacked in memory. */
#ifndef BELLJAR_DETECT_SIGMA_SIGMA_ARCHIVE_H
#define BELLJAR_DETECT_SIGMA_SIGMA_ARCHIVE_H

#include "detect/ruletexts.h"
#include "detect/sigma/sigma.h"
#include "detect/unpack.h"
#include "os/file.h"

#include <stdio.h>
#include <sys/stat.h>

static inline bool sigma_archive_wants(const char *name)
{
    return str_ends(str_from(name), STR_LIT(".yml"));
}

/* How many rules were good, or negative. */
static inline int sigma_archive_load(struct sigma_rules *r, const char *path, sigma_problem *problem, void *context,
                                     struct err *e)
{
    struct buf bytes, texts;
    struct ruletexts t = {0};
    struct unpack_stats stats;
    struct stat st;
    int good = 0;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return sigma_rules_load_dir(r, path, problem, context, e);
    int rc = file_read(path, 64u << 20, &bytes, e);
    if (rc < 0)
        return rc;
    buf_init(&texts, 256u << 20);
    struct str b = buf_str(&bytes);
    rc = unpack_archive(b.p, b.n, sigma_archive_wants, &texts, &stats, e);
    if (rc >= 0)
        rc = ruletexts_read(buf_str(&texts), &t, e);
    if (rc >= 0)
        ruletexts_sort(&t);
    for (size_t i = 0; rc >= 0 && i < t.count; i++) {
        char name[1024];
        snprintf(name, sizeof(name), "%.*s", STR_ARG(t.items[i].name));
        int n = sigma_rules_add(r, name, t.items[i].text, problem, context, e);
        good += n > 0 ? n : 0;
    }
    ruletexts_free(&t);
    buf_free(&texts);
    buf_free(&bytes);
    return rc < 0 ? rc : good;
}

#endif
