/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Is a text one JSON object? A recogniser (RFC 8259) over the bounded reader; builds nothing. */
#include "base/reader.h"
#include "report/model.h"

#define DEPTH_MAX 64

static void skip_space(struct reader *r)
{
    bool ok;
    uint8_t c = reader_peek_u8(r, 0, &ok);
    while (ok && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) {
        reader_skip(r, 1);
        c = reader_peek_u8(r, 0, &ok);
    }
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool is_xdigit(uint8_t c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Behind the opening quote; the text between the quotes comes back. */
static struct str string_rest(struct reader *r)
{
    size_t start = r->pos;
    while (reader_ok(r)) {
        uint8_t c = reader_u8(r);
        if (!reader_ok(r))
            break;
        if (c == '"')
            return (struct str){(const char *)r->base + start, r->pos - 1 - start};
        if (c < 0x20) {
            reader_fail(r, ERR_FORMAT, "control character in a string");
        } else if (c == '\\') {
            uint8_t x = reader_u8(r);
            if (x == 'u') {
                for (int i = 0; i < 4; i++)
                    if (!is_xdigit(reader_u8(r)))
                        reader_fail(r, ERR_FORMAT, "\\u escape");
            } else if (!x || !strchr("\"\\/bfnrt", x)) {
                reader_fail(r, ERR_FORMAT, "escape");
            }
        }
    }
    return STR_NONE;
}

static void digits(struct reader *r)
{
    bool ok;
    if (!is_digit(reader_u8(r)))
        reader_fail(r, ERR_FORMAT, "digit");
    while (is_digit(reader_peek_u8(r, 0, &ok)) && ok)
        reader_skip(r, 1);
}

static void number(struct reader *r)
{
    bool ok;
    if (reader_peek_u8(r, 0, &ok) == '-')
        reader_skip(r, 1);
    if (reader_peek_u8(r, 0, &ok) == '0')
        reader_skip(r, 1);
    else
        digits(r);
    if (reader_peek_u8(r, 0, &ok) == '.') {
        reader_skip(r, 1);
        digits(r);
    }
    uint8_t c = reader_peek_u8(r, 0, &ok);
    if (c == 'e' || c == 'E') {
        reader_skip(r, 1);
        c = reader_peek_u8(r, 0, &ok);
        if (c == '+' || c == '-')
            reader_skip(r, 1);
        digits(r);
    }
}

static void word(struct reader *r, const char *z)
{
    size_t n = strlen(z);
    const uint8_t *p = reader_bytes(r, n);
    if (p && memcmp(p, z, n) != 0)
        reader_fail(r, ERR_FORMAT, "value");
}

static void value(struct reader *r, int depth);

static void members(struct reader *r, int depth, bool object)
{
    bool ok;
    uint8_t close = object ? '}' : ']';
    skip_space(r);
    if (reader_peek_u8(r, 0, &ok) == close) {
        reader_skip(r, 1);
        return;
    }
    while (reader_ok(r)) {
        if (object) {
            skip_space(r);
            if (reader_u8(r) != '"')
                reader_fail(r, ERR_FORMAT, "key");
            string_rest(r);
            skip_space(r);
            if (reader_u8(r) != ':')
                reader_fail(r, ERR_FORMAT, "colon");
        }
        value(r, depth);
        skip_space(r);
        uint8_t c = reader_u8(r);
        if (c == close)
            return;
        if (c != ',')
            reader_fail(r, ERR_FORMAT, "comma");
    }
}

static void value(struct reader *r, int depth)
{
    bool ok;
    if (depth > DEPTH_MAX) {
        reader_fail(r, ERR_LIMIT, "nesting");
        return;
    }
    skip_space(r);
    uint8_t c = reader_peek_u8(r, 0, &ok);
    if (c == '{' || c == '[') {
        reader_skip(r, 1);
        members(r, depth + 1, c == '{');
    } else if (c == '"') {
        reader_skip(r, 1);
        string_rest(r);
    } else if (c == 't') {
        word(r, "true");
    } else if (c == 'f') {
        word(r, "false");
    } else if (c == 'n') {
        word(r, "null");
    } else {
        number(r);
    }
}

int json_object_check(struct str text)
{
    struct reader r;
    bool ok;
    reader_init(&r, text.p, text.n);
    if (!utf8_valid(text))
        return ERR_FORMAT;
    skip_space(&r);
    if (reader_peek_u8(&r, 0, &ok) != '{')
        return ERR_FORMAT;
    value(&r, 0);
    skip_space(&r);
    return reader_ok(&r) && reader_left(&r) == 0 ? 0 : ERR_FORMAT;
}

struct str json_member(struct str object, const char *key)
{
    struct reader r;
    bool ok;
    reader_init(&r, object.p, object.n);
    skip_space(&r);
    if (reader_u8(&r) != '{')
        return STR_NONE;
    while (reader_ok(&r)) {
        skip_space(&r);
        if (reader_u8(&r) != '"')
            return STR_NONE;
        struct str name = string_rest(&r);
        skip_space(&r);
        if (reader_u8(&r) != ':')
            return STR_NONE;
        skip_space(&r);
        size_t start = r.pos;
        bool quoted = reader_peek_u8(&r, 0, &ok) == '"';
        value(&r, 0);
        if (!reader_ok(&r))
            return STR_NONE;
        if (str_eqz(name, key))
            return str_sub(object, start + quoted, r.pos - start - (quoted ? 2 : 0));
        skip_space(&r);
        if (reader_u8(&r) != ',')
            return STR_NONE;
    }
    return STR_NONE;
}
