/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * JSON that comes as lines, as one array, or as objects one behind the other.
 * Lines are told apart from the others by the first one: when it is whole by
 * itself, each line stands alone, and a broken one spoils no other.
 */
#include "detect/sigma/log-private.h"

#include <errno.h>

#define READ_SIZE (256u << 10)
#define ENDLESS_MAX 16

static struct str waiting(const struct sigma_log *l)
{
    return str_sub(buf_str(&l->bytes), l->used, l->bytes.len);
}

/* Moves on over n bytes. */
static void take(struct sigma_log *l, size_t n)
{
    const char *p = (const char *)l->bytes.data + l->used;

    for (const char *end = p + n; (p = memchr(p, '\n', (size_t)(end - p))); p++)
        l->line++;
    l->used += n;
}

/* Reads more behind what is there. 0: nothing more comes, or there is no more room (the record is too large). */
static int more(struct sigma_log *l, struct err *e)
{
    ssize_t n;

    if (l->ended)
        return 0;
    if (l->used && (l->used >= READ_SIZE || l->used == l->bytes.len)) {
        buf_consume(&l->bytes, l->used);
        l->offset += l->used;
        l->used = 0;
    }
    if (l->bytes.len - l->used > SIGMA_LOG_RECORD_MAX)
        return 0;
    if (buf_reserve(&l->bytes, READ_SIZE) < 0)
        return err_set(e, -ENOMEM, "out of memory");
    n = l->o.source.read(l->o.source.context, l->offset + l->bytes.len, l->bytes.data + l->bytes.len, READ_SIZE);
    if (n < 0)
        return err_set(e, (int)n, "reading the log at offset 0x%llx: %s",
                       (unsigned long long)(l->offset + l->bytes.len), err_name((int)n));
    l->bytes.len += (size_t)n;
    l->ended = n == 0;
    return n > 0;
}

/* Where the record at hand begins, and what is wrong with it. It takes a place among the records. */
static void broken(struct sigma_log *l, const char *text)
{
    log_trouble(l, l->line, l->offset + l->used, text);
    l->stats.broken++;
    l->index++;
}

/* ---- spans --------------------------------------------------------------------------------------------------- */

/* Bytes up to the next newline (with it) or the end. *ret_whole false: the line is longer than a record may be. */
static int line_span(struct sigma_log *l, size_t *ret, bool *ret_whole, struct err *e)
{
    size_t seen = 0;
    int rc;

    *ret_whole = true;
    for (;;) {
        struct str w = waiting(l);
        const char *end = w.n > seen ? memchr(w.p + seen, '\n', w.n - seen) : NULL;
        if (end) {
            *ret = (size_t)(end - w.p) + 1;
            return 1;
        }
        seen = w.n;
        if ((rc = more(l, e)) < 0)
            return rc;
        if (rc == 0) {
            *ret = seen;
            *ret_whole = l->ended;
            return seen > 0;
        }
    }
}

struct span { /* where brackets and texts stand, as far as was looked */
    size_t seen;
    unsigned depth;
    bool text, escaped, begun;
};

/* True at the value's end, which is at s->seen. */
static bool span_go(struct span *s, struct str w)
{
    for (; s->seen < w.n; s->seen++) {
        char c = w.p[s->seen];
        if (s->text) {
            s->text = s->escaped || c != '"';
            s->escaped = !s->escaped && c == '\\';
            if (s->text || s->depth)
                continue;
            s->seen++;
            return true;
        }
        if (c == '"') {
            s->text = s->begun = true;
        } else if (c == '{' || c == '[') {
            s->depth++;
            s->begun = true;
        } else if (c == '}' || c == ']') {
            if (!s->depth)
                return true; /* it closes what is around */
            if (!--s->depth) {
                s->seen++;
                return true;
            }
        } else if (!s->depth && s->begun && (c == ',' || c == ' ' || c == '\t' || c == '\n' || c == '\r')) {
            return true;
        } else {
            s->begun = true;
        }
    }
    return false;
}

/* Bytes of the value at hand. 0: there is none. *ret_whole false: it has no end, or is too large. */
static int value_span(struct sigma_log *l, size_t *ret, bool *ret_whole, struct err *e)
{
    struct span s = {0};
    int rc;

    while (!span_go(&s, waiting(l))) {
        if ((rc = more(l, e)) < 0)
            return rc;
        if (rc == 0) {
            *ret_whole = l->ended && !s.depth && !s.text;
            *ret = s.seen;
            return 1;
        }
    }
    *ret_whole = true;
    *ret = s.seen;
    return 1;
}

/* Over a line that is too long, or what follows broken text up to the next line that begins with a bracket. */
static int line_skip(struct sigma_log *l, bool to_bracket, struct err *e)
{
    bool whole;
    size_t n;
    int rc;

    do {
        if ((rc = line_span(l, &n, &whole, e)) <= 0)
            return rc;
        take(l, n);
        if (!whole)
            continue;
        if (!to_bracket)
            return 1;
        if (!waiting(l).n && (rc = more(l, e)) < 0)
            return rc;
    } while (!whole || (waiting(l).n && waiting(l).p[0] != '{' && waiting(l).p[0] != '['));
    return 1;
}

/* ---- records ------------------------------------------------------------------------------------------------- */

/* {"Records":[{..},..]} and its like: a list that stands alone in an object. */
static const struct json_node *wrapped(const struct json_node *root)
{
    static const char *const names[] = {"records", "events", "value", "logs", NULL};
    const struct json_node *only = root->child;

    if (root->kind != JSON_OBJECT || !only || only->next || only->kind != JSON_ARRAY || !only->child)
        return NULL;
    for (const char *const *n = names; *n; n++)
        if (str_ieq(only->key, str_from(*n)))
            return only->child;
    return NULL;
}

/* One element of a list that stands alone in an object. 1: it is a record. */
static int rest_next(struct sigma_log *l)
{
    while (l->rest) {
        const struct json_node *n = l->rest;
        l->rest = n->next;
        if (n->kind == JSON_OBJECT) {
            log_shape(l, n);
            return 1;
        }
        broken(l, "the record is not an object");
    }
    return 0;
}

/* The n bytes at hand as a record. 1: it is one; 0: it was not, which was told. */
static int record_make(struct sigma_log *l, size_t n, size_t *ret_used)
{
    struct str text = str_sub(waiting(l), 0, n);
    struct json_node *root;
    struct err e;

    if (!l->rest)
        arena_reset(&l->memory);
    if (json_parse(text, &l->memory, &root, ret_used, &e) < 0) {
        *ret_used = n;
        broken(l, e.text);
        return 0;
    }
    if (root->kind != JSON_OBJECT) {
        broken(l, "the record is not an object");
        return 0;
    }
    if ((l->rest = wrapped(root)))
        return rest_next(l);
    log_shape(l, root);
    return 1;
}

/* White space, and in an array or between values commas. False: the end. */
static int space_skip(struct sigma_log *l, bool commas, struct err *e)
{
    for (;;) {
        struct str w = waiting(l);
        size_t n = 0;
        int rc;
        while (n < w.n &&
               (w.p[n] == ' ' || w.p[n] == '\t' || w.p[n] == '\n' || w.p[n] == '\r' || (commas && w.p[n] == ',')))
            n++;
        take(l, n);
        if (n < w.n)
            return 1;
        if ((rc = more(l, e)) <= 0)
            return rc;
    }
}

static int lines_next(struct sigma_log *l, struct err *e)
{
    for (;;) {
        size_t n, used;
        bool whole;
        int rc;
        if ((rc = space_skip(l, false, e)) <= 0 || (rc = line_span(l, &n, &whole, e)) <= 0)
            return rc;
        if (!whole) {
            broken(l, "the line is longer than 16 MiB");
            if ((rc = line_skip(l, false, e)) <= 0)
                return rc;
            continue;
        }
        rc = record_make(l, n, &used);
        if (rc == 0)
            used = n;  /* the rest of a broken line says nothing */
        take(l, used); /* several objects may stand in one line */
        if (rc)
            return rc;
    }
}

static int values_next(struct sigma_log *l, struct err *e)
{
    for (;;) {
        size_t n, used;
        bool whole;
        char c;
        int rc;
        if ((rc = space_skip(l, true, e)) <= 0)
            return rc;
        c = waiting(l).p[0];
        if (c == '[' && !l->array) {
            l->array = true;
            take(l, 1);
            continue;
        }
        if (c == ']' && l->array) {
            l->array = false;
            take(l, 1);
            continue;
        }
        if ((rc = value_span(l, &n, &whole, e)) <= 0)
            return rc;
        if (whole && n && record_make(l, n, &used)) {
            take(l, n);
            return 1;
        }
        if (whole && n && strchr("{[\"-0123456789", c)) { /* its end is known: what follows is unharmed */
            take(l, n);
            continue;
        }
        if (!whole) {
            broken(l, l->ended ? "the record has no end" : "the record is longer than 16 MiB");
            /* Each of them was looked through to the end: not for every line of a hostile file. */
            if (++l->endless >= ENDLESS_MAX)
                l->mode = LOG_LINES;
        }
        if (whole && !n)
            broken(l, "a bracket that closes nothing");
        if ((rc = line_skip(l, true, e)) <= 0)
            return rc;
        if (l->mode == LOG_LINES)
            return lines_next(l, e);
    }
}

int log_json_next(struct sigma_log *l, struct err *e)
{
    if (rest_next(l))
        return 1;
    return l->mode == LOG_LINES ? lines_next(l, e) : values_next(l, e);
}

int log_json_open(struct sigma_log *l, struct err *e)
{
    struct str w = waiting(l), line;
    struct json_node *root;
    size_t n, used;
    bool whole;
    int rc;

    l->line = 1;
    if (str_starts(w, STR_LIT("\xff\xfe")) || str_starts(w, STR_LIT("\xfe\xff")))
        return err_set(e, ERR_UNSUPPORTED, "the log is UTF-16; convert it to UTF-8 first (iconv -f UTF-16 -t UTF-8)");
    if (str_starts(w, STR_LIT("\xef\xbb\xbf")))
        take(l, 3);
    if ((rc = space_skip(l, false, e)) <= 0) {
        l->mode = LOG_EMPTY;
        return rc;
    }
    l->mode = LOG_LINES;
    if (l->o.lines && waiting(l).p[0] == '{')
        return 0;
    if (waiting(l).p[0] != '{' && waiting(l).p[0] != '[')
        return err_set(e, ERR_FORMAT, "this is neither a Windows event log nor JSON");
    if ((rc = line_span(l, &n, &whole, e)) < 0)
        return rc;
    line = str_sub(waiting(l), 0, n);
    rc = json_parse(line, &l->memory, &root, &used, NULL);
    if (rc < 0 || root->kind != JSON_OBJECT)
        l->mode = LOG_VALUES;
    return 0;
}
