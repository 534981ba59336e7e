/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/evtx-role.h"

#include "base/reader.h"
#include "cmd/logfile.h"
#include "cmd/roles.h"
#include "cmd/text.h"
#include "jail/jail.h"
#include "os/file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES (64u << 20)
#define WRITE_SIZE (256u << 10)

enum evtx_message {
    EVTX_BEGIN = 1, /* u32 xml, u32 anomalies, u64 record, name; descriptors: log, output */
    EVTX_ODD = 2,   /* u64 offset, text */
    EVTX_DONE = 3,  /* u64 records, u64 damaged, u64 anomalies, u32 found, u32 closed */
    EVTX_FAILED = 4,
};

struct dump {
    struct evtx_dump want;
    struct evtx_dump_result result;
    struct str name;
    struct buf out;
    int fd;
    bool full; /* the output cannot be written any more */
};

/* ---- in the jail --------------------------------------------------------------------------------------------- */

static int flush(struct dump *d, struct err *e)
{
    int rc = d->out.len ? file_write_all(d->fd, d->out.data, d->out.len) : 0;

    buf_clear(&d->out);
    if (rc == -EPIPE) {
        d->result.closed = d->full = true;
        return 0;
    }
    return rc < 0 ? err_set(e, rc, "standard output cannot be written: %s", err_name(rc)) : 0;
}

static int record_write(struct dump *d, const struct evtx_record *r, struct err *e)
{
    struct jsonw w;
    size_t before = d->out.len;
    int rc;

    if (d->want.xml) {
        evtx_xml(&d->out, r);
    } else {
        jsonw_to_buf(&w, &d->out, false);
        evtx_json(&w, r);
        if ((rc = jsonw_finish(&w)) < 0)
            return err_set(e, rc, "record %llu is too large", (unsigned long long)r->number);
    }
    if (d->want.xml && d->out.len == before)
        return 0; /* nothing of it could be read */
    buf_u8(&d->out, '\n');
    if (d->out.failed)
        return err_set(e, d->out.failed, "record %llu is too large", (unsigned long long)r->number);
    return d->out.len >= WRITE_SIZE ? flush(d, e) : 0;
}

static int records(struct dump *d, struct evtx *x, struct err *e)
{
    struct evtx_record r;
    int rc = 0;

    while (!d->full && (rc = evtx_next(x, &r, e)) == 1) {
        d->result.records++;
        d->result.damaged += r.damaged;
        if (d->want.record != EVTX_DUMP_ALL && r.number != d->want.record)
            continue;
        d->result.found = true;
        if (!d->want.anomalies && (rc = record_write(d, &r, e)) < 0)
            return rc;
        if (d->want.record != EVTX_DUMP_ALL)
            return 0;
    }
    return rc < 0 ? rc : 0;
}

static void odd_json(struct dump *d, const struct anomaly *a)
{
    struct jsonw w;

    jsonw_to_buf(&w, &d->out, false);
    jsonw_object(&w);
    jsonw_kbytes(&w, "file", d->name);
    jsonw_ku64(&w, "offset", a->offset);
    jsonw_kz(&w, "what", a->what);
    jsonw_kz(&w, "text", a->text);
    jsonw_object_end(&w);
    jsonw_finish(&w);
    buf_u8(&d->out, '\n');
}

static void oddities(struct dump *d, const struct anomalies *all, struct ipc *parent)
{
    struct buf b;

    d->result.anomalies = all->count + all->more;
    buf_init(&b, 4096);
    for (unsigned i = 0; i < all->count; i++) {
        const struct anomaly *a = &all->items[i];
        if (d->want.anomalies) {
            odd_json(d, a);
            continue;
        }
        buf_clear(&b);
        buf_u64le(&b, a->offset);
        buf_addz(&b, a->text);
        ipc_send(parent, EVTX_ODD, b.data, b.len, NULL, 0, NULL);
    }
    buf_free(&b);
}

static int dump(struct dump *d, int log, struct ipc *parent, struct err *e)
{
    struct logfile f;
    struct evtx_source s = logfile_source(&f, log);
    struct evtx *x = NULL;
    int rc = evtx_new(&s, &x, e), rc2;

    if (rc < 0)
        return rc;
    rc = records(d, x, e);
    oddities(d, evtx_anomalies(x), parent);
    evtx_free(&x);
    rc2 = flush(d, rc < 0 ? NULL : e); /* what was read is written also when the rest cannot be */
    return rc < 0 ? rc : rc2;
}

static int evtx_role_run(struct ipc *parent)
{
    struct dump d = {0};
    struct ipc_message m;
    struct reader r;
    struct buf answer;
    struct err e = {0};
    int rc;

    if (ipc_receive(parent, 10000, &m, NULL) != 1 || m.type != EVTX_BEGIN || m.nfds != 2)
        return 2;
    ipc_set_send_timeout(parent, -1);
    reader_init(&r, m.payload, m.length);
    d.want.xml = reader_u32le(&r) != 0;
    d.want.anomalies = reader_u32le(&r) != 0;
    d.want.record = reader_u64le(&r);
    d.name = reader_str(&r, reader_left(&r));
    d.fd = m.fds[1];
    buf_init(&d.out, LINE_MAX_BYTES);
    buf_init(&answer, 4096);
    rc = dump(&d, m.fds[0], parent, &e);
    buf_u64le(&answer, d.result.records);
    buf_u64le(&answer, d.result.damaged);
    buf_u64le(&answer, d.result.anomalies);
    buf_u32le(&answer, d.result.found);
    buf_u32le(&answer, d.result.closed);
    rc = rc < 0 ? ipc_send(parent, EVTX_FAILED, e.text, strlen(e.text), NULL, 0, NULL)
                : ipc_send(parent, EVTX_DONE, answer.data, answer.len, NULL, 0, NULL);
    buf_free(&d.out);
    buf_free(&answer);
    return rc < 0;
}

static const struct jail_profile evtx_jail = {
    .name = "evtx",
    .memory_max = 1ull << 30,
    .cpu_seconds = 86400,
    .files_max = 16,
    .file_size_max = 1ull << 42, /* our standard output may be a file */
};

const struct role evtx_role = {
    .name = "evtx",
    .doc = "reads a Windows event log and writes its records as text",
    .jail = &evtx_jail,
    .run = evtx_role_run,
};

/* ---- the caller's side --------------------------------------------------------------------------------------- */

static void odd_print(const char *name, const struct ipc_message *m)
{
    struct reader r;
    uint64_t offset;

    reader_init(&r, m->payload, m->length);
    offset = reader_u64le(&r);
    fputs("belljar: ", stderr);
    text_print(stderr, str_from(name));
    fprintf(stderr, ": offset 0x%llx: ", (unsigned long long)offset);
    text_print(stderr, reader_str(&r, reader_left(&r)));
    fputc('\n', stderr);
}

static int done_read(const struct ipc_message *m, struct evtx_dump_result *ret, struct err *e)
{
    struct reader r;

    reader_init(&r, m->payload, m->length);
    if (m->type == EVTX_FAILED) {
        struct str why = reader_str(&r, reader_left(&r));
        return err_set(e, ERR_PEER, "%.*s", STR_ARG(why));
    }
    ret->records = reader_u64le(&r);
    ret->damaged = reader_u64le(&r);
    ret->anomalies = reader_u64le(&r);
    ret->found = reader_u32le(&r) != 0;
    ret->closed = reader_u32le(&r) != 0;
    return m->type == EVTX_DONE && reader_ok(&r)
               ? 0
               : err_set(e, ERR_PEER, "the process that reads event logs answered something unexpected");
}

int evtx_role_dump(const char *name, int fd, const struct evtx_dump *d, struct evtx_dump_result *ret, struct err *e)
{
    struct role_process p = {0};
    struct ipc_message m;
    struct buf words;
    int fds[2] = {fd, STDOUT_FILENO}, status, rc;
    char how[128] = "ended without a word";

    fflush(stdout);
    buf_init(&words, 1u << 20);
    buf_u32le(&words, d->xml);
    buf_u32le(&words, d->anomalies);
    buf_u64le(&words, d->record);
    buf_addz(&words, name);
    if ((rc = role_start(&evtx_role, &p, e)) == 0)
        rc = ipc_send(p.ipc, EVTX_BEGIN, words.data, words.len, fds, 2, e);
    while (rc == 0 && (rc = ipc_receive(p.ipc, -1, &m, e)) == 1 && m.type == EVTX_ODD) {
        odd_print(name, &m);
        rc = 0;
    }
    if (rc == 1) {
        rc = done_read(&m, ret, e);
    } else if (rc == 0) {
        if (role_wait(&p, 2000, &status) == 0)
            role_describe_status(status, how, sizeof(how));
        rc = err_set(e, ERR_PEER, "the process that reads event logs %s", how);
    }
    role_stop(&p);
    buf_free(&words);
    return rc;
}
