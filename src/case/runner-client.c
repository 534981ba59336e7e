/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "case/runner-client.h"

#include "case/runner-ipc.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define PROGRESS_WAIT_MS 500
/* A runner that says nothing for this long hangs: building nothing, it reports at least every second. */
#define RUNNER_SILENCE_MS 120000

static void take_progress(const struct work_handlers *h, const struct ipc_message *m)
{
    struct runner_progress p;

    if (m->length != sizeof(p) || !h->progress)
        return;
    memcpy(&p, m->payload, sizeof(p)); /* same binary on both sides; texts are cut by force */
    p.phase[sizeof(p.phase) - 1] = '\0';
    p.doing[sizeof(p.doing) - 1] = '\0';
    h->progress(h->context, &p);
}

static int describe_death(struct role_process *p, struct err *e)
{
    char how[128] = "ended without a word";
    int status;

    if (role_wait(p, 2000, &status) == 0)
        role_describe_status(status, how, sizeof(how));
    return err_set(e, ERR_PEER, "the process that ran the machine %s", how);
}

static int follow(struct role_process *p, const struct work_handlers *h, struct err *e)
{
    struct ipc_message m;
    unsigned silent = 0;
    bool told = false;
    int r;

    for (;;) {
        r = ipc_receive(p->ipc, PROGRESS_WAIT_MS, &m, e);
        if (h->stop && *h->stop && !told)
            told = ipc_send(p->ipc, RUNNER_STOP, NULL, 0, NULL, 0, NULL) == 0;
        if (r == ERR_TIMEOUT) {
            silent += PROGRESS_WAIT_MS;
            if (silent >= RUNNER_SILENCE_MS)
                return err_set(e, ERR_TIMEOUT, "the process that runs the machine hangs");
            continue;
        }
        silent = 0;
        if (r <= 0)
            return describe_death(p, e);
        if (m.type == RUNNER_PROGRESS)
            take_progress(h, &m);
        else if (m.type == RUNNER_DONE)
            return 0;
        else if (m.type == RUNNER_FAILED)
            return err_set(e, ERR_PEER, "%.*s", (int)m.length, (const char *)m.payload);
        else
            return err_set(e, ERR_PEER, "the process that runs the machine said something unexpected");
    }
}

static int run(json_t *config, const struct work_handlers *h, struct err *e)
{
    struct role_process p = {0};
    char *text = config ? json_dumps(config, 0) : NULL;
    int r = text ? role_start(&runner_role, &p, e) : err_set(e, -ENOMEM, "out of memory");

    if (r == 0)
        r = ipc_send(p.ipc, RUNNER_BEGIN, text, strlen(text), NULL, 0, e);
    if (r == 0)
        r = follow(&p, h, e);
    role_stop(&p);
    free(text);
    json_decref(config);
    return r;
}

int runner_client_run(const char *case_dir, const char *run_dir, const char *system, const struct work_handlers *h,
                      struct err *e)
{
    return run(json_pack("{s:s,s:s,s:s}", "case", case_dir, "run", run_dir, "system", system), h, e);
}

int runner_client_idle(const char *run_dir, const char *system, unsigned seconds, const struct work_handlers *h,
                       struct err *e)
{
    return run(json_pack("{s:s,s:s,s:i}", "run", run_dir, "system", system, "idle", (int)seconds), h, e);
}
