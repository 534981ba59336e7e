/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The jailed half of `belljar rules`, and its caller. */
#include "cmd/roles.h"
#include "cmd/rules-private.h"

#include "base/reader.h"
#include "jail/jail.h"
#include "os/file.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum rules_message {
    RULES_BEGIN = 1, /* u32 verb, u32 kind, u32 json; descriptors: texts, output, problems */
    RULES_DONE = 2,  /* u32 code, u64 loaded, u64 rejected */
    RULES_FAILED = 3,
};

static FILE *stream(int fd)
{
    int own = dup(fd);
    FILE *f = own >= 0 ? fdopen(own, "w") : NULL;
    if (!f && own >= 0)
        close(own);
    return f;
}

static int work(const struct ipc_message *m, struct buf *answer, struct err *e)
{
    struct rules_sets s = {.out = stream(m->fds[1]), .problems_to = stream(m->fds[2])};
    struct ruletexts texts = {0};
    struct buf bytes = {0};
    struct reader r;
    int code = s.out && s.problems_to ? 0 : err_set(e, -ENOMEM, "no memory for rules");
    reader_init(&r, m->payload, m->length);
    uint32_t verb = reader_u32le(&r), only = reader_u32le(&r);
    s.json = reader_u32le(&r) != 0;
    s.texts = &texts;
    if (code == 0)
        code = file_read_fd(m->fds[0], RULETEXTS_BYTES_MAX, &bytes, e);
    if (code == 0)
        code = ruletexts_read(buf_str(&bytes), &texts, e);
    if (code == 0)
        code = rules_sets_work(&s, (enum rules_verb)verb, only, e);
    buf_u32le(answer, (uint32_t)code);
    buf_u64le(answer, rules_sets_count(&s));
    buf_u64le(answer, s.problems);
    rules_sets_clear(&s);
    ruletexts_free(&texts);
    buf_free(&bytes);
    if (s.out)
        fclose(s.out);
    if (s.problems_to)
        fclose(s.problems_to);
    return code;
}

static int rules_role_run(struct ipc *parent)
{
    struct ipc_message m;
    struct err e = {0};
    struct buf answer;
    if (ipc_receive(parent, 10000, &m, NULL) != 1 || m.type != RULES_BEGIN || m.nfds != 3)
        return 2;
    buf_init(&answer, 4096);
    int code = work(&m, &answer, &e);
    int rc = code < 0 ? ipc_send(parent, RULES_FAILED, e.text, strlen(e.text), NULL, 0, NULL)
                      : ipc_send(parent, RULES_DONE, answer.data, answer.len, NULL, 0, NULL);
    buf_free(&answer);
    return rc < 0;
}

static const struct jail_profile rules_jail = {
    .name = "rules",
    .memory_max = 3ull << 30,
    .cpu_seconds = 900,
    .files_max = 16,
    .file_size_max = 1ull << 40, /* our standard output may be a file */
};

const struct role rules_role = {
    .name = "rules",
    .doc = "compiles and tests rules, which may come from strangers",
    .jail = &rules_jail,
    .run = rules_role_run,
};

static int answer_read(const struct ipc_message *m, struct rules_result *ret, struct err *e)
{
    struct reader r;
    reader_init(&r, m->payload, m->length);
    if (m->type == RULES_FAILED) {
        struct str why = reader_str(&r, reader_left(&r));
        return err_set(e, ERR_PEER, "%.*s", STR_ARG(why));
    }
    ret->code = reader_u32le(&r) ? EXIT_FAILED : EXIT_FINE;
    ret->loaded = reader_u64le(&r);
    ret->rejected = reader_u64le(&r);
    return m->type == RULES_DONE && reader_ok(&r)
               ? 0
               : err_set(e, ERR_PEER, "the process that reads rules answered something unexpected");
}

static int ask(struct role_process *p, const struct buf *words, const int fds[3], struct rules_result *ret,
               struct err *e)
{
    struct ipc_message m;
    char how[128] = "ended without a word";
    int status, rc = ipc_send(p->ipc, RULES_BEGIN, words->data, words->len, fds, 3, e);
    if (rc < 0)
        return rc;
    if ((rc = ipc_receive(p->ipc, -1, &m, e)) == 1)
        return answer_read(&m, ret, e);
    if (role_wait(p, 2000, &status) == 0)
        role_describe_status(status, how, sizeof(how));
    return err_set(e, ERR_PEER, "the process that reads rules %s", how);
}

int rules_role_work(struct str texts, enum rules_verb verb, uint32_t only, bool json, struct rules_result *ret,
                    struct err *e)
{
    struct role_process p = {0};
    struct buf words;
    int fds[3] = {memfd_create("rules", MFD_CLOEXEC), STDOUT_FILENO, STDERR_FILENO}, rc = 0;
    buf_init(&words, 64);
    buf_u32le(&words, (uint32_t)verb);
    buf_u32le(&words, only);
    buf_u32le(&words, json);
    fflush(stdout);
    if (fds[0] < 0)
        rc = err_errno(e, "cannot make a memory file");
    else if (file_write_all(fds[0], texts.p, texts.n) < 0 || lseek(fds[0], 0, SEEK_SET) < 0)
        rc = err_set(e, -EIO, "cannot fill a memory file");
    if (rc == 0 && (rc = role_start(&rules_role, &p, e)) == 0)
        rc = ask(&p, &words, fds, ret, e);
    role_stop(&p);
    if (fds[0] >= 0)
        close(fds[0]);
    buf_free(&words);
    return rc;
}
