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
    unsigned kinds = 1u << rulekind_index(rulekind_find("behavior")) | 1u << rulekind_index(rulekind_find("sigma"));
    int r = rulepacks_pack(kinds, &b, e);

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
    int r = path ? file_open_regular(path, ret, NULL, e) : err_set(e, -ENOMEM, "out of memory");

    free(path);
    return r == -ENOENT ? memory_file(name, "", 0, ret, e) : r;
}

static int open_output(const struct case_folder *c, const char *name, int *ret, struct err *e)
{
    char *path = case_path(c, name);

    if (path)
        unlink(path); /* of an earlier one that was killed, or whatever else stands there */
    *ret = path ? open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
    free(path);
    return *ret < 0 ? err_errno(e, "cannot write %s", name) : 0;
}

static void close_all(int *fds, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

static int open_inputs(const struct case_folder *c, const struct observe_inputs *in, int fds[OBSERVE_BEGIN_FDS],
                       struct err *e)
{
    int r;

    for (int i = 0; i < OBSERVE_BEGIN_FDS; i++)
        fds[i] = -1;
    if ((r = rules_to_memory(&fds[OBSERVE_RULES], e)) < 0)
        return r;
    if ((r = open_or_empty(c, "runs/1/events.bjl", &fds[OBSERVE_LOG], e)) < 0)
        return r;
    return observe_pack_facts(c, in, &fds[OBSERVE_FACTS], e);
}

static int open_outputs(const struct case_folder *c, int fds[OBSERVE_FINISH_FDS], struct err *e)
{
    static const struct observe_inputs over;
    int r;

    for (int i = 0; i < OBSERVE_FINISH_FDS; i++)
        fds[i] = -1;
    if ((r = observe_pack_facts(c, &over, &fds[0], e)) < 0)
        return r;
    for (int i = 0; i < OBSERVE_WRITERS; i++) {
        char name[64];
        const struct report_writer *w = report_writer_at((unsigned)i);
        if (!w)
            return err_set(e, ERR_MISSING, "a report writer is missing");
        snprintf(name, sizeof(name), ".%s.new", w->file);
        if ((r = open_output(c, name, &fds[1 + i], e)) < 0)
            return r;
    }
    return 0;
}

static int put_in_place(const struct case_folder *c, const int fds[OBSERVE_FINISH_FDS], struct err *e)
{
    for (int i = 0; i < OBSERVE_WRITERS; i++) {
        const struct report_writer *w = report_writer_at((unsigned)i);
        char *to = case_path(c, w->file), *from = path_format("%s/.%s.new", c->dir, w->file);
        int r = 0;

        if (!to || !from)
            r = err_set(e, -ENOMEM, "out of memory");
        else if (fsync(fds[1 + i]) < 0 || rename(from, to) < 0)
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
        bool other = reader_u8(&r) != 0;
        struct str text = reader_str(&r, reader_left(&r));
        return err_set(e, other ? ERR_CONFLICT : ERR_PEER, "the report could not be made: %.*s", STR_ARG(text));
    }
    if (m->type != OBSERVE_DONE)
        return err_set(e, ERR_PEER, "the report's process answered something unexpected");
    ret->word = reader_u32le(&r) & 3;
    ret->score = reader_u32le(&r);
    ret->confidence = reader_u32le(&r);
    ret->findings = reader_u32le(&r);
    ret->events = reader_u64le(&r);
    ret->events_sample = reader_u64le(&r);
    reason = reader_str(&r, reader_left(&r));
    snprintf(ret->reason, sizeof(ret->reason), "%.*s", STR_ARG(reason));
    return reader_ok(&r) ? 0 : err_set(e, ERR_PEER, "the report's process answered too little");
}

struct observer {
    struct role_process role;
};

void observe_drop(struct observer **op)
{
    struct observer *o = *op;

    if (!o)
        return;
    role_stop(&o->role);
    free(o);
    *op = NULL;
}

int observe_begin(const struct case_folder *c, const struct observe_inputs *in, struct observer **ret, struct err *e)
{
    struct observer *o = calloc(1, sizeof(*o));
    int fds[OBSERVE_BEGIN_FDS], r;

    if (!o)
        return err_set(e, -ENOMEM, "out of memory");
    if ((r = open_inputs(c, in, fds, e)) == 0 && (r = role_start(&observe_role, &o->role, e)) == 0)
        r = ipc_send(o->role.ipc, OBSERVE_BEGIN, NULL, 0, fds, OBSERVE_BEGIN_FDS, e);
    close_all(fds, OBSERVE_BEGIN_FDS);
    if (r < 0)
        observe_drop(&o);
    else
        *ret = o;
    return r;
}

static int role_finish(struct role_process *p, const int fds[OBSERVE_FINISH_FDS], struct observe_result *ret,
                       struct err *e)
{
    struct ipc_message m;
    int status = 0, r = ipc_send(p->ipc, OBSERVE_FINISH, NULL, 0, fds, OBSERVE_FINISH_FDS, NULL);

    /* A role that is gone cannot be told anything: that it is gone is the news, not that telling it failed. */
    if (r == 0 && (r = ipc_receive(p->ipc, OBSERVE_TIMEOUT_MS, &m, e)) == 1)
        return read_result(&m, ret, e);
    if (r == ERR_TIMEOUT)
        return r;
    char how[128] = "ended without a word";
    if (role_wait(p, 1000, &status) == 0)
        role_describe_status(status, how, sizeof(how));
    return err_set(e, ERR_PEER, "the process that makes the report %s", how);
}

int observe_finish(const struct case_folder *c, struct observer **o, struct observe_result *ret, struct err *e)
{
    struct observe_result result = {0};
    uint64_t begun = loop_now_ms();
    int fds[OBSERVE_FINISH_FDS], r;

    if ((r = open_outputs(c, fds, e)) == 0 && (r = role_finish(&(*o)->role, fds, &result, e)) == 0)
        r = put_in_place(c, fds, e);
    close_all(fds, OBSERVE_FINISH_FDS);
    observe_drop(o);
    if (r < 0) {
        drop_outputs(c);
        return r;
    }
    result.took_ms = loop_now_ms() - begun;
    *ret = result;
    return 0;
}

int observe_case(const struct case_folder *c, const char *passwd_path, const char *baseline_path,
                 struct observe_result *ret, struct err *e)
{
    struct observe_inputs in = {.passwd_path = passwd_path, .baseline_path = baseline_path};
    struct observer *o = NULL;
    uint64_t begun = loop_now_ms();
    int r = observe_begin(c, &in, &o, e);

    if (r == 0)
        r = observe_finish(c, &o, ret, e);
    if (r == 0)
        ret->took_ms = loop_now_ms() - begun;
    return r;
}
