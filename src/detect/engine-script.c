/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The file that an interpreter was told to run ("sh /tmp/x.sh"): the kernel
 * only knows the interpreter, so it is taken from the command line.
 */
#include "detect/engine.h"

/* Basenames; python3.11 and the like by prefix. */
static bool is_interpreter(struct str image)
{
    static const char *const names[] = {"sh",   "bash", "dash", "ash", "zsh", "ksh",  "busybox",
                                        "perl", "ruby", "node", "php", "lua", "tclsh"};
    struct str base = str_basename(image);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (str_eqz(base, names[i]))
            return true;
    return str_starts(base, STR_LIT("python")) || str_starts(base, STR_LIT("perl5")) ||
           str_starts(base, STR_LIT("lua5"));
}

/* Next word of a command line; quotes hold words with spaces together. */
static struct str word_next(struct str *rest)
{
    struct str s = str_trim(*rest);
    size_t n = 0;
    char quote = s.n && (s.p[0] == '"' || s.p[0] == '\'') ? s.p[0] : '\0';
    if (quote) {
        for (n = 1; n < s.n && s.p[n] != quote; n++)
            ;
        *rest = str_sub(s, n + 1, s.n);
        return str_sub(s, 1, n - 1);
    }
    while (n < s.n && s.p[n] != ' ' && s.p[n] != '\t' && s.p[n] != '\n')
        n++;
    *rest = str_sub(s, n, s.n);
    return str_sub(s, 0, n);
}

static struct str script_word(struct str cmdline, bool busybox, bool shell)
{
    struct str rest = cmdline, w = word_next(&rest);
    if (busybox) { /* "busybox sh file" or "sh file" */
        if (str_ends(w, STR_LIT("busybox")))
            w = word_next(&rest);
        if (!str_ends(w, STR_LIT("sh")))
            return STR_NONE;
    }
    while ((w = word_next(&rest)).n) {
        if (w.p[0] != '-')
            return w;
        /* The program is in the argument or comes from standard input. */
        if (w.n > 1 && w.p[1] != '-' && (memchr(w.p, 'c', w.n) || memchr(w.p, shell ? 's' : 'e', w.n)))
            return STR_NONE;
        if (!shell && str_eqz(w, "-m")) /* a module of Python */
            return STR_NONE;
    }
    return STR_NONE;
}

/* dir + "/" + name without "./" in front; a path that climbs ("../") is left as it is. */
static void path_set(struct behavior_engine *g, struct str dir, struct str name)
{
    while (str_starts(name, STR_LIT("./")))
        name = str_sub(name, 2, name.n);
    bool whole = name.n && name.p[0] == '/';
    size_t at = 0;
    if (!whole && dir.n && dir.n + name.n + 1 <= sizeof(g->script_path)) {
        memcpy(g->script_path, dir.p, dir.n);
        at = dir.n;
        if (g->script_path[at - 1] != '/')
            g->script_path[at++] = '/';
    }
    if (at + name.n > sizeof(g->script_path))
        return;
    if (name.n)
        memcpy(g->script_path + at, name.p, name.n);
    g->script_len = at + name.n;
}

struct str engine_script_path(struct behavior_engine *g)
{
    const struct event *ev = g->ev;
    bool exec = ev->kind == EVENT_PROCESS_EXEC;
    struct str image = exec ? event_s(ev, EVF_PROCESS_EXEC_Image) : g->p ? g->p->image : STR_NONE;
    struct str script = exec ? event_s(ev, EVF_PROCESS_EXEC_Script) : g->p ? g->p->script : STR_NONE;
    if (script.n)
        return script;
    if (g->script_stamp != g->stamp) {
        struct str cmdline = exec ? event_s(ev, EVF_PROCESS_EXEC_CommandLine) : g->p ? g->p->cmdline : STR_NONE;
        struct str cwd = exec ? event_s(ev, EVF_PROCESS_EXEC_CurrentDirectory) : g->p ? g->p->cwd : STR_NONE;
        struct str word = STR_NONE;
        g->script_stamp = g->stamp;
        g->script_len = 0;
        if (is_interpreter(image))
            word = script_word(cmdline, str_eqz(str_basename(image), "busybox"), str_ends(image, STR_LIT("sh")));
        if (word.n)
            path_set(g, cwd, word);
    }
    return (struct str){g->script_path, g->script_len};
}
