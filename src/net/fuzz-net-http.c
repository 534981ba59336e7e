/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/http.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long requests;

static void done(void *context, const struct http_done *d)
{
    (void)context;
    requests += d->headers.n + d->url.n + d->body.n;
}

/* The first byte says in how large pieces the rest arrives. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_conn *c = NULL;
    struct buf out;
    size_t at = 1, step = size ? data[0] + 1u : 1;

    if (http_new(0x01020304, STR_LIT("1.2.3.4"), done, NULL, &c) < 0)
        abort();
    buf_init(&out, HTTP_OUT_MAX);
    while (at < size && !http_wants_close(c) && !http_is_tunnel(c)) {
        size_t n = size - at < step ? size - at : step;
        at += http_feed(c, data + at, n, 1700000000, &out);
        buf_clear(&out);
    }
    http_end(c);
    http_free(&c);
    buf_free(&out);
    return 0;
}
