/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/json.h"

#include <errno.h>
#include <stdlib.h>

struct parse {
    struct str in;
    size_t pos;
    struct arena *memory;
    unsigned nodes;
    int error;
    size_t at; /* of the error */
    const char *what;
};

static int fail(struct parse *p, int code, const char *what)
{
    if (!p->error) {
        p->error = code;
        p->at = p->pos;
        p->what = what;
    }
    return code;
}

/* The character at the cursor, -1 at the end: the one place that looks at the text. */
static inline int peek(const struct parse *p)
{
    return p->pos < p->in.n ? (unsigned char)p->in.p[p->pos] : -1;
}

static void space_skip(struct parse *p)
{
    int c;

    while ((c = peek(p)) == ' ' || c == '\t' || c == '\n' || c == '\r')
        p->pos++;
}

static int want(struct parse *p, const char *what)
{
    return fail(p, peek(p) < 0 ? ERR_TRUNCATED : ERR_FORMAT, what);
}

/* ---- texts --------------------------------------------------------------------------------------------------- */

static int hex4(struct parse *p, unsigned *ret)
{
    unsigned v = 0;

    for (int i = 0; i < 4; i++, p->pos++) {
        int c = peek(p);
        if (c >= '0' && c <= '9')
            v = v << 4 | (unsigned)(c - '0');
        else if ((c | 32) >= 'a' && (c | 32) <= 'f')
            v = v << 4 | (unsigned)((c | 32) - 'a' + 10);
        else
            return want(p, "four hex digits are wanted");
    }
    *ret = v;
    return 0;
}

/* Behind "\u". */
static int unicode_escape(struct parse *p, unsigned *ret)
{
    unsigned c, low;
    int rc;

    if ((rc = hex4(p, &c)) < 0)
        return rc;
    *ret = c >= 0xd800 && c <= 0xdfff ? 0xfffd : c;
    if (c < 0xd800 || c > 0xdbff || peek(p) != '\\' || p->pos + 1 >= p->in.n || p->in.p[p->pos + 1] != 'u')
        return 0;
    size_t back = p->pos;
    p->pos += 2;
    if ((rc = hex4(p, &low)) < 0)
        return rc;
    if (low >= 0xdc00 && low <= 0xdfff)
        *ret = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    else
        p->pos = back; /* it stands for itself */
    return 0;
}

static int escape(struct parse *p, char *to, size_t *n)
{
    static const char from[] = "\"\\/bfnrt", as[] = "\"\\/\b\f\n\r\t";
    int c = peek(p), rc;
    const char *at = c > 0 ? strchr(from, c) : NULL;
    unsigned u;

    if (at) {
        p->pos++;
        to[(*n)++] = as[at - from];
        return 0;
    }
    if (c != 'u')
        return want(p, "an unknown escape");
    p->pos++;
    if ((rc = unicode_escape(p, &u)) < 0)
        return rc;
    *n += utf8_put(to + *n, u);
    return 0;
}

/* The text between `from` and the cursor, whose escapes are resolved. Each escape is at least as long as what it is. */
static int unescape(struct parse *p, size_t from, size_t end, struct str *ret)
{
    char *to = arena_alloc(p->memory, end - from + 1);
    struct str whole = p->in;
    size_t n = 0;
    int rc = 0;

    if (!to)
        return fail(p, p->memory->failed, "the value is too large");
    p->in.n = end; /* an escape must not reach over the closing quote */
    p->pos = from;
    while (rc == 0 && p->pos < end) {
        if (p->in.p[p->pos] != '\\') {
            to[n++] = p->in.p[p->pos++];
            continue;
        }
        p->pos++;
        rc = escape(p, to, &n);
    }
    p->in = whole;
    if (p->error == ERR_TRUNCATED)
        p->error = ERR_FORMAT; /* the text itself has its end */
    *ret = (struct str){to, n};
    return rc;
}

static int text_parse(struct parse *p, struct str *ret)
{
    size_t from, end;
    bool escaped = false, high = false;
    int c, rc;

    if (peek(p) != '"')
        return want(p, "a text is wanted");
    from = ++p->pos;
    for (; (c = peek(p)) != '"'; p->pos++) {
        if (c < 0x20)
            return want(p, c < 0 ? "the text has no end" : "a control character in a text");
        high |= c >= 0x80;
        if (c == '\\') {
            escaped = true;
            p->pos++;
        }
    }
    end = p->pos;
    *ret = (struct str){p->in.p + from, end - from};
    if (high && !utf8_valid(*ret)) {
        p->pos = from;
        return fail(p, ERR_FORMAT, "the text is not UTF-8");
    }
    if (escaped && (rc = unescape(p, from, end, ret)) < 0)
        return rc;
    p->pos = end + 1;
    return 0;
}

/* ---- values -------------------------------------------------------------------------------------------------- */

static size_t digits_skip(struct parse *p)
{
    size_t from = p->pos;

    while (peek(p) >= '0' && peek(p) <= '9')
        p->pos++;
    return p->pos - from;
}

static int number_parse(struct parse *p, struct json_node *n)
{
    char copy[JSON_NUMBER_MAX + 1];
    size_t from = p->pos;

    if (peek(p) == '-')
        p->pos++;
    if (peek(p) == '0')
        p->pos++;
    else if (!digits_skip(p))
        return want(p, "a value is wanted");
    if (peek(p) == '.') {
        p->pos++;
        if (!digits_skip(p))
            return want(p, "a digit is wanted");
    }
    if (peek(p) == 'e' || peek(p) == 'E') {
        p->pos++;
        if (peek(p) == '+' || peek(p) == '-')
            p->pos++;
        if (!digits_skip(p))
            return want(p, "a digit is wanted");
    }
    n->kind = JSON_NUMBER;
    n->text = str_sub(p->in, from, p->pos - from);
    if (n->text.n > JSON_NUMBER_MAX)
        return fail(p, ERR_LIMIT, "a number is too long");
    memcpy(copy, n->text.p, n->text.n);
    copy[n->text.n] = 0;
    n->number = strtod(copy, NULL);
    return 0;
}

static int word_parse(struct parse *p, struct json_node *n)
{
    static const struct {
        struct str word;
        enum json_kind kind;
        double number;
    } words[] = {{STR_LIT("true"), JSON_BOOL, 1}, {STR_LIT("false"), JSON_BOOL, 0}, {STR_LIT("null"), JSON_NULL, 0}};
    struct str rest = str_sub(p->in, p->pos, p->in.n);

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (str_starts(rest, words[i].word)) {
            n->kind = words[i].kind;
            n->number = words[i].number;
            n->text = n->kind == JSON_NULL ? STR_NONE : words[i].word;
            p->pos += words[i].word.n;
            return 0;
        }
    return want(p, "a value is wanted");
}

static int value_parse(struct parse *p, struct json_node **ret, unsigned depth);

static int members_parse(struct parse *p, struct json_node *parent, unsigned depth)
{
    bool object = parent->kind == JSON_OBJECT;
    int close = object ? '}' : ']', rc;
    struct json_node **tail = &parent->child;

    p->pos++;
    space_skip(p);
    if (peek(p) == close) {
        p->pos++;
        return 0;
    }
    for (;;) {
        struct str key = STR_NONE;
        space_skip(p);
        if (object) {
            if ((rc = text_parse(p, &key)) < 0)
                return rc;
            space_skip(p);
            if (peek(p) != ':')
                return want(p, "':' is wanted");
            p->pos++;
        }
        if ((rc = value_parse(p, tail, depth + 1)) < 0)
            return rc;
        (*tail)->key = key;
        tail = &(*tail)->next;
        space_skip(p);
        if (peek(p) == close) {
            p->pos++;
            return 0;
        }
        if (peek(p) != ',')
            return want(p, object ? "',' or '}' is wanted" : "',' or ']' is wanted");
        p->pos++;
    }
}

static int value_parse(struct parse *p, struct json_node **ret, unsigned depth)
{
    struct json_node *n;
    int c;

    if (depth > JSON_DEPTH_MAX)
        return fail(p, ERR_LIMIT, "values lie too deep in each other");
    if (p->nodes++ >= JSON_NODES_MAX)
        return fail(p, ERR_LIMIT, "there are too many values");
    if (!(n = arena_alloc(p->memory, sizeof(*n))))
        return fail(p, p->memory->failed, "the value is too large");
    space_skip(p);
    *ret = n;
    c = peek(p);
    if (c == '{' || c == '[') {
        n->kind = c == '{' ? JSON_OBJECT : JSON_ARRAY;
        return members_parse(p, n, depth);
    }
    if (c == '"') {
        n->kind = JSON_TEXT;
        return text_parse(p, &n->text);
    }
    return c == 't' || c == 'f' || c == 'n' ? word_parse(p, n) : number_parse(p, n);
}

int json_parse(struct str text, struct arena *a, struct json_node **ret, size_t *ret_used, struct err *e)
{
    struct parse p = {.in = text, .memory = a};
    struct json_node *root = NULL;

    if (value_parse(&p, &root, 0) < 0) {
        *ret_used = p.at;
        return err_set(e, p.error, "no JSON at byte %zu: %s", p.at, p.what);
    }
    *ret = root;
    *ret_used = p.pos;
    return 0;
}

const struct json_node *json_get(const struct json_node *object, const char *key)
{
    if (!object || object->kind != JSON_OBJECT)
        return NULL;
    for (const struct json_node *n = object->child; n; n = n->next)
        if (str_eqz(n->key, key))
            return n;
    return NULL;
}

const struct json_node *json_iget(const struct json_node *object, const char *key)
{
    if (!object || object->kind != JSON_OBJECT)
        return NULL;
    for (const struct json_node *n = object->child; n; n = n->next)
        if (str_ieq(n->key, str_from(key)))
            return n;
    return NULL;
}
