/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/cmd.h"

#include "case/work.h"
#include "cmd/progress.h"
#include "os/file.h"

#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

static int run(int argc, char **argv)
{
    static const struct option options[] = {
        {"again", no_argument, NULL, 'a'}, {"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
    struct case_folder c;
    struct observe_result result = {0};
    struct err e = {0};
    bool again = false, json = false;
    char *path;
    struct buf b = {0};
    int o, r = 0;

    while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (o == '?')
            return cmd_wrong(&cmd_report, "wrong option");
        again |= o == 'a';
        json |= o == 'j';
    }
    if (optind + 1 != argc)
        return cmd_wrong(&cmd_report, optind == argc ? "which analysis?" : "one analysis at a time");
    if (case_open(argv[optind], &c, &e) < 0)
        return cmd_failed(&e);
    path = case_path(&c, "report.json");
    if (again || !path || !file_exists(path)) {
        if ((r = case_lock(&c, &e)) == 0)
            r = work_report(&c, &result, &e);
        if (r == 0)
            r = case_state_set(&c, "done", NULL, &e);
        if (r == 0)
            progress_print_verdict(json ? stderr : stdout, &c, &result);
    } else if (!json) {
        printf("%s/report.html\n", c.dir);
    }
    if (r == 0 && json && (r = file_read_regular(path, 1u << 30, &b, &e)) == 0)
        if ((r = file_write_all(STDOUT_FILENO, b.data, b.len)) < 0)
            err_set(&e, r, "cannot write to standard output");
    buf_free(&b);
    free(path);
    case_clear(&c);
    return r < 0 ? cmd_failed(&e) : EXIT_FINE;
}

const struct cmd cmd_report = {"report", "ID|FOLDER|last [--again] [--json]",
                               "Say where the report of an analysis is, or make it again",
                               "  --again   judge the recorded events anew, with the rules of today\n"
                               "  --json    print report.json to standard output\n",
                               run};
