/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts -> a version of a pack; versions and packs away again. */
#include "detect/rulepack.h"

#include "base/hash.h"
#include "detect/rulefiles.h"
#include "detect/unpack.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LICENCES_MAX 8

static bool kept(const struct ruletext *t)
{
    return t->kind != RULETEXT_NONE || unpack_is_licence(str_basename(t->name));
}

/* ---- licences ---------------------------------------------------------------------------------------------------- */

struct licences {
    struct buf text;
    unsigned count;
};

static void licence_add(struct licences *l, struct str name)
{
    char clean[121];
    size_t n = 0;
    name = str_trim(name);
    while (name.n > 1 && (name.p[0] == '"' || name.p[0] == '\'' || name.p[0] == '#'))
        name = str_trim(str_sub(name, 1, name.n));
    while (name.n && (name.p[name.n - 1] == '"' || name.p[name.n - 1] == '\''))
        name.n--;
    for (; n < name.n && n < sizeof(clean) - 1; n++)
        clean[n] = (uint8_t)name.p[n] < 0x20 || name.p[n] == 0x7f || name.p[n] == ';' ? ' ' : name.p[n];
    while (n && ((uint8_t)clean[n - 1] & 0xc0) == 0x80) /* not half a character */
        n--;
    if (!n || str_find(buf_str(&l->text), (struct str){clean, n}) >= 0)
        return;
    if (l->count++ < LICENCES_MAX)
        buf_addf(&l->text, "%s%.*s", l->text.len ? "; " : "", (int)n, clean);
}

/* A name that everybody knows, else the first line that says something. */
static void licence_file(struct licences *l, struct str text)
{
    static const char *const known[] = {"Detection Rule License",
                                        "GNU General Public License",
                                        "GNU Affero General Public License",
                                        "Apache License",
                                        "MIT License",
                                        "Mozilla Public License",
                                        "Creative Commons",
                                        "Elastic License"};
    struct str line;
    bool found = false;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (str_ifind(text, str_from(known[i])) >= 0) {
            licence_add(l, str_from(known[i]));
            found = true;
        }
    if (found)
        return;
    while (str_split(&text, '\n', &line))
        if (str_trim(line).n > 2) {
            licence_add(l, line);
            return;
        }
}

/* `license: X` of Sigma and behaviour rules, `license = "X"` in the meta of YARA rules. */
static void licence_rule(struct licences *l, struct str text)
{
    struct str line;
    while (str_split(&text, '\n', &line)) {
        line = str_trim(line);
        if (!str_istarts(line, STR_LIT("license")) && !str_istarts(line, STR_LIT("licence")))
            continue;
        line = str_trim(str_sub(line, 7, line.n));
        if (line.n > 1 && (line.p[0] == ':' || line.p[0] == '='))
            licence_add(l, str_sub(line, 1, line.n));
    }
}

static char *licences_find(const struct ruletexts *t)
{
    struct licences l = {0};
    buf_init(&l.text, 4096);
    for (size_t i = 0; i < t->count; i++)
        if (t->items[i].kind == RULETEXT_NONE && kept(&t->items[i]))
            licence_file(&l, t->items[i].text);
    for (size_t i = 0; i < t->count; i++)
        if (t->items[i].kind != RULETEXT_NONE)
            licence_rule(&l, t->items[i].text);
    if (l.count > LICENCES_MAX)
        buf_addf(&l.text, "; and %u more", l.count - LICENCES_MAX);
    char *r = strdup(buf_z(&l.text));
    buf_free(&l.text);
    return r;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static int version_make(const struct ruletexts *t, char ret[17], struct err *e)
{
    struct sha256 *h = NULL;
    uint8_t digest[SHA256_SIZE];
    int rc = sha256_new(&h);
    for (size_t i = 0; i < t->count && rc == 0; i++) {
        uint64_t n = t->items[i].text.n;
        if (!kept(&t->items[i]))
            continue;
        rc = sha256_add(h, t->items[i].name.p, t->items[i].name.n);
        rc = rc < 0 ? rc : sha256_add(h, "\0", 1);
        rc = rc < 0 ? rc : sha256_add(h, &n, sizeof(n));
        rc = rc < 0 ? rc : sha256_add(h, t->items[i].text.p, t->items[i].text.n);
    }
    if (rc == 0)
        rc = sha256_end(&h, digest);
    sha256_free(&h);
    if (rc < 0)
        return err_set(e, rc, "no memory for rule packs");
    hex_encode(digest, 8, ret);
    return 0;
}

static int text_write(const char *dir, const struct ruletext *t, struct err *e)
{
    char name[UNPACK_NAME_MAX + 1];
    if (unpack_name(t->name, name) < 0)
        return err_set(e, ERR_FORMAT, "the name '%.*s' cannot be that of a file in a pack", STR_ARG(t->name));
    char *path = path_join(dir, name), *parent = path ? str_dup(str_dirname(str_from(path))) : NULL;
    int rc = parent ? file_mkdirs(parent, 0755, e) : err_set(e, -ENOMEM, "no memory for rule packs"), fd = -1;
    if (rc == 0 && (fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644)) < 0)
        rc = errno == EEXIST ? err_set(e, ERR_FORMAT, "the name '%s' is there twice", name)
                             : err_errno(e, "cannot write %s", path);
    if (fd >= 0) {
        if ((rc = file_write_all(fd, t->text.p, t->text.n)) < 0)
            err_set(e, rc, "cannot write %s: %s", path, err_name(rc));
        close(fd);
    }
    free(path);
    free(parent);
    return rc;
}

/* All files into a new folder, everything on the disk before it gets its name. */
static int folder_write(const char *pack_dir, const char *version, const struct ruletexts *t, struct err *e)
{
    char *tmp = path_format("%s/.new-XXXXXX", pack_dir), *to = path_join(pack_dir, version);
    int rc = tmp && to ? file_mkdirs(pack_dir, 0755, e) : err_set(e, -ENOMEM, "no memory for rule packs");
    if (rc == 0 && !mkdtemp(tmp))
        rc = err_errno(e, "cannot make a folder in %s", pack_dir);
    if (rc == 0 && chmod(tmp, 0755) < 0)
        rc = err_errno(e, "cannot make a folder in %s", pack_dir);
    for (size_t i = 0; i < t->count && rc == 0; i++)
        if (kept(&t->items[i]))
            rc = text_write(tmp, &t->items[i], e);
    int fd = rc == 0 ? open(tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        syncfs(fd); /* thousands of small files: one call for all */
        close(fd);
    }
    if (rc == 0 && rename(tmp, to) < 0)
        rc = err_errno(e, "cannot put %s in place", to);
    if (rc < 0 && tmp)
        file_remove_tree(tmp, NULL);
    free(tmp);
    free(to);
    return rc;
}

static char *now_text(void)
{
    char text[32];
    time_t t = time(NULL);
    struct tm tm;
    gmtime_r(&t, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    return strdup(text);
}

/* ---- packs ------------------------------------------------------------------------------------------------------- */

static int pack_new(struct rulepacks *p, const char *name, struct rulepack **ret, struct err *e)
{
    if (p->count == RULEPACKS_MAX)
        return err_set(e, ERR_LIMIT, "there are %d rule packs already", RULEPACKS_MAX);
    struct rulepack *items = realloc(p->items, (p->count + 1) * sizeof(*items));
    if (!items)
        return err_set(e, -ENOMEM, "no memory for rule packs");
    p->items = items;
    struct rulepack *k = &items[p->count];
    *k = (struct rulepack){.name = strdup(name),
                           .source = strdup(""),
                           .version = strdup(""),
                           .added = strdup(""),
                           .licences = strdup(""),
                           .enabled = true};
    p->count++;
    *ret = k;
    return k->name && k->source && k->version && k->added && k->licences
               ? 0
               : err_set(e, -ENOMEM, "no memory for rule packs");
}

static void older_drop(struct rulepack *k, const char *version)
{
    for (size_t i = 0; i < k->nolder; i++)
        if (!strcmp(k->older[i], version)) {
            free(k->older[i]);
            memmove(&k->older[i], &k->older[i + 1], (k->nolder - i - 1) * sizeof(char *));
            k->nolder--;
            return;
        }
}

/* The current version becomes the newest of the older ones, `version` the current one. */
static int version_set(struct rulepack *k, const char *version, struct err *e)
{
    char *v = strdup(version), *added = now_text();
    char **older = realloc(k->older, (k->nolder + 2) * sizeof(char *));
    if (older)
        k->older = older;
    if (!v || !added || !older) {
        free(v);
        free(added);
        return err_set(e, -ENOMEM, "no memory for rule packs");
    }
    older_drop(k, version);
    if (*k->version) {
        memmove(&k->older[1], &k->older[0], k->nolder * sizeof(char *));
        k->older[0] = k->version;
        k->nolder++;
    } else {
        free(k->version);
    }
    free(k->added);
    k->version = v;
    k->added = added;
    return 0;
}

static int text_set(char **to, const char *text, struct err *e)
{
    char *copy = strdup(text);
    if (!copy)
        return err_set(e, -ENOMEM, "no memory for rule packs");
    free(*to);
    *to = copy;
    return 0;
}

static int facts_set(struct rulepack *k, const struct rulepack_new *n, const struct ruletexts *t, struct err *e)
{
    char *licences = licences_find(t);
    if (!licences)
        return err_set(e, -ENOMEM, "no memory for rule packs");
    free(k->licences);
    k->licences = licences;
    k->kind = n->kind;
    k->weight = n->weight;
    k->rules = n->rules;
    k->rejected = n->rejected;
    k->files = 0;
    for (size_t i = 0; i < t->count; i++)
        k->files += t->items[i].kind != RULETEXT_NONE;
    return text_set(&k->source, n->source, e);
}

static bool has_older(const struct rulepack *k, const char *version)
{
    for (size_t i = 0; i < k->nolder; i++)
        if (!strcmp(k->older[i], version))
            return true;
    return false;
}

int rulepacks_store(struct rulepacks *p, const struct rulepack_new *n, const struct ruletexts *texts,
                    struct rulepack **ret, bool *ret_same, struct err *e)
{
    struct rulepack *k = rulepacks_find(p, n->name);
    char version[17];
    int rc = version_make(texts, version, e);
    if (rc < 0)
        return rc;
    if (k && k->kind != n->kind)
        return err_set(e, ERR_CONFLICT, "the pack '%s' holds %s rules: give the new one another name", n->name,
                       k->kind->name);
    bool same = k && !strcmp(k->version, version);
    if (k && !same && !has_older(k, version) && k->nolder >= RULEPACK_VERSIONS_MAX)
        return err_set(e, ERR_LIMIT, "the pack '%s' has %d older versions: remove some", n->name,
                       RULEPACK_VERSIONS_MAX);
    char *dir = path_format("%s/packs/%s", p->dir, n->name),
         *to = path_format("%s/packs/%s/%s", p->dir, n->name, version);
    rc = dir && to ? 0 : err_set(e, -ENOMEM, "no memory for rule packs");
    if (rc == 0 && !file_exists(to))
        rc = folder_write(dir, version, texts, e);
    if (rc == 0 && !k)
        rc = pack_new(p, n->name, &k, e);
    if (rc == 0)
        rc = facts_set(k, n, texts, e);
    if (rc == 0 && !same)
        rc = version_set(k, version, e);
    if (rc == 0)
        rc = rulepacks_save(p, e);
    free(dir);
    free(to);
    if (rc == 0) {
        *ret = k;
        *ret_same = same;
    }
    return rc;
}

static struct rulepack *wanted(const struct rulepacks *p, const char *name, struct err *e)
{
    struct rulepack *k = rulepacks_find(p, name);
    if (!k)
        err_set(e, ERR_MISSING, "there is no rule pack '%s'", name);
    return k;
}

int rulepacks_remove(struct rulepacks *p, const char *name, const char *version, struct err *e)
{
    struct rulepack *k = wanted(p, name, e);
    if (!k)
        return ERR_MISSING;
    if (version && !strcmp(version, k->version))
        return err_set(e, ERR_CONFLICT, "%s is the current version of '%s': use another one first", version, name);
    if (version && !has_older(k, version))
        return err_set(e, ERR_MISSING, "the pack '%s' has no version '%s'", name, version);
    char *path =
        version ? path_format("%s/packs/%s/%s", p->dir, name, version) : path_format("%s/packs/%s", p->dir, name);
    if (!path)
        return err_set(e, -ENOMEM, "no memory for rule packs");
    if (version) {
        older_drop(k, version);
    } else {
        struct rulepacks one = {.items = malloc(sizeof(*k)), .count = 1, .lock_fd = -1};
        size_t at = (size_t)(k - p->items);
        if (one.items) {
            one.items[0] = *k;
            rulepacks_clear(&one);
        }
        memmove(k, k + 1, (p->count - at - 1) * sizeof(*k));
        p->count--;
    }
    int rc = rulepacks_save(p, e);
    if (rc == 0)
        rc = file_remove_tree(path, e);
    free(path);
    return rc;
}

int rulepacks_version_dir(const struct rulepacks *p, const char *name, const char *version, char **ret, struct err *e)
{
    struct rulepack *k = wanted(p, name, e);
    if (!k)
        return ERR_MISSING;
    if (strcmp(k->version, version) && !has_older(k, version))
        return err_set(e, ERR_MISSING, "the pack '%s' has no version '%s'", name, version);
    *ret = path_format("%s/packs/%s/%s", p->dir, name, version);
    return *ret ? 0 : err_set(e, -ENOMEM, "no memory for rule packs");
}

bool rulepacks_is_off(const struct rulepacks *p, struct str id)
{
    for (size_t i = 0; i < p->noff; i++)
        if (str_eqz(id, p->off[i]))
            return true;
    return false;
}

int rulepacks_set_off(struct rulepacks *p, const char *id, bool off, struct err *e)
{
    if (rulepacks_is_off(p, str_from(id)) == off)
        return err_set(e, ERR_CONFLICT, "the rule '%s' is %s already", id, off ? "off" : "on");
    if (!off) {
        size_t i = 0;
        while (strcmp(p->off[i], id))
            i++;
        free(p->off[i]);
        memmove(&p->off[i], &p->off[i + 1], (--p->noff - i) * sizeof(char *));
        return 0;
    }
    if (strlen(id) > RULETEXTS_NAME_MAX) /* an engine would refuse to read it, and all rules with it */
        return err_set(e, ERR_LIMIT, "the id is longer than %u bytes", RULETEXTS_NAME_MAX);
    if (p->noff == RULEPACK_OFF_MAX)
        return err_set(e, ERR_LIMIT, "more than %d rules are off", RULEPACK_OFF_MAX);
    char **o = realloc(p->off, (p->noff + 2) * sizeof(char *));
    if (o)
        p->off = o;
    if (!o || !(o[p->noff] = strdup(id)))
        return err_set(e, -ENOMEM, "no memory for rule packs");
    p->noff++;
    return 0;
}
