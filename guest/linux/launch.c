/* SPDX-License-Identifier: GPL-3.0-or-later */
/* WIRE_START decoded: arguments and the environment of a login. */
#include "start.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOGIN_VARIABLES 9

/* Copies a counted string into the launch's text and returns it; the text has room for the whole payload. */
static char *keep(char **at, const char *p, size_t n)
{
    char *z = *at;

    if (n)
        memcpy(z, p, n);
    z[n] = 0;
    *at += n + 1;
    return z;
}

static int get_list(struct wire_get *r, char **at, char **list, size_t first)
{
    uint64_t n = wire_get_varint(r);

    if (r->failed || n > START_ARGS_MAX)
        return -E2BIG;
    for (size_t i = 0; i < n; i++) {
        size_t len;
        const char *s = wire_get_str(r, &len);
        if (r->failed)
            return -EINVAL;
        list[first + i] = keep(at, s, len);
    }
    list[first + n] = NULL;
    return (int)n;
}

static bool get_path(struct wire_get *r, char *ret, size_t cap)
{
    size_t n;
    const char *s = wire_get_str(r, &n);

    if (r->failed || n >= cap)
        return false;
    if (n)
        memcpy(ret, s, n);
    ret[n] = 0;
    return true;
}

/* Bare names and relative paths start at the user's home. */
static int absolute(const struct account *u, char *path, size_t cap)
{
    char whole[4096];

    if (path[0] == '/')
        return 0;
    if (snprintf(whole, sizeof(whole), "%s%s%s", u->home, path[0] ? "/" : "", path) >= (int)cap)
        return -ENAMETOOLONG;
    memcpy(path, whole, strlen(whole) + 1);
    return 0;
}

static void set_variable(char **env, size_t count, char *entry)
{
    size_t name = strcspn(entry, "=") + 1;

    for (size_t i = 0; i < count; i++)
        if (strncmp(env[i], entry, name) == 0) {
            env[i] = entry; /* the later one wins */
            return;
        }
}

static size_t login_environment(const struct account *u, char **at, char **env)
{
    bool root = u->uid == 0;
    size_t n = 0;
    char line[600];
    const char *const rows[LOGIN_VARIABLES][2] = {
        {"SHELL", u->shell[0] ? u->shell : "/bin/sh"},
        {"HOME", u->home},
        {"USER", u->name},
        {"LOGNAME", u->name},
        {"LANG", "en_US.UTF-8"},
        {"TERM", "xterm-256color"},
        {"SHLVL", "1"},
        {"PATH", root ? "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
                      : "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games"},
    };

    for (size_t i = 0; i < LOGIN_VARIABLES && rows[i][0]; i++) {
        int len = snprintf(line, sizeof(line), "%s=%s", rows[i][0], rows[i][1]);
        env[n++] = keep(at, line, (size_t)len);
    }
    return n;
}

static int fill_environment(struct launch *l, struct wire_get *r, char **at)
{
    char **given = calloc(START_ARGS_MAX + 1, sizeof(*given)), line[4200];
    size_t n = login_environment(&l->user, at, l->envp), login;
    int count = given ? get_list(r, at, given, 0) : -ENOMEM;

    int len = snprintf(line, sizeof(line), "PWD=%s", l->cwd);
    l->envp[n++] = keep(at, line, (size_t)len);
    login = n;
    for (int i = 0; i < count; i++) {
        size_t name = strcspn(given[i], "=") + 1;
        bool known = false;
        for (size_t k = 0; k < login; k++)
            known |= strncmp(l->envp[k], given[i], name) == 0;
        if (known)
            set_variable(l->envp, login, given[i]);
        else
            l->envp[n++] = given[i];
    }
    l->envp[n] = NULL;
    free(given);
    return count < 0 ? count : 0;
}

static void join_arguments(struct launch *l, char *out, size_t cap)
{
    size_t used = 0;

    for (size_t i = 0; l->argv[i] && used + 3 < cap; i++) {
        bool quote = !l->argv[i][0] || strpbrk(l->argv[i], " \t\n");
        int n = snprintf(out + used, cap - used, quote ? "%s\"%s\"" : "%s%s", i ? " " : "", l->argv[i]);
        used += (size_t)n < cap - used ? (size_t)n : cap - used - 1;
    }
    l->command_line = out;
}

static int fill(struct launch *l, struct wire_get *r, size_t n, const char **why)
{
    char user[64], *at;
    uint32_t options = wire_get_u32(r);
    size_t space = 2 * n + 32768 + 65536;

    *why = "malformed start message";
    l->text = malloc(space);
    l->argv = calloc(START_ARGS_MAX + 4, sizeof(*l->argv));
    l->envp = calloc(START_ARGS_MAX + LOGIN_VARIABLES + 2, sizeof(*l->envp));
    if (!l->text || !l->argv || !l->envp)
        return -ENOMEM;
    at = l->text;
    if (!get_path(r, user, sizeof(user)) || !get_path(r, l->cwd, sizeof(l->cwd)) ||
        !get_path(r, l->path, sizeof(l->path)))
        return -EINVAL;
    if (account_find(user, &l->user) < 0) {
        snprintf(l->path, sizeof(l->path), "no such user in the guest: %s", user);
        *why = l->path;
        return -ESRCH;
    }
    bool shell = options & WIRE_START_SHELL || !l->path[0];
    int argc = get_list(r, &at, l->argv, shell ? 2 : 0);
    if (argc < 0)
        return argc;
    if (absolute(&l->user, l->cwd, sizeof(l->cwd)) < 0)
        return -ENAMETOOLONG;
    if (shell) {
        if (argc < 1)
            return -EINVAL;
        l->argv[0] = keep(&at, "sh", 2);
        l->argv[1] = keep(&at, "-c", 2);
        l->argv[3] = NULL;
        memcpy(l->path, "/bin/sh", 8);
    } else if (absolute(&l->user, l->path, sizeof(l->path)) < 0) {
        return -ENAMETOOLONG;
    } else if (argc == 0) {
        l->argv[0] = keep(&at, l->path, strlen(l->path));
        l->argv[1] = NULL;
    }
    int e = fill_environment(l, r, &at);
    if (e < 0)
        return e;
    l->file_max = wire_get_u64(r);
    l->total_max = wire_get_u64(r);
    l->dump_max = wire_get_u64(r);
    join_arguments(l, at, space - (size_t)(at - l->text) < 65536 ? space - (size_t)(at - l->text) : 65536);
    return r->failed ? -EINVAL : 0;
}

int launch_parse(struct launch *l, const uint8_t *p, size_t n, const char **ret_why)
{
    struct wire_get r = {.p = p, .n = n};

    memset(l, 0, sizeof(*l));
    int e = fill(l, &r, n, ret_why);
    if (e < 0)
        launch_free(l);
    return e;
}

void launch_free(struct launch *l)
{
    free(l->text);
    free(l->argv);
    free(l->envp);
    l->text = NULL;
    l->argv = l->envp = NULL;
}
