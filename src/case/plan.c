/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "case/plan.h"

#include <errno.h>
#include <string.h>

#define PLAN_ARENA_MAX (4u << 20)
#define NAME_MAX_BYTES 200

static const char *get(const json_t *o, const char *key)
{
    const char *v = json_string_value(json_object_get(o, key));
    return v ? v : "";
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *plan_bytes(char *z)
{
    char *out = z;

    if (!z)
        return NULL;
    for (const char *p = z; *p;) {
        int high = p[0] == '\\' && p[1] == 'x' ? hex_value(p[2]) : -1, low = high >= 0 ? hex_value(p[3]) : -1;
        if (low >= 0 && (high || low)) {
            *out++ = (char)(high << 4 | low);
            p += 4;
        } else {
            *out++ = *p++;
        }
    }
    *out = '\0';
    return z;
}

/* A text that may hold any bytes; NULL on no memory. */
static char *get_bytes(struct arena *a, const json_t *o, const char *key)
{
    return plan_bytes(arena_dupz(a, get(o, key)));
}

int plan_split(struct arena *a, const char *line, const char **ret, size_t max, struct err *e)
{
    size_t n = strlen(line), words = 0, len = 0;
    char *word = arena_alloc(a, n + 1), quote = 0;
    bool in_word = false;

    if (!word)
        return err_set(e, -ENOMEM, "out of memory");
    for (size_t i = 0; i <= n; i++) {
        char c = line[i];
        if (quote) {
            if (c == '\0')
                return err_set(e, ERR_FORMAT, "a quote in the arguments is not closed: %s", line);
            if (c == quote)
                quote = 0;
            else if (c == '\\' && quote == '"' && strchr("\\\"$`", line[i + 1]) && line[i + 1])
                word[len++] = line[++i];
            else
                word[len++] = c;
            continue;
        }
        if (c == '\'' || c == '"') {
            quote = c;
            in_word = true;
        } else if (c == '\\' && line[i + 1]) {
            word[len++] = line[++i];
            in_word = true;
        } else if (c == '\0' || c == ' ' || c == '\t' || c == '\n') {
            if (!in_word)
                continue;
            if (words >= max)
                return err_set(e, ERR_LIMIT, "more than %zu arguments", max);
            struct str copy = arena_str(a, (struct str){word, len});
            if (!copy.p)
                return err_set(e, -ENOMEM, "out of memory");
            ret[words++] = copy.p;
            len = 0;
            in_word = false;
        } else {
            word[len++] = c;
            in_word = true;
        }
    }
    return (int)words;
}

/* The original name without what a guest's file system or path could misread. */
static const char *safe_name(struct arena *a, const char *name)
{
    size_t n = strlen(name);
    char *out = arena_alloc(a, NAME_MAX_BYTES + 1);
    size_t len = 0;

    if (!out)
        return NULL;
    for (size_t i = n > NAME_MAX_BYTES ? n - NAME_MAX_BYTES : 0; i < n; i++)
        out[len++] = name[i] == '/' || (unsigned char)name[i] < 0x20 ? '_' : name[i];
    if (len == 0 || !strcmp(out, ".") || !strcmp(out, ".."))
        return "sample";
    return out;
}

static const char *home_of(struct arena *a, const char *user)
{
    char *p;
    size_t n = strlen(user);

    if (!strcmp(user, "root"))
        return "/root";
    if (!(p = arena_alloc(a, n + sizeof("/home/"))))
        return NULL;
    memcpy(p, "/home/", 6);
    memcpy(p + 6, user, n);
    return p;
}

static const char *join(struct arena *a, const char *x, const char *y)
{
    size_t m = strlen(x), n = strlen(y);
    char *p = arena_alloc(a, m + n + 2);
    if (!p)
        return NULL;
    memcpy(p, x, m);
    p[m] = '/';
    memcpy(p + m + 1, y, n);
    return p;
}

/* How each kind of file that triage names is started. */
static const struct launcher {
    const char *type;        /* static.json "type" */
    const char *interpreter; /* NULL: the file itself; the kernel finds what it needs */
} launchers[] = {
    {"elf", NULL},           {"script", NULL}, /* has a "#!" line */
    {"shell", "/bin/sh"},    {"bash", "/bin/bash"}, {"python", "/usr/bin/python3"}, {"perl", "/usr/bin/perl"},
    {"awk", "/usr/bin/awk"},
};

static const struct launcher *find_launcher(const char *type)
{
    for (size_t i = 0; i < sizeof(launchers) / sizeof(*launchers); i++)
        if (!strcmp(launchers[i].type, type))
            return &launchers[i];
    return NULL;
}

static int plan_file(struct plan *p, const json_t *submission, const json_t *facts, struct err *e)
{
    const struct launcher *l = find_launcher(get(facts, "type"));
    const char *refused = json_string_value(json_object_get(facts, "not_runnable"));
    const char *args = get_bytes(&p->arena, submission, "args"), *name = get_bytes(&p->arena, submission, "name");
    unsigned n = 0;
    int r;

    if (refused || !l) {
        p->refused = refused ? arena_dupz(&p->arena, refused)
                             : "There is no program on the chosen system that opens this kind of file";
        return 0;
    }
    name = name ? safe_name(&p->arena, name) : NULL;
    if (!args || !name || !p->cwd)
        return err_set(e, -ENOMEM, "out of memory");
    p->guest_path = join(&p->arena, p->cwd, name);
    p->guest_mode = 0755;
    p->path = l->interpreter ? l->interpreter : p->guest_path;
    if (!p->path)
        return err_set(e, -ENOMEM, "out of memory");
    if (l->interpreter)
        p->argv[n++] = l->interpreter;
    p->argv[n++] = p->guest_path;
    r = plan_split(&p->arena, args, p->argv + n, PLAN_ARGS_MAX - 1 - n, e);
    return r < 0 ? r : 0;
}

/* "Download and run" is done inside the machine, with the tools a user would have. */
static int plan_url(struct plan *p, const json_t *submission, struct err *e)
{
    static const char *const fetch[] = {"/usr/bin/wget", "--timeout=20", "--tries=2", "--"};
    unsigned n = 0;

    for (; n < sizeof(fetch) / sizeof(*fetch); n++)
        p->argv[n] = fetch[n];
    p->path = fetch[0];
    p->argv[n] = get_bytes(&p->arena, submission, "target");
    return p->argv[n] ? 0 : err_set(e, -ENOMEM, "out of memory");
}

int plan_make(const json_t *submission, const json_t *facts, struct plan *ret, struct err *e)
{
    struct plan p = {0};
    const char *kind = get(submission, "kind"), *home;
    int r = 0;

    arena_init(&p.arena, PLAN_ARENA_MAX);
    p.seconds = (unsigned)json_integer_value(json_object_get(submission, "seconds"));
    p.user = arena_dupz(&p.arena, *get(submission, "user") ? get(submission, "user") : "root");
    home = p.user ? home_of(&p.arena, p.user) : NULL;
    p.cwd = home && strcmp(p.user, "root") ? join(&p.arena, home, "Downloads") : home;
    p.path = "";
    if (!p.cwd)
        r = err_set(e, -ENOMEM, "out of memory");
    else if (!strcmp(kind, "file"))
        r = plan_file(&p, submission, facts, e);
    else if (!strcmp(kind, "url"))
        r = plan_url(&p, submission, e);
    else if (!(p.argv[0] = get_bytes(&p.arena, submission, "target")))
        r = err_set(e, -ENOMEM, "out of memory");
    if (r < 0) {
        plan_clear(&p);
        return r;
    }
    *ret = p;
    return 0;
}

void plan_clear(struct plan *p)
{
    if (p)
        arena_free(&p->arena);
}
