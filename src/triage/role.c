/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The jailed reader of samples. It gets the sample and libmagic's compiled
 * table as descriptors, maps them, and answers with static.json.
 */
#include "jail/jail.h"
#include "triage/triage.h"

#include <errno.h>
#include <fcntl.h>
#include <magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIAGE_TIMEOUT_MS 120000
#define MAGIC_TABLE "/usr/lib/file/magic.mgc"

enum triage_message {
    TRIAGE_BEGIN = 1, /* name of the file; descriptors: sample, magic table (optional) */
    TRIAGE_DONE = 2,  /* static.json */
    TRIAGE_FAILED = 3,
};

/* Pages of the sample that cannot be read (a file cut meanwhile) would kill us: so it is copied, not mapped. */
static int read_all(int fd, uint8_t **ret, size_t *ret_n, struct err *e)
{
    struct stat st;
    uint8_t *p;
    size_t have = 0;

    if (fstat(fd, &st) < 0)
        return err_errno(e, "cannot read the sample");
    if (!(p = malloc(st.st_size ? (size_t)st.st_size : 1)))
        return err_set(e, -ENOMEM, "the sample does not fit into memory");
    while (have < (size_t)st.st_size) {
        ssize_t n = pread(fd, p + have, (size_t)st.st_size - have, (off_t)have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    *ret = p;
    *ret_n = have;
    return 0;
}

/* libmagic's sentence; NULL when there is no table. */
static const char *describe(magic_t cookie, int table_fd, const void *p, size_t n)
{
    struct stat st;
    void *table;
    size_t size;

    if (!cookie || fstat(table_fd, &st) < 0 || !st.st_size)
        return NULL;
    size = (size_t)st.st_size;
    table = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, table_fd, 0);
    if (table == MAP_FAILED || magic_load_buffers(cookie, &table, &size, 1) < 0)
        return NULL;
    return magic_buffer(cookie, p, n);
}

static int answer(struct ipc *parent, const struct ipc_message *m)
{
    magic_t cookie = magic_open(MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_TAR);
    uint8_t *p = NULL;
    size_t n = 0;
    struct buf out = {0};
    char name[512];
    struct err e = {0};
    int r = read_all(m->fds[0], &p, &n, &e);

    snprintf(name, sizeof(name), "%.*s", (int)(m->length < 500 ? m->length : 500), (const char *)m->payload);
    if (r == 0)
        r = triage_describe(p, n, name, m->nfds > 1 ? describe(cookie, m->fds[1], p, n) : NULL, &out, &e);
    if (r == 0)
        r = ipc_send(parent, TRIAGE_DONE, out.data, out.len, NULL, 0, &e);
    else
        r = ipc_send(parent, TRIAGE_FAILED, e.text, strlen(e.text), NULL, 0, NULL);
    buf_free(&out);
    free(p);
    if (cookie)
        magic_close(cookie);
    return r < 0;
}

static int triage_role_run(struct ipc *parent)
{
    struct ipc_message m;

    if (ipc_receive(parent, 10000, &m, NULL) != 1 || m.type != TRIAGE_BEGIN || m.nfds < 1)
        return 2;
    return answer(parent, &m);
}

static const struct jail_profile triage_jail = {
    .name = "triage",
    .memory_max = 4ull << 30,
    .cpu_seconds = 120,
    .files_max = 16,
};

const struct role triage_role = {
    .name = "triage",
    .doc = "reads a sample without running it: type, headers, strings, hashes",
    .jail = &triage_jail,
    .run = triage_role_run,
};

static int ask(struct role_process *p, int fd, int table, const char *name, struct buf *ret, struct err *e)
{
    int fds[2] = {fd, table}, status, r;
    struct ipc_message m;
    char how[128] = "ended without a word";

    if ((r = ipc_send(p->ipc, TRIAGE_BEGIN, name, strlen(name), fds, table >= 0 ? 2 : 1, e)) < 0)
        return r;
    r = ipc_receive(p->ipc, TRIAGE_TIMEOUT_MS, &m, e);
    if (r == ERR_TIMEOUT)
        return err_set(e, ERR_PEER, "reading the sample took longer than %d s and was stopped",
                       TRIAGE_TIMEOUT_MS / 1000);
    if (r <= 0) {
        if (role_wait(p, 2000, &status) == 0)
            role_describe_status(status, how, sizeof(how));
        return err_set(e, ERR_PEER, "the process that reads samples %s on this one", how);
    }
    if (m.type != TRIAGE_DONE)
        return err_set(e, ERR_PEER, "the sample could not be read: %.*s", (int)m.length, (const char *)m.payload);
    buf_init(ret, m.length + 1);
    r = buf_add(ret, m.payload, m.length);
    return r < 0 ? err_set(e, r, "out of memory") : 0;
}

int triage_file(int fd, const char *name, struct buf *ret, struct err *e)
{
    struct role_process p = {0};
    int table = open(MAGIC_TABLE, O_RDONLY | O_CLOEXEC), r;

    if ((r = role_start(&triage_role, &p, e)) == 0)
        r = ask(&p, fd, table, name, ret, e);
    role_stop(&p);
    if (table >= 0)
        close(table);
    return r;
}
