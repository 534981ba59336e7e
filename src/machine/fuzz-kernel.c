/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/kernel.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf out;
    struct err e;

    buf_init(&out, 1u << 20);
    kernel_extract(data, size, &out, &e);
    buf_free(&out);
    return 0;
}
