/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/dhcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dhcp_query q;
    struct buf b;

    if (dhcp_parse((struct str){(const char *)data, size}, &q) < 0)
        return 0;
    buf_init(&b, 1024);
    if (dhcp_answer(&q, &b) < 0)
        __builtin_trap(); /* an answer always fits */
    buf_free(&b);
    return 0;
}
