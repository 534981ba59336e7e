/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/yara/pack.h"

#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct adding {
    struct yara_pack *p;
    const struct yara_handlers *h;
    size_t root_length; /* of the folder's path with its slash: what is behind it is the namespace */
    bool included_only; /* what is found now */
    struct err *e;
};

void yara_pack_init(struct yara_pack *p)
{
    *p = (struct yara_pack){0};
    arena_init(&p->arena, PACK_BYTES_MAX + (32u << 20));
}

void yara_pack_free(struct yara_pack *p)
{
    free(p->texts);
    free(p->off);
    arena_free(&p->arena);
    *p = (struct yara_pack){0};
}

size_t yara_pack_files(const struct yara_pack *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->count; i++)
        n += !p->texts[i].included_only;
    return n;
}

static bool is_rule_file(struct str name)
{
    return str_iends(name, STR_LIT(".yar")) || str_iends(name, STR_LIT(".yara"));
}

static bool is_part(struct str name)
{
    return str_iends(name, STR_LIT(".inc"));
}

/* Skips white space and comments; the rest of s. */
static struct str skip_blank(struct str s)
{
    for (;;) {
        s = str_trim(s);
        ptrdiff_t end;
        if (str_starts(s, STR_LIT("//")))
            end = str_find(s, STR_LIT("\n"));
        else if (str_starts(s, STR_LIT("/*")))
            end = (end = str_find(s, STR_LIT("*/"))) < 0 ? end : end + 2;
        else
            return s;
        s = end < 0 ? STR_NONE : str_sub(s, (size_t)end, s.n);
    }
}

/* Nothing but includes (at least one), imports and comments. */
static bool is_index(struct str text)
{
    bool includes = false;
    struct str s = skip_blank(text);
    while (s.n) {
        bool include = str_starts(s, STR_LIT("include"));
        if (!include && !str_starts(s, STR_LIT("import")))
            return false;
        includes |= include;
        s = skip_blank(str_sub(s, include ? 7 : 6, s.n));
        if (!str_starts(s, STR_LIT("\"")))
            return false;
        s = str_sub(s, 1, s.n);
        ptrdiff_t end = str_find(s, STR_LIT("\""));
        if (end < 0)
            return false;
        s = skip_blank(str_sub(s, (size_t)end + 1, s.n));
    }
    return includes;
}

static struct str without_ending(struct str s)
{
    struct str base = str_basename(s);
    for (size_t i = base.n; i-- > 1;)
        if (base.p[i] == '.') {
            s.n -= base.n - i;
            break;
        }
    return s;
}

struct str yara_pack_namespace(struct str name)
{
    static const struct str own = STR_LIT("yara/");
    if (str_starts(name, own))
        return without_ending(str_sub(name, own.n, name.n));
    if (!str_starts(name, STR_LIT("/")))
        return without_ending(name);
    for (size_t i = name.n; i-- > own.n;)
        if (name.p[i] == '/' && str_eq(str_sub(name, i + 1 - own.n, own.n), own) && name.p[i - own.n] == '/')
            return without_ending(str_sub(name, i + 1, name.n));
    return without_ending(str_basename(name));
}

/* Two folders may hold files of the same name. */
static struct str namespace_unique(struct yara_pack *p, struct str ns)
{
    char text[PACK_DEPTH_MAX * 256 + 16];
    struct str now = ns;
    for (unsigned n = 2; n < 1000; n++) {
        bool taken = false;
        for (size_t i = 0; i < p->count && !taken; i++)
            taken = !p->texts[i].included_only && str_eq(p->texts[i].ns, now);
        if (!taken)
            break;
        snprintf(text, sizeof(text), "%.*s~%u", STR_ARG(ns), n);
        now = str_from(text);
    }
    return arena_str(&p->arena, now);
}

static int text_add(struct adding *a, const char *path, struct str ns, struct str text)
{
    struct yara_pack *p = a->p;
    if (p->count == p->cap) {
        size_t cap = p->cap ? p->cap * 2 : 64;
        struct yara_text *t = realloc(p->texts, cap * sizeof(*t));
        if (!t)
            return err_set(a->e, -ENOMEM, "no memory for YARA rules");
        p->texts = t;
        p->cap = cap;
    }
    struct yara_text t = {.weight = 100,
                          .included_only = a->included_only || is_part(str_from(path)) || is_index(text)};
    t.file = arena_str(&p->arena, str_from(path));
    t.text = arena_str(&p->arena, text);
    t.ns = t.included_only ? STR_LIT("") : namespace_unique(p, ns);
    if (p->arena.failed)
        return err_set(a->e, p->arena.failed, "no memory for YARA rules");
    p->texts[p->count++] = t;
    p->bytes += text.n;
    return 0;
}

int yara_pack_add_text(struct yara_pack *p, const char *name, struct str text, struct err *e)
{
    struct adding a = {.p = p, .e = e};
    if (p->count >= PACK_FILES_MAX || text.n > PACK_BYTES_MAX - p->bytes)
        return err_set(e, ERR_LIMIT, "more than %u YARA rule files or %u MiB of them", PACK_FILES_MAX,
                       PACK_BYTES_MAX >> 20);
    return text_add(&a, name, yara_pack_namespace(str_from(name)), text);
}

static bool known(const struct yara_pack *p, const char *path)
{
    for (size_t i = 0; i < p->count; i++)
        if (str_eqz(p->texts[i].file, path))
            return true;
    return false;
}

static void complain(const struct adding *a, const char *path, const char *reason)
{
    if (a->h && a->h->problem)
        a->h->problem(a->h->context, false, str_from(path), 0, reason);
}

/* Of a folder, one bad file is a problem; of the words of the user, an error (`strict`). */
static int file_add(struct adding *a, const char *path, bool strict)
{
    struct err inner = {0};
    struct stat st;
    struct buf text = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (strict ? 0 : O_NOFOLLOW)), x;

    if (fd < 0 || fstat(fd, &st) < 0)
        x = err_errno(&inner, "cannot open %s", path);
    else if (!S_ISREG(st.st_mode))
        x = err_set(&inner, ERR_UNSUPPORTED, "%s is not an ordinary file", path);
    else if ((x = file_read_fd(fd, PACK_FILE_MAX, &text, &inner)) == ERR_LIMIT)
        err_set(&inner, x, "%s is larger than %u MiB", path, PACK_FILE_MAX >> 20);
    if (fd >= 0)
        close(fd);
    if (x >= 0 && (a->p->count >= PACK_FILES_MAX || text.len > PACK_BYTES_MAX - a->p->bytes))
        x = err_set(a->e, ERR_LIMIT, "more than %u YARA rule files or %u MiB of them", PACK_FILES_MAX,
                    PACK_BYTES_MAX >> 20);
    else if (x >= 0)
        x = known(a->p, path) ? 0 : text_add(a, path, without_ending(str_from(path + a->root_length)), buf_str(&text));
    else if (strict)
        err_set(a->e, x, "%s", inner.text);
    else {
        complain(a, path, inner.text);
        x = 0;
    }
    buf_free(&text);
    return x < 0 ? x : 0;
}

static int wanted(const struct dirent *d)
{
    struct str n = str_from(d->d_name);
    return d->d_name[0] != '.' && (is_rule_file(n) || is_part(n) || d->d_type == DT_DIR || d->d_type == DT_UNKNOWN);
}

static bool is_folder(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int dir_add(struct adding *a, const char *dir, unsigned depth)
{
    struct dirent **list = NULL;
    int n = scandir(dir, &list, wanted, alphasort), x = 0;

    if (n < 0) {
        char reason[256];
        snprintf(reason, sizeof(reason), "cannot read this folder: %s", strerror(errno));
        complain(a, dir, reason);
        return 0;
    }
    for (int i = 0; i < n; i++) {
        char *path = x < 0 ? NULL : path_join(dir, list[i]->d_name);
        if (x == 0 && !path)
            x = err_set(a->e, -ENOMEM, "out of memory");
        else if (x == 0 && is_folder(path)) {
            if (depth)
                x = dir_add(a, path, depth - 1);
            else
                complain(a, path, "the folders are too deep here");
        } else if (x == 0 && (is_rule_file(str_from(path)) || is_part(str_from(path))))
            x = file_add(a, path, false);
        free(path);
        free(list[i]);
    }
    free(list);
    return x;
}

/* What one named file may include: the rule files beside and below it. */
static int neighbours_add(struct adding *a, const char *path)
{
    struct str dir = str_dirname(str_from(path));
    char *z = str_dup(dir);
    int x = z ? 0 : err_set(a->e, -ENOMEM, "out of memory");
    a->included_only = true;
    if (x == 0)
        x = dir_add(a, z, PACK_DEPTH_MAX);
    free(z);
    return x;
}

int yara_pack_add(struct yara_pack *p, const char *path, const struct yara_handlers *h, struct err *e)
{
    struct adding a = {.p = p, .h = h, .e = e};
    size_t n = strlen(path);
    struct stat st;

    if (stat(path, &st) < 0)
        return err_errno(e, "cannot open %s", path);
    if (S_ISDIR(st.st_mode)) {
        char *dir = str_dup((struct str){path, n > 1 && path[n - 1] == '/' ? n - 1 : n});
        if (!dir)
            return err_set(e, -ENOMEM, "out of memory");
        a.root_length = strlen(dir) + (strcmp(dir, "/") != 0);
        int x = dir_add(&a, dir, PACK_DEPTH_MAX);
        free(dir);
        return x;
    }
    a.root_length = n - str_basename(str_from(path)).n;
    int x = file_add(&a, path, true);
    /* The folder is read only when the file includes something; it may be large and not meant as rules. */
    if (x == 0 && p->count && str_find(p->texts[p->count - 1].text, STR_LIT("include")) >= 0) {
        p->texts[p->count - 1].included_only = false; /* named, so wanted, index or not */
        if (!p->texts[p->count - 1].ns.n)
            p->texts[p->count - 1].ns = namespace_unique(p, without_ending(str_from(path + a.root_length)));
        struct yara_handlers quiet = {0};
        a.h = &quiet;
        x = neighbours_add(&a, path);
    }
    return x;
}

static bool dir_has(const char *dir, unsigned depth)
{
    struct dirent **list = NULL;
    int n = scandir(dir, &list, wanted, alphasort);
    bool found = false;

    for (int i = 0; i < n; i++) {
        char *path = path_join(dir, list[i]->d_name);
        if (path && !found)
            found = is_folder(path) ? depth && dir_has(path, depth - 1) : is_rule_file(str_from(path));
        free(path);
        free(list[i]);
    }
    free(list);
    return found;
}

bool yara_pack_is_here(const char *path)
{
    return is_folder(path) ? dir_has(path, PACK_DEPTH_MAX) : is_rule_file(str_from(path));
}

/* ---- on the wire ---------------------------------------------------------------------------------- */

void yara_pack_encode(const struct yara_pack *p, struct buf *out)
{
    buf_u32le(out, (uint32_t)p->count);
    for (size_t i = 0; i < p->count; i++) {
        buf_u8(out, p->texts[i].included_only);
        yara_wire_str(out, p->texts[i].ns);
        yara_wire_str(out, p->texts[i].file);
        yara_wire_str(out, p->texts[i].text);
    }
}

int yara_pack_decode(struct reader *in, struct arena *a, struct yara_text **ret, size_t *ret_n, struct err *e)
{
    uint32_t n = reader_u32le(in);
    if (reader_ok(in) && (n > PACK_FILES_MAX || n * 13ull > reader_left(in)))
        reader_fail(in, ERR_LIMIT, "a number of rule files");
    if (!reader_ok(in))
        return reader_err(in, e);
    struct yara_text *t = arena_array(a, n + 1, sizeof(*t));
    if (!t)
        return err_set(e, -ENOMEM, "no memory for YARA rules");
    for (uint32_t i = 0; i < n; i++) {
        t[i].included_only = reader_u8(in) != 0;
        t[i].ns = yara_wire_take(in, 1u << 16);
        t[i].file = yara_wire_take(in, 1u << 16);
        t[i].text = yara_wire_take(in, PACK_FILE_MAX);
    }
    if (!reader_ok(in) || !reader_done(in))
        return reader_err(in, e);
    *ret = t;
    *ret_n = n;
    return 0;
}
