/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Command lines, environments, paths and the table of sensitive files. */
#include "tracer-decode.h"

#include <string.h>

struct out {
    char *p;
    size_t cap, n;
};

static void add(struct out *o, const char *s, size_t n)
{
    if (o->cap == 0)
        return;
    size_t room = o->cap - 1 - o->n;
    if (n > room)
        n = room;
    memcpy(o->p + o->n, s, n);
    o->n += n;
}

static size_t finish(struct out *o)
{
    if (o->cap == 0)
        return 0;
    o->p[o->n] = 0;
    return o->n;
}

static bool is_plain(const char *s, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strchr(" \t\n\r\v\f'\"", s[i]))
            return false;
    return n > 0;
}

size_t tracer_join_args(char *to, size_t cap, const char *args, size_t n)
{
    struct out o = {to, cap, 0};
    size_t at = 0;

    while (at < n) {
        const char *nul = memchr(args + at, 0, n - at);
        size_t len = nul ? (size_t)(nul - (args + at)) : n - at;
        const char *s = args + at;
        if (at > 0)
            add(&o, " ", 1);
        if (is_plain(s, len)) {
            add(&o, s, len);
        } else {
            /* single quotes keep everything; the quote itself is written as a shell wants it */
            add(&o, "'", 1);
            for (size_t i = 0; i < len; i++)
                s[i] == '\'' ? add(&o, "'\\''", 4) : add(&o, s + i, 1);
            add(&o, "'", 1);
        }
        at += len + 1;
    }
    return finish(&o);
}

/* Variables that change what a program does, or show what the caller wants. A final '*' is a prefix. */
static const char *const env_names[] = {
    "LD_*",           "GLIBC_TUNABLES", "GCONV_PATH",  "PATH",         "HISTFILE",       "HISTSIZE",
    "HISTFILESIZE",   "HISTCONTROL",    "BASH_ENV",    "ENV",          "PROMPT_COMMAND", "PYTHONPATH",
    "PYTHONSTARTUP",  "PERL5LIB",       "PERL5OPT",    "NODE_OPTIONS", "RUBYOPT",        "JAVA_TOOL_OPTIONS",
    "HOME",           "USER",           "SUDO_USER",   "SHELL",        "DISPLAY",        "SSH_AUTH_SOCK",
    "SSH_CONNECTION", "HTTP_PROXY",     "HTTPS_PROXY", "http_proxy",   "https_proxy",    "ALL_PROXY",
    "TMPDIR",         "AWS_*",          "KUBECONFIG",  "DOCKER_HOST",  "TERM",
};

static bool env_is_kept(const char *s, size_t n)
{
    const char *eq = memchr(s, '=', n);
    if (!eq)
        return false;
    size_t len = (size_t)(eq - s);
    for (size_t i = 0; i < sizeof(env_names) / sizeof(env_names[0]); i++) {
        size_t k = strlen(env_names[i]);
        if (env_names[i][k - 1] == '*' ? len >= k - 1 && memcmp(s, env_names[i], k - 1) == 0
                                       : len == k && memcmp(s, env_names[i], k) == 0)
            return true;
    }
    return false;
}

size_t tracer_pick_env(char *to, size_t cap, const char *env, size_t n)
{
    struct out o = {to, cap, 0};
    size_t at = 0;

    while (at < n) {
        const char *nul = memchr(env + at, 0, n - at);
        size_t len = nul ? (size_t)(nul - (env + at)) : n - at;
        if (env_is_kept(env + at, len)) {
            if (o.n > 0)
                add(&o, "\n", 1);
            add(&o, env + at, len);
        }
        at += len + 1;
    }
    return finish(&o);
}

size_t tracer_path_join(char *to, size_t cap, const char *cwd, const char *path)
{
    struct out o = {to, cap, 0};
    const char *parts[2] = {path[0] == '/' ? "" : cwd, path};

    for (int k = 0; k < 2; k++) {
        const char *s = parts[k];
        while (*s) {
            size_t len = strcspn(s, "/");
            if (len == 2 && s[0] == '.' && s[1] == '.') {
                while (o.n > 0 && o.p[o.n - 1] != '/')
                    o.n--;
                if (o.n > 0)
                    o.n--;
            } else if (len > 0 && !(len == 1 && s[0] == '.')) {
                add(&o, "/", 1);
                add(&o, s, len);
            }
            s += len;
            s += *s == '/';
        }
    }
    if (o.n == 0)
        add(&o, "/", 1);
    return finish(&o);
}

/* '*' also matches '/'. At most one point to go back to, so it is linear in practice. */
static bool glob(const char *p, const char *s)
{
    const char *star = NULL, *from = NULL;

    while (*s) {
        if (*p == '*') {
            star = p++;
            from = s;
        } else if (*p == *s) {
            p++;
            s++;
        } else if (star) {
            p = star + 1;
            s = ++from;
        } else {
            return false;
        }
    }
    while (*p == '*')
        p++;
    return *p == 0;
}

bool tracer_path_is_sensitive(const char *path)
{
    static const char *const patterns[] = {
#define SENSITIVE(pattern) pattern,
#include "sensitive.def"
#undef SENSITIVE
    };

    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
        if (glob(patterns[i], path))
            return true;
    return false;
}
