/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The supervisor's half: starts the process, tells it that the run is over, and writes down its failure. */
#include "case/artefacts.h"

#include "base/jsonw.h"
#include "case/artefacts-private.h"
#include "os/file.h"

#include <errno.h>
#include <stdlib.h>

/* What is scanned when the run ends, what is left, and the last one that began within its time. */
#define FINISH_MS ((ARTEFACTS_FINISH_S + 75) * 1000)
#define TEXT_MAX (64u << 10)

struct artefacts {
    struct role_process role;
    struct err failed; /* code 0: fine so far */
};

void artefacts_drop(struct artefacts **ap)
{
    struct artefacts *a = *ap;

    if (!a)
        return;
    role_stop(&a->role);
    free(a);
    *ap = NULL;
}

static void failure_write(const struct case_folder *c, const char *why)
{
    char *path = case_path(c, ARTEFACTS_FILE);
    struct buf b;
    struct jsonw w;

    buf_init(&b, TEXT_MAX);
    jsonw_to_buf(&w, &b, true);
    jsonw_object(&w);
    artefacts_json_head(&w, NULL, why);
    jsonw_karray(&w, "problems");
    jsonw_array_end(&w);
    jsonw_ku64(&w, "problems_more", 0);
    jsonw_karray(&w, "artefacts");
    jsonw_array_end(&w);
    jsonw_ku64(&w, "artefacts_more", 0);
    jsonw_object_end(&w);
    if (jsonw_finish(&w) == 0 && path)
        file_write_atomic(path, b.data, b.len, 0600, NULL);
    buf_free(&b);
    free(path);
}

int artefacts_begin(const struct case_folder *c, struct artefacts **ret, struct err *e)
{
    struct artefacts *a = calloc(1, sizeof(*a));
    int r;

    if (!a)
        return err_set(e, -ENOMEM, "out of memory");
    if ((r = role_start(&artefacts_role, &a->role, &a->failed)) == 0)
        r = ipc_send(a->role.ipc, ARTEFACTS_BEGIN, c->dir, strlen(c->dir), NULL, 0, &a->failed);
    if (r < 0)
        role_stop(&a->role);
    *ret = a;
    return 0;
}

static int ask(struct artefacts *a, struct err *e)
{
    struct ipc_message m;
    char how[128] = "without a word";
    int status, r = ipc_send(a->role.ipc, ARTEFACTS_FINISH, NULL, 0, NULL, 0, NULL);

    if (r == 0)
        r = ipc_receive(a->role.ipc, FINISH_MS, &m, e);
    if (r == ERR_TIMEOUT)
        return err_set(e, r, "the process that scans with YARA took too long and was ended");
    if (r != 1) {
        if (role_wait(&a->role, 1000, &status) == 0)
            role_describe_status(status, how, sizeof(how));
        return err_set(e, ERR_PEER, "the process that scans with YARA ended: %s", how);
    }
    if (m.type == ARTEFACTS_DONE)
        return 0;
    return err_set(e, ERR_PEER, "nothing was scanned with YARA: %.*s", (int)(m.length < 400 ? m.length : 400),
                   m.length ? (const char *)m.payload : "");
}

int artefacts_finish(const struct case_folder *c, struct artefacts **ap, struct err *e)
{
    struct artefacts *a = *ap;
    struct err inner = a->failed;
    int r = a->failed.code ? a->failed.code : ask(a, &inner);

    artefacts_drop(ap);
    if (r < 0) {
        failure_write(c, inner.text);
        err_set(e, r, "%s", inner.text);
    }
    return r;
}

int artefacts_scan(const struct case_folder *c, struct err *e)
{
    struct artefacts *a = NULL;
    int r = artefacts_begin(c, &a, e);

    return r < 0 ? r : artefacts_finish(c, &a, e);
}
