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
    file_remove_tree(work, NULL);
    if ((r = file_mkdirs(work, 0700, e)) < 0 || (r = runner_client_idle(work, system, IDLE_SECONDS, h, e)) < 0)
        goto out;
    if (h->stop && *h->stop) { /* half a record would be believed for ever */
        r = err_set(e, -ECANCELED, "stopped");
        goto out;
    }
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
