/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The supervisor's half: opens the files of the case, hands the descriptors to
 * the jailed half (observe-role.c), and puts the finished reports in place.
 */
#include "case/observe.h"

#include "base/reader.h"
#include "case/observe-private.h"
#include "detect/rulepack.h"
#include "os/file.h"
#include "os/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define OBSERVE_TIMEOUT_MS 600000

static int memory_file(const char *name, const void *p, size_t n, int *ret, struct err *e)
{
    int fd = memfd_create(name, MFD_CLOEXEC);

    if (fd < 0)
        return err_errno(e, "cannot make a memory file");
    if (file_write_all(fd, p, n) < 0 || lseek(fd, 0, SEEK_SET) < 0) {
        close(fd);
        return err_set(e, -EIO, "cannot fill a memory file");
    }
    *ret = fd;
    return 0;
}

/* Rules that came with Belljar and of the packs that are on, as they are now. */
static int rules_to_memory(int *ret, struct err *e)
{
    struct buf b;
    int r = rulepacks_pack(~0u, &b, e);

    if (r < 0)
        return r;
    r = memory_file("rules", b.data, b.len, ret, e);
    buf_free(&b);
    return r;
}

/* Optional inputs become an empty memory file, so that descriptors keep their places. */
static int open_or_empty(const struct case_folder *c, const char *name, int *ret, struct err *e)
{
    char *path = case_path(c, name);
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;

    free(path);
    if (fd < 0)
        return memory_file(name, "", 0, ret, e);
    *ret = fd;
    return 0;
}

static int open_output(const struct case_folder *c, const char *name, int *ret, struct err *e)
{
    char *path = case_path(c, name);

    *ret = path ? open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
    free(path);
    return *ret < 0 ? err_errno(e, "cannot write %s", name) : 0;
}

static int open_all(const struct case_folder *c, const char *passwd_path, const char *baseline_path,
                    int fds[OBSERVE_FDS], struct err *e)
{
    int r;

    for (int i = 0; i < OBSERVE_FDS; i++)
        fds[i] = -1;
    if ((r = rules_to_memory(&fds[OBSERVE_RULES], e)) < 0 ||
        (r = open_or_empty(c, "runs/1/events.bjl", &fds[OBSERVE_LOG], e)) < 0 ||
        (r = observe_pack_facts(c, passwd_path, baseline_path, &fds[OBSERVE_FACTS], e)) < 0)
        return r;
    for (int i = 0; i < OBSERVE_WRITERS; i++) {
        char name[64];
        const struct report_writer *w = report_writer_at((unsigned)i);
        if (!w)
            return err_set(e, ERR_MISSING, "a report writer is missing");
        snprintf(name, sizeof(name), ".%s.new", w->file);
        if ((r = open_output(c, name, &fds[OBSERVE_OUT + i], e)) < 0)
            return r;
    }
    return 0;
}

static int put_in_place(const struct case_folder *c, const int fds[OBSERVE_FDS], struct err *e)
{
    for (int i = 0; i < OBSERVE_WRITERS; i++) {
        const struct report_writer *w = report_writer_at((unsigned)i);
        char *to = case_path(c, w->file), *from = path_format("%s/.%s.new", c->dir, w->file);
        int r = 0;

        if (!to || !from)
            r = err_set(e, -ENOMEM, "out of memory");
        else if (fsync(fds[OBSERVE_OUT + i]) < 0 || rename(from, to) < 0)
            r = err_errno(e, "cannot put %s in place", w->file);
        free(to);
        free(from);
        if (r < 0)
            return r;
    }
    return 0;
}

static void drop_outputs(const struct case_folder *c)
{
    for (unsigned i = 0; report_writer_at(i); i++) {
        char *p = path_format("%s/.%s.new", c->dir, report_writer_at(i)->file);
        if (p)
            unlink(p);
        free(p);
    }
}

static int read_result(const struct ipc_message *m, struct observe_result *ret, struct err *e)
{
    struct reader r;
    struct str reason;

    reader_init(&r, m->payload, m->length);
    if (m->type == OBSERVE_FAILED) {
        struct str text = reader_str(&r, reader_left(&r));
        return err_set(e, ERR_PEER, "the report could not be made: %.*s", STR_ARG(text));
    }
    if (m->type != OBSERVE_DONE)
        return err_set(e, ERR_PEER, "the report's process answered something unexpected");
    ret->word = reader_u32le(&r) & 3;
    ret->score = reader_u32le(&r);
    ret->confidence = reader_u32le(&r);
    ret->findings = reader_u32le(&r);
    ret->events = reader_u64le(&r);
    reason = reader_str(&r, reader_left(&r));
    snprintf(ret->reason, sizeof(ret->reason), "%.*s", STR_ARG(reason));
    return reader_ok(&r) ? 0 : err_set(e, ERR_PEER, "the report's process answered too little");
}

static int run_role(const int fds[OBSERVE_FDS], struct observe_result *ret, struct err *e)
{
    struct role_process p = {0};
    struct ipc_message m;
    int r = role_start(&observe_role, &p, e);

    if (r < 0)
        return r;
    /* A message carries at most IPC_FDS_MAX descriptors; ours fit. */
    r = ipc_send(p.ipc, OBSERVE_BEGIN, NULL, 0, fds, OBSERVE_FDS, e);
    if (r == 0)
        r = ipc_receive(p.ipc, OBSERVE_TIMEOUT_MS, &m, e);
    if (r == 1) {
        r = read_result(&m, ret, e);
    } else if (r == 0) {
        char how[128] = "";
        int status = 0;
        if (role_wait(&p, 1000, &status) == 0)
            role_describe_status(status, how, sizeof(how));
        r = err_set(e, ERR_PEER, "the process that makes the report %s", how);
    }
    role_stop(&p);
    return r;
}

int observe_case(const struct case_folder *c, const char *passwd_path, const char *baseline_path,
                 struct observe_result *ret, struct err *e)
{
    struct observe_result result = {0};
    uint64_t begun = loop_now_ms();
    int fds[OBSERVE_FDS], r;

    if ((r = open_all(c, passwd_path, baseline_path, fds, e)) < 0)
        goto out;
    if ((r = run_role(fds, &result, e)) < 0)
        goto out;
    if ((r = put_in_place(c, fds, e)) < 0)
        goto out;
    result.took_ms = loop_now_ms() - begun;
    *ret = result;
out:
    for (int i = 0; i < OBSERVE_FDS; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    if (r < 0)
        drop_outputs(c);
    return r;
}
