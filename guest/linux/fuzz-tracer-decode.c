/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The input: records one behind the other, each by the length in its header. */
#include "tracer-decode.h"

#include "bpf/record.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(void *ctx, const struct tracer_event *ev)
{
    size_t *sum = ctx;
    for (unsigned i = 0; i < ev->nfields; i++)
        *sum += ev->f[i].s ? strlen(ev->f[i].s) : ev->f[i].u & 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tracer_decoder *d = tracer_decoder_new();
    size_t at = 0, sum = 0;

    while (d && size - at >= sizeof(struct record_header)) {
        struct record_header h;
        memcpy(&h, data + at, sizeof(h));
        size_t n = h.length < sizeof(h) || h.length > size - at ? size - at : h.length;
        uint8_t *copy = malloc(n);
        if (!copy)
            break;
        memcpy(copy, data + at, n);
        tracer_decode(d, copy, n, use, &sum);
        free(copy);
        at += n;
    }
    tracer_decoder_free(&d);
    return 0;
}
