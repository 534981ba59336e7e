/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/flow.h"

#include "base/siphash.h"

#include <errno.h>
#include <stdlib.h>

#define BUCKETS 65536

struct list {
    struct flow *oldest, *newest;
};

struct flows {
    uint8_t key[16];
    void (*end)(void *context, struct flow *f);
    void *context;
    uint32_t count;
    uint64_t evicted;
    struct list list[FLOW_CLASSES];
    struct flow *bucket[BUCKETS];
};

static const uint64_t idle_ns[FLOW_CLASSES] = {
    [FLOW_HALF] = FLOW_HALF_NS, [FLOW_DATAGRAM] = FLOW_DATAGRAM_NS, [FLOW_OPEN] = FLOW_OPEN_NS};

int flows_new(const uint8_t key[16], void (*end)(void *context, struct flow *f), void *context, struct flows **ret)
{
    struct flows *t = calloc(1, sizeof(*t));

    if (!t)
        return -ENOMEM;
    memcpy(t->key, key, 16);
    t->end = end;
    t->context = context;
    *ret = t;
    return 0;
}

static void destroy(struct flow *f)
{
    free(f->host);
    free(f);
}

void flows_free(struct flows **t)
{
    if (!*t)
        return;
    for (int c = 0; c < FLOW_CLASSES; c++)
        for (struct flow *f = (*t)->list[c].oldest, *next; f; f = next) {
            next = f->newer;
            destroy(f);
        }
    free(*t);
    *t = NULL;
}

static struct flow **bucket_of(struct flows *t, const struct flow_key *k)
{
    uint8_t b[13] = {k->proto,
                     (uint8_t)k->sport,
                     (uint8_t)(k->sport >> 8),
                     (uint8_t)k->dport,
                     (uint8_t)(k->dport >> 8),
                     (uint8_t)k->src,
                     (uint8_t)(k->src >> 8),
                     (uint8_t)(k->src >> 16),
                     (uint8_t)(k->src >> 24),
                     (uint8_t)k->dst,
                     (uint8_t)(k->dst >> 8),
                     (uint8_t)(k->dst >> 16),
                     (uint8_t)(k->dst >> 24)};

    return &t->bucket[siphash13(b, sizeof(b), t->key) % BUCKETS];
}

static bool same_key(const struct flow_key *a, const struct flow_key *b)
{
    return a->proto == b->proto && a->src == b->src && a->dst == b->dst && a->sport == b->sport && a->dport == b->dport;
}

struct flow *flows_find(struct flows *t, const struct flow_key *k)
{
    struct flow *f = *bucket_of(t, k);

    while (f && !same_key(&f->key, k))
        f = f->chain;
    return f;
}

static void list_add(struct flows *t, struct flow *f)
{
    struct list *l = &t->list[f->class];

    f->newer = NULL;
    f->older = l->newest;
    if (l->newest)
        l->newest->newer = f;
    else
        l->oldest = f;
    l->newest = f;
}

static void list_remove(struct flows *t, struct flow *f)
{
    struct list *l = &t->list[f->class];

    if (f->older)
        f->older->newer = f->newer;
    else
        l->oldest = f->newer;
    if (f->newer)
        f->newer->older = f->older;
    else
        l->newest = f->older;
}

struct flow *flows_add(struct flows *t, const struct flow_key *k, enum flow_class class, uint64_t now_ns)
{
    while (t->count >= FLOWS_MAX && flows_evict(t))
        ;
    struct flow *f = calloc(1, sizeof(*f));
    if (!f)
        return NULL;
    f->key = *k;
    f->class = class;
    f->first_ns = f->last_ns = now_ns;
    struct flow **b = bucket_of(t, k);
    f->chain = *b;
    *b = f;
    list_add(t, f);
    t->count++;
    return f;
}

void flows_touch(struct flows *t, struct flow *f, uint64_t now_ns)
{
    f->last_ns = now_ns;
    if (f->newer) {
        list_remove(t, f);
        list_add(t, f);
    }
}

void flows_reclass(struct flows *t, struct flow *f, enum flow_class class)
{
    list_remove(t, f);
    f->class = class;
    list_add(t, f);
}

void flow_sent(struct flows *t, struct flow *f, const void *p, size_t n, uint64_t now_ns)
{
    size_t room = FLOW_FIRST_MAX - f->first_n, part = n < room ? n : room;

    if (part)
        memcpy(f->first + f->first_n, p, part);
    f->first_n += (unsigned)part;
    f->sent += n;
    flows_touch(t, f, now_ns);
}

void flow_set_host(struct flow *f, struct str host)
{
    if (!f->host && host.n)
        f->host = str_dup(host);
}

void flows_end(struct flows *t, struct flow *f)
{
    struct flow **link = bucket_of(t, &f->key);

    while (*link && *link != f)
        link = &(*link)->chain;
    if (*link)
        *link = f->chain;
    list_remove(t, f);
    t->count--;
    t->end(t->context, f);
    destroy(f);
}

bool flows_evict(struct flows *t)
{
    for (int c = 0; c < FLOW_CLASSES; c++)
        if (t->list[c].oldest) {
            t->evicted++;
            flows_end(t, t->list[c].oldest);
            return true;
        }
    return false;
}

void flows_expire(struct flows *t, uint64_t now_ns)
{
    for (int c = 0; c < FLOW_CLASSES; c++)
        while (t->list[c].oldest && t->list[c].oldest->last_ns + idle_ns[c] <= now_ns)
            flows_end(t, t->list[c].oldest);
}

void flows_end_all(struct flows *t)
{
    for (int c = 0; c < FLOW_CLASSES; c++)
        while (t->list[c].oldest)
            flows_end(t, t->list[c].oldest);
}

uint32_t flows_count(const struct flows *t)
{
    return t->count;
}

uint64_t flows_evicted(const struct flows *t)
{
    return t->evicted;
}
