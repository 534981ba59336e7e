/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/icmp.h"

#include "net/frame.h"

#define ICMP_ECHO_REQUEST 8

int icmp_answer(struct str message, struct buf *ret, uint16_t *ret_id)
{
    struct reader r;

    reader_init(&r, message.p, message.n);
    uint8_t type = reader_u8(&r), code = reader_u8(&r);
    reader_skip(&r, 2);
    uint16_t id = reader_u16be(&r);
    reader_skip(&r, 2);
    if (!reader_ok(&r))
        return r.error;
    if (frame_checksum(message.p, message.n, 0) != 0)
        return ERR_FORMAT;
    if (type != ICMP_ECHO_REQUEST || code != 0)
        return 0;
    size_t at = ret->len;
    buf_u32be(ret, 0);
    buf_add(ret, message.p + 4, message.n - 4);
    if (ret->failed)
        return ret->failed;
    uint16_t sum = frame_checksum(ret->data + at, ret->len - at, 0);
    ret->data[at + 2] = (uint8_t)(sum >> 8);
    ret->data[at + 3] = (uint8_t)sum;
    *ret_id = id;
    return 1;
}
