/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/cmd.h"
#include "cmd/roles.h"
#include "cmd/text.h"
#include "conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct cmd *const table[] = {
    &cmd_analyze, &cmd_events, &cmd_report,  &cmd_cases,  &cmd_image,    &cmd_rules, &cmd_yara,    &cmd_sigma,
    &cmd_evtx,    &cmd_serve,  &cmd_account, &cmd_doctor, &cmd_settings, &cmd_docs,  &cmd_version, NULL,
};

const struct cmd *const *cmd_table(void)
{
    return table;
}

const char *cmd_self(void)
{
    const char *name = getenv("BELLJAR_COMMAND");
    return name && *name ? name : "belljar";
}

void cmd_usage(const struct cmd *c, FILE *to)
{
    fprintf(to, "usage: %s %s %s\n\n%s\n", cmd_self(), c->name, c->arguments, c->doc);
    if (c->help)
        fprintf(to, "\n%s", c->help);
}

int cmd_wrong(const struct cmd *c, const char *format, ...)
{
    char text[1024]; /* a file's name may stand in it */
    va_list ap;

    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    fprintf(stderr, "belljar %s: ", c->name);
    text_print(stderr, str_from(text));
    fprintf(stderr, "\nTry: %s %s --help\n", cmd_self(), c->name);
    return EXIT_USAGE;
}

int cmd_failed(const struct err *e)
{
    fputs("belljar: ", stderr);
    text_print(stderr, str_from(e->text));
    fputc('\n', stderr);
    return EXIT_FAILED;
}

static void usage(FILE *to)
{
    fprintf(to, "usage: %s COMMAND ...\n\n", cmd_self());
    for (const struct cmd *const *c = table; *c; c++)
        fprintf(to, "  %-10s %s\n", (*c)->name, (*c)->doc);
    fprintf(to, "\n%s COMMAND --help tells more. Start with: %s analyze FILE\n", cmd_self(), cmd_self());
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
            return true;
    return false;
}

/* The settings file and the environment become one environment: every process we start sees the same. */
static int settle_settings(void)
{
    char *path = cmd_settings_file();
    struct conf *conf = NULL;
    struct err e = {0};
    int r = conf_load(path, &conf, &e);

    free(path);
    if (r == 0 && (r = conf_export(conf)) < 0)
        err_set(&e, r, "the settings cannot be kept");
    conf_free(&conf);
    if (r == 0)
        return EXIT_FINE;
    cmd_failed(&e);
    return EXIT_USAGE;
}

/*
 * 0, 1 and 2 are open: else the next file that is opened takes the number, and words for people end in it. What stands
 * for a closed standard output refuses every byte, so that it is told.
 */
static void hold_standard_streams(void)
{
    static const struct {
        const char *path;
        int flags;
    } stand_in[] = {{"/dev/null", O_RDONLY}, {"/dev/full", O_WRONLY}, {"/dev/null", O_WRONLY}};

    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open(stand_in[fd].path, stand_in[fd].flags) < 0)
            _exit(EXIT_FAILED);
}

/* For every command: what did not reach standard output was not done. */
static int close_output(int code)
{
    bool before = ferror(stdout) != 0;
    int now = fflush(stdout) == 0 ? 0 : errno;

    if ((!before && !now) || text_reader_gone(STDOUT_FILENO))
        return code;
    fprintf(stderr, "belljar: standard output could not be written%s%s\n", now ? ": " : "", now ? strerror(now) : "");
    return code == EXIT_USAGE || code == EXIT_STOPPED ? code : EXIT_FAILED;
}

static int run(int argc, char **argv)
{
    if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        usage(argc < 2 ? stderr : stdout);
        return argc < 2 ? EXIT_USAGE : EXIT_FINE;
    }
    if (!strcmp(argv[1], "--version"))
        argv[1] = "version";
    for (const struct cmd *const *c = table; *c; c++) {
        if (strcmp(argv[1], (*c)->name))
            continue;
        if (wants_help(argc - 1, argv + 1)) {
            cmd_usage(*c, stdout);
            return EXIT_FINE;
        }
        if (*c != &cmd_settings && settle_settings() != EXIT_FINE)
            return EXIT_USAGE;
        return (*c)->run(argc - 1, argv + 1);
    }
    fprintf(stderr, "belljar: there is no command \"%s\"\n\n", argv[1]);
    usage(stderr);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    signal(SIGXFSZ, SIG_IGN); /* a limit of file sizes is an error of the write, in our roles as well */
    int r = role_main(argc, argv, roles);

    if (r >= 0)
        return r;
    hold_standard_streams();
    signal(SIGPIPE, SIG_IGN);
    return close_output(run(argc, argv));
}
