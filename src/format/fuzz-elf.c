/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/elf.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader r;
    struct arena a;
    struct elf f;
    struct buf out;
    struct jsonw w;

    reader_init(&r, data, size);
    arena_init(&a, 32u << 20);
    if (elf_parse(&r, &a, &f, NULL) == 0) {
        buf_init(&out, 64u << 20);
        jsonw_to_buf(&w, &out, false);
        elf_json(&w, &f);
        jsonw_finish(&w);
        buf_free(&out);
    }
    arena_free(&a);
    return 0;
}
