/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Adoption: a process of the system that starts because the sample arranged it
 * (a cron job, a unit, an at job, a changed program) belongs to the sample.
 */
#include "base/intern.h"
#include "event/baseline.h"
#include "event/proctab-private.h"

#include <stdio.h>

#define WORDS_MAX 256
#define PATH_MAX_BYTES 4096

static bool one_of(struct str s, const char *const *names)
{
    for (; *names; names++) {
        if (str_eqz(s, *names))
            return true;
    }
    return false;
}

static bool below(struct str path, const char *const *prefixes)
{
    for (; *prefixes; prefixes++) {
        if (str_starts(path, str_from(*prefixes)))
            return true;
    }
    return false;
}

/* Devices and pseudo files are written by everybody and mean nothing; /dev/shm holds real files. */
static bool is_real_file(struct str path)
{
    static const char *const pseudo[] = {"/dev/", "/proc/", "/sys/", NULL};

    if (path.n == 0 || path.p[0] != '/')
        return false;
    return !below(path, pseudo) || str_starts(path, STR_LIT("/dev/shm/")) || str_starts(path, STR_LIT("/dev/mqueue/"));
}

static bool is_cron_path(struct str path)
{
    static const char *const places[] = {"/var/spool/cron", "/etc/cron",          "/etc/anacrontab",
                                         "/var/spool/at",   "/var/spool/anacron", NULL};

    return below(path, places);
}

static bool is_unit_path(struct str path)
{
    static const char *const places[] = {"/etc/systemd/", "/run/systemd/", "/usr/lib/systemd/", "/lib/systemd/",
                                         "/etc/init.d/",  "/etc/rc.local", "/etc/rc",           NULL};

    return below(path, places) || str_find(path, STR_LIT("/.config/systemd/")) >= 0 ||
           str_find(path, STR_LIT("/.local/share/systemd/")) >= 0;
}

static void learn_path(struct proctab *t, struct str path)
{
    if (!is_real_file(path))
        return;
    uint32_t id = intern_add(t->written, path);
    if (!id) {
        t->limited = true;
        return;
    }
    if (is_cron_path(path))
        t->cron_path = intern_get(t->written, id);
    else if (is_unit_path(path))
        t->unit_path = intern_get(t->written, id);
}

/*
 * The words of a command line as the tracer joins them: separated by white
 * space, double or single quotes keep it, a backslash keeps the next byte.
 * Writes the word without its quotes to `out`; false at the end.
 */
static bool word_next(struct str *rest, char *out, size_t size, struct str *ret)
{
    size_t n = 0, i = 0;
    char quote = 0;

    while (i < rest->n && (rest->p[i] == ' ' || (rest->p[i] >= '\t' && rest->p[i] <= '\r')))
        i++;
    if (i == rest->n)
        return false;
    for (; i < rest->n; i++) {
        char c = rest->p[i];
        if (!quote && (c == ' ' || (c >= '\t' && c <= '\r')))
            break;
        if (c == quote) {
            quote = 0;
            continue;
        }
        if (!quote && (c == '"' || c == '\'')) {
            quote = c;
            continue;
        }
        if (c == '\\' && quote != '\'' && i + 1 < rest->n)
            c = rest->p[++i];
        if (n < size)
            out[n++] = c;
    }
    *rest = str_sub(*rest, i, rest->n);
    *ret = (struct str){out, n};
    return true;
}

/* Reading the state of units arranges nothing. */
static bool tool_arranges(struct str cmdline)
{
    static const char *const harmless[] = {
        "status",          "show",         "cat",       "is-active",   "is-enabled",   "is-failed", "list-units",
        "--help",          "help",         "list-jobs", "list-timers", "list-sockets", "--version", "get-default",
        "list-unit-files", "--status-all", NULL};
    char space[PATH_MAX_BYTES];
    struct str word;

    for (int i = 0; i < WORDS_MAX && word_next(&cmdline, space, sizeof(space), &word); i++) {
        if (i > 0 && one_of(word, harmless))
            return false;
    }
    return true;
}

static void learn_exec(struct proctab *t, const struct event *ev)
{
    static const char *const tools[] = {"systemctl", "systemd-run", "service", "invoke-rc.d", NULL};
    struct str image = str_basename(event_s(ev, EVF_PROCESS_EXEC_Image));
    struct str script = str_basename(event_s(ev, EVF_PROCESS_EXEC_Script));

    for (int i = 0; tools[i]; i++) {
        if ((str_eqz(image, tools[i]) || str_eqz(script, tools[i])) &&
            tool_arranges(event_s(ev, EVF_PROCESS_EXEC_CommandLine)))
            t->unit_tool = tools[i];
    }
}

void proctab_adopt_learn(struct proctab *t, const struct event *ev)
{
    switch (ev->kind) {
    case EVENT_FILE_CREATE:
        learn_path(t, event_s(ev, EVF_FILE_CREATE_TargetFilename));
        break;
    case EVENT_FILE_WRITE:
        learn_path(t, event_s(ev, EVF_FILE_WRITE_TargetFilename));
        break;
    case EVENT_FILE_RENAME:
        learn_path(t, event_s(ev, EVF_FILE_RENAME_TargetFilename));
        break;
    case EVENT_FILE_CHMOD:
        learn_path(t, event_s(ev, EVF_FILE_CHMOD_TargetFilename));
        break;
    case EVENT_FILE_LINK:
        learn_path(t, event_s(ev, EVF_FILE_LINK_TargetFilename));
        break;
    case EVENT_PROCESS_EXEC:
        learn_exec(t, ev);
        break;
    default:
        break;
    }
}

/* The path as the sample wrote it, or STR_NONE. */
static struct str find_written(const struct proctab *t, struct str path)
{
    return path.n && path.p[0] == '/' ? intern_get(t->written, intern_find(t->written, path)) : STR_NONE;
}

/* Paths inside one word: "cd /tmp && /tmp/x >/tmp/log" holds three. */
static struct str find_in_word(const struct proctab *t, struct str word)
{
    static const char ends[] = " \t\n\r;|&()<>'\"`=,:";
    struct str hit = find_written(t, word);

    for (size_t i = 0; i < word.n && !hit.n;) {
        size_t from = i;
        while (i < word.n && !memchr(ends, word.p[i], sizeof(ends) - 1))
            i++;
        hit = find_written(t, str_sub(word, from, i - from));
        i++;
    }
    return hit;
}

/* A relative word is looked for in the working directory. */
static struct str find_relative(const struct proctab *t, struct str cwd, struct str word)
{
    char path[PATH_MAX_BYTES];

    if (str_starts(word, STR_LIT("./")))
        word = str_sub(word, 2, word.n);
    if (word.n == 0 || word.p[0] == '/' || word.p[0] == '-' || cwd.n == 0 || cwd.n + 1 + word.n > sizeof(path))
        return STR_NONE;
    memcpy(path, cwd.p, cwd.n);
    size_t n = cwd.n;
    if (path[n - 1] != '/')
        path[n++] = '/';
    memcpy(path + n, word.p, word.n);
    return find_written(t, (struct str){path, n + word.n});
}

/* The sample's file that this command runs, or STR_NONE. */
static struct str runs_written(struct proctab *t, const struct proc *p)
{
    struct str rest = p->cmdline, word, hit = find_written(t, p->image);
    char space[PATH_MAX_BYTES];

    if (!hit.n)
        hit = find_written(t, p->script);
    for (int i = 0; !hit.n && i < WORDS_MAX && word_next(&rest, space, sizeof(space), &word); i++) {
        hit = find_in_word(t, word);
        if (!hit.n && i > 0)
            hit = find_relative(t, p->cwd, word);
    }
    return hit;
}

static void adopt(struct proctab *t, struct proc *p, const char *reason)
{
    char *kept = arena_dupz(&t->reasons, reason);

    t->limited |= !kept;
    p->lineage = PROC_ADOPTED;
    p->adopted_because = kept ? kept : "started because of the sample";
}

void proctab_adopt_judge(struct proctab *t, struct proc *p, const struct event *ev)
{
    static const char *const crons[] = {"cron", "crond", "anacron", "atd", NULL};
    static const char *const inits[] = {"systemd", "init", NULL};
    const struct proc *parent = proctab_parent(t, p);
    struct str hit = runs_written(t, p);
    struct str name = str_basename(parent ? parent->image : STR_NONE);
    char text[1024];

    if (hit.n) {
        snprintf(text, sizeof(text), "runs %.*s, which the sample wrote", STR_ARG(str_sub(hit, 0, 800)));
        adopt(t, p, text);
        return;
    }
    bool first = parent && parent->pid == 1;
    bool from_cron = t->cron_path.n && one_of(name, crons);
    bool from_init = (t->unit_path.n || t->unit_tool) && (first || one_of(name, inits));
    /* systemd's own helpers (generators after a reload, the executor before it runs a unit's program) are not what the
     * sample arranged; what the executor then runs is judged at that exec. */
    bool own_helper = from_init && (str_starts(p->image, STR_LIT("/usr/lib/systemd/")) ||
                                    str_starts(p->image, STR_LIT("/lib/systemd/")));
    if ((!from_cron && !from_init) || own_helper || (t->baseline && baseline_has(t->baseline, ev, p)))
        return;
    struct str cause = from_cron ? t->cron_path : t->unit_path;
    if (name.n == 0)
        name = STR_LIT("init");
    if (cause.n)
        snprintf(text, sizeof(text), "started by %.*s after the sample changed %.*s", STR_ARG(str_sub(name, 0, 64)),
                 STR_ARG(str_sub(cause, 0, 800)));
    else
        snprintf(text, sizeof(text), "started by %.*s after the sample ran %s", STR_ARG(str_sub(name, 0, 64)),
                 t->unit_tool);
    adopt(t, p, text);
}
