/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/ruletexts.h"

#include "base/reader.h"

#include <errno.h>
#include <stdlib.h>

int ruletexts_add(struct buf *to, const struct ruletext *t)
{
    buf_u32le(to, t->kind);
    buf_u32le(to, t->weight);
    buf_u32le(to, (uint32_t)t->name.n);
    buf_add_str(to, t->name);
    buf_u32le(to, (uint32_t)t->text.n);
    return buf_add_str(to, t->text);
}

void ruletexts_free(struct ruletexts *t)
{
    free(t->items);
    *t = (struct ruletexts){0};
}

static int text_read(struct reader *r, struct ruletext *ret, struct err *e)
{
    uint64_t at = reader_offset(r);
    struct ruletext t;
    t.kind = reader_u32le(r);
    t.weight = reader_u32le(r);
    t.name = reader_str(r, reader_u32le(r));
    t.text = reader_str(r, reader_u32le(r));
    if (!reader_ok(r))
        return reader_err(r, e);
    if (t.weight > 100 || t.name.n == 0 || t.name.n > RULETEXTS_NAME_MAX || memchr(t.name.p, 0, t.name.n))
        return err_set(e, ERR_FORMAT, "offset %llu: not a text of rules", (unsigned long long)at);
    *ret = t;
    return 0;
}

int ruletexts_read(struct str bytes, struct ruletexts *ret, struct err *e)
{
    struct ruletexts t = {0};
    size_t cap = 0;
    struct reader r;
    int rc = 0;
    reader_init(&r, bytes.p, bytes.n);
    while (rc == 0 && reader_left(&r)) {
        if (t.count == cap) {
            size_t more = cap ? cap * 2 : 64;
            struct ruletext *items = realloc(t.items, more * sizeof(*items));
            if (!items) {
                rc = err_set(e, -ENOMEM, "no memory for rules");
                break;
            }
            t.items = items;
            cap = more;
        }
        if (t.count == RULETEXTS_COUNT_MAX)
            rc = err_set(e, ERR_LIMIT, "more than %u files of rules", RULETEXTS_COUNT_MAX);
        else
            rc = text_read(&r, &t.items[t.count], e);
        t.count += rc == 0;
    }
    if (rc < 0)
        ruletexts_free(&t);
    else
        *ret = t;
    return rc;
}

static int compare(const void *a, const void *b)
{
    const struct ruletext *x = a, *y = b;
    size_t n = x->name.n < y->name.n ? x->name.n : y->name.n;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    int c = memcmp(x->name.p, y->name.p, n);
    return c ? c : (x->name.n > y->name.n) - (x->name.n < y->name.n);
}

void ruletexts_sort(struct ruletexts *t)
{
    if (t->count)
        qsort(t->items, t->count, sizeof(*t->items), compare);
}
