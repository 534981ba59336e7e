/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/evtx.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All records, written both ways. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct evtx_memory m = {data, size};
    struct evtx_source s = evtx_memory_source(&m);
    struct evtx *x = NULL;
    struct evtx_record r;
    struct buf out;
    struct jsonw w;

    if (evtx_new(&s, &x, NULL) < 0)
        return 0;
    buf_init(&out, 64u << 20);
    while (evtx_next(x, &r, NULL) == 1) {
        buf_clear(&out);
        jsonw_to_buf(&w, &out, false);
        evtx_json(&w, &r);
        jsonw_finish(&w);
        buf_clear(&out);
        evtx_xml(&out, &r);
    }
    jsonw_to_buf(&w, &out, false);
    anomalies_json(&w, evtx_anomalies(x));
    jsonw_finish(&w);
    buf_free(&out);
    evtx_free(&x);
    return 0;
}
