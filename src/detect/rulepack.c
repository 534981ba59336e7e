/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading rules: from the place they came from, and for the engines. */
#include "detect/rulepack.h"

#include "detect/rulefiles.h"
#include "detect/unpack.h"
#include "os/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

uint32_t rulekind_index(const struct rulekind *k)
{
    uint32_t i = 0;
    while (rulekind_at(i) && rulekind_at(i) != k)
        i++;
    return i;
}

char *rulepack_name_from(const char *source)
{
    static const char *const endings[] = {".gz",  ".xz",  ".bz2", ".zst",  ".tar", ".tgz",
                                          ".zip", ".txz", ".yml", ".yaml", ".yar", ".yara"};
    struct str s = str_from(source);
    ptrdiff_t query = str_find(s, STR_LIT("?"));
    if (str_find(s, STR_LIT("://")) >= 0 && query >= 0)
        s = str_sub(s, 0, (size_t)query);
    while (s.n > 1 && s.p[s.n - 1] == '/')
        s.n--;
    char *name = str_dup(str_basename(s));
    for (bool again = true; name && again;) {
        again = false;
        for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
            if (strlen(name) > strlen(endings[i]) && str_iends(str_from(name), str_from(endings[i]))) {
                name[strlen(name) - strlen(endings[i])] = '\0';
                again = true;
            }
    }
    for (char *c = name; c && *c; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c == ' ' ? '-' : *c;
    if (name && !rulepack_name_ok(name)) {
        free(name);
        name = NULL;
    }
    return name;
}

static bool pack_file(const char *name)
{
    return rulekind_file(name) || unpack_is_licence(str_from(name));
}

static int file_pack(const char *path, const char *name, struct buf *ret, struct err *e)
{
    struct buf text;
    int rc = file_read(path, RULE_TEXT_MAX, &text, e);
    if (rc < 0)
        return rc;
    struct ruletext t = {.kind = RULETEXT_NONE, .weight = 100, str_from(name), buf_str(&text)};
    if (t.name.n > RULETEXTS_NAME_MAX)
        rc = err_set(e, ERR_LIMIT, "%s: the name is too long", path);
    else if (ruletexts_add(ret, &t) < 0)
        rc = err_set(e, ret->failed, "%s: the rules are larger than %u bytes together", path, RULETEXTS_BYTES_MAX);
    buf_free(&text);
    return rc;
}

int rulepack_read_path(const char *path, bool whole_paths, struct buf *to, struct err *e)
{
    struct rulefiles files = {0};
    struct stat st;
    int rc = 0;
    if (stat(path, &st) < 0)
        return err_errno(e, "cannot open %s", path);
    if (S_ISREG(st.st_mode)) {
        rc = file_pack(path, whole_paths ? path : str_basename(str_from(path)).p, to, e);
    } else if (S_ISDIR(st.st_mode)) {
        rc = rulefiles_list(path, pack_file, &files, e);
        for (size_t i = 0; i < files.count && rc == 0; i++) {
            const char *name = files.items[i] + strlen(path);
            rc = file_pack(files.items[i], whole_paths ? files.items[i] : name + strspn(name, "/"), to, e);
        }
        rulefiles_free(&files);
    } else {
        rc = err_set(e, ERR_UNSUPPORTED, "%s is neither a file nor a folder", path);
    }
    return rc;
}

size_t rulepack_sort_out(struct ruletexts *t, const struct rulekind *k)
{
    size_t n = 0;
    for (size_t i = 0; i < t->count; i++) {
        char name[RULETEXTS_NAME_MAX + 1];
        snprintf(name, sizeof(name), "%.*s", STR_ARG(t->items[i].name));
        bool is = rulekind_of(name, t->items[i].text) == k;
        t->items[i].kind = is ? rulekind_index(k) : RULETEXT_NONE;
        n += is;
    }
    return n;
}

/* ---- for the engines --------------------------------------------------------------------------------------------- */

struct collecting {
    const struct rulekind *kind;
    const struct rulepacks_reader *reader;
    const char *label; /* in front of the names of files */
    unsigned weight;
    bool check; /* files of a pack were sorted out when they were stored; ours may lie beside other things */
};

static int file_give(const struct collecting *c, const char *path, const char *name, struct err *e)
{
    struct buf text;
    int rc = file_read(path, RULE_TEXT_MAX, &text, e);
    if (rc < 0)
        return rc;
    char *label = path_join(c->label, name);
    struct ruletext t = {rulekind_index(c->kind), c->weight, str_from(label), buf_str(&text)};
    if (!label)
        rc = err_set(e, -ENOMEM, "no memory for rules");
    else if (t.name.n <= RULETEXTS_NAME_MAX && rulekind_has_file(c->kind, name) &&
             (!c->check || rulekind_of(name, t.text) == c->kind) && (rc = c->reader->file(c->reader->context, &t)) < 0)
        err_set(e, rc, "the rules could not be taken in: %s", err_name(rc));
    free(label);
    buf_free(&text);
    return rc;
}

static int folder_give(const struct collecting *c, const char *dir, struct err *e)
{
    struct rulefiles files;
    int rc = rulefiles_list(dir, rulekind_file, &files, e);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < files.count && rc >= 0; i++) {
        const char *name = files.items[i] + strlen(dir);
        rc = file_give(c, files.items[i], name + strspn(name, "/"), e);
    }
    rulefiles_free(&files);
    return rc;
}

static int own_give(const struct rulekind *k, const struct rulepacks_reader *r, struct err *e)
{
    struct collecting c = {.kind = k, .reader = r, .label = k->name, .weight = 100, .check = true};
    char *share = path_share_dir(), *dir = share ? path_join(share, k->content) : NULL;
    int rc = 0;
    if (!dir)
        rc = err_set(e, ERR_MISSING, "the folder of rules that come with Belljar is not known");
    else if (file_exists(dir))
        rc = folder_give(&c, dir, e);
    free(dir);
    free(share);
    return rc;
}

static int packs_give(const struct rulepacks *p, const struct rulekind *k, const struct rulepacks_reader *r,
                      struct err *e)
{
    int rc = 0;
    for (size_t i = 0; i < p->count && rc >= 0; i++) {
        const struct rulepack *pack = &p->items[i];
        struct collecting c = {.kind = k, .reader = r, .label = pack->name, .weight = pack->weight};
        if (pack->kind != k || !pack->enabled)
            continue;
        char *dir = path_format("%s/packs/%s/%s", p->dir, pack->name, pack->version);
        rc = dir ? folder_give(&c, dir, e) : err_set(e, -ENOMEM, "no memory for rules");
        if (rc < 0)
            err_prefix(e, "rule pack '%s': ", pack->name);
        free(dir);
    }
    return rc;
}

static int off_give(const struct rulepacks *p, const struct rulepacks_reader *r, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; r->off && i < p->noff && rc >= 0; i++)
        if ((rc = r->off(r->context, p->off[i])) < 0)
            err_set(e, rc, "the rules could not be taken in: %s", err_name(rc));
    return rc;
}

int rulepacks_collect(const struct rulekind *k, const struct rulepacks_reader *r, struct err *e)
{
    struct rulepacks p;
    int rc = rulepacks_open(&p, e);
    if (rc < 0)
        return rc;
    rc = own_give(k, r, e);
    if (rc >= 0)
        rc = packs_give(&p, k, r, e);
    if (rc >= 0)
        rc = off_give(&p, r, e);
    rulepacks_clear(&p);
    return rc < 0 ? rc : 0;
}

static int pack_file_add(void *context, const struct ruletext *t)
{
    return ruletexts_add(context, t);
}

static int pack_off_add(void *context, const char *id)
{
    return ruletexts_add(context, &(struct ruletext){.kind = RULETEXT_OFF, .name = str_from(id)});
}

int rulepacks_pack(unsigned kinds, struct buf *ret, struct err *e)
{
    const struct rulekind *k;
    bool first = true;
    int rc = 0;
    buf_init(ret, RULETEXTS_BYTES_MAX);
    for (unsigned i = 0; rc >= 0 && (k = rulekind_at(i)); i++) {
        if (!(kinds >> i & 1))
            continue;
        struct rulepacks_reader r = {pack_file_add, first ? pack_off_add : NULL, ret};
        rc = rulepacks_collect(k, &r, e);
        first = false;
    }
    if (rc < 0)
        buf_free(ret);
    return rc;
}
