/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/tls.h"

#include "base/reader.h"

enum { RECORD_HANDSHAKE = 22, CLIENT_HELLO = 1, EXT_SERVER_NAME = 0, EXT_ALPN = 16 };

const uint8_t tls_alert[7] = {21, 3, 3, 0, 2, 2, 40};

static void copy_text(char *ret, size_t size, struct str s)
{
    size_t n = s.n < size - 1 ? s.n : size - 1;

    for (size_t i = 0; i < n; i++)
        ret[i] = s.p[i] > 0x20 && s.p[i] < 0x7f ? s.p[i] : '?';
    ret[n] = 0;
}

static void read_extension(uint16_t type, struct reader *e, struct tls_hello *h)
{
    struct reader list, item;

    if (type == EXT_SERVER_NAME) {
        if (!reader_take(e, reader_u16be(e), &list))
            return;
        while (reader_left(&list)) {
            uint8_t kind = reader_u8(&list);
            if (!reader_take(&list, reader_u16be(&list), &item))
                return;
            if (kind == 0 && !h->name[0])
                copy_text(h->name, sizeof(h->name), (struct str){(const char *)item.base, item.size});
        }
    } else if (type == EXT_ALPN) {
        if (reader_take(e, reader_u16be(e), &list) && reader_take(&list, reader_u8(&list), &item))
            copy_text(h->alpn, sizeof(h->alpn), (struct str){(const char *)item.base, item.size});
    }
}

static int read_hello(struct reader *r, struct tls_hello *h)
{
    struct reader extensions;

    h->version = reader_u16be(r);
    reader_skip(r, 32);
    reader_skip(r, reader_u8(r));
    reader_skip(r, reader_u16be(r));
    reader_skip(r, reader_u8(r));
    if (!reader_ok(r))
        return ERR_FORMAT;
    if (!reader_left(r))
        return 1; /* old clients send no extensions */
    if (!reader_take(r, reader_u16be(r), &extensions))
        return ERR_FORMAT;
    while (reader_left(&extensions)) {
        struct reader one;
        uint16_t type = reader_u16be(&extensions);
        if (!reader_take(&extensions, reader_u16be(&extensions), &one))
            return ERR_FORMAT;
        read_extension(type, &one, h);
    }
    return 1;
}

int tls_parse_hello(struct str bytes, struct tls_hello *ret)
{
    uint8_t joined[TLS_HELLO_MAX];
    size_t have = 0, want = 4;
    struct tls_hello hello = {0};
    struct reader r;

    reader_init(&r, bytes.p, bytes.n);
    while (have < want) {
        bool ok;
        uint8_t type = reader_peek_u8(&r, 0, &ok);
        if (ok && type != RECORD_HANDSHAKE)
            return ERR_FORMAT;
        uint8_t major = reader_peek_u8(&r, 1, &ok);
        if (ok && major != 3)
            return ERR_FORMAT;
        reader_skip(&r, 3);
        uint16_t n = reader_u16be(&r);
        if (!reader_ok(&r))
            return 0;
        if (n == 0)
            return ERR_FORMAT;
        if (n > sizeof(joined) - have)
            return ERR_LIMIT;
        const uint8_t *p = reader_bytes(&r, n);
        if (!p)
            return 0;
        memcpy(joined + have, p, n);
        have += n;
        if (joined[0] != CLIENT_HELLO)
            return ERR_FORMAT;
        if (have >= 4)
            want = 4 + ((size_t)joined[1] << 16 | (size_t)joined[2] << 8 | joined[3]);
        if (want > sizeof(joined))
            return ERR_LIMIT;
    }
    reader_init(&r, joined + 4, want - 4);
    int result = read_hello(&r, &hello);
    if (result == 1)
        *ret = hello;
    return result;
}
