/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/cmd.h"

#include "base/jsonw.h"
#include "case/case.h"
#include "cmd/text.h"
#include "event/evlog.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct events_options {
    const char *id;
    uint32_t pid;
    uint16_t kind;
    bool json, follow;
};

static void print_plain(const struct event *ev)
{
    const struct event_kind_info *k = event_kind_info(ev->kind);

    printf("%+10.3f %-6s #%-7" PRIu64 " %-5u %-20s", (double)ev->time_ns / 1e9, event_source_name(ev->source), ev->seq,
           ev->pid, k ? k->name : "unknown");
    for (unsigned i = 0; k && i < k->count && i < ev->count; i++) {
        const struct event_value *v = &ev->f[i];
        bool text = k->fields[i].type == EV_STR || k->fields[i].type == EV_TEXT;
        if (text ? !v->s.n : !v->u && strcmp(k->fields[i].name, "ExitCode"))
            continue;
        printf(" %s=", k->fields[i].name);
        if (text)
            text_print(stdout, v->s);
        else if (!strcmp(k->fields[i].name, "Mode"))
            printf("%04" PRIo64, v->u);
        else if (k->fields[i].type == EV_HEX)
            printf("0x%" PRIx64, v->u);
        else if (k->fields[i].type == EV_I64)
            printf("%" PRId64, (int64_t)v->u);
        else if (k->fields[i].type == EV_NS)
            printf("%.3fs", (double)v->u / 1e9);
        else
            printf("%" PRIu64, v->u);
    }
    putchar('\n');
}

static int print_json(const struct event *ev)
{
    struct buf b;
    struct jsonw w;
    int r;

    buf_init(&b, 16u << 20);
    jsonw_to_buf(&w, &b, false);
    event_json(&w, ev);
    r = jsonw_finish(&w);
    if (r == 0) {
        fwrite(b.data, 1, b.len, stdout);
        putchar('\n');
    }
    buf_free(&b);
    return r;
}

static bool still_running(const struct case_folder *c)
{
    char *path = case_path(c, "runs/1/run.json");
    bool done = path && file_exists(path);
    free(path);
    return !done && case_is_worked_on(c);
}

static void print_status(const struct evlog_status *s)
{
    if (s->torn_tail)
        fprintf(stderr,
                "belljar: the log ends in the middle of a block (the recorder was cut off); all before it is shown\n");
    else if (!s->complete)
        fprintf(stderr, "belljar: the log was not closed (the recorder was cut off)\n");
    if (s->bad_blocks)
        fprintf(stderr, "belljar: %" PRIu64 " damaged blocks were skipped, the first at byte %" PRIu64 "\n",
                s->bad_blocks, s->first_bad_offset);
    for (unsigned i = 0; i < EVENT_SOURCE_MAX; i++)
        if (s->source[i].lost || s->source[i].gaps)
            fprintf(stderr, "belljar: source %s lost %" PRIu64 " events (%" PRIu64 " missing numbers)\n",
                    event_source_name((uint8_t)i), s->source[i].lost, s->source[i].gaps);
}

static int print_all(const struct case_folder *c, const struct events_options *o, struct err *e)
{
    char *path = case_path(c, "runs/1/events.bjl");
    struct evlog_reader *log = NULL;
    struct event ev;
    int r = path ? evlog_open(path, &log, e) : err_set(e, -ENOMEM, "out of memory");

    free(path);
    if (r < 0)
        return r;
    if (o->pid || o->kind)
        evlog_filter(log, o->pid, o->kind);
    for (;;) {
        bool running = o->follow && still_running(c);
        while ((r = evlog_next(log, &ev, e)) == 1) {
            if (o->json)
                print_json(&ev);
            else
                print_plain(&ev);
            if (ferror(stdout)) { /* head had enough: what the rest of the log is like, nobody asked */
                evlog_reader_free(&log);
                return 0;
            }
        }
        fflush(stdout);
        if (r < 0 || !running)
            break;
        poll(NULL, 0, 200);
    }
    if (r >= 0 && !ferror(stdout)) /* else it was not read to its end */
        print_status(evlog_reader_status(log));
    evlog_reader_free(&log);
    return r;
}

static int parse(int argc, char **argv, struct events_options *o)
{
    static const struct option options[] = {{"pid", required_argument, NULL, 'p'},
                                            {"kind", required_argument, NULL, 'k'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"follow", no_argument, NULL, 'f'},
                                            {NULL, 0, NULL, 0}};
    const struct event_kind_info *k;
    uint64_t n;
    int c;

    while ((c = getopt_long(argc, argv, "p:k:jf", options, NULL)) != -1) {
        switch (c) {
        case 'p':
            if (str_u64(str_from(optarg), 10, &n) < 0 || !n || n > UINT32_MAX)
                return cmd_wrong(&cmd_events, "--pid takes a process id, not \"%s\"", optarg);
            o->pid = (uint32_t)n;
            break;
        case 'k':
            if (!(k = event_kind_by_name(str_from(optarg))))
                return cmd_wrong(&cmd_events, "there is no kind \"%s\" (docs/reference/events.md lists them)", optarg);
            o->kind = k->kind;
            break;
        case 'j':
            o->json = true;
            break;
        case 'f':
            o->follow = true;
            break;
        default:
            return cmd_wrong(&cmd_events, "wrong option");
        }
    }
    if (optind + 1 != argc)
        return cmd_wrong(&cmd_events, optind == argc ? "which analysis?" : "one analysis at a time");
    o->id = argv[optind];
    return 0;
}

static int run(int argc, char **argv)
{
    struct events_options o = {0};
    struct case_folder c;
    struct err e;
    int r = parse(argc, argv, &o);

    if (r)
        return r;
    if (case_open(o.id, &c, &e) < 0)
        return cmd_failed(&e);
    r = print_all(&c, &o, &e);
    case_clear(&c);
    return r < 0 ? cmd_failed(&e) : EXIT_FINE;
}

const struct cmd cmd_events = {"events", "ID|FOLDER|last [--pid N] [--kind NAME] [--json] [--follow]",
                               "Print the events of an analysis, also while it runs",
                               "  --pid N       only of this process\n"
                               "  --kind NAME   only of this kind, e.g. process.exec, file.create, net.connect\n"
                               "  --json        one JSON object a line\n"
                               "  --follow      go on until the run ends\n",
                               run};
