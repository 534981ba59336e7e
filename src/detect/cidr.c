/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/cidr.h"

#include "base/err.h"

#include <arpa/inet.h>
#include <string.h>

static int address_parse(struct str s, uint8_t *ret, bool *ret_v6)
{
    char z[INET6_ADDRSTRLEN];
    if (s.n == 0 || s.n >= sizeof(z) || memchr(s.p, 0, s.n))
        return ERR_FORMAT;
    memcpy(z, s.p, s.n);
    z[s.n] = '\0';
    *ret_v6 = memchr(z, ':', s.n) != NULL;
    return inet_pton(*ret_v6 ? AF_INET6 : AF_INET, z, ret) == 1 ? 0 : ERR_FORMAT;
}

int cidr_parse(struct str text, struct cidr *ret)
{
    struct cidr c = {0};
    struct str rest = text, address;
    uint64_t bits;
    if (!str_split(&rest, '/', &address) || address_parse(address, c.bytes, &c.v6) < 0)
        return ERR_FORMAT;
    if (!rest.p)
        bits = c.v6 ? 128 : 32;
    else if (str_u64(rest, 10, &bits) < 0)
        return ERR_FORMAT;
    if (bits > (c.v6 ? 128u : 32u))
        return ERR_FORMAT;
    c.bits = (uint8_t)bits;
    *ret = c;
    return 0;
}

bool cidr_has(const struct cidr *c, struct str address)
{
    uint8_t b[16];
    bool v6;
    if (address_parse(address, b, &v6) < 0 || v6 != c->v6)
        return false;
    unsigned whole = c->bits / 8, rest = c->bits % 8;
    if (memcmp(b, c->bytes, whole) != 0)
        return false;
    return rest == 0 || ((b[whole] ^ c->bytes[whole]) & (uint8_t)(0xff00u >> rest)) == 0;
}
