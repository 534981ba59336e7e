/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/yara/role.h"

#include "detect/yara/pack.h"
#include "detect/yara/streams.h"
#include "jail/jail.h"
#include "os/file.h"
#include "os/time.h"
#include "triage/identify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct scanner {
    struct ipc *parent;
    struct yara_rules *rules;
    struct yara_define *defines;
    size_t ndefines;
    struct arena arena; /* of the defines */
    struct buf answer;
    unsigned problems;
    int failed; /* the parent is gone */
};

void yara_defines_encode(const struct yara_define *d, size_t n, struct buf *out)
{
    buf_u32le(out, (uint32_t)n);
    for (size_t i = 0; i < n; i++) {
        uint64_t real;
        memcpy(&real, &d[i].real, sizeof(real));
        buf_u8(out, (uint8_t)d[i].kind);
        yara_wire_str(out, str_from(d[i].name));
        yara_wire_str(out, str_from(d[i].text));
        buf_u64le(out, (uint64_t)d[i].number);
        buf_u64le(out, real);
    }
}

int yara_defines_decode(struct reader *in, struct arena *a, struct yara_define **ret, size_t *ret_n, struct err *e)
{
    uint32_t n = reader_u32le(in);
    if (reader_ok(in) && n > YARA_DEFINES_MAX)
        reader_fail(in, ERR_LIMIT, "a number of external variables");
    if (!reader_ok(in))
        return reader_err(in, e);
    struct yara_define *d = arena_array(a, n + 1, sizeof(*d));
    for (uint32_t i = 0; d && i < n; i++) {
        uint8_t kind = reader_u8(in);
        struct str name = arena_str(a, yara_wire_take(in, 4096)), text = arena_str(a, yara_wire_take(in, 1u << 16));
        if (kind > YARA_DEFINE_TEXT)
            reader_fail(in, ERR_FORMAT, "the kind of an external variable");
        d[i].kind = (enum yara_define_kind)kind;
        d[i].name = name.p ? name.p : "";
        d[i].text = text.p ? text.p : "";
        d[i].number = (int64_t)reader_u64le(in);
        uint64_t real = reader_u64le(in);
        memcpy(&d[i].real, &real, sizeof(real));
    }
    if (!d || a->failed)
        return err_set(e, -ENOMEM, "no memory for external variables");
    if (!reader_ok(in) || !reader_done(in))
        return reader_err(in, e);
    *ret = d;
    *ret_n = n;
    return 0;
}

static void send_to(struct scanner *s, enum yara_message type, const void *p, size_t n)
{
    if (!s->failed)
        s->failed = ipc_send(s->parent, type, p, n, NULL, 0, NULL);
}

static void refuse(struct scanner *s, const struct err *e)
{
    send_to(s, YARA_REFUSED, e->text, strlen(e->text));
}

static void on_at(void *context, uint32_t index)
{
    uint8_t p[4] = {(uint8_t)index, (uint8_t)(index >> 8), (uint8_t)(index >> 16), (uint8_t)(index >> 24)};
    send_to(context, YARA_AT, p, sizeof(p));
}

static void on_problem(void *context, bool warning, struct str file, unsigned line, const char *reason)
{
    struct scanner *s = context;
    struct buf b;
    if (s->problems++ >= YARA_PROBLEMS_MAX)
        return;
    buf_init(&b, 1u << 16);
    buf_u8(&b, warning);
    buf_u32le(&b, line);
    yara_wire_str(&b, str_sub(file, 0, 8192));
    yara_wire_str(&b, str_sub(str_from(reason), 0, YARA_TEXT_MAX));
    if (!b.failed)
        send_to(s, YARA_PROBLEM, b.data, b.len);
    buf_free(&b);
}

/* Maps a descriptor; an empty file is no mapping and fine. */
static int map(int fd, bool writable, uint64_t max, void **ret, size_t *ret_n, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || st.st_size < 0)
        return err_errno(e, "cannot look at the file");
    if ((uint64_t)st.st_size > max)
        return err_set(e, ERR_LIMIT, "the file is larger than %llu MiB", (unsigned long long)(max >> 20));
    *ret_n = (size_t)st.st_size;
    *ret = NULL;
    if (!st.st_size)
        return 0;
    void *p = mmap(NULL, *ret_n, PROT_READ | (writable ? PROT_WRITE : 0), MAP_PRIVATE, fd, 0);
    if (p == MAP_FAILED)
        return err_errno(e, "cannot map the file");
    *ret = p;
    return 0;
}

static int defines_take(struct scanner *s, const struct ipc_message *m, struct err *e)
{
    struct reader in;
    reader_init(&in, m->payload, m->length);
    return yara_defines_decode(&in, &s->arena, &s->defines, &s->ndefines, e);
}

static void magic_take(int fd)
{
    struct err e;
    void *p = NULL;
    size_t n = 0;
    if (fd >= 0 && map(fd, true, 64u << 20, &p, &n, &e) == 0 && p)
        yara_magic_table(p, n);
}

static int compile(struct scanner *s, const struct ipc_message *m, struct err *e)
{
    const struct yara_handlers h = {.context = s, .problem = on_problem, .at = on_at};
    struct yara_text *texts;
    struct arena a;
    struct reader in;
    size_t n = 0, count;
    void *p = NULL;
    int x;

    arena_init(&a, 64u << 20);
    if (s->rules || m->nfds < 2)
        x = err_set(e, ERR_PEER, "asked wrongly");
    else if ((x = map(m->fds[0], false, 2ull * PACK_BYTES_MAX, &p, &n, e)) == 0) {
        reader_init(&in, p, n);
        x = yara_pack_decode(&in, &a, &texts, &count, e);
    }
    if (x == 0)
        x = yara_compile(texts, count, s->defines, s->ndefines, &h, &s->rules, e);
    if (x == 0)
        x = yara_rules_save(s->rules, m->fds[1], e);
    if (p)
        munmap(p, n);
    arena_free(&a);
    return x;
}

static int load(struct scanner *s, const struct ipc_message *m, struct err *e)
{
    void *p = NULL;
    size_t n = 0;
    int x = s->rules || m->nfds < 1 ? err_set(e, ERR_PEER, "asked wrongly")
                                    : map(m->fds[0], false, YARA_COMPILED_MAX, &p, &n, e);
    if (x == 0)
        x = yara_rules_load(p, n, &s->rules, e);
    if (p)
        munmap(p, n);
    return x;
}

static void ready(struct scanner *s, int x, const struct err *e)
{
    if (x < 0) {
        refuse(s, e);
        return;
    }
    uint32_t n = yara_rules_count(s->rules);
    uint8_t p[4] = {(uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16), (uint8_t)(n >> 24)};
    send_to(s, YARA_READY, p, sizeof(p));
}

static int one_rule(void *context, const struct yara_hit *rule)
{
    struct scanner *s = context;
    struct yara_hit copy = *rule;
    const struct yara_result r = {.hits = &copy, .nhits = 1};
    buf_clear(&s->answer);
    yara_result_encode(&r, &s->answer);
    if (s->answer.failed)
        return s->answer.failed;
    send_to(s, YARA_RULE, s->answer.data, s->answer.len);
    return s->failed;
}

static void list(struct scanner *s)
{
    struct err e = {0};
    int x = s->rules ? yara_rules_each(s->rules, one_rule, s) : ERR_PEER;
    if (x < 0) {
        err_set(&e, x, "the rules cannot be listed: %s", err_name(x));
        refuse(s, &e);
    } else {
        send_to(s, YARA_LISTED, NULL, 0);
    }
}

/* "ELF", "PDF", "SHELL", ...; programs of Windows are "EXE", as rules expect it. */
static const char *filetype(const void *p, size_t n, const char *name, char ret[32])
{
    struct identity id = {0};
    struct reader in;
    reader_init(&in, p, n);
    identify(&in, str_from(name), &id);
    snprintf(ret, 32, "%s", id.type ? id.type : "");
    if (strcmp(ret, "pe") == 0)
        snprintf(ret, 32, "exe");
    for (char *c = ret; *c; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 'a' + 'A');
    return ret;
}

/* What the guest said and heard; a file that is no pcap is scanned as it is. One time limit for all. */
static void scan_streams(struct scanner *s, const void *p, size_t n, struct yara_target *t, struct yara_result *ret)
{
    uint64_t begun = time_monotonic_ns();
    unsigned limit = t->timeout_s;
    struct streams all;
    struct reader in;
    char name[STREAM_NAME_MAX];

    reader_init(&in, p, n);
    if (streams_read(&in, &all, NULL) < 0) {
        yara_scan(s->rules, p, n, t, s->defines, s->ndefines, ret);
        return;
    }
    yara_result_init(ret);
    t->part = name;
    for (size_t i = 0; i < all.count && ret->status == YARA_DONE; i++) {
        uint64_t spent = (time_monotonic_ns() - begun) / 1000000000;
        stream_name(&all.items[i], name);
        t->timeout_s = spent < limit ? (unsigned)(limit - spent) : 1;
        if (spent > limit) {
            ret->status = YARA_TIMEOUT;
            ret->text =
                yara_result_text(ret, STR_LIT("the scan of the traffic took too long and was ended"), YARA_TEXT_MAX);
        } else if (all.items[i].data.len) {
            yara_scan_more(s->rules, all.items[i].data.data, all.items[i].data.len, t, s->defines, s->ndefines, ret);
        }
    }
    t->part = NULL;
    streams_free(&all);
}

static int scan(struct scanner *s, const struct ipc_message *m, struct err *e)
{
    struct yara_result result;
    struct yara_target t = {0};
    const char **external[] = {&t.filename, &t.filepath, &t.extension, &t.filetype, &t.owner};
    struct reader in;
    struct arena a;
    void *p = NULL;
    size_t n = 0;
    int x;

    reader_init(&in, m->payload, m->length);
    arena_init(&a, 1u << 20);
    t.timeout_s = reader_u32le(&in);
    bool streams = reader_u8(&in) == 1;
    for (size_t i = 0; i < sizeof(external) / sizeof(*external); i++)
        *external[i] = arena_str(&a, yara_wire_take(&in, 1u << 16)).p;
    if (!reader_ok(&in))
        x = reader_err(&in, e);
    else if (!s->rules || m->nfds != 1)
        x = err_set(e, ERR_PEER, "asked wrongly");
    else
        x = map(m->fds[0], false, YARA_TARGET_MAX, &p, &n, e);
    if (x == 0) {
        char type[32];
        if (!t.filetype || !*t.filetype)
            t.filetype = filetype(p, n, t.filename, type);
        if (streams)
            scan_streams(s, p, n, &t, &result);
        else
            yara_scan(s->rules, p, n, &t, s->defines, s->ndefines, &result);
        buf_clear(&s->answer);
        yara_result_encode(&result, &s->answer);
        x = s->answer.failed ? err_set(e, s->answer.failed, "the answer is too large") : 0;
        yara_result_free(&result);
    }
    if (x == 0)
        send_to(s, YARA_RESULT, s->answer.data, s->answer.len);
    if (p)
        munmap(p, n);
    arena_free(&a);
    return x;
}

static void handle(struct scanner *s, struct ipc_message *m)
{
    struct err e = {0};
    int x;

    switch (m->type) {
    case YARA_COMPILE:
        magic_take(m->fds[2]);
        x = defines_take(s, m, &e);
        ready(s, x < 0 ? x : compile(s, m, &e), &e);
        break;
    case YARA_LOAD:
        magic_take(m->fds[1]);
        x = defines_take(s, m, &e);
        ready(s, x < 0 ? x : load(s, m, &e), &e);
        break;
    case YARA_LIST:
        list(s);
        break;
    case YARA_SCAN:
        if (scan(s, m, &e) < 0)
            refuse(s, &e);
        break;
    default:
        s->failed = ERR_PEER;
        break;
    }
    ipc_message_close(m);
}

static int yara_role_run(struct ipc *parent)
{
    struct scanner s = {.parent = parent};
    struct ipc_message m;

    arena_init(&s.arena, 8u << 20);
    buf_init(&s.answer, IPC_PAYLOAD_MAX);
    while (!s.failed && ipc_receive(parent, -1, &m, NULL) == 1)
        handle(&s, &m);
    yara_rules_free(&s.rules);
    buf_free(&s.answer);
    arena_free(&s.arena);
    return s.failed ? 1 : 0;
}

/* The parent watches how long each request takes; the CPU limit is for a scanner that was forgotten. */
static const struct jail_profile yara_jail = {
    .name = "yara",
    .memory_max = 4ull << 30, /* a mapped target of YARA_TARGET_MAX and what libyara makes of the rules */
    .cpu_seconds = 6 * 3600,
    .files_max = 16,
    .file_size_max = YARA_COMPILED_MAX,
};

const struct role yara_role = {
    .name = "yara",
    .doc = "compiles YARA rules and scans samples, dropped files and memory with them",
    .jail = &yara_jail,
    .run = yara_role_run,
};
