/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct frame f;
    uint8_t reply[42];

    if (frame_parse(data, size, &f) < 0)
        return 0;
    frame_arp_reply(&f, reply);
    /* what was found must lie inside the frame */
    if (f.payload.p && (f.payload.p < (const char *)data || f.payload.p + f.payload.n > (const char *)data + size))
        __builtin_trap();
    return 0;
}
