/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tracer-decode.h"

#include "bpf/record.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX (192 * 1024)  /* all strings of one event */
#define STRING_MAX (60 * 1024) /* one string; events allow 64 KiB */
#define PENDING_MAX 512

/* EVF_PROCESS_EXEC_Image = 0, ... */
#define EV_KIND(num, sym, name, sigma, doc) enum {
#define EV_FIELD(sym, field, type, doc) EVF_##sym##_##field,
#define EV_END(sym)                                                                                                    \
    EVF_##sym##__COUNT                                                                                                 \
    }                                                                                                                  \
    ;
#include "event/schema.def"
#undef EV_KIND
#undef EV_FIELD
#undef EV_END

struct pending {
    uint32_t tid; /* 0: free */
    uint64_t age;
    size_t n;
    uint8_t *record;
};

struct tracer_decoder {
    char text[TEXT_MAX];
    size_t used;
    uint64_t age, lost;
    struct pending pending[PENDING_MAX];
};

/* A bounded look at a record. */
struct in {
    const uint8_t *p;
    size_t n, at;
    bool bad;
};

static const uint8_t *take(struct in *in, size_t n)
{
    if (in->bad || n > in->n - in->at) {
        in->bad = true;
        return NULL;
    }
    const uint8_t *p = in->p + in->at;
    in->at += n;
    return p;
}

static uint64_t take_u(struct in *in, size_t n)
{
    uint64_t v = 0;
    const uint8_t *p = take(in, n);
    if (p)
        memcpy(&v, p, n); /* the guest is little endian, and so is the agent: it is the same machine */
    return v;
}

struct tracer_decoder *tracer_decoder_new(void)
{
    return calloc(1, sizeof(struct tracer_decoder));
}

void tracer_decoder_free(struct tracer_decoder **d)
{
    if (!d || !*d)
        return;
    for (size_t i = 0; i < PENDING_MAX; i++)
        free((*d)->pending[i].record);
    free(*d);
    *d = NULL;
}

uint64_t tracer_decoder_lost(const struct tracer_decoder *d)
{
    return d->lost;
}

/* ---- values ---------------------------------------------------------------------- */

/* Room for a string; what is written is made final by text_set(). */
static char *text_room(struct tracer_decoder *d, size_t *ret_cap)
{
    size_t left = TEXT_MAX - d->used;
    *ret_cap = left > STRING_MAX ? STRING_MAX : left;
    return d->text + d->used;
}

static void text_set(struct tracer_decoder *d, struct tracer_field *f, size_t n)
{
    f->s = d->text + d->used;
    f->n = n;
    d->text[d->used + n] = 0;
    d->used += n + 1;
}

static void text_copy(struct tracer_decoder *d, struct tracer_field *f, const void *p, size_t n)
{
    size_t cap;
    char *to = text_room(d, &cap);
    if (n > cap - 1)
        n = cap - 1;
    if (n > 0)
        memcpy(to, p, n);
    text_set(d, f, n);
}

static void value_path(struct tracer_decoder *d, struct in *in, struct tracer_field *f)
{
    const uint8_t *names[PATH_NAMES_MAX + 2];
    size_t count = 0, cap, n = 0;
    uint8_t flags = (uint8_t)take_u(in, 1);

    for (;;) {
        size_t len = take_u(in, 1);
        if (in->bad || len == 0)
            break;
        if (count == PATH_NAMES_MAX + 1 || !take(in, len)) {
            in->bad = true;
            break;
        }
        names[count++] = in->p + in->at - len - 1;
    }
    if (in->bad)
        return;
    char *to = text_room(d, &cap);
    if (flags & PATH_CUT)
        n = (size_t)snprintf(to, cap, "/...");
    for (size_t i = count; i-- > 0;) {
        size_t len = names[i][0];
        if (n + len + 2 > cap)
            break;
        if (!(flags & PATH_FLOATING) || i + 1 < count)
            to[n++] = '/';
        memcpy(to + n, names[i] + 1, len);
        n += len;
    }
    if (n == 0)
        n = (size_t)snprintf(to, cap, "%s", flags & PATH_FLOATING ? "anonymous" : "/");
    text_set(d, f, n);
}

static void value_unix(struct tracer_decoder *d, struct in *in, struct tracer_field *f)
{
    char path[256];
    size_t n = take_u(in, 1);
    const uint8_t *p = take(in, n);

    if (!p)
        return;
    memcpy(path, p, n);
    if (n > 0 && path[0] == 0)
        path[0] = '@'; /* abstract, as ss and systemd write it */
    else
        n = strnlen(path, n);
    for (size_t i = 0; i < n; i++)
        if (path[i] == 0)
            path[i] = '@';
    text_copy(d, f, path, n);
}

static void value_address(struct tracer_decoder *d, struct in *in, struct tracer_field *f, bool six)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char text[INET6_ADDRSTRLEN] = "";
    const uint8_t *p = take(in, six ? 16 : 4);

    if (!p)
        return;
    if (six && memcmp(p, mapped, 12) == 0)
        inet_ntop(AF_INET, p + 12, text, sizeof(text));
    else
        inet_ntop(six ? AF_INET6 : AF_INET, p, text, sizeof(text));
    text_copy(d, f, text, strlen(text));
}

static void value_counts(struct tracer_decoder *d, struct in *in, struct tracer_event *ev)
{
    size_t cap, n = 0, pairs = take_u(in, 2);
    uint64_t total = 0;
    char *to = text_room(d, &cap);

    for (size_t i = 0; i < pairs && !in->bad; i++) {
        uint16_t nr = (uint16_t)take_u(in, 2);
        uint64_t count = take_u(in, 8);
        if (n + 32 < cap)
            n += (size_t)snprintf(to + n, cap - n, "%s%s%u=%llu", n ? " " : "", nr & 0x8000 ? "i" : "", nr & 0x7fffu,
                                  (unsigned long long)count);
        total += count;
    }
    text_set(d, &ev->f[EVF_PROCESS_SYSCALLS_Counts], n);
    ev->f[EVF_PROCESS_SYSCALLS_Total].u = total;
    ev->nfields = EVF_PROCESS_SYSCALLS__COUNT;
}

static void value_bytes(struct tracer_decoder *d, struct in *in, struct tracer_field *f, uint8_t tag)
{
    size_t n = take_u(in, 2), cap;
    const uint8_t *p = take(in, n);

    if (!p)
        return;
    char *to = text_room(d, &cap);
    if (tag == TAG_ARGS)
        text_set(d, f, tracer_join_args(to, cap, (const char *)p, n));
    else if (tag == TAG_ENV)
        text_set(d, f, tracer_pick_env(to, cap, (const char *)p, n));
    else
        text_copy(d, f, p, n);
}

static void value(struct tracer_decoder *d, struct in *in, struct tracer_event *ev)
{
    struct tracer_field *f = &ev->f[ev->nfields++];
    uint8_t tag = (uint8_t)take_u(in, 1), table;
    size_t cap;
    char *to;

    if (TEXT_MAX - d->used < 1024) {
        in->bad = true;
        return;
    }
    switch (tag) {
    case TAG_U64:
        f->u = take_u(in, 8);
        break;
    case TAG_STR:
    case TAG_ARGS:
    case TAG_ENV:
        value_bytes(d, in, f, tag);
        break;
    case TAG_PATH:
        value_path(d, in, f);
        break;
    case TAG_NAME:
        table = (uint8_t)take_u(in, 1);
        to = text_room(d, &cap);
        text_set(d, f, tracer_name(table, take_u(in, 8), to, cap));
        break;
    case TAG_ADDR4:
        value_address(d, in, f, false);
        break;
    case TAG_ADDR6:
        value_address(d, in, f, true);
        break;
    case TAG_UNIX:
        value_unix(d, in, f);
        break;
    case TAG_COUNTS:
        value_counts(d, in, ev);
        break;
    default:
        in->bad = true;
    }
}

/* ---- pending calls ---------------------------------------------------------------- */

static struct pending *pending_of(struct tracer_decoder *d, uint32_t tid)
{
    for (size_t i = 0; i < PENDING_MAX; i++)
        if (d->pending[i].tid == tid)
            return &d->pending[i];
    return NULL;
}

static int pending_add(struct tracer_decoder *d, const void *record, size_t n, uint32_t tid)
{
    struct pending *p =
        pending_of(d, tid); /* a second one of the same thread replaces the first, whose call failed early */
    if (!p)
        p = pending_of(d, 0);
    if (!p) {
        p = &d->pending[0];
        for (size_t i = 1; i < PENDING_MAX; i++)
            if (d->pending[i].age < p->age)
                p = &d->pending[i];
        d->lost++;
    }
    uint8_t *copy = realloc(p->record, n);
    if (!copy) {
        d->lost++;
        return 0;
    }
    memcpy(copy, record, n);
    *p = (struct pending){.tid = tid, .age = ++d->age, .n = n, .record = copy};
    return 0;
}

/* The strings of these come from the program: as given, perhaps relative. */
static void exec_finish(struct tracer_decoder *d, struct tracer_event *ev)
{
    struct tracer_field *script = &ev->f[EVF_PROCESS_EXEC_Script];
    struct tracer_field *cwd = &ev->f[EVF_PROCESS_EXEC_CurrentDirectory];
    size_t cap;

    if (ev->nfields != EVF_PROCESS_EXEC__COUNT || !script->s || script->n == 0 || !cwd->s || TEXT_MAX - d->used < 1024)
        return;
    char *to = text_room(d, &cap);
    text_set(d, script, tracer_path_join(to, cap, cwd->s, script->s));
}

static int decode(struct tracer_decoder *d, const struct record_header *h, const uint8_t *p, size_t n, tracer_fn *fn,
                  void *ctx)
{
    struct in in = {p, n, 0, false};
    struct tracer_event ev = {.kind = h->kind,
                              .from_sample = h->flags & RECORD_SAMPLE,
                              .hold = h->flags & RECORD_HOLD,
                              .time = h->time,
                              .pid = h->pid,
                              .tid = h->tid};

    d->used = 0;
    if (h->count > TRACER_FIELDS_MAX)
        return -1;
    for (unsigned i = 0; i < h->count && !in.bad; i++)
        value(d, &in, &ev);
    if (in.bad)
        return -1;
    if (ev.kind == EVENT_PROCESS_EXEC)
        exec_finish(d, &ev);
    if ((h->flags & RECORD_FILTER) && !(ev.nfields > 0 && ev.f[0].s && tracer_path_is_sensitive(ev.f[0].s)))
        return 0;
    fn(ctx, &ev);
    return 0;
}

int tracer_decode(struct tracer_decoder *d, const void *record, size_t n, tracer_fn *fn, void *ctx)
{
    struct record_header h;

    if (n < sizeof(h))
        return -1;
    memcpy(&h, record, sizeof(h));
    if (h.length < sizeof(h) || h.length > n)
        return -1;
    if (h.flags & RECORD_PENDING)
        return h.tid ? pending_add(d, record, h.length, h.tid) : -1;
    const uint8_t *body = (const uint8_t *)record + sizeof(h);
    if (h.kind != KIND_RESULT)
        return decode(d, &h, body, h.length - sizeof(h), fn, ctx);

    struct pending *p = h.tid ? pending_of(d, h.tid) : NULL;
    struct in in = {body, h.length - sizeof(h), 0, false};
    take_u(&in, 1);
    int64_t ret = (int64_t)take_u(&in, 8);
    if (in.bad)
        return -1;
    if (!p)
        return 0; /* the call failed before its names were known */
    p->tid = 0;
    if (ret < 0)
        return 0;
    memcpy(&h, p->record, sizeof(h));
    return decode(d, &h, p->record + sizeof(h), p->n - sizeof(h), fn, ctx);
}
