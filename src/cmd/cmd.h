/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Subcommands: one file and one row each. Help and the reference page are made
 * from the rows.
 */
#ifndef BELLJAR_CMD_CMD_H
#define BELLJAR_CMD_CMD_H

#include "base/err.h"

#include <stdio.h>

/* Exit codes: a stable contract (docs/user/cli.md). */
enum {
    EXIT_FINE = 0,
    EXIT_FAILED = 1,    /* could not be done, or not written to standard output; the reason is on standard error */
    EXIT_USAGE = 2,     /* wrong words */
    EXIT_VERDICT = 3,   /* --fail-on: the verdict is at least that bad */
    EXIT_UNKNOWN = 4,   /* --fail-on was given and the verdict is unknown: nothing ran, or too little was seen */
    EXIT_STOPPED = 130, /* Ctrl-C */
};

struct cmd {
    const char *name;
    const char *arguments;             /* for the usage line */
    const char *doc;                   /* one line */
    const char *help;                  /* options and examples; NULL when the line says all */
    int (*run)(int argc, char **argv); /* argv[0] is the subcommand */
};

extern const struct cmd cmd_analyze, cmd_events, cmd_report, cmd_cases, cmd_image, cmd_rules, cmd_doctor, cmd_docs,
    cmd_serve, cmd_account, cmd_settings, cmd_version, cmd_yara, cmd_sigma, cmd_evtx;

const struct cmd *const *cmd_table(void); /* NULL-terminated */
void cmd_usage(const struct cmd *c, FILE *to);
/* "belljar analyze: text" and a hint at --help; returns EXIT_USAGE. */
int cmd_wrong(const struct cmd *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Prints "belljar: text" and returns EXIT_FAILED. */
int cmd_failed(const struct err *e);

/*
 * The settings file: $BELLJAR_CONFIG, else /etc/belljar.conf for root, else
 * ~/.config/belljar.conf. malloc'ed; NULL when there is none.
 */
char *cmd_settings_file(void);

/* How the user calls us: "./run" or "belljar". For hints. */
const char *cmd_self(void);

#define BELLJAR_VERSION "0.1.0"

#endif
