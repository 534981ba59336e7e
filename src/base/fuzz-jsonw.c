/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sequences of writer calls; the output must be JSON that jansson reads, with
 * the strings that were written (where they are valid UTF-8), and must hold
 * nothing that could end an HTML script element.
 */
#include "base/jsonw.h"
#include "base/reader.h"

#include <jansson.h>
#include <stdlib.h>

#define DEPTH 20

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void value(struct jsonw *w, struct reader *in, uint8_t op)
{
    struct str s = reader_str(in, reader_left(in) < (size_t)(op >> 3) ? reader_left(in) : (size_t)(op >> 3));
    uint64_t bits = reader_left(in) >= 8 ? reader_u64le(in) : op;
    double d;

    switch (op & 7) {
    case 0:
        jsonw_str(w, s);
        break;
    case 1:
        jsonw_bytes(w, s);
        break;
    case 2:
        jsonw_u64(w, bits >> 1);
        break; /* jansson knows signed numbers only */
    case 3:
        jsonw_i64(w, (int64_t)bits);
        break;
    case 4:
        memcpy(&d, &bits, sizeof(d));
        jsonw_double(w, d);
        break;
    case 5:
        jsonw_bool(w, op & 8);
        break;
    case 6:
        jsonw_hex(w, s.p, s.n);
        break;
    default:
        jsonw_null(w);
        break;
    }
}

static void document(struct jsonw *w, struct reader *in)
{
    bool object[DEPTH] = {false};
    int depth = 0;
    unsigned keys = 0;
    char key[16];

    jsonw_array(w);
    while (reader_left(in)) {
        uint8_t op = reader_u8(in);
        if ((op & 0xc0) == 0xc0 && depth > 0) {
            if (object[depth--])
                jsonw_object_end(w);
            else
                jsonw_array_end(w);
            continue;
        }
        if (object[depth]) {
            /* Keys must differ for jansson to keep all. */
            snprintf(key, sizeof(key), "<%u>\xff", keys++);
            jsonw_key_str(w, str_from(key));
        }
        if ((op & 0xc0) == 0x80 && depth + 1 < DEPTH) {
            object[++depth] = op & 1;
            if (op & 1)
                jsonw_object(w);
            else
                jsonw_array(w);
        } else {
            value(w, in, op & 0x3f);
        }
    }
    for (; depth > 0; depth--) {
        if (object[depth])
            jsonw_object_end(w);
        else
            jsonw_array_end(w);
    }
    jsonw_array_end(w);
}

static void text_check(struct str s)
{
    struct jsonw w;
    struct buf b;
    json_error_t e;

    buf_init(&b, 1 << 24);
    jsonw_to_buf(&w, &b, false);
    jsonw_str(&w, s);
    if (jsonw_finish(&w) < 0)
        abort();
    json_t *j = json_loadb((const char *)b.data, b.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &e);
    if (!j || !json_is_string(j))
        abort();
    if (utf8_valid(s) && !str_eq(s, (struct str){json_string_value(j), json_string_length(j)}))
        abort();
    json_decref(j);
    buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader in;
    struct jsonw w;
    struct buf b;
    json_error_t e;

    if (size > 1 << 20)
        return 0;
    for (int pretty = 0; pretty < 2; pretty++) {
        reader_init(&in, data, size);
        buf_init(&b, 1 << 26);
        jsonw_to_buf(&w, &b, pretty);
        document(&w, &in);
        if (jsonw_finish(&w) < 0 || !utf8_valid(buf_str(&b)) || memchr(b.data, '<', b.len) ||
            memchr(b.data, '&', b.len))
            abort();
        json_t *j = json_loadb((const char *)b.data, b.len, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &e);
        if (!j)
            abort();
        json_decref(j);
        buf_free(&b);
    }
    text_check((struct str){(const char *)data, size});
    return 0;
}
