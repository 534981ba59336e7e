/* SPDX-License-Identifier: GPL-3.0-or-later */
/* belljar evtx dump: Windows event logs as lines of JSON or XML. */
#include "cmd/cmd.h"

#include "cmd/evtx-role.h"
#include "cmd/logfile.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

struct dumping {
    struct evtx_dump want;
    bool failed, closed;
};

static int dump_file(void *context, const char *file)
{
    struct dumping *d = context;
    struct evtx_dump_result r = {0};
    struct err e = {0};
    char text[100];
    int fd, rc;

    if (d->closed)
        return 0;
    if (logfile_open(file, &fd, &e) < 0) {
        d->failed = true;
        cmd_failed(&e);
        return 0;
    }
    rc = evtx_role_dump(file, fd, &d->want, &r, &e);
    close(fd);
    d->closed = r.closed;
    if (rc < 0) {
        logfile_complain(file, e.text);
        d->failed = true;
    } else if (!r.closed && d->want.record != EVTX_DUMP_ALL && !r.found) {
        snprintf(text, sizeof(text), "there is no record %llu: the log has %llu", (unsigned long long)d->want.record,
                 (unsigned long long)r.records);
        logfile_complain(file, text);
        d->failed = true;
    } else if (r.damaged) {
        snprintf(text, sizeof(text), "%llu of %llu records are damaged: what could be read of them is shown",
                 (unsigned long long)r.damaged, (unsigned long long)r.records);
        logfile_complain(file, text);
    }
    return 0;
}

static int parse(int argc, char **argv, struct dumping *d)
{
    static const struct option options[] = {{"jsonl", no_argument, NULL, 'j'},
                                            {"xml", no_argument, NULL, 'x'},
                                            {"anomalies", no_argument, NULL, 'a'},
                                            {"record", required_argument, NULL, 'r'},
                                            {NULL, 0, NULL, 0}};
    bool json = false;
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (c) {
        case 'j':
            json = true;
            break;
        case 'x':
            d->want.xml = true;
            break;
        case 'a':
            d->want.anomalies = true;
            break;
        case 'r':
            if (str_u64(str_from(optarg), 10, &d->want.record) < 0 || d->want.record == EVTX_DUMP_ALL)
                return cmd_wrong(&cmd_evtx, "--record takes a number from 0 on, not \"%s\"", optarg);
            break;
        default:
            return cmd_wrong(&cmd_evtx, "wrong option");
        }
    }
    if (json && d->want.xml)
        return cmd_wrong(&cmd_evtx, "either --jsonl or --xml");
    if (optind == argc)
        return cmd_wrong(&cmd_evtx, "which event log?");
    return EXIT_FINE;
}

static int run(int argc, char **argv)
{
    struct dumping d = {.want.record = EVTX_DUMP_ALL};
    struct err e = {0};
    int code;

    if (argc < 2 || strcmp(argv[1], "dump"))
        return argc < 2 ? cmd_wrong(&cmd_evtx, "what is to be done with event logs?")
                        : cmd_wrong(&cmd_evtx, "there is nothing \"%s\" to be done with event logs", argv[1]);
    if ((code = parse(argc - 1, argv + 1, &d)) != EXIT_FINE)
        return code;
    for (int i = optind + 1; i < argc; i++) {
        if (!strcmp(argv[i], "-"))
            return cmd_wrong(&cmd_evtx, "an event log cannot be read from standard input: give a file");
        if (logfile_each(argv[i], true, dump_file, &d, &e) < 0) {
            d.failed = true;
            cmd_failed(&e);
        }
    }
    return d.failed ? EXIT_FAILED : EXIT_FINE;
}

const struct cmd cmd_evtx = {
    "evtx", "dump [--xml] [--record N] [--anomalies] FILE|FOLDER...", "Print the records of Windows event logs (.evtx)",
    "  --jsonl       one JSON object a line, in the shape of the common tools (this is what happens anyway)\n"
    "  --xml         one line of XML a record\n"
    "  --record N    only the record at place N, from 0\n"
    "  --anomalies   in place of the records, what is odd about the file: one JSON object a line\n"
    "\n"
    "Every record that is there is printed, those behind damage too; what is odd goes to standard error with its\n"
    "offset in the file. Logs are read in a jail.\n"
    "Exit codes: 0 printed, 1 a file could not be read or has no such record, 2 wrong words.\n",
    run};
