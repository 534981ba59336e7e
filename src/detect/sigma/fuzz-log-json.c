/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/sigma/log.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile size_t sum; /* so that reading is not left out */

static void on_trouble(void *context, uint64_t record, uint64_t line, uint64_t offset, const char *text)
{
    (void)context;
    sum += record + line + offset + strlen(text);
}

/* The first byte chooses: whether the name says lines, whether a source is given, how the file is read. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct evtx_memory m = {data + 1, size - 1};
    struct sigma_log_options o = {.trouble = on_trouble};
    struct sigma_log_record r;
    struct sigma_log *l = NULL;

    if (!size)
        return 0;
    o.source = evtx_memory_source(&m);
    o.lines = data[0] & 1;
    if (data[0] & 2)
        o.given.product = STR_LIT("linux");
    if (sigma_log_open(&o, &l, NULL) < 0)
        return 0;
    while (sigma_log_next(l, &r, NULL) == 1)
        for (size_t i = 0; i < r.nvalues; i++) {
            struct str parts[] = {r.values[i].name, r.values[i].value.text};
            for (int k = 0; k < 2; k++)
                for (size_t b = 0; b < parts[k].n; b++)
                    sum += (unsigned char)parts[k].p[b];
            if (!utf8_valid(r.values[i].value.text) && r.values[i].value.text.n)
                abort();
        }
    sigma_log_free(&l);
    return 0;
}
