/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/events.h"
#include "event/event.h"

#include <string.h>

_Static_assert(WIRE_EVENT_FIELDS == EVENT_FIELDS_MAX, "both ends must agree on the number of fields");

/* Per kind: its fields' types, one byte each. */
#define EV_KIND(num, sym, name, sigma, doc) static const uint8_t types_##sym[] = {
#define EV_FIELD(sym, field, type, doc) EV_##type,
#define EV_END(sym)                                                                                                    \
    0xff                                                                                                               \
    }                                                                                                                  \
    ;
#include "event/schema.def"
#undef EV_KIND
#undef EV_FIELD
#undef EV_END

static const struct {
    const uint8_t *types;
    uint8_t count;
} kinds[EVENT_KIND_MAX] = {
#define EV_KIND(num, sym, name, sigma, doc) [num] = {types_##sym, sizeof(types_##sym) - 1},
#define EV_FIELD(sym, field, type, doc)
#define EV_END(sym)
#include "event/schema.def"
#undef EV_KIND
#undef EV_FIELD
#undef EV_END
};

int wire_event_fields(uint16_t kind)
{
    return kind < EVENT_KIND_MAX && kinds[kind].types ? kinds[kind].count : -1;
}

static bool type_is_text(uint8_t type)
{
    return type == EV_STR || type == EV_TEXT;
}

bool wire_event_is_text(uint16_t kind, unsigned slot)
{
    int n = wire_event_fields(kind);
    return n > 0 && slot < (unsigned)n && type_is_text(kinds[kind].types[slot]);
}

void wire_batch_begin(struct wire_batch *b, void *space, size_t cap, uint8_t source, uint64_t base_time,
                      uint64_t first_seq, uint64_t lost_total)
{
    *b = (struct wire_batch){.put = {.p = space, .cap = cap}, .previous = base_time};
    wire_put_u8(&b->put, source);
    wire_put_varint(&b->put, base_time);
    wire_put_varint(&b->put, first_seq);
    wire_put_varint(&b->put, lost_total);
}

bool wire_batch_add(struct wire_batch *b, const struct wire_event *ev)
{
    struct wire_put *w = &b->put;
    size_t before = w->len;
    int fields = wire_event_fields(ev->kind);

    if (fields < 0 || ev->count > fields || w->failed)
        return false;
    wire_put_varint(w, ev->kind);
    wire_put_zigzag(w, (int64_t)(ev->time - b->previous));
    wire_put_varint(w, ev->pid);
    wire_put_varint(w, ev->tid);
    wire_put_varint(w, ev->count);
    for (unsigned i = 0; i < ev->count; i++) {
        uint8_t type = kinds[ev->kind].types[i];
        if (type_is_text(type))
            wire_put_str(w, ev->f[i].s, ev->f[i].n < EVENT_STR_MAX ? ev->f[i].n : EVENT_STR_MAX);
        else if (type == EV_I64)
            wire_put_zigzag(w, (int64_t)ev->f[i].u);
        else
            wire_put_varint(w, ev->f[i].u);
    }
    if (w->failed) {
        w->failed = false;
        w->len = before;
        return false;
    }
    b->previous = ev->time;
    b->count++;
    return true;
}

bool wire_batch_open(struct wire_batch_in *b, const void *payload, size_t n)
{
    *b = (struct wire_batch_in){.get = {.p = payload, .n = n}};
    b->source = wire_get_u8(&b->get);
    b->base_time = wire_get_varint(&b->get);
    b->seq = wire_get_varint(&b->get);
    b->lost_total = wire_get_varint(&b->get);
    b->previous = b->base_time;
    return !b->get.failed;
}

static void get_field(struct wire_get *r, uint8_t type, struct wire_value *ret)
{
    *ret = (struct wire_value){0};
    if (type_is_text(type)) {
        ret->s = wire_get_str(r, &ret->n);
        if (ret->n > EVENT_STR_MAX)
            r->failed = true;
    } else if (type == EV_I64) {
        ret->u = (uint64_t)wire_get_zigzag(r);
    } else {
        ret->u = wire_get_varint(r);
    }
}

int wire_batch_next(struct wire_batch_in *b, struct wire_event *ret)
{
    struct wire_get *r = &b->get;

    if (r->failed)
        return -1;
    if (r->pos == r->n)
        return 0;

    uint64_t kind = wire_get_varint(r);
    uint64_t time = b->previous + (uint64_t)wire_get_zigzag(r);
    uint64_t pid = wire_get_varint(r), tid = wire_get_varint(r), count = wire_get_varint(r);
    int fields = kind < EVENT_KIND_MAX ? wire_event_fields((uint16_t)kind) : -1;
    if (fields < 0 || count > (unsigned)fields || pid > UINT32_MAX || tid > UINT32_MAX)
        r->failed = true;
    if (r->failed)
        return -1;
    *ret = (struct wire_event){
        .kind = (uint16_t)kind, .count = (uint8_t)count, .pid = (uint32_t)pid, .tid = (uint32_t)tid, .time = time};
    for (unsigned i = 0; i < count; i++)
        get_field(r, kinds[kind].types[i], &ret->f[i]);
    if (r->failed)
        return -1;
    b->previous = time;
    b->seq++;
    return 1;
}
