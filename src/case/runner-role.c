/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The runner role: reads what to do, runs, reports. It starts QEMU under
 * another user id, so it keeps its own rights; its exposure to the guest is the
 * frame decoder (machine/session) alone.
 */
#include "case/runner-ipc.h"
#include "case/runner.h"

#include "os/file.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct role_state {
    struct ipc *parent;
    volatile int stop;
};

static void forward(void *context, const struct runner_progress *p)
{
    struct role_state *s = context;
    struct ipc_message m;
    int r;

    ipc_send(s->parent, RUNNER_PROGRESS, p, sizeof(*p), NULL, 0, NULL);
    while ((r = ipc_poll(s->parent, &m, NULL)) == 1)
        if (m.type == RUNNER_STOP)
            s->stop = 1;
    if (r < 0)
        s->stop = 1; /* the parent is gone */
}

static int run_with_plan(struct role_state *s, const char *run_dir, const char *system, const struct plan *plan,
                         const char *sample, bool idle, struct err *e)
{
    struct image image = {0};
    struct snapshot snapshot = {0};
    struct runner_options o = {.run_dir = run_dir,
                               .sample_path = sample,
                               .plan = plan,
                               .image = &image,
                               .snapshot = &snapshot,
                               .idle = idle,
                               .progress = forward,
                               .context = s,
                               .stop = &s->stop};
    int r = image_find(system, &image, e);

    if (r == 0)
        r = snapshot_ensure(&image, NULL, &snapshot, e);
    if (r == 0)
        r = runner_run(&o, e);
    image_clear(&image);
    snapshot_clear(&snapshot);
    return r;
}

static int run_case(struct role_state *s, const char *case_dir, const char *run_dir, const char *system, struct err *e)
{
    json_t *submission = case_json(case_dir, "submission.json", e), *facts = NULL;
    const char *sha256 = json_string_value(json_object_get(submission, "sha256"));
    struct plan plan = {0};
    char *sample = NULL;
    int r = ERR_FORMAT;

    if (!submission || !(facts = sha256 ? case_json(case_dir, "static.json", e) : json_object()))
        goto out;
    if (sha256 && !(sample = path_format("%s/sample/%s", case_dir, sha256))) {
        r = err_set(e, -ENOMEM, "out of memory");
        goto out;
    }
    if ((r = plan_make(submission, facts, &plan, e)) < 0)
        goto out;
    r = plan.refused ? err_set(e, ERR_UNSUPPORTED, "%s", plan.refused)
                     : run_with_plan(s, run_dir, system, &plan, sample, false, e);
    plan_clear(&plan);
out:
    free(sample);
    json_decref(submission);
    json_decref(facts);
    return r;
}

/* An idle machine: the "sample" only sleeps. */
static int run_idle(struct role_state *s, const char *run_dir, const char *system, unsigned seconds, struct err *e)
{
    char number[16];
    struct plan plan = {.user = "root", .cwd = "/root", .path = "/usr/bin/sleep", .seconds = seconds};

    snprintf(number, sizeof(number), "%u", seconds);
    plan.argv[0] = "sleep";
    plan.argv[1] = number;
    return run_with_plan(s, run_dir, system, &plan, NULL, true, e);
}

static int runner_role_run(struct ipc *parent)
{
    struct role_state s = {.parent = parent};
    struct ipc_message m;
    struct err e = {0};
    const char *run_dir, *system, *case_dir;
    json_t *config = NULL;
    int r;

    /* Ctrl-C goes to every process of the terminal's group; the supervisor alone decides that the run ends. */
    (void)!setsid();
    r = ipc_receive(parent, 10000, &m, &e);
    if (r != 1 || m.type != RUNNER_BEGIN || !(config = json_loadb((const char *)m.payload, m.length, 0, NULL)))
        return 2;
    run_dir = json_string_value(json_object_get(config, "run"));
    system = json_string_value(json_object_get(config, "system"));
    case_dir = json_string_value(json_object_get(config, "case"));
    if (!run_dir || !system)
        r = err_set(&e, ERR_USAGE, "the runner was asked wrongly");
    else if (case_dir)
        r = run_case(&s, case_dir, run_dir, system, &e);
    else
        r = run_idle(&s, run_dir, system, (unsigned)json_integer_value(json_object_get(config, "idle")), &e);
    if (r < 0)
        ipc_send(parent, RUNNER_FAILED, e.text, strlen(e.text), NULL, 0, NULL);
    else
        ipc_send(parent, RUNNER_DONE, NULL, 0, NULL, 0, NULL);
    json_decref(config);
    return r < 0;
}

const struct role runner_role = {
    .name = "runner",
    .doc = "restores a machine, puts the sample in, records what it does",
    .jail = NULL,
    .run = runner_role_run,
};
