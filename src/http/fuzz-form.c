/* SPDX-License-Identifier: GPL-3.0-or-later */
/* First line: the content type; then the body, read in pieces whose size the first byte says. */
#include "http/form.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int begin(void *context, struct str field, struct str filename, struct err *e)
{
    (void)e;
    *(size_t *)context += field.n + filename.n;
    return 0;
}

static int data(void *context, const void *p, size_t n, struct err *e)
{
    (void)e;
    for (size_t i = 0; i < n; i++)
        *(size_t *)context += ((const uint8_t *)p)[i];
    return 0;
}

static int end(void *context, struct err *e)
{
    (void)context;
    (void)e;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
    size_t sum = 0, step = n ? 1 + p[0] : 1;
    struct form_sink sink = {&sum, begin, data, end};
    struct str all = {(const char *)p + (n > 0), n - (n > 0)}, type = STR_NONE;
    struct form *f = NULL;
    int r;

    if (!str_split(&all, '\n', &type))
        return 0;
    r = form_new(type, &sink, &f, NULL);
    for (size_t i = 0; r == 0 && i < all.n; i += step)
        r = form_add(f, all.p + i, all.n - i < step ? all.n - i : step, NULL);
    if (r == 0 && form_end(f, NULL) == 0)
        for (size_t i = 0; i < form_count(f); i++)
            form_get(f, "apikey");
    form_free(&f);
    return 0;
}
