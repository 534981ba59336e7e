/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/raw.h"
#include "net/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tls_hello h;
    struct str s = {(const char *)data, size};

    if (tls_parse_hello(s, &h) == 1 && strlen(h.name) >= TLS_NAME_MAX)
        __builtin_trap();
    raw_recognise_tcp(s, 443);
    raw_recognise_udp(s, 443);
    return 0;
}
