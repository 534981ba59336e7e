/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Binary XML: [MS-EVEN6] 2.2.12 to 2.2.17 for the grammar, libevtx "Binary XML"
 * for how it lies in a chunk (names and templates stand once, at their first
 * use, and are named by their offset).
 */
#include "format/evtx-private.h"

#include "base/utf16.h"

#include <string.h>

enum {
    TOKEN_EOF = 0x00,
    TOKEN_ELEMENT = 0x01,
    TOKEN_CLOSE_START = 0x02,
    TOKEN_CLOSE_EMPTY = 0x03,
    TOKEN_END = 0x04,
    TOKEN_VALUE = 0x05,
    TOKEN_ATTRIBUTE = 0x06,
    TOKEN_CDATA = 0x07,
    TOKEN_CHARACTER = 0x08,
    TOKEN_ENTITY = 0x09,
    TOKEN_PI_TARGET = 0x0a,
    TOKEN_PI_DATA = 0x0b,
    TOKEN_INSTANCE = 0x0c,
    TOKEN_SUBSTITUTION = 0x0d,
    TOKEN_OPTIONAL = 0x0e,
    TOKEN_FRAGMENT = 0x0f,
    TOKEN_MORE = 0x40, /* flag */
};

#define NAME_HEADER 8 /* next, hash, length */
#define RECORD_PADDING 8
#define TEMPLATE_HEADER 24 /* next, GUID, size */

/* What is being read: bytes into parts. */
struct parse {
    struct evtx *x;
    struct arena *memory; /* the chunk's inside a template, else the record's */
    bool dependency;      /* elements have a dependency identifier */
    bool template;
    unsigned nesting;
};

static bool document_parse(struct parse *p, struct reader *r, struct evtx_part **ret);

static uint32_t in_chunk(const struct evtx *x, const struct reader *r)
{
    return (uint32_t)(reader_offset(r) - x->chunk.in.origin);
}

/* ---- names --------------------------------------------------------------------------------------------------- */

static struct str text_make(struct arena *a, struct reader *r, size_t units)
{
    const uint8_t *bytes = reader_bytes(r, units * 2);
    char *to = bytes ? arena_alloc(a, utf16_room(units * 2) + 1) : NULL;

    if (bytes && !to)
        reader_fail(r, ERR_LIMIT, "text");
    return to ? (struct str){to, utf16le_to_utf8(bytes, units * 2, to)} : STR_NONE;
}

/* Reads the name at the reader's place. */
static bool name_read(struct parse *p, struct reader *r, struct evtx_name *ret)
{
    uint32_t offset = in_chunk(p->x, r);
    unsigned units;

    reader_skip(r, 6);
    units = reader_u16le(r);
    ret->text = text_make(&p->x->chunk.memory, r, units);
    reader_skip(r, 2);
    ret->offset = offset;
    ret->size = NAME_HEADER + 2 * units + 2;
    return reader_ok(r);
}

static struct evtx_name *name_slot(struct evtx_chunk *c, uint32_t offset)
{
    uint32_t at = offset * 2654435761u >> 16;

    for (;; at++) {
        struct evtx_name *n = &c->names[at & (EVTX_NAME_SLOTS - 1)];
        if (!n->offset || n->offset == offset)
            return n;
    }
}

/* A name by its offset; when it stands right here, the reader goes behind it. */
static struct str name_get(struct parse *p, struct reader *r)
{
    struct evtx_chunk *c = &p->x->chunk;
    uint32_t offset = reader_u32le(r);
    struct evtx_name *slot, fresh;
    bool here = offset == in_chunk(p->x, r);

    if (!reader_ok(r))
        return STR_NONE;
    slot = name_slot(c, offset);
    if (!slot->offset) {
        struct reader at = c->in;
        reader_seek(&at, offset);
        if (!offset || !name_read(p, &at, &fresh)) {
            reader_fail(r, ERR_FORMAT, "name");
            return STR_NONE;
        }
        if (c->nnames >= EVTX_NAME_SLOTS * 3 / 4) { /* never in a real log; the memory cap ends it */
            slot = &fresh;
        } else {
            *slot = fresh;
            c->nnames++;
        }
    }
    if (here)
        reader_skip(r, slot->size);
    return slot->text;
}

/* ---- parts --------------------------------------------------------------------------------------------------- */

static struct evtx_part *part_add(struct parse *p, struct reader *r, enum evtx_part_kind kind, struct evtx_part ***tail)
{
    struct evtx_part *part = arena_alloc(p->memory, sizeof(*part));

    if (!part) {
        reader_fail(r, ERR_LIMIT, "memory for a part");
        return NULL;
    }
    part->kind = kind;
    **tail = part;
    *tail = &part->next;
    return part;
}

static void text_add(struct parse *p, struct reader *r, struct str text, struct evtx_part ***tail)
{
    struct evtx_part *part = reader_ok(r) ? part_add(p, r, EVTX_PART_TEXT, tail) : NULL;

    if (part)
        part->text = text;
}

static void counted_text_add(struct parse *p, struct reader *r, struct evtx_part ***tail)
{
    struct str text = text_make(p->memory, r, reader_u16le(r));

    text_add(p, r, text, tail);
}

static void character_add(struct parse *p, struct reader *r, struct evtx_part ***tail)
{
    text_add(p, r, text_make(p->memory, r, 1), tail);
}

static void entity_add(struct parse *p, struct reader *r, struct evtx_part ***tail)
{
    static const struct {
        struct str name, text;
    } known[] = {{STR_LIT("lt"), STR_LIT("<")},
                 {STR_LIT("gt"), STR_LIT(">")},
                 {STR_LIT("amp"), STR_LIT("&")},
                 {STR_LIT("quot"), STR_LIT("\"")},
                 {STR_LIT("apos"), STR_LIT("'")}};
    struct str name = name_get(p, r);

    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (str_eq(known[i].name, name)) {
            text_add(p, r, known[i].text, tail);
            return;
        }
    reader_fail(r, ERR_FORMAT, "entity");
}

static void substitution_add(struct parse *p, struct reader *r, bool optional, struct evtx_part ***tail)
{
    struct evtx_part *part = part_add(p, r, EVTX_PART_VALUE, tail);
    uint16_t index = reader_u16le(r);

    reader_skip(r, 1); /* the type: what counts is that of the value */
    if (part) {
        part->index = index;
        part->optional = optional;
    }
}

/* A token that is text, in attributes and in contents. False: it is something else. */
static bool text_token(struct parse *p, struct reader *r, uint8_t token, struct evtx_part ***tail)
{
    switch (token & ~TOKEN_MORE) {
    case TOKEN_VALUE:
        if (reader_u8(r) != EVTX_T_STRING)
            reader_fail(r, ERR_FORMAT, "text value");
        counted_text_add(p, r, tail);
        return true;
    case TOKEN_CHARACTER:
        character_add(p, r, tail);
        return true;
    case TOKEN_ENTITY:
        entity_add(p, r, tail);
        return true;
    case TOKEN_SUBSTITUTION:
    case TOKEN_OPTIONAL:
        substitution_add(p, r, token == TOKEN_OPTIONAL, tail);
        return true;
    default:
        return false;
    }
}

static uint8_t token_peek(const struct reader *r)
{
    bool ok;
    uint8_t token = reader_peek_u8(r, 0, &ok);

    return ok ? token : TOKEN_EOF;
}

static bool is_text(uint8_t token)
{
    token &= (uint8_t)~TOKEN_MORE;
    return token == TOKEN_VALUE || token == TOKEN_CHARACTER || token == TOKEN_ENTITY || token == TOKEN_SUBSTITUTION ||
           token == TOKEN_OPTIONAL;
}

static void attributes_parse(struct parse *p, struct reader *r, struct evtx_part *element)
{
    struct evtx_part_attribute **tail = &element->attributes;

    reader_skip(r, 4); /* size of the list */
    while (reader_ok(r) && (token_peek(r) & ~TOKEN_MORE) == TOKEN_ATTRIBUTE) {
        struct evtx_part_attribute *a = arena_alloc(p->memory, sizeof(*a));
        struct evtx_part **value;
        if (!a) {
            reader_fail(r, ERR_LIMIT, "memory for an attribute");
            return;
        }
        value = &a->value;
        reader_skip(r, 1);
        a->name = name_get(p, r);
        if (!reader_ok(r))
            return;
        *tail = a;
        tail = &a->next;
        while (reader_ok(r) && is_text(token_peek(r)))
            text_token(p, r, reader_u8(r), &value);
    }
}

/* Can the four bytes `ahead` of the reader be the offset of an element's name? */
static bool name_plausible(const struct evtx *x, const struct reader *r, unsigned ahead)
{
    struct reader at = *r;
    uint32_t offset;

    reader_skip(&at, ahead);
    offset = reader_u32le(&at);
    return reader_ok(&at) && (offset == in_chunk(x, &at) || (offset >= 512 && offset < in_chunk(x, &at)));
}

/*
 * Whether an element has a dependency identifier is told by where it stands
 * (libevtx, "Element start", note), but there are writers that do otherwise:
 * so the name's offset must agree.
 */
static bool has_dependency(const struct parse *p, const struct reader *r)
{
    bool with = name_plausible(p->x, r, 6), without = name_plausible(p->x, r, 4);

    return with != without ? with : p->dependency;
}

static void content_parse(struct parse *p, struct reader *r, struct evtx_part ***tail, unsigned depth);

static void element_parse(struct parse *p, struct reader *r, uint8_t token, struct evtx_part ***tail, unsigned depth)
{
    struct evtx_part *element, **content;
    uint8_t close;

    if (depth >= EVTX_DEPTH_MAX) {
        reader_fail(r, ERR_LIMIT, "elements inside elements");
        return;
    }
    if (!(element = part_add(p, r, EVTX_PART_ELEMENT, tail)))
        return;
    reader_skip(r, has_dependency(p, r) ? 6 : 4);
    element->text = name_get(p, r);
    if (reader_ok(r) && token & TOKEN_MORE)
        attributes_parse(p, r, element);
    close = reader_u8(r);
    content = &element->content;
    if (close == TOKEN_CLOSE_START)
        content_parse(p, r, &content, depth + 1);
    else if (close != TOKEN_CLOSE_EMPTY)
        reader_fail(r, ERR_FORMAT, "end of an element's start");
}

/* ---- templates ----------------------------------------------------------------------------------------------- */

static struct evtx_template *template_slot(struct evtx_chunk *c, uint32_t offset)
{
    uint32_t at = offset * 2654435761u >> 16;

    for (;; at++) {
        struct evtx_template *t = &c->templates[at & (EVTX_TEMPLATE_SLOTS - 1)];
        if (!t->offset || t->offset == offset)
            return t;
    }
}

/* The definition at an offset of the chunk. NULL: there is none; r is failed. */
static struct evtx_template *template_get(struct parse *p, struct reader *r, uint32_t offset)
{
    struct evtx_chunk *c = &p->x->chunk;
    struct evtx_template *t = offset ? template_slot(c, offset) : NULL;
    struct parse inner = {
        .x = p->x, .memory = &c->memory, .dependency = true, .template = true, .nesting = p->nesting + 1};
    struct reader at = c->in, body;

    if (t && t->offset)
        return t;
    if (!t || c->ntemplates >= EVTX_TEMPLATES_MAX) {
        reader_fail(r, t ? ERR_LIMIT : ERR_FORMAT, "template");
        return NULL;
    }
    reader_seek(&at, offset);
    reader_skip(&at, TEMPLATE_HEADER - 4);
    if (!reader_take(&at, reader_u32le(&at), &body)) {
        reader_fail(r, ERR_FORMAT, "template");
        return NULL;
    }
    t->offset = offset;
    c->ntemplates++;
    t->damaged = !document_parse(&inner, &body, &t->parts);
    if (t->damaged)
        evtx_trouble(p->x, "bad-template", "a template cannot be read to its end", body.error_offset);
    return t;
}

static void slots_parse(struct parse *p, struct reader *r, struct evtx_part *instance)
{
    uint32_t n = reader_u32le(r);
    struct reader types;

    if (!reader_take(r, (uint64_t)n * 4, &types))
        return;
    if (!(instance->slots = arena_array(p->memory, n, sizeof(*instance->slots)))) {
        reader_fail(r, ERR_LIMIT, "memory for values");
        return;
    }
    for (uint32_t i = 0; i < n && reader_ok(r); i++) {
        struct evtx_slot *s = &instance->slots[i];
        uint16_t size = reader_u16le(&types);
        uint8_t type = reader_u8(&types);
        reader_skip(&types, 1);
        if (!reader_take(r, size, &s->bytes))
            return;
        s->type = type;
        instance->nslots = i + 1;
    }
}

static void instance_parse(struct parse *p, struct reader *r, struct evtx_part ***tail)
{
    struct evtx_template *t;
    struct evtx_part *instance;
    uint32_t offset;

    if (p->template) {
        reader_fail(r, ERR_FORMAT, "template inside a template");
        return;
    }
    reader_skip(r, 5); /* one byte, always 1, and a number of the template */
    offset = reader_u32le(r);
    if (!reader_ok(r) || !(t = template_get(p, r, offset)) || !(instance = part_add(p, r, EVTX_PART_INSTANCE, tail)))
        return;
    instance->content = t->parts;
    if (t->damaged)
        evtx_trouble(p->x, "bad-template", "its template cannot be read to its end", p->x->chunk.in.origin + offset);
    if (offset == in_chunk(p->x, r)) { /* the definition stands here */
        reader_skip(r, TEMPLATE_HEADER - 4);
        reader_skip(r, reader_u32le(r));
    }
    slots_parse(p, r, instance);
}

/* ---- documents ----------------------------------------------------------------------------------------------- */

static void pi_skip(struct parse *p, struct reader *r, uint8_t token)
{
    if (token == TOKEN_PI_TARGET)
        name_get(p, r);
    else
        reader_skip(r, 2 * (uint64_t)reader_u16le(r));
}

/* Up to the end token of the element, or at depth 0 to the end of the document. */
static void content_parse(struct parse *p, struct reader *r, struct evtx_part ***tail, unsigned depth)
{
    while (reader_ok(r)) {
        uint8_t token;
        if (!depth && !reader_left(r))
            return;
        token = reader_u8(r);
        switch (reader_ok(r) ? token & ~TOKEN_MORE : TOKEN_EOF) {
        case TOKEN_EOF:
            if (depth)
                reader_fail(r, ERR_FORMAT, "end of an element");
            return;
        case TOKEN_END:
            if (!depth)
                reader_fail(r, ERR_FORMAT, "beginning of an element");
            return;
        case TOKEN_ELEMENT:
            element_parse(p, r, token, tail, depth);
            break;
        case TOKEN_CDATA:
            counted_text_add(p, r, tail);
            break;
        case TOKEN_PI_TARGET:
        case TOKEN_PI_DATA:
            pi_skip(p, r, token);
            break;
        case TOKEN_INSTANCE:
            instance_parse(p, r, tail);
            break;
        case TOKEN_FRAGMENT:
            reader_skip(r, 3);
            break;
        default:
            if (!text_token(p, r, token, tail))
                reader_fail(r, ERR_FORMAT, "token of binary XML");
        }
    }
}

/* Records are padded to 8 bytes with what lay there before: that may look like a fragment, but is too short for one. */
static bool fragment_follows(const struct reader *r)
{
    struct reader at = *r;

    return reader_left(&at) > RECORD_PADDING && reader_u8(&at) == TOKEN_FRAGMENT && reader_u8(&at) == 1 &&
           reader_u8(&at) == 1 && reader_ok(&at);
}

/* A document may be several fragments, one behind the other, each with its end token. */
static bool document_parse(struct parse *p, struct reader *r, struct evtx_part **ret)
{
    struct evtx_part **tail = ret;

    if (p->nesting > EVTX_NESTING_MAX) {
        reader_fail(r, ERR_LIMIT, "documents inside documents");
        return false;
    }
    do
        content_parse(p, r, &tail, 0);
    while (reader_ok(r) && fragment_follows(r));
    return reader_ok(r);
}

/* ---- parts and values become elements ------------------------------------------------------------------------ */

struct expand {
    struct evtx *x;
    const struct evtx_part *instance; /* whose values are put in; NULL outside of a template */
    unsigned depth, nesting;
};

struct contents {
    const struct evtx_value *value; /* one value or array */
    bool mixed;                     /* several: all were made one text */
    struct evtx_element *last;
    struct evtx_element *parent; /* NULL at the top */
    const struct evtx_element **first;
};

static void parts_expand(struct expand *e, const struct evtx_part *parts, struct contents *c);

static void limit_reached(struct evtx *x)
{
    evtx_trouble(x, "limit", "the record is larger or deeper than is allowed", x->chunk.in.origin + x->chunk.pos);
}

/* Documents in documents may multiply without making one element: each piece that is looked at counts. */
static bool part_take(struct expand *e)
{
    if (e->x->chunk.parts < EVTX_CHUNK_PARTS_MAX) {
        e->x->chunk.parts++;
        return true;
    }
    limit_reached(e->x);
    return false;
}

/* Puts text behind what is there already. */
static void value_join(struct evtx *x, struct contents *c, const struct evtx_value *v)
{
    struct evtx_value *joined;
    size_t n;
    char *to;

    if (!c->value) {
        c->value = v;
        return;
    }
    /* Arrays beside texts: the first of it is in the text, as Windows shows it. */
    n = c->value->text.n + v->text.n;
    joined = arena_alloc(&x->memory, sizeof(*joined));
    to = arena_alloc(&x->memory, n + 1);
    if (!joined || !to)
        return;
    if (c->value->text.n)
        memcpy(to, c->value->text.p, c->value->text.n);
    if (v->text.n)
        memcpy(to + c->value->text.n, v->text.p, v->text.n);
    joined->kind = EVTX_TEXT;
    joined->text = (struct str){to, n};
    c->value = joined;
    c->mixed = true;
}

static void text_expand(struct expand *e, const struct evtx_part *part, struct contents *c)
{
    struct evtx_value *v = arena_alloc(&e->x->memory, sizeof(*v));

    if (!v)
        return;
    v->kind = EVTX_TEXT;
    v->text = part->text;
    value_join(e->x, c, v);
}

static struct evtx_slot *slot_of(struct expand *e, const struct evtx_part *part)
{
    if (!e->instance || part->index >= e->instance->nslots)
        return NULL; /* a value that is not there is null */
    return &e->instance->slots[part->index];
}

static void slot_make(struct expand *e, struct evtx_slot *s)
{
    struct reader r = s->bytes;

    if (s->ready)
        return;
    s->ready = true;
    if (s->type != EVTX_T_BINXML) {
        s->value = evtx_value_make(e->x, s->type, &r);
    } else if (reader_left(&r)) {
        struct parse p = {.x = e->x, .memory = &e->x->memory, .nesting = e->nesting + 1};
        if (!document_parse(&p, &r, &s->document))
            evtx_trouble(e->x, "bad-document", "a document as a value cannot be read to its end", r.error_offset);
    }
}

static void value_expand(struct expand *e, const struct evtx_part *part, struct contents *c)
{
    struct evtx_slot *s = slot_of(e, part);

    if (!s)
        return;
    slot_make(e, s);
    if (s->value) {
        value_join(e->x, c, s->value);
    } else if (s->document) {
        struct expand inner = {.x = e->x, .depth = e->depth, .nesting = e->nesting + 1};
        if (inner.nesting > EVTX_NESTING_MAX)
            limit_reached(e->x);
        else
            parts_expand(&inner, s->document, c);
    }
}

/* True when all that stands in it are optional values that are null: then it is not there at all. */
static bool absent(struct expand *e, const struct evtx_part *content)
{
    for (const struct evtx_part *p = content; p; p = p->next) {
        struct evtx_slot *s;
        if (!part_take(e) || p->kind != EVTX_PART_VALUE || !p->optional)
            return false;
        if ((s = slot_of(e, p)) && s->type != EVTX_T_NULL && s->type != EVTX_ARRAY)
            return false;
    }
    return content != NULL;
}

static void attributes_expand(struct expand *e, const struct evtx_part *part, struct evtx_element *element)
{
    const struct evtx_attribute **tail = &element->attributes;

    for (const struct evtx_part_attribute *a = part->attributes; a; a = a->next) {
        struct contents c = {0};
        struct evtx_attribute *made;
        if (absent(e, a->value))
            continue;
        for (const struct evtx_part *v = a->value; v && part_take(e); v = v->next) {
            if (v->kind == EVTX_PART_TEXT)
                text_expand(e, v, &c);
            else if (v->kind == EVTX_PART_VALUE && slot_of(e, v) && slot_of(e, v)->type != EVTX_T_BINXML)
                value_expand(e, v, &c);
        }
        if (!(made = arena_alloc(&e->x->memory, sizeof(*made))))
            return;
        made->name = a->name;
        if (c.value) {
            made->value = *c.value;
            made->value.next = NULL;
        }
        *tail = made;
        tail = &made->next;
    }
}

static void element_expand(struct expand *e, const struct evtx_part *part, struct contents *c)
{
    struct evtx_element *element;
    struct contents inner;

    if (absent(e, part->content))
        return;
    if (e->depth >= EVTX_DEPTH_MAX || e->x->elements >= EVTX_ELEMENTS_MAX ||
        !(element = arena_alloc(&e->x->memory, sizeof(*element)))) {
        limit_reached(e->x);
        return;
    }
    e->x->elements++;
    element->name = part->text;
    attributes_expand(e, part, element);
    if (c->last)
        c->last->next = element;
    else
        *c->first = element;
    c->last = element;
    inner = (struct contents){.first = &element->child, .parent = element};
    e->depth++;
    parts_expand(e, part->content, &inner);
    e->depth--;
    element->value = inner.value;
}

static void parts_expand(struct expand *e, const struct evtx_part *parts, struct contents *c)
{
    for (const struct evtx_part *p = parts; p && !e->x->memory.failed && part_take(e); p = p->next) {
        switch (p->kind) {
        case EVTX_PART_TEXT:
            text_expand(e, p, c);
            break;
        case EVTX_PART_VALUE:
            value_expand(e, p, c);
            break;
        case EVTX_PART_ELEMENT:
            element_expand(e, p, c);
            break;
        case EVTX_PART_INSTANCE: {
            struct expand inner = {.x = e->x, .instance = p, .depth = e->depth, .nesting = e->nesting};
            parts_expand(&inner, p->content, c);
            break;
        }
        }
    }
}

const struct evtx_element *evtx_document(struct evtx *x, struct reader *r)
{
    struct parse p = {.x = x, .memory = &x->memory, .dependency = true};
    struct expand e = {.x = x};
    struct evtx_part *parts = NULL;
    const struct evtx_element *root = NULL;
    struct contents c = {.first = &root};

    if (!document_parse(&p, r, &parts))
        evtx_trouble(x, r->error == ERR_LIMIT ? "limit" : "bad-binary-xml", r->error_what, r->error_offset);
    parts_expand(&e, parts, &c);
    if (x->memory.failed)
        limit_reached(x);
    return root;
}
