/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/jsonw.h"
#include "base/err.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

/* Bits of one level's state. */
enum {
    LEVEL_OBJECT = 1,
    LEVEL_FILLED = 2, /* has a member already */
    LEVEL_KEY = 4,    /* a key was written, its value is due */
};

/* How a byte is written: as it is, as an escape, or as part of UTF-8. */
enum { PLAIN, ESCAPE, MULTI };

static int classify(unsigned char c)
{
    if (c >= 0x80)
        return MULTI;
    if (c < 0x20 || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' || c == 0x7f)
        return ESCAPE;
    return PLAIN;
}

static void fail(struct jsonw *w, int code)
{
    if (!w->failed)
        w->failed = code;
}

/* A mistake of the program: stops debug builds, spoils the document in the others. */
static bool demand(struct jsonw *w, bool ok)
{
    assert(ok && "jsonw: wrong nesting");
    if (!ok)
        fail(w, ERR_USAGE);
    return ok;
}

static void flush(struct jsonw *w)
{
    if (w->pending && !w->failed) {
        int r = w->write(w->context, w->chunk, w->pending);
        if (r < 0)
            fail(w, r);
    }
    w->pending = 0;
}

static void put(struct jsonw *w, const char *p, size_t n)
{
    if (n > sizeof(w->chunk) - w->pending) {
        flush(w);
        if (n >= sizeof(w->chunk)) {
            if (!w->failed) {
                int r = w->write(w->context, p, n);
                if (r < 0)
                    fail(w, r);
            }
            return;
        }
    }
    if (n)
        memcpy(w->chunk + w->pending, p, n);
    w->pending += n;
}

static void put_char(struct jsonw *w, char c)
{
    if (w->pending == sizeof(w->chunk))
        flush(w);
    w->chunk[w->pending++] = c;
}

static void put_line(struct jsonw *w)
{
    if (!w->pretty)
        return;
    put_char(w, '\n');
    for (int i = 0; i < w->depth; i++)
        put(w, "  ", 2);
}

/* What stands in front of a value: nothing behind a key, a comma in arrays, a new line between whole documents. */
static bool value_begin(struct jsonw *w)
{
    uint8_t *level = &w->stack[w->depth];

    if (*level & LEVEL_OBJECT) {
        if (!demand(w, *level & LEVEL_KEY))
            return false;
        *level &= (uint8_t)~LEVEL_KEY;
        return true;
    }
    if (w->depth == 0) {
        if (*level & LEVEL_FILLED)
            put_char(w, '\n');
    } else {
        if (*level & LEVEL_FILLED)
            put_char(w, ',');
        put_line(w);
    }
    *level |= LEVEL_FILLED;
    return true;
}

static int write_to_buf(void *context, const void *p, size_t n)
{
    return buf_add(context, p, n);
}

static int write_to_fd(void *context, const void *bytes, size_t n)
{
    int fd = (int)(intptr_t)context;
    const char *p = bytes;

    while (n) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -errno;
        p += done;
        n -= (size_t)done;
    }
    return 0;
}

static void start(struct jsonw *w, int (*write)(void *, const void *, size_t), void *context, bool pretty)
{
    /* The chunk stays uninitialised on purpose: this is called once per event. */
    w->write = write;
    w->context = context;
    w->target = NULL;
    w->failed = 0;
    w->pretty = pretty;
    w->depth = 0;
    w->stack[0] = 0;
    w->pending = 0;
}

void jsonw_to_buf(struct jsonw *w, struct buf *b, bool pretty)
{
    start(w, write_to_buf, b, pretty);
    w->target = b;
}

void jsonw_to_sink(struct jsonw *w, int (*write)(void *, const void *, size_t), void *context, bool pretty)
{
    start(w, write, context, pretty);
}

void jsonw_to_fd(struct jsonw *w, int fd, bool pretty)
{
    start(w, write_to_fd, (void *)(intptr_t)fd, pretty);
}

int jsonw_finish(struct jsonw *w)
{
    demand(w, w->depth == 0);
    if (w->pretty && w->stack[0] & LEVEL_FILLED)
        put_char(w, '\n');
    flush(w);
    return w->failed;
}

static void open_level(struct jsonw *w, char bracket, uint8_t state)
{
    if (!value_begin(w) || !demand(w, w->depth < JSONW_DEPTH_MAX - 1))
        return;
    put_char(w, bracket);
    w->stack[++w->depth] = state;
}

static void close_level(struct jsonw *w, char bracket, uint8_t kind)
{
    uint8_t level = w->stack[w->depth];

    if (!demand(w, w->depth > 0 && (level & LEVEL_OBJECT) == kind && !(level & LEVEL_KEY)))
        return;
    w->depth--;
    if (level & LEVEL_FILLED)
        put_line(w);
    put_char(w, bracket);
}

void jsonw_object(struct jsonw *w)
{
    open_level(w, '{', LEVEL_OBJECT);
}

void jsonw_object_end(struct jsonw *w)
{
    close_level(w, '}', LEVEL_OBJECT);
}

void jsonw_array(struct jsonw *w)
{
    open_level(w, '[', 0);
}

void jsonw_array_end(struct jsonw *w)
{
    close_level(w, ']', 0);
}

static void put_escape(struct jsonw *w, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    char text[6] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
    char letter = c == '"' || c == '\\' ? (char)c : c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : 0;

    if (letter) {
        put_char(w, '\\');
        put_char(w, letter);
    } else {
        put(w, text, sizeof(text));
    }
}

/* One byte as backslash, x and two digits (the backslash escaped for JSON). */
static void put_byte(struct jsonw *w, unsigned char c)
{
    static const char digits[] = "0123456789abcdef";
    char text[5] = {'\\', '\\', 'x', digits[c >> 4], digits[c & 15]};

    put(w, text, sizeof(text));
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Would the text at p be mistaken for one of our own \xNN? */
static bool looks_escaped(const char *p, size_t n)
{
    return n >= 4 && p[0] == '\\' && p[1] == 'x' && is_hex(p[2]) && is_hex(p[3]);
}

static void put_string(struct jsonw *w, struct str s, bool keep_bytes)
{
    size_t i = 0;

    put_char(w, '"');
    while (i < s.n) {
        size_t from = i;
        while (i < s.n && classify((unsigned char)s.p[i]) == PLAIN)
            i++;
        if (i > from)
            put(w, s.p + from, i - from);
        if (i == s.n)
            break;
        const char *p = s.p + i;
        int len = utf8_len(p, s.n - i);
        if (len == 1) {
            /* NUL as \u0000 is legal, but many readers refuse the whole document over it. */
            if (keep_bytes && (*p == '\0' || looks_escaped(p, s.n - i)))
                put_byte(w, (unsigned char)*p);
            else
                put_escape(w, (unsigned char)*p);
        } else if (len == 0) {
            if (keep_bytes)
                put_byte(w, (unsigned char)*p);
            else
                put(w, "\xef\xbf\xbd", 3); /* U+FFFD */
            len = 1;
        } else if (len == 3 && memcmp(p, "\xe2\x80", 2) == 0 && ((unsigned char)p[2] & 0xfe) == 0xa8) {
            put(w, (unsigned char)p[2] == 0xa8 ? "\\u2028" : "\\u2029", 6);
        } else {
            put(w, p, (size_t)len);
        }
        i += (size_t)len;
    }
    put_char(w, '"');
}

void jsonw_key_str(struct jsonw *w, struct str key)
{
    uint8_t *level = &w->stack[w->depth];

    if (!demand(w, (*level & (LEVEL_OBJECT | LEVEL_KEY)) == LEVEL_OBJECT))
        return;
    if (*level & LEVEL_FILLED)
        put_char(w, ',');
    *level |= LEVEL_FILLED | LEVEL_KEY;
    put_line(w);
    put_string(w, key, false);
    put_char(w, ':');
    if (w->pretty)
        put_char(w, ' ');
}

void jsonw_key(struct jsonw *w, const char *key)
{
    jsonw_key_str(w, str_from(key));
}

void jsonw_str(struct jsonw *w, struct str s)
{
    if (value_begin(w))
        put_string(w, s, false);
}

void jsonw_bytes(struct jsonw *w, struct str s)
{
    if (value_begin(w))
        put_string(w, s, true);
}

void jsonw_z(struct jsonw *w, const char *z)
{
    if (z)
        jsonw_str(w, str_from(z));
    else
        jsonw_null(w);
}

static void put_u64(struct jsonw *w, uint64_t v)
{
    char text[20];
    size_t at = sizeof(text);

    do
        text[--at] = (char)('0' + v % 10);
    while (v /= 10);
    put(w, text + at, sizeof(text) - at);
}

void jsonw_u64(struct jsonw *w, uint64_t v)
{
    if (value_begin(w))
        put_u64(w, v);
}

void jsonw_i64(struct jsonw *w, int64_t v)
{
    if (!value_begin(w))
        return;
    if (v < 0)
        put_char(w, '-');
    put_u64(w, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void jsonw_double(struct jsonw *w, double v)
{
    char text[64];

    if (!isfinite(v)) {
        jsonw_null(w);
        return;
    }
    if (!value_begin(w))
        return;
    bool large = fabs(v) >= 1e15;
    int n = large ? snprintf(text, sizeof(text), "%.17g", v) : snprintf(text, sizeof(text), "%.6f", v);
    /* The locale of the process may use another decimal sign. */
    for (int i = 0; i < n; i++) {
        if (!(text[i] >= '0' && text[i] <= '9') && !strchr("+-e", text[i]))
            text[i] = '.';
    }
    if (!large) {
        while (text[n - 1] == '0')
            n--;
        if (text[n - 1] == '.')
            n--;
        if (n == 2 && text[0] == '-' && text[1] == '0') {
            text[0] = '0';
            n = 1;
        }
    }
    put(w, text, (size_t)n);
}

void jsonw_bool(struct jsonw *w, bool v)
{
    if (value_begin(w))
        put(w, v ? "true" : "false", v ? 4 : 5);
}

void jsonw_null(struct jsonw *w)
{
    if (value_begin(w))
        put(w, "null", 4);
}

void jsonw_hex(struct jsonw *w, const void *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *p = bytes;

    if (!value_begin(w))
        return;
    put_char(w, '"');
    for (size_t i = 0; i < n; i++) {
        put_char(w, digits[p[i] >> 4]);
        put_char(w, digits[p[i] & 15]);
    }
    put_char(w, '"');
}

void jsonw_raw(struct jsonw *w, const char *json, size_t n)
{
    if (!demand(w, n > 0))
        return;
    if (value_begin(w))
        put(w, json, n);
}

void jsonw_kstr(struct jsonw *w, const char *key, struct str s)
{
    jsonw_key(w, key);
    jsonw_str(w, s);
}

void jsonw_kbytes(struct jsonw *w, const char *key, struct str s)
{
    jsonw_key(w, key);
    jsonw_bytes(w, s);
}

void jsonw_kz(struct jsonw *w, const char *key, const char *z)
{
    jsonw_key(w, key);
    jsonw_z(w, z);
}

void jsonw_ku64(struct jsonw *w, const char *key, uint64_t v)
{
    jsonw_key(w, key);
    jsonw_u64(w, v);
}

void jsonw_ki64(struct jsonw *w, const char *key, int64_t v)
{
    jsonw_key(w, key);
    jsonw_i64(w, v);
}

void jsonw_kbool(struct jsonw *w, const char *key, bool v)
{
    jsonw_key(w, key);
    jsonw_bool(w, v);
}

void jsonw_kdouble(struct jsonw *w, const char *key, double v)
{
    jsonw_key(w, key);
    jsonw_double(w, v);
}

void jsonw_kobject(struct jsonw *w, const char *key)
{
    jsonw_key(w, key);
    jsonw_object(w);
}

void jsonw_karray(struct jsonw *w, const char *key)
{
    jsonw_key(w, key);
    jsonw_array(w);
}
