/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/progress.h"

#include "cmd/cmd.h"
#include "cmd/text.h"
#include "os/loop.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PLAIN_EVERY_MS 5000

static unsigned columns(void)
{
    struct winsize w;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 20 ? w.ws_col : 80;
}

static void close_line(struct progress_view *v)
{
    if (v->line_open)
        fputs("\r\033[K", stderr);
    v->line_open = false;
}

static void stage(void *context, const char *sentence)
{
    struct progress_view *v = context;
    close_line(v);
    fprintf(stderr, "%s ...\n", sentence);
}

/* A living line is cut at the width of the screen: by bytes, which is on the safe side. */
static void living_line(struct progress_view *v, const char *text)
{
    fprintf(stderr, "\r\033[K  ");
    text_print(stderr, str_sub(str_from(text), 0, columns() - 4));
    fflush(stderr);
    v->line_open = true;
}

static void build(void *context, const char *step, uint64_t done, uint64_t total)
{
    struct progress_view *v = context;
    char text[256];

    if (total)
        snprintf(text, sizeof(text), "%s (%" PRIu64 " of %" PRIu64 ")", step, done, total);
    else
        snprintf(text, sizeof(text), "%s", step);
    if (v->terminal)
        living_line(v, text);
    else
        fprintf(stderr, "  %s\n", text);
}

static void progress(void *context, const struct runner_progress *p)
{
    struct progress_view *v = context;
    char text[512];
    uint64_t now = loop_now_ms();
    bool new_phase = strcmp(v->last_phase, p->phase) != 0;

    if (strcmp(p->phase, "run") == 0)
        snprintf(text, sizeof(text), "%u of %u s  %" PRIu64 " events (%" PRIu64 "/s)  %u alive%s  %s",
                 p->elapsed_ms / 1000, p->total_ms / 1000, p->events, p->events_per_second, p->alive,
                 p->lost ? "  EVENTS LOST" : "", p->doing);
    else
        snprintf(text, sizeof(text), "%s", p->phase);
    snprintf(v->last_phase, sizeof(v->last_phase), "%s", p->phase);
    if (v->terminal) {
        living_line(v, text);
    } else if (new_phase || now - v->last_plain_ms >= PLAIN_EVERY_MS) {
        v->last_plain_ms = now;
        fputs("  ", stderr);
        text_print(stderr, str_from(text));
        fputc('\n', stderr);
    }
}

void progress_view_init(struct progress_view *v, struct work_handlers *h)
{
    *v = (struct progress_view){.terminal = isatty(STDERR_FILENO) && getenv("TERM") && strcmp(getenv("TERM"), "dumb")};
    h->context = v;
    h->stage = stage;
    h->build = build;
    h->progress = progress;
}

void progress_view_end(struct progress_view *v)
{
    close_line(v);
}

void progress_print_verdict(FILE *to, const struct case_folder *c, const struct observe_result *r)
{
    char *path = case_path(c, "report.html"), full[PATH_MAX];

    fprintf(to, "\n%s  score %u of 100, confidence %u of 5\n", verdict_name(r->word), r->score, r->confidence);
    text_print(to, str_from(r->reason));
    fprintf(to, "\n%" PRIu64 " events recorded, %" PRIu64 " of them the sample's; %u findings; report made in %.1f s\n",
            r->events, r->events_sample, r->findings, (double)r->took_ms / 1000);
    if (path)
        fprintf(to, "Report: %s\n", realpath(path, full) ? full : path);
    /* One that was put elsewhere (--out) is found by its folder only. */
    fprintf(to, "Events: %s events %s\n", cmd_self(),
            str_eq(str_basename(str_from(c->dir)), str_from(c->id)) ? c->id : c->dir);
    free(path);
}
