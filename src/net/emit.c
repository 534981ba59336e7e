/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/emit.h"

#include "base/reader.h"

#include <errno.h>
#include <stdlib.h>

#define SECOND_NS 1000000000

struct emit {
    int (*send)(void *context, const void *p, size_t n);
    void *context;
    struct buf records; /* without the head, which knows the lost total only at the end */
    struct buf batch;
    uint64_t next_seq, batch_first, batch_events, told_lost;
    int64_t base_ns, last_ns;
    int64_t second; /* that `in_second` counts */
    uint32_t in_second[EVENT_KIND_MAX];
    bool unlimited;
    struct emit_status status;
};

int emit_new(int (*send)(void *context, const void *p, size_t n), void *context, struct emit **ret)
{
    struct emit *m = calloc(1, sizeof(*m));

    if (!m)
        return -ENOMEM;
    m->send = send;
    m->context = context;
    m->next_seq = 1;
    buf_init(&m->records, EMIT_BATCH_MAX);
    buf_init(&m->batch, EMIT_BATCH_MAX + 64);
    *ret = m;
    return 0;
}

void emit_free(struct emit **m)
{
    if (!*m)
        return;
    buf_free(&(*m)->records);
    buf_free(&(*m)->batch);
    free(*m);
    *m = NULL;
}

static bool over_rate(struct emit *m, const struct event *ev)
{
    int64_t second = ev->time_ns / SECOND_NS;

    if (second != m->second) {
        memset(m->in_second, 0, sizeof(m->in_second));
        m->second = second;
    }
    return ++m->in_second[ev->kind % EVENT_KIND_MAX] > EMIT_PER_SECOND && !m->unlimited;
}

void emit_unlimited(struct emit *m)
{
    m->unlimited = true;
}

static void put_fields(struct buf *b, const struct event_kind_info *k, const struct event *ev)
{
    for (unsigned i = 0; i < ev->count && i < k->count; i++) {
        struct str s = str_sub(ev->f[i].s, 0, EVENT_STR_MAX);
        switch (k->fields[i].type) {
        case EV_I64:
            buf_zigzag(b, (int64_t)ev->f[i].u);
            break;
        case EV_STR:
        case EV_TEXT:
            buf_varint(b, s.n);
            buf_add_str(b, s);
            break;
        default:
            buf_varint(b, ev->f[i].u);
            break;
        }
    }
}

void emit_event(struct emit *m, const struct event *ev)
{
    const struct event_kind_info *k = event_kind_info(ev->kind);

    if (!k || over_rate(m, ev)) {
        m->status.lost++;
        return;
    }
    if (!m->batch_events) {
        m->batch_first = m->next_seq;
        m->base_ns = m->last_ns = ev->time_ns;
    }
    size_t before = m->records.len;
    buf_varint(&m->records, ev->kind);
    buf_zigzag(&m->records, ev->time_ns - m->last_ns);
    buf_varint(&m->records, ev->pid);
    buf_varint(&m->records, ev->tid);
    buf_varint(&m->records, ev->count < k->count ? ev->count : k->count);
    put_fields(&m->records, k, ev);
    if (m->records.failed) {
        m->records.failed = 0;
        m->records.len = before;
        m->status.lost++;
        return;
    }
    m->last_ns = ev->time_ns;
    m->next_seq++;
    m->batch_events++;
    m->status.events++;
    if (m->records.len >= EMIT_BATCH_SEND)
        emit_flush(m);
}

void emit_flush(struct emit *m)
{
    if (!m->batch_events && m->told_lost == m->status.lost)
        return;
    buf_clear(&m->batch);
    buf_u8(&m->batch, EVENT_SOURCE_NET);
    buf_varint(&m->batch, (uint64_t)m->base_ns);
    buf_varint(&m->batch, m->batch_events ? m->batch_first : m->next_seq);
    buf_varint(&m->batch, m->status.lost);
    buf_add(&m->batch, m->records.data, m->records.len);
    if (m->batch.failed || m->send(m->context, m->batch.data, m->batch.len) < 0) {
        m->status.lost += m->batch_events;
        m->status.events -= m->batch_events;
    } else {
        m->told_lost = m->status.lost;
    }
    m->batch_events = 0;
    buf_clear(&m->records);
}

const struct emit_status *emit_get_status(const struct emit *m)
{
    return &m->status;
}

static void get_fields(struct reader *r, const struct event_kind_info *k, struct event *ev)
{
    for (unsigned i = 0; i < ev->count; i++) {
        struct event_value *v = &ev->f[i];
        switch (k->fields[i].type) {
        case EV_I64:
            v->u = (uint64_t)reader_zigzag(r);
            break;
        case EV_STR:
        case EV_TEXT: {
            uint64_t n = reader_varint(r);
            if (n > EVENT_STR_MAX)
                reader_fail(r, ERR_LIMIT, "string of an event");
            else
                v->s = reader_str(r, (size_t)n);
            break;
        }
        default:
            v->u = reader_varint(r);
            break;
        }
    }
}

int emit_decode(const void *p, size_t n, void (*fn)(void *context, const struct event *ev), void *context,
                uint64_t *ret_lost, struct err *e)
{
    struct reader r;

    reader_init(&r, p, n);
    uint8_t source = reader_u8(&r);
    int64_t time = (int64_t)reader_varint(&r);
    uint64_t seq = reader_varint(&r), lost = reader_varint(&r);
    if (reader_ok(&r) && source != EVENT_SOURCE_NET)
        reader_fail(&r, ERR_FORMAT, "source of a batch");
    if (reader_ok(&r))
        *ret_lost = lost;
    while (reader_ok(&r) && reader_left(&r)) {
        struct event ev = {.source = source, .seq = seq++};
        uint64_t kind = reader_varint(&r);
        /* wraps instead of overflowing when the sender lies */
        time = (int64_t)((uint64_t)time + (uint64_t)reader_zigzag(&r));
        ev.time_ns = time;
        ev.pid = (uint32_t)reader_varint(&r);
        ev.tid = (uint32_t)reader_varint(&r);
        uint64_t count = reader_varint(&r);
        const struct event_kind_info *k = kind < EVENT_KIND_MAX ? event_kind_info((uint16_t)kind) : NULL;
        if (reader_ok(&r) && (!k || count > k->count))
            reader_fail(&r, ERR_FORMAT, "event kind or field count");
        if (!reader_ok(&r))
            break;
        ev.kind = (uint16_t)kind;
        ev.count = (uint8_t)count;
        get_fields(&r, k, &ev);
        if (reader_ok(&r))
            fn(context, &ev);
    }
    return reader_err(&r, e);
}
