/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/client.h"

#include "base/hash.h"
#include "base/reader.h"
#include "net/emit.h"
#include "net/names.h"
#include "net/netrole.h"
#include "os/file.h"
#include "os/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct net_client {
    struct role_process role;
    struct net_client_status status;
};

int net_client_salt(uint8_t ret[16], struct err *e)
{
    char *folder = path_data_dir(), *path = folder ? path_join(folder, "net-salt") : NULL;
    struct buf b = {0};
    int failed = path ? file_read(path, NAMES_SALT, &b, NULL) : -ENOMEM;

    if (!failed && b.len == NAMES_SALT) {
        memcpy(ret, b.data, NAMES_SALT);
    } else {
        random_bytes(ret, NAMES_SALT);
        failed = path ? file_mkdirs(folder, 0700, e) : err_set(e, -ENOMEM, "no memory");
        if (!failed)
            failed = file_write_atomic(path, ret, NAMES_SALT, 0600, e);
    }
    buf_free(&b);
    free(path);
    free(folder);
    return failed ? 1 : 0;
}

int net_client_start(const char *pcap_path, int frame_fd, struct net_client **ret, struct err *e)
{
    struct net_client_options o = {.pcap_path = pcap_path, .frame_fd = frame_fd};

    return net_client_start_with(&o, ret, e);
}

static int send_begin(struct net_client *c, const struct net_client_options *o, int pcap, struct err *e)
{
    const int fds[2] = {o->frame_fd, pcap};
    uint8_t salt[NAMES_SALT];
    struct buf b;

    if (o->salt)
        memcpy(salt, o->salt, NAMES_SALT);
    else
        net_client_salt(salt, NULL); /* a run with other addresses is better than none */
    buf_init(&b, 64);
    buf_u32le(&b, 0);
    buf_varint(&b, NAMES_SALT);
    buf_add(&b, salt, NAMES_SALT);
    buf_u64le(&b, o->pcap_max);
    int failed =
        b.failed ? err_set(e, b.failed, "no memory") : ipc_send(c->role.ipc, NETROLE_BEGIN, b.data, b.len, fds, 2, e);
    buf_free(&b);
    return failed;
}

int net_client_start_with(const struct net_client_options *o, struct net_client **ret, struct err *e)
{
    struct net_client *c = calloc(1, sizeof(*c));
    int failed, pcap = -1;

    if (!c)
        return err_set(e, -ENOMEM, "no memory");
    pcap = open(o->pcap_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (pcap < 0) {
        failed = err_errno(e, "cannot create %s", o->pcap_path);
        goto out;
    }
    failed = role_start(&net_role, &c->role, e);
    if (failed < 0) {
        err_prefix(e, "simulated internet: ");
        goto out;
    }
    failed = send_begin(c, o, pcap, e);
    if (failed < 0)
        goto out;
    *ret = c;
    c = NULL;
out:
    if (pcap >= 0)
        close(pcap);
    net_client_stop(&c);
    return failed < 0 ? failed : 0;
}

int net_client_fd(const struct net_client *c)
{
    return ipc_fd(c->role.ipc);
}

static void read_status(struct net_client *c, const struct ipc_message *m)
{
    struct net_client_status *s = &c->status;
    uint64_t *const slots[] = {&s->frames_in,      &s->frames_out,    &s->bytes_in, &s->bytes_out,
                               &s->dropped_frames, &s->pcap_bytes,    &s->events,   &s->lost,
                               &s->flows,          &s->pcap_left_out, &s->malformed};
    struct reader r;

    reader_init(&r, m->payload, m->length);
    for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++) {
        uint64_t v = reader_u64le(&r);
        if (reader_ok(&r))
            *slots[i] = v;
    }
}

struct counted {
    net_client_event_fn *fn;
    void *context;
    int events;
};

static void count_event(void *context, const struct event *ev)
{
    struct counted *k = context;

    k->events++;
    if (k->fn)
        k->fn(k->context, ev);
}

static void handle(struct net_client *c, struct ipc_message *m, struct counted *k)
{
    uint64_t lost = c->status.lost;

    for (unsigned i = 0; i < m->nfds; i++)
        close(m->fds[i]);
    switch (m->type) {
    case NETROLE_EVENTS:
        if (emit_decode(m->payload, m->length, count_event, k, &lost, NULL) < 0)
            c->status.bad_batches++;
        else
            c->status.lost = lost;
        break;
    case NETROLE_STATUS:
        read_status(c, m);
        break;
    case NETROLE_DONE:
        c->status.done = true;
        break;
    default:
        c->status.bad_batches++;
        break;
    }
}

int net_client_poll(struct net_client *c, net_client_event_fn *fn, void *context, struct err *e)
{
    struct counted k = {fn, context, 0};
    struct ipc_message m;
    int got;

    if (c->status.ended)
        return err_set(e, ERR_PEER, "the simulated internet has ended");
    while ((got = ipc_poll(c->role.ipc, &m, e)) == 1)
        handle(c, &m, &k);
    if (got < 0) {
        c->status.ended = true;
        if (!k.events)
            return ERR_PEER;
    }
    return k.events;
}

int net_client_finish(struct net_client *c, int timeout_ms, net_client_event_fn *fn, void *context, struct err *e)
{
    struct counted k = {fn, context, 0};
    uint64_t end = loop_now_ms() + (uint64_t)(timeout_ms < 0 ? 0 : timeout_ms);
    int status;

    if (c->status.ended)
        return err_set(e, ERR_PEER, "the simulated internet ended before it was asked to");
    int failed = ipc_send(c->role.ipc, NETROLE_FINISH, NULL, 0, NULL, 0, e);
    while (failed >= 0 && !c->status.done) {
        struct ipc_message m;
        uint64_t now = loop_now_ms();
        int got = ipc_receive(c->role.ipc, now < end ? (int)(end - now) : 0, &m, e);
        if (got == 1)
            handle(c, &m, &k);
        else if (got == 0)
            failed = err_set(e, ERR_PEER, "the simulated internet ended without its last events");
        else
            failed = got;
    }
    if (failed < 0) {
        c->status.ended = failed != ERR_TIMEOUT;
        return failed;
    }
    c->status.ended = true;
    uint64_t now = loop_now_ms();
    return role_wait(&c->role, now < end ? (int)(end - now) : 0, &status) < 0
               ? err_set(e, ERR_TIMEOUT, "the simulated internet did not end")
               : 0;
}

const struct net_client_status *net_client_status(const struct net_client *c)
{
    return &c->status;
}

void net_client_stop(struct net_client **c)
{
    if (!*c)
        return;
    role_stop(&(*c)->role);
    free(*c);
    *c = NULL;
}
