/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/yaml.h"

#include <errno.h>
#include <yaml.h>

struct build {
    struct arena *arena;
    struct yaml_documents *docs;
    struct yaml_tree *tail; /* last finished document */
    struct yaml_tree *stack[YAML_TREE_DEPTH_MAX];
    unsigned depth;
    bool have_key[YAML_TREE_DEPTH_MAX]; /* a map waits for the value of key[] */
    struct str key[YAML_TREE_DEPTH_MAX];
    unsigned key_line[YAML_TREE_DEPTH_MAX];
    struct yaml_tree *root; /* of the document that is being read */
    uint32_t nodes;
    unsigned line;
    struct err *err;
};

const struct yaml_tree *yaml_tree_get(const struct yaml_tree *map, const char *key)
{
    if (!map || map->kind != YAML_TREE_MAP)
        return NULL;
    for (const struct yaml_tree *c = map->child; c; c = c->next)
        if (str_eqz(c->key, key))
            return c;
    return NULL;
}

bool yaml_tree_is_null(const struct yaml_tree *n)
{
    return n && n->kind == YAML_TREE_SCALAR && n->plain &&
           (n->text.n == 0 || str_eqz(n->text, "~") || str_ieq(n->text, STR_LIT("null")));
}

int yaml_tree_bool(const struct yaml_tree *n, bool *ret)
{
    if (!n || n->kind != YAML_TREE_SCALAR || !n->plain)
        return ERR_FORMAT;
    if (str_ieq(n->text, STR_LIT("true")) || str_ieq(n->text, STR_LIT("yes")))
        *ret = true;
    else if (str_ieq(n->text, STR_LIT("false")) || str_ieq(n->text, STR_LIT("no")))
        *ret = false;
    else
        return ERR_FORMAT;
    return 0;
}

static int fail(struct build *b, unsigned line, int code, const char *what)
{
    b->line = line;
    return err_set(b->err, code, "%s", what);
}

/* Duplicate keys would make one of two conditions vanish silently. */
static bool key_is_new(const struct yaml_tree *map, struct str key)
{
    for (const struct yaml_tree *c = map->child; c; c = c->next)
        if (str_eq(c->key, key))
            return false;
    return true;
}

/* Hangs a new node where the parser stands. */
static int node_add(struct build *b, const yaml_event_t *ev, enum yaml_tree_kind kind, struct yaml_tree **ret)
{
    unsigned line = (unsigned)ev->start_mark.line + 1;
    if (++b->nodes > YAML_TREE_NODES_MAX)
        return fail(b, line, ERR_LIMIT, "too many values in one file");
    struct yaml_tree *n = arena_alloc(b->arena, sizeof(*n));
    if (!n)
        return fail(b, line, b->arena->failed ? b->arena->failed : -ENOMEM, "no memory for the YAML tree");
    n->kind = kind;
    n->line = line;
    if (b->depth == 0) {
        b->root = n;
    } else {
        struct yaml_tree *up = b->stack[b->depth - 1];
        if (up->kind == YAML_TREE_MAP) {
            n->key = b->key[b->depth - 1];
            n->line = b->key_line[b->depth - 1];
            b->have_key[b->depth - 1] = false;
        }
        if (up->last)
            up->last->next = n;
        else
            up->child = n;
        up->last = n;
        up->count++;
    }
    *ret = n;
    return 0;
}

static bool wants_key(const struct build *b)
{
    return b->depth && b->stack[b->depth - 1]->kind == YAML_TREE_MAP && !b->have_key[b->depth - 1];
}

static int on_scalar(struct build *b, const yaml_event_t *ev)
{
    unsigned line = (unsigned)ev->start_mark.line + 1;
    struct str raw = {(const char *)ev->data.scalar.value, ev->data.scalar.length};
    if (ev->data.scalar.anchor)
        return fail(b, line, ERR_UNSUPPORTED, "anchors are not allowed");
    struct str text = raw.n ? arena_str(b->arena, raw) : STR_LIT("");
    if (raw.n && !text.p)
        return fail(b, line, b->arena->failed ? b->arena->failed : -ENOMEM, "no memory for the YAML tree");
    if (wants_key(b)) {
        if (b->stack[b->depth - 1]->count < 4096 && !key_is_new(b->stack[b->depth - 1], text))
            return fail(b, line, ERR_FORMAT, "the same key twice in one map");
        if (b->stack[b->depth - 1]->count >= 4096)
            return fail(b, line, ERR_LIMIT, "too many keys in one map");
        b->key[b->depth - 1] = text;
        b->key_line[b->depth - 1] = line;
        b->have_key[b->depth - 1] = true;
        return 0;
    }
    struct yaml_tree *n;
    int rc = node_add(b, ev, YAML_TREE_SCALAR, &n);
    if (rc < 0)
        return rc;
    n->text = text;
    n->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return 0;
}

static int on_open(struct build *b, const yaml_event_t *ev, enum yaml_tree_kind kind, bool anchor)
{
    unsigned line = (unsigned)ev->start_mark.line + 1;
    if (anchor)
        return fail(b, line, ERR_UNSUPPORTED, "anchors are not allowed");
    if (wants_key(b))
        return fail(b, line, ERR_UNSUPPORTED, "a key must be plain text");
    if (b->depth >= YAML_TREE_DEPTH_MAX)
        return fail(b, line, ERR_LIMIT, "nested too deeply");
    struct yaml_tree *n;
    int rc = node_add(b, ev, kind, &n);
    if (rc < 0)
        return rc;
    b->stack[b->depth] = n;
    b->have_key[b->depth] = false;
    b->depth++;
    return 0;
}

static void on_document_end(struct build *b)
{
    if (!b->root)
        return;
    if (b->tail)
        b->tail->next = b->root;
    else
        b->docs->first = b->root;
    b->tail = b->root;
    b->docs->count++;
    b->root = NULL;
}

/* 1: stream ended, 0: go on. */
static int on_event(struct build *b, const yaml_event_t *ev)
{
    switch (ev->type) {
    case YAML_STREAM_END_EVENT:
        return 1;
    case YAML_DOCUMENT_END_EVENT:
        on_document_end(b);
        return 0;
    case YAML_ALIAS_EVENT:
        return fail(b, (unsigned)ev->start_mark.line + 1, ERR_UNSUPPORTED, "aliases are not allowed");
    case YAML_SCALAR_EVENT:
        return on_scalar(b, ev);
    case YAML_SEQUENCE_START_EVENT:
        return on_open(b, ev, YAML_TREE_LIST, ev->data.sequence_start.anchor != NULL);
    case YAML_MAPPING_START_EVENT:
        return on_open(b, ev, YAML_TREE_MAP, ev->data.mapping_start.anchor != NULL);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        b->depth--;
        return 0;
    default:
        return 0;
    }
}

int yaml_tree_parse(struct str text, struct arena *a, struct yaml_documents *ret, unsigned *ret_line, struct err *e)
{
    struct yaml_documents docs = {0};
    struct build b = {.arena = a, .docs = &docs, .err = e};
    yaml_parser_t parser;
    int rc = 0;

    if (text.n > YAML_TREE_BYTES_MAX)
        return err_set(e, ERR_LIMIT, "the file is larger than %u bytes", YAML_TREE_BYTES_MAX);
    if (!yaml_parser_initialize(&parser))
        return err_set(e, -ENOMEM, "no memory for the YAML parser");
    yaml_parser_set_input_string(&parser, (const unsigned char *)(text.p ? text.p : ""), text.n);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    while (rc == 0) {
        yaml_event_t ev;
        if (!yaml_parser_parse(&parser, &ev)) {
            b.line = (unsigned)(parser.problem_mark.line ? parser.problem_mark.line : parser.context_mark.line) + 1;
            rc = err_set(e, ERR_FORMAT, "not valid YAML: %s", parser.problem ? parser.problem : "unknown problem");
            break;
        }
        rc = on_event(&b, &ev);
        yaml_event_delete(&ev);
    }
    yaml_parser_delete(&parser);
    *ret = docs;
    if (ret_line)
        *ret_line = rc < 0 ? b.line : 0;
    return rc < 0 ? rc : 0;
}
