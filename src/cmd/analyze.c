/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/cmd.h"

#include "base/str.h"
#include "case/plan.h"
#include "case/work.h"
#include "cmd/progress.h"
#include "conf/conf.h"
#include "os/file.h"
#include "os/spawn.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REPORT_MAX (1u << 30)
#define PLAN_SPACE (1u << 20)

struct analyze_options {
    struct case_options c;
    bool json, open_report;
    enum verdict_word fail_on; /* VERDICT_UNKNOWN = off */
};

static volatile int stop_requested;

static void on_signal(int signo)
{
    (void)signo;
    stop_requested = 1;
}

static int parse_time(struct analyze_options *o, const char *text)
{
    uint64_t n;

    /* Shorter times than the documented ones are for tests and scripts that know what they do. */
    if (str_u64(str_from(text), 10, &n) < 0 || n < CASE_TIME_MIN || n > CASE_TIME_MAX)
        return cmd_wrong(&cmd_analyze, "--time takes seconds from 30 to %d, not \"%s\"", CASE_TIME_MAX, text);
    o->c.seconds = (unsigned)n;
    return 0;
}

static int parse_fail_on(struct analyze_options *o, const char *text)
{
    if (!strcmp(text, "suspicious"))
        o->fail_on = VERDICT_SUSPICIOUS;
    else if (!strcmp(text, "malicious"))
        o->fail_on = VERDICT_MALICIOUS;
    else
        return cmd_wrong(&cmd_analyze, "--fail-on takes suspicious or malicious, not \"%s\"", text);
    return 0;
}

static int set_target(struct analyze_options *o, enum case_kind kind, const char *target)
{
    if (o->c.target)
        return cmd_wrong(&cmd_analyze, "one sample at a time: \"%s\" and \"%s\"", o->c.target, target);
    if (!*target)
        return cmd_wrong(&cmd_analyze, "the sample's name is empty");
    o->c.kind = kind;
    o->c.target = target;
    return 0;
}

static int set_user(struct analyze_options *o, const char *user)
{
    for (const char *p = user; *p; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || strchr("_-", *p)) || p - user > 31)
            return cmd_wrong(&cmd_analyze, "\"%s\" is no user name", user);
    if (!*user)
        return cmd_wrong(&cmd_analyze, "--user needs a name");
    o->c.user = user;
    return 0;
}

/* The same splitting as later: wrong words are told before anything is begun. */
static int set_args(struct analyze_options *o, const char *args)
{
    const char *words[PLAN_ARGS_MAX];
    struct arena a;
    struct err e = {0};
    int r;

    arena_init(&a, 2 * strlen(args) + PLAN_SPACE);
    r = plan_split(&a, args, words, PLAN_ARGS_MAX - 3, &e);
    arena_free(&a);
    if (r < 0)
        return cmd_wrong(&cmd_analyze, "--args: %s", e.text);
    o->c.args = args;
    return 0;
}

static int set_url(struct analyze_options *o, const char *url)
{
    static const char *const schemes[] = {"http://", "https://", "ftp://"};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
        if (str_istarts(str_from(url), str_from(schemes[i])) && strlen(url) > strlen(schemes[i]))
            return set_target(o, CASE_URL, url);
    return cmd_wrong(&cmd_analyze, "--url takes an address that begins with http://, https:// or ftp://");
}

/* Before a case is made: a system that does not exist is a wrong word, not an analysis. */
static int check_system(const struct analyze_options *o)
{
    struct image image = {0};
    struct err e;
    int r = image_find(o->c.system, &image, &e);

    image_clear(&image);
    return r < 0 ? cmd_wrong(&cmd_analyze, "--system: %s (%s image list)", e.text, cmd_self()) : 0;
}

static int parse(int argc, char **argv, struct analyze_options *o)
{
    static const struct option options[] = {
        {"url", required_argument, NULL, 'u'},     {"command", required_argument, NULL, 'c'},
        {"system", required_argument, NULL, 's'},  {"time", required_argument, NULL, 't'},
        {"user", required_argument, NULL, 'U'},    {"args", required_argument, NULL, 'a'},
        {"out", required_argument, NULL, 'o'},     {"name", required_argument, NULL, 'n'},
        {"json", no_argument, NULL, 'j'},          {"open", no_argument, NULL, 'O'},
        {"fail-on", required_argument, NULL, 'f'}, {NULL, 0, NULL, 0}};
    int c, r = 0;

    opterr = 0;
    while (r == 0 && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'u':
            r = set_url(o, optarg);
            break;
        case 'c':
            r = set_target(o, CASE_COMMAND, optarg);
            break;
        case 's':
            o->c.system = optarg;
            break;
        case 't':
            r = parse_time(o, optarg);
            break;
        case 'U':
            r = set_user(o, optarg);
            break;
        case 'a':
            r = set_args(o, optarg);
            break;
        case 'o':
            o->c.out_dir = optarg;
            break;
        case 'n':
            o->c.name = optarg;
            break;
        case 'j':
            o->json = true;
            break;
        case 'O':
            o->open_report = true;
            break;
        case 'f':
            r = parse_fail_on(o, optarg);
            break;
        default:
            r = cmd_wrong(&cmd_analyze, "there is no option \"%s\", or its value is missing", argv[optind - 1]);
            break;
        }
    }
    for (; r == 0 && optind < argc; optind++)
        r = set_target(o, CASE_FILE, argv[optind]);
    if (r == 0)
        r = check_system(o);
    if (r == 0 && !o->c.target)
        r = cmd_wrong(&cmd_analyze, "what is to be analysed? Give a file, --url or --command");
    return r;
}

static void tell_interrupted(void *context, const struct case_interrupted *c)
{
    (void)context;
    fprintf(stderr,
            "Note: the analysis %s was cut off earlier (while %s). What it recorded is kept; make its report with:\n"
            "  %s report %s --again\n",
            c->id, c->state, cmd_self(), c->id);
}

static int print_json(const struct case_folder *c, struct err *e)
{
    char *path = case_path(c, "report.json");
    struct buf b = {0};
    int r = path ? file_read_regular(path, REPORT_MAX, &b, e) : err_set(e, -ENOMEM, "out of memory");

    if (r == 0 && (r = file_write_all(STDOUT_FILENO, b.data, b.len)) < 0)
        err_set(e, r, "cannot write to standard output");
    buf_free(&b);
    free(path);
    return r;
}

static void open_report(const struct case_folder *c)
{
    char *path = case_path(c, "report.html");
    const char *const argv[] = {"xdg-open", path, NULL};

    if (path && spawn_run(argv, NULL, 10000, NULL) < 0)
        fprintf(stderr, "belljar: no program here opens web pages; the report is %s\n", path);
    free(path);
}

static int exit_code(const struct analyze_options *o, const struct observe_result *result)
{
    if (o->fail_on == VERDICT_UNKNOWN)
        return EXIT_FINE;
    if (result->word == VERDICT_UNKNOWN)
        return EXIT_UNKNOWN;
    return result->word >= o->fail_on ? EXIT_VERDICT : EXIT_FINE;
}

static int work(const struct analyze_options *o, const struct case_folder *c)
{
    struct observe_result result = {0};
    struct progress_view view;
    struct work_handlers h = {.stop = &stop_requested};
    struct err e = {0};
    int r;

    progress_view_init(&view, &h);
    r = work_case(c, &h, &result, &e);
    progress_view_end(&view);
    if (r < 0) {
        r = cmd_failed(&e);
        fprintf(stderr, "What there is of the analysis is in %s\n", c->dir);
        return stop_requested ? EXIT_STOPPED : r;
    }
    if (o->json && print_json(c, &e) < 0)
        return cmd_failed(&e);
    progress_print_verdict(o->json ? stderr : stdout, c, &result);
    if (o->open_report)
        open_report(c);
    return stop_requested ? EXIT_STOPPED : exit_code(o, &result);
}

static int fill_defaults(struct analyze_options *o)
{
    struct conf *conf = NULL;
    struct err e;

    if (o->c.seconds)
        return 0;
    if (conf_load(NULL, &conf, &e) < 0)
        return cmd_failed(&e);
    o->c.seconds = (unsigned)conf_number(conf, CONF_DEFAULT_TIME);
    conf_free(&conf);
    return 0;
}

static int run(int argc, char **argv)
{
    struct analyze_options o = {.c = {.system = "debian13", .user = "root"}};
    struct sigaction stop = {.sa_handler = on_signal};
    struct case_folder c;
    struct err e;
    int r = parse(argc, argv, &o);

    if (r || (r = fill_defaults(&o)))
        return r;
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    case_recover(tell_interrupted, NULL, NULL);
    if (case_create(&o.c, &c, &e) < 0)
        return cmd_failed(&e);
    r = work(&o, &c);
    case_clear(&c);
    return r;
}

const struct cmd cmd_analyze = {
    "analyze", "FILE | --url URL | --command LINE  [options]",
    "Run a file, URL or command in a sealed machine and explain what it does",
    "  --url URL          fetch the URL inside the machine\n"
    "  --command LINE     run a shell command line inside the machine\n"
    "  --system NAME      which guest (belljar image list); default debian13\n"
    "  --time SECONDS     30 to 500, default 60; it ends earlier when nothing is left alive\n"
    "  --user NAME        run as this user of the guest; default root, the normal user is jonas; one whom the guest\n"
    "                     does not know ends with 1 and the verdict unknown\n"
    "  --args LINE        arguments for the sample, split as a shell would\n"
    "  --name NAME        the file's original name, when it is stored under another\n"
    "  --out DIR          put the analysis into this folder (must not exist, or be empty)\n"
    "  --json             print report.json to standard output, and nothing else there\n"
    "  --open             open the report when it is ready\n"
    "  --fail-on WORD     exit with 3 when the verdict is at least this: suspicious, malicious (4: unknown)\n"
    "\n"
    "Exit codes: 0 done, 1 could not be done, 2 wrong words, 3 and 4 see --fail-on, 130 stopped by Ctrl-C (the\n"
    "report of what was seen until then is written). Only the simulated internet is within the sample's reach.\n",
    run};
