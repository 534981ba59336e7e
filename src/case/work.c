/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "case/work.h"

#include "base/jsonw.h"
#include "case/artefacts.h"
#include "case/baseline-run.h"
#include "case/runner-client.h"
#include "os/file.h"
#include "triage/triage.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What we write ourselves about a failure. Its sentence may hold bytes of a sample that are no UTF-8. */
#define TEXT_MAX (64u << 10)

static void say(const struct work_handlers *h, const char *sentence)
{
    if (h->stage)
        h->stage(h->context, sentence);
}

static json_t *load(const struct case_folder *c, const char *name, struct err *e)
{
    return case_json(c->dir, name, e);
}

static int triage_case(const struct case_folder *c, const json_t *submission, struct err *e)
{
    const char *sha256 = json_string_value(json_object_get(submission, "sha256"));
    const char *name = json_string_value(json_object_get(submission, "name"));
    char *path = NULL;
    struct buf b = {0};
    int fd, r;

    if (!sha256)
        return 0; /* a URL or a command has no file */
    if (!(path = path_format("%s/sample/%s", c->dir, sha256)))
        return err_set(e, -ENOMEM, "out of memory");
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    free(path);
    if (fd < 0)
        return err_errno(e, "cannot open the stored sample");
    r = triage_file(fd, name ? name : "sample", &b, e);
    close(fd);
    if (r == 0 && !(path = case_path(c, "static.json")))
        r = err_set(e, -ENOMEM, "out of memory");
    if (r == 0) {
        r = file_write_atomic(path, b.data, b.len, 0600, e);
        free(path);
    }
    buf_free(&b);
    return r;
}

/* The jailed reader died on this sample: that is a fact for the report, and the run may go on with what is known. */
static int write_triage_failure(const struct case_folder *c, const char *why, struct err *e)
{
    char *path = case_path(c, "static.json");
    struct buf b;
    struct jsonw w;
    int r;

    buf_init(&b, TEXT_MAX);
    jsonw_to_buf(&w, &b, true);
    jsonw_object(&w);
    jsonw_kz(&w, "type", "data");
    jsonw_kz(&w, "description", "could not be read");
    jsonw_kz(&w, "not_runnable", why);
    jsonw_key(&w, "anomalies");
    jsonw_array(&w);
    jsonw_object(&w);
    jsonw_kz(&w, "what", "reader-failed");
    jsonw_ku64(&w, "offset", 0);
    jsonw_kz(&w, "text", why);
    jsonw_object_end(&w);
    jsonw_array_end(&w);
    jsonw_object_end(&w);
    r = jsonw_finish(&w);
    r = r == 0 && path ? file_write_atomic(path, b.data, b.len, 0600, e) : err_set(e, -ENOMEM, "out of memory");
    buf_free(&b);
    free(path);
    return r;
}

static void write_not_started(const struct case_folder *c, const char *why)
{
    char *dir = case_path(c, "runs/1"), *path = case_path(c, "runs/1/run.json");
    struct buf b;
    struct jsonw w;

    buf_init(&b, TEXT_MAX);
    jsonw_to_buf(&w, &b, true);
    jsonw_object(&w);
    jsonw_kbool(&w, "started", false);
    jsonw_kz(&w, "ended", "not-started");
    jsonw_kz(&w, "ended_text", why);
    jsonw_object_end(&w);
    if (jsonw_finish(&w) == 0 && dir && path && !file_exists(path) && file_mkdirs(dir, 0700, NULL) == 0)
        file_write_atomic(path, b.data, b.len, 0600, NULL);
    buf_free(&b);
    free(path);
    free(dir);
}

int work_system(const char *name, const struct work_handlers *h, struct image *ret_image, struct snapshot *ret_snapshot,
                struct err *e)
{
    struct image image = {0};
    const struct image_work w = {h->build, h->context, h->stop};
    struct snapshot snapshot = {0};
    int r = image_find(name, &image, e);

    if (r < 0)
        return r;
    if (!image.built) {
        image_clear(&image);
        say(h, "Making the guest image (once; a few minutes)");
        r = image_build(name, &w, &image, e);
    }
    if (r == 0)
        r = snapshot_ensure(&image, &w, &snapshot, e);
    if (r == 0)
        r = baseline_run_ensure(&image, &snapshot, h, e);
    if (r < 0) {
        image_clear(&image);
        snapshot_clear(&snapshot);
        return r;
    }
    *ret_image = image;
    *ret_snapshot = snapshot;
    return 0;
}

/* An observer that reads along while the runner writes. Without one the report is made from the whole log afterwards.
 */
struct along {
    const struct case_folder *c;
    const struct work_handlers *h;
    const char *system, *sample_path;
    struct observer *observer;
    bool tried;
};

static void along_begin(struct along *a)
{
    struct observe_inputs in = {.live = true, .sample_path = a->sample_path};
    char *baseline = NULL, *passwd = NULL;

    a->tried = true;
    baseline_run_paths(a->system, &baseline, &passwd);
    in.baseline_path = baseline;
    in.passwd_path = passwd;
    observe_begin(a->c, &in, &a->observer, NULL);
    free(baseline);
    free(passwd);
}

static void along_progress(void *context, const struct runner_progress *p)
{
    struct along *a = context;

    /* The runner says "start" when the log is there and the guest answers. */
    if (!a->tried && !strcmp(p->phase, "start"))
        along_begin(a);
    if (a->h->progress)
        a->h->progress(a->h->context, p);
}

static int run_along(const struct case_folder *c, const char *dir, const char *image, struct along *a, struct err *e)
{
    struct work_handlers own = {.context = a, .progress = along_progress, .stop = a->h->stop};

    return runner_client_run(c->dir, dir, image, &own, e);
}

static int run_case(const struct case_folder *c, struct along *a, struct err *e)
{
    struct image image = {0};
    struct snapshot snapshot = {0};
    char *dir = case_path(c, "runs/1");
    int r = dir ? work_system(a->system, a->h, &image, &snapshot, e) : err_set(e, -ENOMEM, "out of memory");

    if (r == 0 && (r = file_mkdirs(dir, 0700, e)) == 0 && (r = case_state_set(c, "running", NULL, e)) == 0) {
        say(a->h, "Running it");
        r = run_along(c, dir, image.name, a, e);
    }
    image_clear(&image);
    snapshot_clear(&snapshot);
    free(dir);
    return r;
}

static const char *system_of(const json_t *submission)
{
    const char *system = json_string_value(json_object_get(submission, "system"));
    return system ? system : "debian13";
}

/* *ret_observer: has read along, or NULL. */
static int plan_and_run(const struct case_folder *c, const json_t *submission, const struct work_handlers *h,
                        struct observer **ret_observer, struct err *e)
{
    json_t *facts =
        json_string_value(json_object_get(submission, "sha256")) ? load(c, "static.json", e) : json_object();
    struct plan plan;
    int r;

    if (!facts)
        return ERR_FORMAT;
    if ((r = plan_make(submission, facts, &plan, e)) == 0) {
        struct along a = {.c = c, .h = h, .system = system_of(submission)};
        a.sample_path = plan.guest_path ? plan.guest_path : "";
        if (plan.refused)
            write_not_started(c, plan.refused);
        else
            r = run_case(c, &a, e);
        *ret_observer = a.observer;
        plan_clear(&plan);
    }
    json_decref(facts);
    return r;
}

static int observe_whole(const struct case_folder *c, struct observe_result *ret, struct err *e)
{
    json_t *submission = load(c, "submission.json", e);
    char *passwd = NULL, *baseline = NULL;
    int r;

    if (!submission)
        return ERR_FORMAT;
    baseline_run_paths(system_of(submission), &baseline, &passwd);
    r = observe_case(c, passwd, baseline, ret, e);
    free(passwd);
    free(baseline);
    json_decref(submission);
    return r;
}

int work_report(const struct case_folder *c, struct observe_result *ret, struct err *e)
{
    artefacts_scan(c, NULL); /* a failure is written down for the report */
    return observe_whole(c, ret, e);
}

int work_case(const struct case_folder *c, const struct work_handlers *h, struct observe_result *ret, struct err *e)
{
    json_t *submission = load(c, "submission.json", e);
    struct observer *observer = NULL;
    struct artefacts *artefacts = NULL;
    struct err run_error = {0};
    int r, ran;

    if (!submission)
        return ERR_FORMAT;
    if ((r = case_state_set(c, "triage", NULL, e)) < 0)
        goto out;
    say(h, "Reading it");
    if ((r = triage_case(c, submission, e)) == ERR_PEER)
        r = write_triage_failure(c, e->text, e);
    if (r < 0)
        goto out;
    artefacts_begin(c, &artefacts, NULL);
    ran = plan_and_run(c, submission, h, &observer, &run_error);
    if (ran < 0) {
        case_tidy(c);
        write_not_started(c, run_error.text);
    }
    if ((r = case_state_set(c, "observing", NULL, e)) < 0)
        goto out;
    say(h, "Writing the report");
    if (artefacts)
        artefacts_finish(c, &artefacts, NULL); /* a failure is written down for the report */
    /* One that read along and failed is no verdict on the log: it is read once more, from the start. */
    if (!observer || observe_finish(c, &observer, ret, NULL) < 0)
        r = observe_whole(c, ret, e);
    if (ran < 0) { /* the report says so too, but a machine that cannot run samples is a failure of ours */
        if (e)
            *e = run_error;
        r = ran;
    }
out:
    artefacts_drop(&artefacts);
    observe_drop(&observer);
    case_state_set(c, r < 0 ? "failed" : "done", r < 0 && e ? e->text : NULL, NULL);
    json_decref(submission);
    return r;
}
