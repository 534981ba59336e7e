/* SPDX-License-Identifier: GPL-3.0-or-later */
/* belljar yara scan: YARA rules over files and folders, in jailed scanners. */
#include "cmd/cmd.h"

#include "cmd/text.h"
#include "detect/yara/client.h"
#include "detect/yara/json.h"
#include "detect/yara/meaning.h"
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RULES_PATHS_MAX 64
#define TIMEOUT_MAX_S 86400
#define DEPTH_MAX 128
#define JSON_LINE_MAX (16u << 20)

struct words {
    const char *rules[RULES_PATHS_MAX];
    unsigned nrules, timeout_s, jobs;
    bool json, plain;
    struct yara_define defines[YARA_DEFINES_MAX];
    size_t ndefines;
    int first; /* of the files */
};

struct scanning {
    const struct words *w;
    struct yara_pack pack;
    struct yara_client *client;
    uint64_t scanned, hit, left_out, no_files, bad_rules, warnings;
    struct err *e;
};

static void complain(const char *path, const char *reason)
{
    fputs("belljar: ", stderr);
    text_print(stderr, str_from(path));
    fputs(": ", stderr);
    text_print(stderr, str_from(reason));
    fputc('\n', stderr);
}

/* ---- what comes out ---------------------------------------------------------------------------------- */

static void on_problem(void *context, bool warning, struct str file, unsigned line, const char *reason)
{
    struct scanning *s = context;
    s->bad_rules += !warning;
    s->warnings += warning;
    text_print(stderr, file);
    if (line)
        fprintf(stderr, ":%u", line);
    fprintf(stderr, ": %s", warning ? "warning: " : "");
    text_print(stderr, str_from(reason));
    fputc('\n', stderr);
}

static void json_line(void (*fill)(struct jsonw *w, const char *path, const void *what), const char *path,
                      const void *what)
{
    struct buf b;
    struct jsonw w;
    buf_init(&b, JSON_LINE_MAX);
    jsonw_to_buf(&w, &b, false);
    jsonw_object(&w);
    jsonw_kbytes(&w, "file", str_from(path));
    fill(&w, path, what);
    jsonw_object_end(&w);
    if (jsonw_finish(&w) == 0) {
        buf_u8(&b, '\n');
        fwrite(b.data, 1, b.len, stdout);
    }
    buf_free(&b);
}

static void fill_hit(struct jsonw *w, const char *path, const void *what)
{
    struct yara_meaning m;
    (void)path;
    yara_meaning_of(what, &m);
    jsonw_kz(w, "severity", severity_name(m.severity));
    yara_hit_json(w, what);
}

static void fill_text(struct jsonw *w, const char *path, const void *what)
{
    (void)path;
    jsonw_kz(w, "error", what);
}

static void fill_note(struct jsonw *w, const char *path, const void *what)
{
    (void)path;
    jsonw_kz(w, "note", what);
}

static void print_hit(const struct yara_hit *h)
{
    struct yara_meaning m;
    yara_meaning_of(h, &m);
    fputs("  ", stdout);
    text_print(stdout, h->rule);
    fputs(" (", stdout);
    text_print(stdout, h->ns);
    printf(") %s", severity_name(m.severity));
    if (m.description.n) {
        fputs(": ", stdout);
        text_print(stdout, m.description);
    }
    putchar('\n');
    for (uint32_t i = 0; i < h->nmatches; i++) {
        const struct yara_match *k = &h->matches[i];
        printf("    0x%08llx ", (unsigned long long)k->offset);
        text_print(stdout, k->string);
        printf(" (%u bytes) ", k->length);
        text_print(stdout, k->bytes);
        puts(k->length > k->bytes.n ? "..." : "");
    }
    if (h->more_matches)
        printf("    and %llu places more\n", (unsigned long long)h->more_matches);
}

/* Said of a file besides its hits. */
static void say(const struct scanning *s, const char *path, const char *text, bool error)
{
    if (s->w->json)
        json_line(error ? fill_text : fill_note, path, text);
    else
        complain(path, text);
}

static void on_done(void *context, void *cookie, const struct yara_result *r)
{
    struct scanning *s = context;
    char *path = cookie, text[2 * YARA_TEXT_MAX];
    bool hit = false;

    for (uint32_t i = 0; i < r->nhits; i++) {
        if (yara_pack_is_off(&s->pack, r->hits[i].ns, r->hits[i].rule))
            continue;
        if (s->w->json) {
            json_line(fill_hit, path, &r->hits[i]);
        } else {
            if (!hit) {
                text_print(stdout, str_from(path));
                putchar('\n');
            }
            print_hit(&r->hits[i]);
        }
        hit = true;
    }
    s->hit += hit;
    if (r->more_hits) {
        snprintf(text, sizeof(text), "%llu rules more match; they are not shown", (unsigned long long)r->more_hits);
        say(s, path, text, false);
    }
    for (uint32_t i = 0; i < r->nnotes; i++) {
        yara_note_text(&r->notes[i], text, sizeof(text));
        say(s, path, text, false);
    }
    if (r->status == YARA_DONE) {
        s->scanned++;
    } else {
        snprintf(text, sizeof(text), "not scanned: %.*s", STR_ARG(r->text));
        say(s, path, text, true);
        s->left_out++;
    }
    free(path);
}

/* ---- what is scanned ------------------------------------------------------------------------------------ */

static void leave_out(struct scanning *s, const char *path, const char *why)
{
    char text[256];
    s->left_out++;
    snprintf(text, sizeof(text), "not scanned: %s", why);
    say(s, path, text, true);
}

static const char *kind_of(mode_t mode)
{
    return S_ISFIFO(mode)   ? "a named pipe"
           : S_ISSOCK(mode) ? "a socket"
           : S_ISCHR(mode)  ? "a character device"
           : S_ISBLK(mode)  ? "a block device"
           : S_ISLNK(mode)  ? "a symbolic link"
                            : "no ordinary file";
}

static int file_scan(struct scanning *s, int fd, const char *path, const struct stat *st)
{
    struct str base = str_basename(str_from(path));
    const char *dot = strrchr(base.p, '.');
    struct passwd *owner = getpwuid(st->st_uid);
    struct yara_job job = {.fd = fd,
                           .target = {.filename = base.p,
                                      .filepath = path,
                                      .extension = dot ? dot : "",
                                      .owner = owner ? owner->pw_name : "",
                                      .timeout_s = s->w->timeout_s},
                           .cookie = strdup(path)};
    if (!job.cookie)
        return err_set(s->e, -ENOMEM, "out of memory");
    int x = yara_client_scan(s->client, &job, s->e);
    if (x < 0)
        free(job.cookie);
    return x;
}

static int path_scan(struct scanning *s, const char *path, bool named, unsigned depth);

static int visible(const struct dirent *d)
{
    return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
}

static int folder_scan(struct scanning *s, const char *dir, unsigned depth)
{
    struct dirent **list = NULL;
    int n = depth ? scandir(dir, &list, visible, alphasort) : -1, x = 0;

    if (n < 0) {
        leave_out(s, dir, depth ? strerror(errno) : "the folders are too deep");
        return 0;
    }
    for (int i = 0; i < n; i++) {
        char *path = x == 0 ? path_join(dir, list[i]->d_name) : NULL;
        if (x == 0)
            x = path ? path_scan(s, path, false, depth - 1) : err_set(s->e, -ENOMEM, "out of memory");
        free(path);
        free(list[i]);
    }
    free(list);
    return x;
}

/* Links are followed only where the user named them. */
static int path_scan(struct scanning *s, const char *path, bool named, unsigned depth)
{
    struct stat st;
    int x = 0, fd;

    if ((named ? stat(path, &st) : lstat(path, &st)) < 0) {
        leave_out(s, path, strerror(errno));
        return 0;
    }
    if (S_ISDIR(st.st_mode))
        return folder_scan(s, path, depth);
    if (S_ISLNK(st.st_mode))
        return 0;
    if (!S_ISREG(st.st_mode)) {
        leave_out(s, path, kind_of(st.st_mode));
        s->no_files += !named; /* nothing that could be scanned */
        return 0;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (named ? 0 : O_NOFOLLOW));
    if (fd < 0 || fstat(fd, &st) < 0)
        leave_out(s, path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        leave_out(s, path, kind_of(st.st_mode));
    else if ((uint64_t)st.st_size > YARA_TARGET_MAX)
        leave_out(s, path, "larger than 2 GiB");
    else
        x = file_scan(s, fd, path, &st);
    if (fd >= 0)
        close(fd);
    return x;
}

/* ---- words ------------------------------------------------------------------------------------------------ */

static int number(const char *what, const char *text, unsigned most, unsigned *ret)
{
    uint64_t v;
    if (!text || str_u64(str_from(text), 10, &v) < 0 || v == 0 || v > most)
        return cmd_wrong(&cmd_yara, "%s wants a number from 1 to %u", what, most);
    *ret = (unsigned)v;
    return EXIT_FINE;
}

/* Options may stand anywhere before "--"; the rest is moved behind them. */
static int words_read(int argc, char **argv, struct words *w)
{
    struct err e = {0};
    int files = 0;
    for (int i = 2; i < argc; i++) {
        char *a = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        bool takes = !strcmp(a, "--rules") || !strcmp(a, "--timeout") || !strcmp(a, "--define") || !strcmp(a, "--jobs");
        if (w->plain || a[0] != '-' || !a[1]) {
            argv[2 + files++] = a;
            continue;
        }
        if (takes && !value)
            return cmd_wrong(&cmd_yara, "%s wants a value", a);
        i += takes;
        if (!strcmp(a, "--"))
            w->plain = true;
        else if (!strcmp(a, "--json"))
            w->json = true;
        else if (!strcmp(a, "--rules") && w->nrules == RULES_PATHS_MAX)
            return cmd_wrong(&cmd_yara, "more than %d --rules", RULES_PATHS_MAX);
        else if (!strcmp(a, "--rules"))
            w->rules[w->nrules++] = value;
        else if (!strcmp(a, "--timeout")) {
            if (number(a, value, TIMEOUT_MAX_S, &w->timeout_s) != EXIT_FINE)
                return EXIT_USAGE;
        } else if (!strcmp(a, "--jobs")) {
            if (number(a, value, YARA_WORKERS_MAX, &w->jobs) != EXIT_FINE)
                return EXIT_USAGE;
        } else if (!strcmp(a, "--define")) {
            if (w->ndefines == YARA_DEFINES_MAX)
                return cmd_wrong(&cmd_yara, "more than %d --define", YARA_DEFINES_MAX);
            if (yara_define_parse(value, &w->defines[w->ndefines++], &e) < 0)
                return cmd_wrong(&cmd_yara, "%s", e.text);
        } else
            return cmd_wrong(&cmd_yara, "unknown option '%s'", a);
    }
    if (!files)
        return cmd_wrong(&cmd_yara, "which files or folders are to be scanned?");
    w->first = files;
    return EXIT_FINE;
}

static unsigned jobs_default(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > 4 ? 4 : (unsigned)n;
}

static int scan_all(struct scanning *s, char **paths, int n)
{
    const struct yara_handlers h = {.context = s, .problem = on_problem};
    const struct yara_client_options o = {.pack = &s->pack,
                                          .defines = s->w->defines,
                                          .ndefines = s->w->ndefines,
                                          .workers = s->w->jobs ? s->w->jobs : jobs_default(),
                                          .handlers = h,
                                          .done = on_done,
                                          .context = s};
    int x = s->w->nrules ? 0 : yara_pack_add_own(&s->pack, s->e);
    for (unsigned i = 0; i < s->w->nrules && x == 0; i++)
        x = yara_pack_add(&s->pack, s->w->rules[i], &h, s->e);
    if (x == 0)
        x = yara_client_new(&o, &s->client, s->e);
    for (int i = 0; i < n && x == 0; i++)
        x = path_scan(s, paths[i], true, DEPTH_MAX);
    return x < 0 ? x : yara_client_finish(s->client, s->e);
}

static int yara_run(int argc, char **argv)
{
    struct words w = {.timeout_s = YARA_TIMEOUT_DEFAULT_S};
    struct err e = {0};
    struct scanning s = {.w = &w, .e = &e};

    if (argc < 2 || strcmp(argv[1], "scan") != 0)
        return argc < 2 ? cmd_wrong(&cmd_yara, "scan is wanted")
                        : cmd_wrong(&cmd_yara, "there is nothing '%s' to be done", argv[1]);
    if (words_read(argc, argv, &w) != EXIT_FINE)
        return EXIT_USAGE;
    yara_pack_init(&s.pack);
    int x = scan_all(&s, argv + 2, w.first);
    fflush(stdout);
    if (x < 0)
        cmd_failed(&e);
    else
        fprintf(stderr, "%llu scanned with %u rule%s, %llu with hits, %llu not scanned%s\n",
                (unsigned long long)s.scanned, yara_client_rules(s.client), yara_client_rules(s.client) == 1 ? "" : "s",
                (unsigned long long)s.hit, (unsigned long long)s.left_out,
                s.bad_rules ? "; some rules are bad, see above" : "");
    yara_client_free(&s.client);
    yara_pack_free(&s.pack);
    return x < 0 || s.left_out > s.no_files || s.bad_rules ? EXIT_FAILED : EXIT_FINE;
}

const struct cmd cmd_yara = {
    .name = "yara",
    .arguments = "scan [--rules PATH]... [--json] [--timeout S] [--define NAME=VALUE]... [--jobs N] FILE|FOLDER...",
    .doc = "Scan files with YARA rules, without running them",
    .help =
        "  --rules PATH         a rule file or a folder of .yar and .yara files; may be given more than once.\n"
        "                       Without it: the rules that came with Belljar and those of the packs that are on\n"
        "  --json               one object per line: a rule that matches a file, or why a file was not scanned\n"
        "  --timeout S          seconds for one file (60)\n"
        "  --define NAME=VALUE  an external variable: true or false, an integer, a number with a point, or a text\n"
        "  --jobs N             scanners at the same time (one per processor, 4 at the most)\n"
        "\n"
        "Rules see the external variables filename, filepath, extension, filetype and owner. Folders are read to\n"
        "the bottom; links inside are not followed. A file of more than 2 GiB is not scanned. libyara runs in a jail:\n"
        "a file that crashes it is reported, the others are scanned.\n"
        "Exit codes: 0 all scanned (hits or not), 1 a rule is bad or something was not scanned, 2 wrong words.\n",
    .run = yara_run,
};
