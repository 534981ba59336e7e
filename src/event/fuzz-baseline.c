/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any text as a baseline: an error that names a line, or keys that go round. Then any bytes as an event's texts. */
#include "event/baseline.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str all = {(const char *)data, size};
    struct baseline *b = NULL;
    struct err e = {0};

    if (baseline_parse(all, &b, &e) < 0) {
        if (b || strncmp(e.text, "line ", 5) != 0 || baseline_new(&b) < 0)
            abort();
    }
    struct proc p = {.image = str_sub(all, 0, size / 3)};
    struct event ev = {.kind = EVENT_FILE_WRITE, .count = 1};
    ev.f[0].s = str_sub(all, size / 3, size);
    int r = baseline_add_event(b, &ev, &p);
    if (r < 0 || !baseline_has(b, &ev, &p))
        abort();
    baseline_free(&b);
    return 0;
}
