/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A hostile batch: decoded, every string touched; what decodes must encode and decode to the same again. */
#include "proto/events.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again(const struct wire_event *ev)
{
    static uint8_t space[1u << 20];
    struct wire_batch b;
    struct wire_batch_in in;
    struct wire_event got;

    wire_batch_begin(&b, space, sizeof(space), 1, ev->time, 1, 0);
    if (!wire_batch_add(&b, ev))
        return;
    if (!wire_batch_open(&in, space, b.put.len) || wire_batch_next(&in, &got) != 1)
        abort();
    if (got.kind != ev->kind || got.time != ev->time || got.pid != ev->pid || got.count != ev->count)
        abort();
    for (unsigned i = 0; i < ev->count; i++)
        if (got.f[i].u != ev->f[i].u || got.f[i].n != ev->f[i].n ||
            (got.f[i].n && memcmp(got.f[i].s, ev->f[i].s, got.f[i].n)))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_batch_in in;
    struct wire_event ev;

    if (!wire_batch_open(&in, data, size))
        return 0;
    while (wire_batch_next(&in, &ev) == 1)
        again(&ev);
    return 0;
}
