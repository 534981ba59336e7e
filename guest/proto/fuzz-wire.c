/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes of a hostile port: fed in pieces, the first byte of the input chooses their size. */
#include "proto/wire.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t space[WIRE_HEADER + WIRE_PAYLOAD_MAX];
    struct wire_in in;
    struct wire_header h;
    const uint8_t *p;
    size_t step = size ? 1 + data[0] : 1, frames = 0;

    wire_in_init(&in, space, sizeof(space));
    for (size_t at = 1; at < size; at += step) {
        size_t room, n = size - at < step ? size - at : step;
        uint8_t *to = wire_in_room(&in, &room);
        if (room < n)
            n = room;
        memcpy(to, data + at, n);
        wire_in_added(&in, n);
        while (wire_in_next(&in, &h, &p) == 1) {
            frames += WIRE_HEADER + (size_t)h.length;
            if (h.length && p[h.length - 1] == 0 && h.length > WIRE_PAYLOAD_MAX)
                abort();
        }
    }
    if (frames + in.garbage_bytes > size)
        abort();
    return 0;
}
