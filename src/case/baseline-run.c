/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "case/baseline-run.h"

#include "case/runner-client.h"
#include "event/baseline.h"
#include "event/evlog.h"
#include "event/proctab.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Long enough for one round of cron and the slowest of systemd's timers that fire after a start. */
#define IDLE_SECONDS 75
#define RECORD_TRIES 3

static int read_log(const char *path, struct baseline *b, struct err *e)
{
    struct evlog_reader *log = NULL;
    struct proctab *procs = NULL;
    struct event ev;
    int r = evlog_open(path, &log, e);

    if (r == 0 && (r = proctab_new(100000, &procs)) < 0)
        err_set(e, r, "out of memory");
    while (r >= 0 && (r = evlog_next(log, &ev, e)) == 1) {
        const struct proc *p = proctab_event(procs, &ev);
        if (p && p->lineage == PROC_SYSTEM && ev.source == EVENT_SOURCE_TRACER)
            baseline_add_event(b, &ev, p);
    }
    proctab_free(&procs);
    evlog_reader_free(&log);
    return r;
}

/*
 * NULL, or a sentence: why this is not an idle machine seen to its end. A record with holes would be believed for
 * ever, and what is missing in it would count against samples.
 */
const char *baseline_run_unsound(const json_t *run)
{
    const json_t *channel = json_object_get(run, "channel"), *log = json_object_get(run, "log");
    const char *ended = json_string_value(json_object_get(run, "ended"));
    const char *tracer = json_string_value(json_object_get(channel, "tracer"));

    if (!json_is_true(json_object_get(run, "started")))
        return "nothing was started in it";
    if (!ended || (strcmp(ended, "time") && strcmp(ended, "all-exited")))
        return "it did not run to its end";
    if (!tracer || strcmp(tracer, "ok"))
        return "the tracer had holes";
    if (!json_is_true(json_object_get(channel, "collected")))
        return "its last events were not collected";
    if (json_integer_value(json_object_get(channel, "tracer_lost")) ||
        json_integer_value(json_object_get(channel, "missed_frames")) ||
        json_integer_value(json_object_get(channel, "bad_batches")))
        return "events were lost";
    if (json_is_string(json_object_get(log, "error")))
        return "its log could not be written";
    return NULL;
}

/* One machine, and whether it may be believed: 0, ERR_TRUNCATED when not, other negative when there was none. */
static int record_once(const char *work, const char *system, const struct work_handlers *h, struct err *e)
{
    const char *why = NULL;
    json_t *run = NULL;
    int r;

    file_remove_tree(work, NULL);
    if ((r = file_mkdirs(work, 0700, e)) < 0 || (r = runner_client_idle(work, system, IDLE_SECONDS, h, e)) < 0)
        return r;
    if (h->stop && *h->stop) /* half a record would be believed for ever */
        return err_set(e, -ECANCELED, "stopped");
    if (!(run = case_json(work, "run.json", e)))
        return ERR_TRUNCATED;
    if ((why = baseline_run_unsound(run))) {
        const char *text = json_string_value(json_object_get(run, "ended_text"));
        r = err_set(e, ERR_TRUNCATED, "%s (%s)", why, text ? text : "no reason given");
    }
    json_decref(run);
    return r;
}

static int save(const struct baseline *b, const char *path, struct err *e)
{
    char *temporary = path_format("%s.new", path);
    int fd = temporary ? open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1, r;

    if (fd < 0) {
        free(temporary);
        return err_errno(e, "cannot write %s", path);
    }
    r = baseline_save(b, fd, e);
    if (r == 0 && (fsync(fd) < 0 || rename(temporary, path) < 0))
        r = err_errno(e, "cannot write %s", path);
    close(fd);
    free(temporary);
    return r;
}

/* Two builders may race here: each works in its own folder, and the last complete file wins. */
static int record(const char *system, const char *dir, const char *target, const struct work_handlers *h, struct err *e)
{
    char *work = path_format("%s/idle-%d", dir, (int)getpid()), *log = work ? path_join(work, "events.bjl") : NULL;
    char *passwd = work ? path_join(work, "passwd") : NULL, *keep = path_join(dir, "passwd");
    struct baseline *b = NULL;
    int r;

    if (!work || !log || !passwd || !keep) {
        r = err_set(e, -ENOMEM, "out of memory");
        goto out;
    }
    for (unsigned i = 1; (r = record_once(work, system, h, e)) == ERR_TRUNCATED && i < RECORD_TRIES; i++)
        if (h->stage)
            h->stage(h->context, "The idle machine was not seen to its end: recording it again");
    if (r < 0)
        goto out;
    if ((r = baseline_new(&b)) < 0 || (r = read_log(log, b, e)) < 0)
        goto out;
    if (file_exists(passwd))
        rename(passwd, keep);
    r = save(b, target, e);
out:
    if (work)
        file_remove_tree(work, NULL);
    baseline_free(&b);
    free(work);
    free(log);
    free(passwd);
    free(keep);
    return r;
}

int baseline_run_ensure(const struct image *image, const struct snapshot *snapshot, const struct work_handlers *h,
                        struct err *e)
{
    char *target = path_join(snapshot->dir, "baseline.txt");
    int r = 0;

    if (!target)
        return err_set(e, -ENOMEM, "out of memory");
    if (!file_exists(target)) {
        if (h->stage)
            h->stage(h->context, "Recording the idle machine, so that its own noise never counts (once; 75 s)");
        r = record(image->name, snapshot->dir, target, h, e);
        if (r < 0)
            err_prefix(e, "recording the idle machine: ");
    }
    free(target);
    return r;
}

void baseline_run_paths(const char *system, char **ret_baseline, char **ret_passwd)
{
    struct image image = {0};
    char *dir = NULL;

    *ret_baseline = *ret_passwd = NULL;
    if (image_find(system, &image, NULL) == 0 && snapshot_current(&image, &dir) == 0) {
        *ret_baseline = path_join(dir, "baseline.txt");
        *ret_passwd = path_join(dir, "passwd");
    }
    free(dir);
    image_clear(&image);
}
