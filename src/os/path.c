/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "os/file.h"

#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WALK_UP_MAX 6

char *path_format(const char *format, ...)
{
    va_list ap;
    char *s = NULL;

    va_start(ap, format);
    int n = vasprintf(&s, format, ap);
    va_end(ap);
    return n < 0 ? NULL : s;
}

char *path_join(const char *a, const char *b)
{
    size_t n = strlen(a);

    while (*b == '/')
        b++;
    if (n == 0)
        return path_format("%s", b);
    return path_format("%s%s%s", a, a[n - 1] == '/' ? "" : "/", b);
}

static const char *env_get(const char *name)
{
    const char *v = getenv(name);

    return v && *v ? v : NULL;
}

static const char *home_get(void)
{
    const char *h = env_get("HOME");

    if (h)
        return h;
    struct passwd *p = getpwuid(geteuid());
    return p && p->pw_dir ? p->pw_dir : "/";
}

/* The XDG specification: a relative path in these variables is to be ignored. */
static char *standard_dir(const char *own, const char *xdg, const char *for_root, const char *below_home)
{
    const char *v = env_get(own);

    if (v)
        return path_format("%s", v);
    v = env_get(xdg);
    if (v && *v == '/')
        return path_join(v, "belljar");
    if (geteuid() == 0)
        return path_format("%s", for_root);
    return path_join(home_get(), below_home);
}

char *path_cache_dir(void)
{
    return standard_dir("BELLJAR_CACHE", "XDG_CACHE_HOME", "/var/cache/belljar", ".cache/belljar");
}

char *path_data_dir(void)
{
    return standard_dir("BELLJAR_DATA", "XDG_DATA_HOME", "/var/lib/belljar", ".local/share/belljar");
}

/* A source tree is known by both of these folders. */
static bool is_share(const char *dir)
{
    char *content = path_join(dir, "content"), *images = path_join(dir, "images");
    bool ok = content && images && file_exists(content) && file_exists(images);

    free(content);
    free(images);
    return ok;
}

static char *own_dir(void)
{
    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe));

    if (n <= 0 || (size_t)n >= sizeof(exe))
        return NULL;
    return str_dup(str_dirname((struct str){exe, (size_t)n}));
}

char *path_share_dir(void)
{
    const char *v = env_get("BELLJAR_SHARE");
    char *dir, *candidate;

    if (v)
        return path_format("%s", v);
    dir = own_dir();
    if (dir) {
        candidate = path_join(dir, "../share/belljar");
        if (candidate && file_exists(candidate)) {
            char *real = realpath(candidate, NULL);
            free(candidate);
            free(dir);
            return real;
        }
        free(candidate);
    }
    for (int i = 0; dir && i < WALK_UP_MAX; i++) {
        if (is_share(dir))
            return dir;
        char *up = str_dup(str_dirname(str_from(dir)));
        free(dir);
        dir = up;
    }
    free(dir);
#ifdef BELLJAR_SOURCE_DIR
    if (is_share(BELLJAR_SOURCE_DIR))
        return path_format("%s", BELLJAR_SOURCE_DIR);
#endif
    return path_format("/usr/share/belljar");
}
