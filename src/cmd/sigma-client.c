/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The caller's side of sigma-role.c. What comes from there is read like a file from a stranger. */
#include "cmd/sigma-wire.h"

#include "base/reader.h"
#include "cmd/roles.h"
#include "os/file.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct sigma_client {
    struct sigma_client_options o;
    struct role_process role;
    bool told; /* of bad rules; not again when the process is started again */
    uint64_t records[SIGMA_HIT_RECORDS_MAX];
};

static const char *const levels[] = {"", "informational", "low", "medium", "high", "critical"};

const char *sigma_level_name(enum sigma_level l)
{
    return levels[l <= SIGMA_CRITICAL ? l : 0];
}

enum sigma_level sigma_level_of(struct str name)
{
    for (unsigned i = SIGMA_INFORMATIONAL; i <= SIGMA_CRITICAL; i++)
        if (str_ieq(name, str_from(levels[i])))
            return (enum sigma_level)i;
    return SIGMA_LEVEL_NONE;
}

static int unexpected(struct err *e)
{
    return err_set(e, ERR_PEER, "the process that evaluates Sigma rules answered something unexpected");
}

static struct str text_read(struct reader *r)
{
    return reader_str(r, reader_u32le(r));
}

static bool numbers_read(const struct ipc_message *m, uint64_t *to, unsigned n)
{
    struct reader r;

    reader_init(&r, m->payload, m->length);
    for (unsigned i = 0; i < n; i++)
        to[i] = reader_u64le(&r);
    return reader_done(&r);
}

static int hits_read(struct sigma_client *c, const struct ipc_message *m, struct err *e)
{
    struct reader r;

    reader_init(&r, m->payload, m->length);
    while (reader_left(&r)) {
        struct sigma_hit h = {0};
        uint32_t level, n;
        h.record = reader_u64le(&r);
        h.rule = reader_u32le(&r);
        level = reader_u32le(&r);
        h.id = text_read(&r);
        h.title = text_read(&r);
        h.correlation = reader_u32le(&r) != 0;
        n = reader_u32le(&r);
        if (!reader_ok(&r) || n > SIGMA_HIT_RECORDS_MAX || level > SIGMA_CRITICAL)
            return unexpected(e);
        for (uint32_t i = 0; i < n; i++)
            c->records[i] = reader_u64le(&r);
        if (!reader_ok(&r))
            return unexpected(e);
        h.level = (enum sigma_level)level;
        h.records = c->records;
        h.nrecords = n;
        c->o.hit(c->o.context, &h);
    }
    return 0;
}

static int bad_rule_read(struct sigma_client *c, const struct ipc_message *m, struct err *e)
{
    struct reader r;
    uint32_t line;
    struct str file, reason;

    reader_init(&r, m->payload, m->length);
    line = reader_u32le(&r);
    file = text_read(&r);
    reason = text_read(&r);
    if (!reader_ok(&r))
        return unexpected(e);
    if (!c->told)
        c->o.bad_rule(c->o.context, file, line, reason);
    return 0;
}

static int trouble_read(struct sigma_client *c, const struct ipc_message *m, struct err *e)
{
    struct reader r;
    uint64_t record, line, offset;
    struct str text;

    reader_init(&r, m->payload, m->length);
    record = reader_u64le(&r);
    line = reader_u64le(&r);
    offset = reader_u64le(&r);
    text = text_read(&r);
    if (!reader_ok(&r))
        return unexpected(e);
    c->o.trouble(c->o.context, record, line, offset, text);
    return 0;
}

static int died(struct sigma_client *c, struct err *e)
{
    char how[128] = "ended without a word";
    int status;

    if (role_wait(&c->role, 2000, &status) == 0)
        role_describe_status(status, how, sizeof(how));
    return err_set(e, ERR_PEER, "the process that evaluates Sigma rules %s", how);
}

/* Takes messages up to the one that ends the work. */
static int listen_for(struct sigma_client *c, uint32_t last, uint64_t *numbers, unsigned n, struct err *e)
{
    struct ipc_message m;
    int rc;

    while ((rc = ipc_receive(c->role.ipc, -1, &m, e)) == 1) {
        ipc_message_close(&m);
        if (m.type == last)
            return numbers_read(&m, numbers, n) ? 0 : unexpected(e);
        if (m.type == SIGMA_HITS)
            rc = hits_read(c, &m, e);
        else if (m.type == SIGMA_TROUBLE)
            rc = trouble_read(c, &m, e);
        else if (m.type == SIGMA_BAD_RULE)
            rc = bad_rule_read(c, &m, e);
        else if (m.type == SIGMA_FAILED)
            return err_set(e, ERR_FORMAT, "%.*s", STR_ARG(((struct str){(const char *)m.payload, m.length})));
        else
            rc = unexpected(e);
        if (rc < 0)
            return rc;
    }
    return died(c, e);
}

static int memory_file(struct str s, int *ret, struct err *e)
{
    int fd = memfd_create("sigma", MFD_CLOEXEC);

    if (fd < 0)
        return err_errno(e, "cannot make a memory file");
    if (file_write_all(fd, s.p, s.n) < 0 || lseek(fd, 0, SEEK_SET) < 0) {
        close(fd);
        return err_set(e, -EIO, "cannot fill a memory file");
    }
    *ret = fd;
    return 0;
}

static int begin(struct sigma_client *c, struct sigma_loaded *ret, struct err *e)
{
    uint64_t n[SIGMA_READY_NUMBERS];
    int fds[2] = {-1, -1}, rc;
    struct buf b;

    buf_init(&b, 1u << 20);
    buf_u32le(&b, c->o.no_index);
    buf_u32le(&b, c->o.level);
    buf_add_str(&b, c->o.source);
    if ((rc = b.failed ? err_set(e, ERR_USAGE, "the log source is too long") : 0) == 0 &&
        (rc = memory_file(c->o.texts, &fds[0], e)) == 0 && (rc = memory_file(c->o.placeholders, &fds[1], e)) == 0 &&
        (rc = role_start(&sigma_role, &c->role, e)) == 0 &&
        (rc = ipc_send(c->role.ipc, SIGMA_RULES, b.data, b.len, fds, 2, e)) == 0)
        rc = listen_for(c, SIGMA_READY, n, SIGMA_READY_NUMBERS, e);
    for (int i = 0; i < 2; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    buf_free(&b);
    if (rc < 0) {
        role_stop(&c->role);
        return rc;
    }
    c->told = true;
    *ret = (struct sigma_loaded){.rules = n[0], .rejected = n[1], .inert = n[2], .no_rules = n[3]};
    return 0;
}

int sigma_client_new(const struct sigma_client_options *o, struct sigma_client **ret, struct sigma_loaded *ret_loaded,
                     struct err *e)
{
    struct sigma_client *c = calloc(1, sizeof(*c));
    int rc;

    if (!c)
        return err_set(e, -ENOMEM, "out of memory");
    c->o = *o;
    if ((rc = begin(c, ret_loaded, e)) < 0) {
        free(c);
        return rc;
    }
    *ret = c;
    return 0;
}

void sigma_client_free(struct sigma_client **c)
{
    if (!c || !*c)
        return;
    role_stop(&(*c)->role);
    free(*c);
    *c = NULL;
}

int sigma_client_scan(struct sigma_client *c, int fd, bool lines, struct sigma_scanned *ret, struct err *e)
{
    uint64_t n[SIGMA_DONE_NUMBERS];
    struct sigma_loaded again;
    struct buf b;
    int rc = 0;

    if (!c->role.pid && (rc = begin(c, &again, e)) < 0)
        return rc;
    buf_init(&b, 64);
    buf_u32le(&b, lines);
    if ((rc = ipc_send(c->role.ipc, SIGMA_LOG, b.data, b.len, &fd, 1, e)) == 0)
        rc = listen_for(c, SIGMA_DONE, n, SIGMA_DONE_NUMBERS, e);
    buf_free(&b);
    if (rc < 0 && rc != ERR_FORMAT) /* the next log gets a fresh process */
        role_stop(&c->role);
    if (rc < 0)
        return rc;
    *ret = (struct sigma_scanned){n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9]};
    return 0;
}
