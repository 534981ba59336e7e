/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/yara/client-private.h"

#include "os/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MAGIC_TABLE "/usr/lib/file/magic.mgc"
#define GRACE_MS 5000 /* libyara looks at its clock now and then; beyond that the scanner hangs */
#define LIST_MS 60000

int yara_client_new(const struct yara_client_options *o, struct yara_client **ret, struct err *e)
{
    struct yara_client *c = calloc(1, sizeof(*c));
    int x;

    if (!c)
        return err_set(e, -ENOMEM, "out of memory");
    c->o = *o;
    c->nworkers = o->workers == 0 ? 1 : o->workers > YARA_WORKERS_MAX ? YARA_WORKERS_MAX : o->workers;
    c->compiled_fd = -1;
    c->magic_fd = open(MAGIC_TABLE, O_RDONLY | O_CLOEXEC);
    buf_init(&c->defines, IPC_PAYLOAD_MAX);
    yara_defines_encode(o->defines, o->ndefines, &c->defines);
    x = c->defines.failed ? err_set(e, c->defines.failed, "too many or too long external variables")
                          : client_rules_ready(c, e);
    c->o.pack = NULL;
    if (x < 0)
        yara_client_free(&c);
    else
        *ret = c;
    return x;
}

void yara_client_free(struct yara_client **p)
{
    struct yara_client *c = *p;
    if (!c)
        return;
    for (unsigned i = 0; i < YARA_WORKERS_MAX; i++)
        role_stop(&c->workers[i].process);
    if (c->compiled_fd >= 0)
        close(c->compiled_fd);
    if (c->magic_fd >= 0)
        close(c->magic_fd);
    buf_free(&c->defines);
    free(c);
    *p = NULL;
}

uint32_t yara_client_rules(const struct yara_client *c)
{
    return c->rules;
}

bool yara_client_from_cache(const struct yara_client *c)
{
    return c->from_cache;
}

void client_worker_bury(struct worker *w, char *ret, size_t n)
{
    int status;
    snprintf(ret, n, "ended without a word");
    if (role_wait(&w->process, 1000, &status) == 0)
        role_describe_status(status, ret, n);
    role_stop(&w->process);
}

/* ---- results ---------------------------------------------------------------------------------------- */

static void give(struct yara_client *c, struct worker *w, const struct yara_result *r)
{
    w->busy = false;
    if (c->o.done)
        c->o.done(c->o.context, w->cookie, r);
}

static void give_failure(struct yara_client *c, struct worker *w, enum yara_status status, const char *text)
{
    const struct yara_result r = {.status = status, .text = str_from(text)};
    give(c, w, &r);
}

static void take(struct yara_client *c, struct worker *w, const struct ipc_message *m)
{
    struct yara_result r;
    struct reader in;
    struct err e = {0};
    char text[ERR_TEXT_MAX + 128];

    reader_init(&in, m->payload, m->length);
    if (m->type == YARA_REFUSED) {
        snprintf(text, sizeof(text), "%.*s", (int)(m->length < ERR_TEXT_MAX ? m->length : ERR_TEXT_MAX),
                 m->length ? (const char *)m->payload : "");
        give_failure(c, w, YARA_FAILED, text);
        return;
    }
    if (m->type == YARA_RESULT && yara_result_decode(&in, &r, &e) == 0) {
        give(c, w, &r);
        yara_result_free(&r);
        return;
    }
    role_stop(&w->process); /* it does not keep to the protocol: it is not ours any more */
    snprintf(text, sizeof(text), "the scanner answered nonsense on this file%s%s", *e.text ? ": " : "", e.text);
    give_failure(c, w, YARA_FAILED, text);
}

static void hear(struct yara_client *c, struct worker *w)
{
    struct ipc_message m;
    char how[160], text[256];
    int x = ipc_poll(w->process.ipc, &m, NULL);

    if (x == 0)
        return;
    if (x == 1) {
        take(c, w, &m);
        ipc_message_close(&m);
        return;
    }
    client_worker_bury(w, how, sizeof(how));
    snprintf(text, sizeof(text), "the scanner ended on this file: %s", how);
    give_failure(c, w, YARA_FAILED, text);
}

static void expire(struct yara_client *c, struct worker *w)
{
    char text[160];
    role_stop(&w->process);
    snprintf(text, sizeof(text), "the scanner did not answer for %u s and was ended", w->timeout_s + GRACE_MS / 1000);
    give_failure(c, w, YARA_TIMEOUT, text);
}

/* One turn over all busy scanners; waits until there is something. */
static int wait_some(struct yara_client *c, struct err *e)
{
    struct pollfd p[YARA_WORKERS_MAX];
    uint64_t now = loop_now_ms(), first = UINT64_MAX;

    for (unsigned i = 0; i < c->nworkers; i++) {
        struct worker *w = &c->workers[i];
        p[i] = (struct pollfd){.fd = w->busy ? ipc_fd(w->process.ipc) : -1, .events = POLLIN};
        if (w->busy && w->deadline_ms < first)
            first = w->deadline_ms;
    }
    int ms = first <= now ? 0 : first - now > 60000 ? 60000 : (int)(first - now);
    if (poll(p, c->nworkers, ms) < 0 && errno != EINTR)
        return err_errno(e, "cannot wait for the scanners");
    now = loop_now_ms();
    for (unsigned i = 0; i < c->nworkers; i++) {
        struct worker *w = &c->workers[i];
        if (w->busy && p[i].revents)
            hear(c, w);
        if (w->busy && w->deadline_ms <= now)
            expire(c, w);
    }
    return 0;
}

static unsigned running(const struct yara_client *c)
{
    unsigned n = 0;
    for (unsigned i = 0; i < c->nworkers; i++)
        n += c->workers[i].busy;
    return n;
}

static int free_worker(struct yara_client *c, struct worker **ret, struct err *e)
{
    int x;
    while (running(c) == c->nworkers)
        if ((x = wait_some(c, e)) < 0)
            return x;
    struct worker *idle = NULL;
    for (unsigned i = 0; i < c->nworkers; i++) /* one that is up before one that must be started */
        if (!c->workers[i].busy && (!idle || (!idle->process.pid && c->workers[i].process.pid)))
            idle = &c->workers[i];
    if (!idle)
        return err_set(e, ERR_CONFLICT, "there is no scanner");
    if (!idle->process.pid && (x = client_worker_start(c, idle, e)) < 0)
        return x;
    *ret = idle;
    return 0;
}

static int hand_over(struct yara_client *c, const struct yara_job *job, const struct buf *request, unsigned seconds,
                     struct err *e)
{
    struct worker *w;
    int x = free_worker(c, &w, e);

    if (x < 0)
        return x;
    x = ipc_send(w->process.ipc, YARA_SCAN, request->data, request->len, &job->fd, 1, NULL);
    if (x < 0) {
        char how[160];
        client_worker_bury(w, how, sizeof(how));
        return err_set(e, ERR_PEER, "the scanner %s", how);
    }
    w->cookie = job->cookie;
    w->timeout_s = seconds;
    w->deadline_ms = loop_now_ms() + seconds * 1000ull + GRACE_MS;
    w->busy = true;
    return 0;
}

int yara_client_scan(struct yara_client *c, const struct yara_job *job, struct err *e)
{
    const struct yara_target *t = &job->target;
    const char *const external[] = {t->filename, t->filepath, t->extension, t->filetype, t->owner};
    unsigned seconds = t->timeout_s ? t->timeout_s : YARA_TIMEOUT_DEFAULT_S;
    struct buf b;
    int x = ERR_PEER;

    buf_init(&b, 1u << 19);
    buf_u32le(&b, seconds);
    buf_u8(&b, job->streams);
    for (size_t i = 0; i < sizeof(external) / sizeof(*external); i++)
        yara_wire_str(&b, str_sub(str_from(external[i]), 0, 1u << 16));
    if (b.failed)
        x = err_set(e, b.failed, "out of memory");
    /* A scanner may have died while it had nothing to do. Twice in a row is a failure of ours. */
    for (int i = 0; i < 2 && x == ERR_PEER; i++)
        x = hand_over(c, job, &b, seconds, e);
    buf_free(&b);
    return x;
}

int yara_client_finish(struct yara_client *c, struct err *e)
{
    int x = 0;
    while (x == 0 && running(c))
        x = wait_some(c, e);
    return x;
}

/* ---- the list ------------------------------------------------------------------------------------------ */

int yara_client_list(struct yara_client *c, int (*fn)(void *context, const struct yara_hit *rule), void *context,
                     struct err *e)
{
    struct ipc_message m;
    struct worker *w;
    int x = free_worker(c, &w, e);

    if (x < 0)
        return x;
    x = ipc_send(w->process.ipc, YARA_LIST, NULL, 0, NULL, 0, e);
    while (x == 0 && (x = ipc_receive(w->process.ipc, LIST_MS, &m, e)) == 1) {
        struct yara_result r;
        struct reader in;
        x = 0;
        reader_init(&in, m.payload, m.length);
        if (m.type == YARA_LISTED)
            return 0;
        if (m.type != YARA_RULE)
            x = err_set(e, ERR_PEER, "the scanner gave no list of its rules");
        else if ((x = yara_result_decode(&in, &r, e)) == 0) {
            x = r.nhits == 1 ? fn(context, &r.hits[0]) : err_set(e, ERR_PEER, "the scanner gave no list of its rules");
            yara_result_free(&r);
        }
        ipc_message_close(&m);
    }
    role_stop(&w->process);
    return x < 0 ? x : err_set(e, ERR_PEER, "the scanner ended while it listed its rules");
}
