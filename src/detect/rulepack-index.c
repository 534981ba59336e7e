/* SPDX-License-Identifier: GPL-3.0-or-later */
/* index.json and its lock. */
#include "detect/rulepack.h"

#include "base/jsonw.h"
#include "detect/rulefiles.h"
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#define INDEX_MAX (16u << 20)

static void pack_clear(struct rulepack *k)
{
    for (size_t i = 0; i < k->nolder; i++)
        free(k->older[i]);
    free(k->older);
    free(k->name);
    free(k->source);
    free(k->version);
    free(k->added);
    free(k->licences);
    *k = (struct rulepack){0};
}

void rulepacks_clear(struct rulepacks *p)
{
    for (size_t i = 0; i < p->count; i++)
        pack_clear(&p->items[i]);
    for (size_t i = 0; i < p->noff; i++)
        free(p->off[i]);
    free(p->items);
    free(p->off);
    free(p->dir);
    if (p->lock_fd >= 0)
        close(p->lock_fd);
    *p = (struct rulepacks){.lock_fd = -1};
}

struct rulepack *rulepacks_find(const struct rulepacks *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++)
        if (!strcmp(p->items[i].name, name))
            return &p->items[i];
    return NULL;
}

bool rulepack_name_ok(const char *name)
{
    size_t n = strlen(name);
    if (n == 0 || n > RULEPACK_NAME_MAX || *name == '.' || *name == '-')
        return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

static bool version_ok(const char *v)
{
    return strlen(v) == 16 && strspn(v, "0123456789abcdef") == 16;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static char *text_of(const json_t *o, const char *key)
{
    const char *v = json_string_value(json_object_get(o, key));
    return strdup(v ? v : "");
}

static int texts_of(const json_t *list, size_t max, char ***ret, size_t *ret_n)
{
    size_t n = json_array_size(list);
    if (n > max)
        return ERR_LIMIT;
    *ret = calloc(n + 1, sizeof(char *));
    if (!*ret)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const char *v = json_string_value(json_array_get(list, i));
        if (!v)
            return ERR_FORMAT;
        if (!((*ret)[(*ret_n)++] = strdup(v)))
            return -ENOMEM;
    }
    return 0;
}

static int pack_of(const json_t *o, struct rulepack *k)
{
    const char *kind = json_string_value(json_object_get(o, "kind"));
    json_int_t weight = json_integer_value(json_object_get(o, "weight"));
    k->kind = kind ? rulekind_find(kind) : NULL;
    k->name = text_of(o, "name");
    k->source = text_of(o, "source");
    k->version = text_of(o, "version");
    k->added = text_of(o, "added");
    k->licences = text_of(o, "licences");
    k->enabled = json_is_true(json_object_get(o, "enabled"));
    k->weight = weight >= 0 && weight <= 100 ? (unsigned)weight : 100;
    k->files = (uint64_t)json_integer_value(json_object_get(o, "files"));
    k->rules = (uint64_t)json_integer_value(json_object_get(o, "rules"));
    k->rejected = (uint64_t)json_integer_value(json_object_get(o, "rejected"));
    int rc = texts_of(json_object_get(o, "older"), RULEPACK_VERSIONS_MAX, &k->older, &k->nolder);
    if (!k->name || !k->source || !k->version || !k->added || !k->licences)
        return -ENOMEM;
    for (size_t i = 0; i < k->nolder && rc == 0; i++)
        rc = version_ok(k->older[i]) ? 0 : ERR_FORMAT;
    /* Names become paths: one that was tampered with must not lead elsewhere. */
    return rc < 0 ? rc : k->kind && rulepack_name_ok(k->name) && version_ok(k->version) ? 0 : ERR_FORMAT;
}

static int index_parse(struct rulepacks *p, const json_t *root)
{
    const json_t *packs = json_object_get(root, "packs");
    size_t n = json_array_size(packs);
    int rc = json_is_array(packs) && n <= RULEPACKS_MAX ? 0 : ERR_FORMAT;
    p->items = calloc(n + 1, sizeof(*p->items));
    if (!p->items)
        return -ENOMEM;
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = pack_of(json_array_get(packs, i), &p->items[p->count++]);
    return rc < 0 ? rc : texts_of(json_object_get(root, "off"), RULEPACK_OFF_MAX, &p->off, &p->noff);
}

static int index_read(struct rulepacks *p, struct err *e)
{
    char *path = path_join(p->dir, "index.json");
    json_error_t je;
    struct buf text;
    int rc;
    if (!path)
        return err_set(e, -ENOMEM, "no memory for rule packs");
    if (!file_exists(path)) {
        free(path);
        return 0;
    }
    rc = file_read(path, INDEX_MAX, &text, e);
    if (rc == 0) {
        json_t *root = json_loadb((const char *)text.data, text.len, JSON_REJECT_DUPLICATES, &je);
        rc = root ? index_parse(p, root) : ERR_FORMAT;
        if (rc < 0)
            err_set(e, rc, "%s is damaged%s%s: put it right or remove it", path, root ? "" : ": ", root ? "" : je.text);
        json_decref(root);
        buf_free(&text);
    }
    free(path);
    return rc;
}

static int lock_take(struct rulepacks *p, int how, struct err *e)
{
    char *path = path_join(p->dir, "lock");
    int rc = 0;
    if (!path)
        return err_set(e, -ENOMEM, "no memory for rule packs");
    p->lock_fd = open(path, (how == LOCK_EX ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (p->lock_fd < 0)
        rc = how == LOCK_SH && errno == ENOENT ? 0 : err_errno(e, "cannot open %s", path);
    while (p->lock_fd >= 0 && flock(p->lock_fd, how) < 0)
        if (errno != EINTR) {
            rc = err_errno(e, "cannot lock %s", path);
            break;
        }
    free(path);
    return rc;
}

static int dir_find(struct rulepacks *p, struct err *e)
{
    char *data = path_data_dir();
    *p = (struct rulepacks){.lock_fd = -1};
    p->dir = data ? path_join(data, "rules") : NULL;
    free(data);
    return p->dir ? 0 : err_set(e, -ENOMEM, "no memory for rule packs");
}

int rulepacks_open(struct rulepacks *ret, struct err *e)
{
    struct rulepacks p;
    int rc = dir_find(&p, e);
    if (rc == 0)
        rc = lock_take(&p, LOCK_SH, e);
    if (rc == 0)
        rc = index_read(&p, e);
    if (rc < 0)
        rulepacks_clear(&p);
    else
        *ret = p;
    return rc;
}

/* ---- what killed commands left ----------------------------------------------------------------------------------- */

static bool is_known(const struct rulepack *k, const char *version)
{
    if (!strcmp(k->version, version))
        return true;
    for (size_t i = 0; i < k->nolder; i++)
        if (!strcmp(k->older[i], version))
            return true;
    return false;
}

/* Folders of packs/ that the index does not know, and versions that no pack has. */
static void leftovers_remove(const char *dir, const struct rulepacks *p, const struct rulepack *k)
{
    DIR *d = opendir(dir);
    if (!d)
        return;
    for (struct dirent *n; (n = readdir(d));) {
        if (!strcmp(n->d_name, ".") || !strcmp(n->d_name, ".."))
            continue;
        const struct rulepack *known = k ? NULL : rulepacks_find(p, n->d_name);
        char *path = path_join(dir, n->d_name);
        if (path && known)
            leftovers_remove(path, p, known);
        else if (path && !(k && is_known(k, n->d_name)))
            file_remove_tree(path, NULL);
        free(path);
    }
    closedir(d);
}

int rulepacks_change(struct rulepacks *ret, struct err *e)
{
    struct rulepacks p;
    int rc = dir_find(&p, e);
    char *packs = rc == 0 ? path_join(p.dir, "packs") : NULL;
    if (rc == 0)
        rc = packs ? file_mkdirs(packs, 0755, e) : err_set(e, -ENOMEM, "no memory for rule packs");
    if (rc == 0)
        rc = lock_take(&p, LOCK_EX, e);
    if (rc == 0)
        rc = index_read(&p, e);
    if (rc == 0)
        leftovers_remove(packs, &p, NULL);
    free(packs);
    if (rc < 0)
        rulepacks_clear(&p);
    else
        *ret = p;
    return rc;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void pack_json(struct jsonw *w, const struct rulepack *k)
{
    jsonw_object(w);
    jsonw_kz(w, "name", k->name);
    jsonw_kz(w, "kind", k->kind->name);
    jsonw_kz(w, "source", k->source);
    jsonw_kz(w, "version", k->version);
    jsonw_kz(w, "added", k->added);
    jsonw_kz(w, "licences", k->licences);
    jsonw_kbool(w, "enabled", k->enabled);
    jsonw_ku64(w, "weight", k->weight);
    jsonw_ku64(w, "files", k->files);
    jsonw_ku64(w, "rules", k->rules);
    jsonw_ku64(w, "rejected", k->rejected);
    jsonw_karray(w, "older");
    for (size_t i = 0; i < k->nolder; i++)
        jsonw_z(w, k->older[i]);
    jsonw_array_end(w);
    jsonw_object_end(w);
}

int rulepacks_save(struct rulepacks *p, struct err *e)
{
    char *path = path_join(p->dir, "index.json");
    struct jsonw w;
    struct buf b;
    int rc;
    buf_init(&b, INDEX_MAX);
    jsonw_to_buf(&w, &b, true);
    jsonw_object(&w);
    jsonw_karray(&w, "packs");
    for (size_t i = 0; i < p->count; i++)
        pack_json(&w, &p->items[i]);
    jsonw_array_end(&w);
    jsonw_karray(&w, "off");
    for (size_t i = 0; i < p->noff; i++)
        jsonw_z(&w, p->off[i]);
    jsonw_array_end(&w);
    jsonw_object_end(&w);
    rc = jsonw_finish(&w);
    if (rc < 0 || !path)
        rc = err_set(e, rc < 0 ? rc : -ENOMEM, "the index of the rule packs cannot be made");
    else
        rc = file_write_atomic(path, b.data, b.len, 0644, e);
    buf_free(&b);
    free(path);
    return rc;
}
