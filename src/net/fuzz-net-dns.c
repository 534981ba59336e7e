/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/dns.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct names *names;
    static const uint8_t salt[NAMES_SALT] = {1};

    if (!names && names_new(salt, &names) < 0)
        abort();
    for (int udp = 0; udp < 2; udp++) {
        struct dns_info info, again;
        struct buf b, b2;
        buf_init(&b, DNS_MESSAGE_MAX);
        buf_init(&b2, DNS_MESSAGE_MAX);
        if (dns_answer(names, (struct str){(const char *)data, size}, udp, &b, &info) == 1) {
            if (udp && b.len > 1232)
                __builtin_trap();
            /* our own answer is no question */
            if (dns_answer(names, (struct str){(const char *)b.data, b.len}, udp, &b2, &again) != 0)
                __builtin_trap();
        }
        buf_free(&b);
        buf_free(&b2);
    }
    return 0;
}
