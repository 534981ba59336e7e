/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/allowlist.h"

#include "detect/rulefiles.h"
#include "detect/ruletexts.h"
#include "os/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static int file_add(const char *path, struct buf *to, struct err *e)
{
    struct buf text;
    int rc = file_read(path, ALLOWLIST_BYTES_MAX, &text, e);
    if (rc < 0)
        return rc;
    rc = ruletexts_add(to, &(struct ruletext){RULETEXT_NONE, 100, str_basename(str_from(path)), buf_str(&text)});
    buf_free(&text);
    return rc < 0 ? err_set(e, rc, "%s: the allow-list is larger than %u bytes", path, ALLOWLIST_BYTES_MAX) : 0;
}

static bool any_file(const char *name)
{
    size_t n = strlen(name);
    return n && name[n - 1] != '~'; /* not what an editor leaves */
}

int allowlist_read(const char *path, struct buf *ret, struct err *e)
{
    struct rulefiles files = {0};
    struct stat st;
    int rc = 0;
    buf_init(ret, ALLOWLIST_BYTES_MAX + (1u << 20));
    if (stat(path, &st) < 0) {
        if (errno == ENOENT)
            return 0;
        return err_errno(e, "cannot open the allow-list %s", path);
    }
    if (S_ISDIR(st.st_mode)) {
        rc = rulefiles_list(path, any_file, &files, e);
        for (size_t i = 0; i < files.count && rc == 0; i++)
            rc = file_add(files.items[i], ret, e);
        rulefiles_free(&files);
    } else if (S_ISREG(st.st_mode)) {
        rc = file_add(path, ret, e);
    } else {
        rc = err_set(e, ERR_UNSUPPORTED, "the allow-list %s is neither a file nor a folder", path);
    }
    if (rc < 0)
        buf_free(ret);
    return rc;
}

void allowlist_free(struct allowlist *a)
{
    free(a->items);
    *a = (struct allowlist){0};
}

static void wrong(struct allowlist *a, struct str file, unsigned line, const char *why)
{
    if (!a->problems++)
        snprintf(a->problem, sizeof(a->problem), "%.*s:%u: %s", STR_ARG(file), line, why);
}

static bool is_sha256(struct str s)
{
    if (s.n != 64)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'f') || (s.p[i] >= 'A' && s.p[i] <= 'F')))
            return false;
    return true;
}

static const char *line_parse(struct str line, struct allow_entry *ret)
{
    size_t n = 0;
    ret->kind = ALLOW_SHA256;
    if (str_istarts(line, STR_LIT("sha256:"))) {
        line = str_trim(str_sub(line, 7, line.n));
    } else if (str_istarts(line, STR_LIT("path:"))) {
        ret->kind = ALLOW_PATH;
        line = str_trim(str_sub(line, 5, line.n));
    }
    if (ret->kind == ALLOW_PATH && line.n && line.p[0] == '"') {
        ptrdiff_t end = str_find(str_sub(line, 1, line.n), STR_LIT("\""));
        if (end < 0)
            return "the closing quote is missing";
        ret->value = str_sub(line, 1, (size_t)end);
        n = (size_t)end + 2;
    } else {
        while (n < line.n && line.p[n] != ' ' && line.p[n] != '\t')
            n++;
        ret->value = str_sub(line, 0, n);
    }
    ret->comment = str_trim(str_sub(line, n, line.n));
    while (ret->comment.n && ret->comment.p[0] == '#')
        ret->comment = str_trim(str_sub(ret->comment, 1, ret->comment.n));
    if (ret->kind == ALLOW_SHA256)
        return is_sha256(ret->value) ? NULL : "neither a SHA-256 nor 'path:'";
    /* A pattern that matches everything would switch the whole analysis off. */
    if (!ret->value.n || ret->value.p[0] != '/' || str_glob(ret->value, STR_LIT("/"), false))
        return "a path begins with '/' and names more than everything";
    return NULL;
}

static int entry_add(struct allowlist *a, const struct allow_entry *entry, struct err *e)
{
    if (a->count == ALLOWLIST_ENTRIES_MAX)
        return err_set(e, ERR_LIMIT, "the allow-list has more than %u entries", ALLOWLIST_ENTRIES_MAX);
    if (a->count == a->cap) {
        size_t cap = a->cap ? a->cap * 2 : 64;
        struct allow_entry *items = realloc(a->items, cap * sizeof(*items));
        if (!items)
            return err_set(e, -ENOMEM, "no memory for the allow-list");
        a->items = items;
        a->cap = cap;
    }
    a->items[a->count++] = *entry;
    return 0;
}

static int text_parse(struct allowlist *a, struct str file, struct str text, struct err *e)
{
    struct str line;
    unsigned number = 0;
    int rc = 0;
    while (rc == 0 && str_split(&text, '\n', &line)) {
        struct allow_entry entry = {.file = file, .line = ++number};
        line = str_trim(line);
        if (!line.n || line.p[0] == '#')
            continue;
        const char *why = line_parse(line, &entry);
        if (why)
            wrong(a, file, number, why);
        else
            rc = entry_add(a, &entry, e);
    }
    return rc;
}

int allowlist_parse(struct str texts, struct allowlist *ret, struct err *e)
{
    struct allowlist a = {0};
    struct ruletexts t;
    int rc = ruletexts_read(texts, &t, e);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < t.count && rc == 0; i++)
        if (t.items[i].kind == RULETEXT_OFF && !a.problems++)
            snprintf(a.problem, sizeof(a.problem), "%.*s", STR_ARG(t.items[i].name));
        else
            rc = text_parse(&a, t.items[i].name, t.items[i].text, e);
    ruletexts_free(&t);
    if (rc < 0)
        allowlist_free(&a);
    else
        *ret = a;
    return rc;
}

const struct allow_entry *allowlist_find(const struct allowlist *a, struct str sha256, struct str path)
{
    for (size_t i = 0; i < a->count; i++) {
        const struct allow_entry *n = &a->items[i];
        if (n->kind == ALLOW_SHA256 ? str_ieq(n->value, sha256) : path.n && str_glob(n->value, path, false))
            return n;
    }
    return NULL;
}
