/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "triage/triage.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf out = {0};

    if (triage_bytes(data, size, "sample.sh", &out, NULL) == 0)
        buf_free(&out);
    return 0;
}
