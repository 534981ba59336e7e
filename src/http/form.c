/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "http/form.h"

#include "base/arena.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum state { URLENCODED, PREAMBLE, AFTER_BOUNDARY, HEADERS, BODY, EPILOGUE };

struct form {
    enum state state;
    struct form_sink sink;
    struct arena arena;
    struct form_field *fields;
    size_t count, cap, text;
    char delimiter[FORM_BOUNDARY_MAX + 5]; /* "\r\n--boundary" */
    size_t ndelimiter;
    struct buf held;  /* bytes that may be a delimiter, headers, or an urlencoded pair */
    struct buf value; /* of the text field at hand */
    struct str name;  /* of the part at hand */
    bool is_file;
    struct err failed;
};

static int fail(struct form *f, int code, const char *why)
{
    return err_set(&f->failed, code, "the form cannot be read: %s", why);
}

/* ---- content types ------------------------------------------------------------------------------------------------
 */

/* Value of a parameter (`; name=value` or quoted) of a header; false when it is not there. */
static bool parameter(struct str header, const char *name, struct buf *ret)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < header.n; i++) {
        if (header.p[i] == '"') { /* a quoted value of another parameter */
            for (i++; i < header.n && header.p[i] != '"'; i++)
                ;
            continue;
        }
        if (header.p[i] != ';')
            continue;
        size_t k = i + 1;
        while (k < header.n && (header.p[k] == ' ' || header.p[k] == '\t'))
            k++;
        if (header.n - k <= len || !str_ieq(str_sub(header, k, len), str_from(name)) || header.p[k + len] != '=')
            continue;
        k += len + 1;
        if (k < header.n && header.p[k] == '"') {
            /* Browsers write \" or %22 for a quote; a backslash before anything else is one (Windows paths). */
            for (k++; k < header.n && header.p[k] != '"'; k++) {
                if (header.p[k] == '\\' && k + 1 < header.n && header.p[k + 1] == '"')
                    k++;
                buf_u8(ret, (uint8_t)header.p[k]);
            }
        } else {
            for (; k < header.n && !strchr("; \t", header.p[k]); k++)
                buf_u8(ret, (uint8_t)header.p[k]);
        }
        return true;
    }
    return false;
}

static int set_boundary(struct form *f, struct str content_type)
{
    struct buf b;
    int r = 0;

    bool clean = true;
    buf_init(&b, FORM_BOUNDARY_MAX + 1);
    bool there = parameter(content_type, "boundary", &b);
    for (size_t i = 0; i < b.len; i++)
        clean = clean && b.data[i] >= ' ' && b.data[i] < 0x7f;
    if (!there || !clean || b.len == 0 || b.failed || b.len > FORM_BOUNDARY_MAX) {
        r = fail(f, ERR_FORMAT, "multipart/form-data without a boundary of 1 to 70 characters");
    } else {
        memcpy(f->delimiter, "\r\n--", 4);
        memcpy(f->delimiter + 4, b.data, b.len);
        f->ndelimiter = 4 + b.len;
        f->state = PREAMBLE;
        /* The first delimiter needs no line end before it: pretend that there was one. */
        r = buf_addz(&f->held, "\r\n");
    }
    buf_free(&b);
    return r;
}

int form_new(struct str content_type, const struct form_sink *sink, struct form **ret, struct err *e)
{
    struct form *f = calloc(1, sizeof(*f));
    struct str rest = content_type, type = STR_NONE;
    int r = 0;

    if (!f)
        return err_set(e, -ENOMEM, "out of memory");
    f->sink = *sink;
    arena_init(&f->arena, FORM_TEXT_MAX + (size_t)FORM_FIELDS_MAX * (FORM_NAME_MAX + 64));
    buf_init(&f->held, FORM_VALUE_MAX * 3 + FORM_NAME_MAX * 3 + 8);
    buf_init(&f->value, FORM_VALUE_MAX);
    str_split(&rest, ';', &type);
    type = str_trim(type);
    if (str_ieq(type, STR_LIT("multipart/form-data")))
        r = set_boundary(f, content_type);
    else if (type.n && !str_ieq(type, STR_LIT("application/x-www-form-urlencoded")))
        r = fail(f, ERR_UNSUPPORTED, "it is neither urlencoded nor multipart/form-data");
    if (r < 0) {
        if (e)
            *e = f->failed;
        form_free(&f);
        return r;
    }
    *ret = f;
    return 0;
}

void form_free(struct form **f)
{
    if (!f || !*f)
        return;
    arena_free(&(*f)->arena);
    buf_free(&(*f)->held);
    buf_free(&(*f)->value);
    free((*f)->fields);
    free(*f);
    *f = NULL;
}

/* ---- fields -------------------------------------------------------------------------------------------------------
 */

static int field_add(struct form *f, struct str name, struct str value)
{
    if (f->count >= FORM_FIELDS_MAX)
        return fail(f, ERR_LIMIT, "too many fields");
    if (f->count == f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 16;
        struct form_field *more = realloc(f->fields, cap * sizeof(*more));
        if (!more)
            return fail(f, -ENOMEM, "out of memory");
        f->fields = more;
        f->cap = cap;
    }
    if (name.n > FORM_NAME_MAX || value.n > FORM_VALUE_MAX || (f->text += value.n) > FORM_TEXT_MAX)
        return fail(f, ERR_LIMIT, "a field is too long");
    struct form_field x = {arena_str(&f->arena, name), arena_str(&f->arena, value)};
    if (f->arena.failed)
        return fail(f, f->arena.failed, "too much text");
    f->fields[f->count++] = x;
    return 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t form_unescape(struct str s, bool plus, char *ret)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        int hi, lo;
        if (s.p[i] == '%' && i + 2 < s.n && (hi = hex_digit(s.p[i + 1])) >= 0 && (lo = hex_digit(s.p[i + 2])) >= 0) {
            ret[n++] = (char)(hi * 16 + lo);
            i += 2;
        } else {
            ret[n++] = plus && s.p[i] == '+' ? ' ' : s.p[i];
        }
    }
    return n;
}

static int pair_add(struct form *f, struct str pair)
{
    struct str name = STR_NONE, rest = pair;
    char *a, *b;
    int r;

    if (pair.n == 0)
        return 0;
    str_split(&rest, '=', &name);
    if (!(a = malloc(name.n + 1)) || !(b = malloc(rest.n + 1))) {
        free(a);
        return fail(f, -ENOMEM, "out of memory");
    }
    size_t an = form_unescape(name, true, a), bn = form_unescape(rest, true, b);
    r = field_add(f, (struct str){a, an}, (struct str){b, bn});
    free(a);
    free(b);
    return r;
}

static int add_urlencoded(struct form *f, const char *p, size_t n)
{
    int r = 0;

    while (r == 0 && n) {
        const char *end = memchr(p, '&', n);
        size_t part = end ? (size_t)(end - p) : n;
        if (buf_add(&f->held, p, part) < 0)
            return fail(f, ERR_LIMIT, "a field is too long");
        if (end) {
            r = pair_add(f, buf_str(&f->held));
            buf_clear(&f->held);
            part++;
        }
        p += part;
        n -= part;
    }
    return r;
}

/* ---- parts --------------------------------------------------------------------------------------------------------
 */

static int part_data(struct form *f, const void *p, size_t n)
{
    if (f->state == PREAMBLE || n == 0)
        return 0;
    if (f->is_file)
        return f->sink.data(f->sink.context, p, n, &f->failed);
    return buf_add(&f->value, p, n) < 0 ? fail(f, ERR_LIMIT, "a field is too long") : 0;
}

static int part_end(struct form *f)
{
    if (f->state == PREAMBLE)
        return 0;
    if (f->is_file)
        return f->sink.end(f->sink.context, &f->failed);
    int r = field_add(f, f->name, buf_str(&f->value));
    buf_clear(&f->value);
    return r;
}

/* %22, %0D and %0A are how browsers write what would end the name (WHATWG, multipart/form-data). */
static struct str undo_quotes(struct buf *b)
{
    size_t n = 0;

    for (size_t i = 0; i < b->len; i++, n++) {
        struct str at = str_sub(buf_str(b), i, 3);
        if (str_ieq(at, STR_LIT("%22")) || str_ieq(at, STR_LIT("%0d")) || str_ieq(at, STR_LIT("%0a"))) {
            b->data[n] = (uint8_t)(at.p[1] == '2' ? '"' : (at.p[2] | 0x20) == 'd' ? '\r' : '\n');
            i += 2;
        } else {
            b->data[n] = b->data[i];
        }
    }
    b->len = n;
    return buf_str(b);
}

static int part_begin(struct form *f, struct str disposition)
{
    struct buf name, file;
    int r = 0;

    buf_init(&name, FORM_NAME_MAX);
    buf_init(&file, FORM_FILE_NAME_MAX);
    if (!parameter(disposition, "name", &name)) {
        r = fail(f, ERR_FORMAT, "a part without a name");
        goto out;
    }
    f->is_file = parameter(disposition, "filename", &file);
    if (name.failed || file.failed) {
        r = fail(f, ERR_LIMIT, "a name is too long");
        goto out;
    }
    f->name = arena_str(&f->arena, undo_quotes(&name));
    if (f->arena.failed)
        r = fail(f, f->arena.failed, "too much text");
    else if (f->is_file)
        r = f->sink.begin(f->sink.context, f->name, undo_quotes(&file), &f->failed);
out:
    buf_free(&name);
    buf_free(&file);
    return r;
}

/* All header lines of a part are in `held`. */
static int headers_end(struct form *f)
{
    struct str rest = buf_str(&f->held), line;
    static const char wanted[] = "content-disposition:";

    while (str_split(&rest, '\n', &line))
        if (str_istarts(line, str_from(wanted))) {
            struct str value = str_trim(str_sub(line, sizeof(wanted) - 1, line.n));
            if (!str_istarts(value, STR_LIT("form-data")))
                break;
            int r = part_begin(f, value);
            buf_clear(&f->held);
            f->state = BODY;
            return r;
        }
    return fail(f, ERR_FORMAT, "a part without Content-Disposition: form-data");
}

/* Behind a delimiter: "--" ends the form, white space and a line end begin the headers. */
static int after_boundary(struct form *f, char c)
{
    if (buf_u8(&f->held, (uint8_t)c) < 0 || f->held.len > FORM_HEADERS_MAX)
        return fail(f, ERR_LIMIT, "a boundary line is too long");
    struct str h = buf_str(&f->held);
    if (str_eqz(h, "--")) {
        f->state = EPILOGUE;
    } else if (c == '\n') {
        if (str_trim(h).n)
            return fail(f, ERR_FORMAT, "rubbish behind a boundary");
        f->state = HEADERS;
    } else {
        return 0;
    }
    buf_clear(&f->held);
    return 0;
}

static int add_header_byte(struct form *f, char c)
{
    if (f->held.len >= FORM_HEADERS_MAX || buf_u8(&f->held, (uint8_t)c) < 0)
        return fail(f, ERR_LIMIT, "the headers of a part are too long");
    struct str h = buf_str(&f->held);
    if (c == '\n' &&
        (str_eqz(h, "\r\n") || str_eqz(h, "\n") || str_ends(h, STR_LIT("\r\n\r\n")) || str_ends(h, STR_LIT("\n\n"))))
        return headers_end(f);
    return 0;
}

/* Body bytes: `held` is the beginning of a delimiter that was seen so far. */
static int add_body(struct form *f, const char **p, size_t *n)
{
    int r;

    while (*n) {
        if (f->held.len == 0) {
            const char *cr = memchr(*p, '\r', *n);
            size_t plain = cr ? (size_t)(cr - *p) : *n;
            if ((r = part_data(f, *p, plain)) < 0)
                return r;
            *p += plain;
            *n -= plain;
            if (*n == 0)
                return 0;
        }
        if (**p == f->delimiter[f->held.len]) {
            if (buf_u8(&f->held, (uint8_t)**p) < 0)
                return fail(f, -ENOMEM, "out of memory");
            ++*p;
            --*n;
            if (f->held.len == f->ndelimiter) {
                r = part_end(f);
                buf_clear(&f->held);
                f->state = AFTER_BOUNDARY;
                return r;
            }
            continue;
        }
        /* Not a delimiter after all. A delimiter has its only '\r' in front, so nothing inside can begin another. */
        if ((r = part_data(f, f->held.data, f->held.len)) < 0)
            return r;
        buf_clear(&f->held);
    }
    return 0;
}

int form_add(struct form *f, const void *bytes, size_t n, struct err *e)
{
    const char *p = bytes;
    int r = f->failed.code;

    if (r == 0 && f->state == URLENCODED)
        r = add_urlencoded(f, p, n);
    else
        while (r == 0 && n && f->state != EPILOGUE) {
            if (f->state == BODY || f->state == PREAMBLE) {
                r = add_body(f, &p, &n);
                continue;
            }
            r = f->state == AFTER_BOUNDARY ? after_boundary(f, *p) : add_header_byte(f, *p);
            p++;
            n--;
        }
    if (r < 0) {
        if (f->failed.code == 0)
            err_set(&f->failed, r, "the form cannot be read");
        if (e)
            *e = f->failed;
    }
    return r;
}

int form_end(struct form *f, struct err *e)
{
    int r = f->failed.code;

    if (r == 0 && f->state == URLENCODED) {
        r = pair_add(f, buf_str(&f->held));
        buf_clear(&f->held);
    } else if (r == 0 && f->state != EPILOGUE) {
        r = fail(f, ERR_TRUNCATED, "it ends before its last boundary");
    }
    if (r < 0 && e)
        *e = f->failed;
    return r;
}

size_t form_count(const struct form *f)
{
    return f->count;
}

const struct form_field *form_at(const struct form *f, size_t index)
{
    return index < f->count ? &f->fields[index] : NULL;
}

const struct str *form_get(const struct form *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++) {
        struct str s = f->fields[i].name;
        if (str_ends(s, STR_LIT("[]")))
            s.n -= 2;
        if (str_eqz(s, name))
            return &f->fields[i].value;
    }
    return NULL;
}
