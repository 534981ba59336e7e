/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rules of a client: from the cache, or compiled by a jailed scanner. */
#include "detect/yara/client-private.h"

#include "detect/yara/cache.h"
#include "os/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define COMPILE_SILENCE_MS 120000 /* for one rule file */
#define LOAD_MS 60000
#define KILLERS_MAX 16 /* rule files at which libyara may die */

/* ---- problems, told and kept ------------------------------------------------------------------------- */

static int problem_tell(const struct yara_client *c, struct str payload)
{
    struct reader in;
    char reason[YARA_TEXT_MAX + 1];
    reader_init(&in, payload.p, payload.n);
    bool warning = reader_u8(&in) != 0;
    uint32_t line = reader_u32le(&in);
    struct str file = yara_wire_take(&in, 8192), text = yara_wire_take(&in, YARA_TEXT_MAX);
    if (!reader_ok(&in) || !reader_done(&in))
        return ERR_FORMAT;
    snprintf(reason, sizeof(reason), "%.*s", STR_ARG(text));
    if (c->o.handlers.problem)
        c->o.handlers.problem(c->o.handlers.context, warning, file, line, reason);
    return 0;
}

static int problems_tell(const struct yara_client *c, struct str all)
{
    struct reader in;
    reader_init(&in, all.p, all.n);
    while (reader_left(&in) && reader_ok(&in)) {
        struct str one = yara_wire_take(&in, 1u << 16);
        if (reader_ok(&in) && problem_tell(c, one) < 0)
            return ERR_FORMAT;
    }
    return reader_ok(&in) ? 0 : ERR_FORMAT;
}

static void problem_own(const struct yara_client *c, bool warning, struct str file, const char *reason)
{
    if (c->o.handlers.problem)
        c->o.handlers.problem(c->o.handlers.context, warning, file, 0, reason);
}

/* ---- key ------------------------------------------------------------------------------------------------ */

static int key_add(struct sha256 *h, struct str s)
{
    uint8_t n[8];
    for (unsigned i = 0; i < 8; i++)
        n[i] = (uint8_t)((uint64_t)s.n >> (8 * i));
    int x = sha256_add(h, n, sizeof(n));
    return x < 0 ? x : sha256_add(h, s.p ? s.p : "", s.n);
}

/* The names and kinds of external variables are compiled in; so are their values as defaults. */
static int key_make(const struct yara_client *c, uint8_t ret[SHA256_SIZE])
{
    struct sha256 *h = NULL;
    int x = sha256_new(&h);
    if (x == 0)
        x = key_add(h, str_from(yara_version()));
    if (x == 0)
        x = key_add(h, buf_str(&c->defines));
    for (size_t i = 0; i < c->o.pack->count && x == 0; i++) {
        const struct yara_text *t = &c->o.pack->texts[i];
        if ((x = key_add(h, t->included_only ? STR_LIT("i") : STR_LIT("c"))) == 0 && (x = key_add(h, t->ns)) == 0 &&
            (x = key_add(h, t->file)) == 0)
            x = key_add(h, t->text);
    }
    if (x == 0)
        x = sha256_end(&h, ret);
    sha256_free(&h);
    return x;
}

/* ---- a scanner with the rules ------------------------------------------------------------------------------ */

static int ready_take(struct yara_client *c, struct worker *w, const struct ipc_message *m, struct err *e)
{
    struct reader in;
    reader_init(&in, m->payload, m->length);
    if (m->type == YARA_REFUSED)
        return err_set(e, ERR_FORMAT, "%.*s", (int)(m->length < 400 ? m->length : 400),
                       m->length ? (const char *)m->payload : "");
    c->rules = reader_u32le(&in);
    (void)w;
    return m->type == YARA_READY && reader_ok(&in) ? 0 : err_set(e, ERR_PEER, "the scanner answered nonsense");
}

int client_worker_start(struct yara_client *c, struct worker *w, struct err *e)
{
    int fds[2] = {c->compiled_fd, c->magic_fd};
    struct ipc_message m;
    char how[160];
    int x = role_start(&yara_role, &w->process, e);

    if (x < 0)
        return x;
    x = ipc_send(w->process.ipc, YARA_LOAD, c->defines.data, c->defines.len, fds, c->magic_fd >= 0 ? 2 : 1, e);
    if (x == 0)
        x = ipc_receive(w->process.ipc, LOAD_MS, &m, e);
    if (x == 1) {
        x = ready_take(c, w, &m, e);
        ipc_message_close(&m);
    } else if (x != ERR_TIMEOUT) {
        client_worker_bury(w, how, sizeof(how));
        x = err_set(e, ERR_PEER, "the scanner %s when it loaded the rules", how);
    }
    if (x < 0)
        role_stop(&w->process);
    return x;
}

/* ---- compiling ------------------------------------------------------------------------------------------------ */

struct building {
    struct yara_client *c;
    struct buf problems; /* as kept: u32 length and payload each */
    uint32_t at;         /* text that is compiled now */
    bool *killers;       /* texts at which a scanner died */
};

/* Follows one compilation. 0 ready, ERR_PEER the scanner died or hung (b->at says where). */
static int follow(struct building *b, struct worker *w, struct err *e)
{
    struct ipc_message m;
    for (;;) {
        struct reader in;
        int x = ipc_receive(w->process.ipc, COMPILE_SILENCE_MS, &m, e);
        if (x != 1) {
            char how[160] = "took too long";
            if (x != ERR_TIMEOUT)
                client_worker_bury(w, how, sizeof(how));
            return err_set(e, ERR_TIMEOUT, "the compiler %s", how);
        }
        reader_init(&in, m.payload, m.length);
        x = 0;
        if (m.type == YARA_AT)
            b->at = reader_u32le(&in);
        else if (m.type == YARA_PROBLEM && m.length < 1u << 16)
            yara_wire_str(&b->problems, (struct str){(const char *)m.payload, m.length});
        else
            x = 1;
        if (x == 1)
            x = ready_take(b->c, w, &m, e) < 0 ? ERR_FORMAT : 1;
        ipc_message_close(&m);
        if (x)
            return x < 0 ? x : 0;
    }
}

/* The pack without the texts that kill. */
static int texts_to_memory(const struct building *b, int *ret, struct err *e)
{
    struct yara_pack copy = *b->c->o.pack;
    struct buf out;
    int x;

    copy.texts = calloc(copy.count + 1, sizeof(*copy.texts));
    if (!copy.texts)
        return err_set(e, -ENOMEM, "out of memory");
    for (size_t i = 0; i < copy.count; i++) {
        copy.texts[i] = b->c->o.pack->texts[i];
        if (b->killers[i])
            copy.texts[i].included_only = true;
    }
    buf_init(&out, 2u * PACK_BYTES_MAX);
    yara_pack_encode(&copy, &out);
    x = out.failed ? err_set(e, out.failed, "the YARA rules are too large")
                   : yara_memory_file(out.data, out.len, ret, e);
    buf_free(&out);
    free(copy.texts);
    return x;
}

static int compile_once(struct building *b, int out_fd, struct err *e)
{
    struct yara_client *c = b->c;
    struct worker *w = &c->workers[0];
    int texts = -1, x = texts_to_memory(b, &texts, e);

    if (x < 0)
        return x;
    if (ftruncate(out_fd, 0) < 0 || lseek(out_fd, 0, SEEK_SET) < 0)
        x = err_errno(e, "cannot use a memory file");
    b->at = UINT32_MAX;
    buf_clear(&b->problems);
    if (x == 0 && (x = role_start(&yara_role, &w->process, e)) == 0) {
        int fds[YARA_ROLE_FDS_MAX] = {texts, out_fd, c->magic_fd};
        x = ipc_send(w->process.ipc, YARA_COMPILE, c->defines.data, c->defines.len, fds, c->magic_fd >= 0 ? 3 : 2, e);
        if (x == 0)
            x = follow(b, w, e);
    }
    close(texts);
    if (x < 0)
        role_stop(&w->process);
    return x;
}

/* Again and again without the texts at which the compiler dies. */
static int compile_all(struct building *b, int out_fd, struct err *e)
{
    const struct yara_pack *p = b->c->o.pack;
    for (unsigned killed = 0;; killed++) {
        int x = compile_once(b, out_fd, e);
        if (x != ERR_TIMEOUT)
            return x;
        if (b->at >= p->count || b->killers[b->at] || killed == KILLERS_MAX)
            return x;
        b->killers[b->at] = true;
    }
}

static void killers_tell(struct building *b)
{
    for (size_t i = 0; i < b->c->o.pack->count; i++)
        if (b->killers[i])
            problem_own(b->c, false, b->c->o.pack->texts[i].file,
                        "libyara died or hung when it compiled this file: left out");
}

/* The scanner's own file may still be written by it: what the others get is a sealed copy. */
static int seal(struct yara_client *c, int out_fd, struct buf *compiled, struct err *e)
{
    int x = lseek(out_fd, 0, SEEK_SET) < 0 ? err_errno(e, "cannot read the compiled rules")
                                           : file_read_fd(out_fd, YARA_COMPILED_MAX, compiled, e);
    return x < 0 ? x : yara_memory_file(compiled->data, compiled->len, &c->compiled_fd, e);
}

static int compile_rules(struct yara_client *c, const uint8_t key[SHA256_SIZE], struct err *e)
{
    struct building b = {.c = c};
    struct buf compiled = {0};
    bool killed = false;
    int out_fd = memfd_create("compiled", MFD_CLOEXEC), x = 0;

    buf_init(&b.problems, YARA_CACHE_PROBLEMS_MAX);
    b.killers = calloc(c->o.pack->count + 1, sizeof(*b.killers));
    if (out_fd < 0)
        x = err_errno(e, "cannot make a memory file");
    else if (!b.killers)
        x = err_set(e, -ENOMEM, "out of memory");
    if (x == 0) {
        x = compile_all(&b, out_fd, e);
        problems_tell(c, buf_str(&b.problems));
        killers_tell(&b);
    }
    if (x == 0)
        x = seal(c, out_fd, &compiled, e);
    for (size_t i = 0; b.killers && i < c->o.pack->count; i++)
        killed |= b.killers[i];
    /* What killed a compiler is tried again next time. */
    if (x == 0 && !c->o.no_cache && !killed && !b.problems.failed) {
        struct err inner = {0};
        if (yara_cache_put(c->o.cache_dir, key, buf_str(&b.problems), buf_str(&compiled), &inner) < 0)
            problem_own(c, true, STR_LIT("cache of compiled rules"), inner.text);
    }
    if (out_fd >= 0)
        close(out_fd);
    free(b.killers);
    buf_free(&b.problems);
    buf_free(&compiled);
    return x;
}

/* 1 ready, 0 to be compiled. */
static int from_cache(struct yara_client *c, const uint8_t key[SHA256_SIZE])
{
    struct err e = {0};
    struct buf problems = {0};
    int fd = -1, x = yara_cache_get(c->o.cache_dir, key, &fd, &problems, &e);

    if (x < 0)
        problem_own(c, true, STR_LIT("cache of compiled rules"), e.text);
    if (x != 1)
        return 0;
    c->compiled_fd = fd;
    x = client_worker_start(c, &c->workers[0], &e);
    if (x < 0) {
        problem_own(c, true, STR_LIT("cache of compiled rules"), e.text);
        close(fd);
        c->compiled_fd = -1;
    } else {
        problems_tell(c, buf_str(&problems));
        c->from_cache = true;
    }
    buf_free(&problems);
    return x < 0 ? 0 : 1;
}

int client_rules_ready(struct yara_client *c, struct err *e)
{
    uint8_t key[SHA256_SIZE];
    int x;

    if (!yara_pack_files(c->o.pack))
        return err_set(e, ERR_MISSING, "there is no YARA rule file");
    if ((x = key_make(c, key)) < 0)
        return err_set(e, x, "cannot make a hash of the YARA rules");
    if (!c->o.no_cache && from_cache(c, key) == 1)
        return 0;
    return compile_rules(c, key, e);
}
