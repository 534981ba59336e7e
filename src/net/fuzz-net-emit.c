/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/emit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(void *context, const struct event *ev)
{
    size_t *sum = context;

    for (unsigned i = 0; i < ev->count; i++)
        *sum += ev->f[i].s.n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t lost;
    size_t sum = 0;
    struct err e;

    emit_decode(data, size, take, &sum, &lost, &e);
    return 0;
}
