/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/yara/hits.h"

#include <errno.h>

/* A cut text is YARA_TEXT_MAX bytes and the dots. */
#define WIRE_TEXT_MAX (YARA_TEXT_MAX + 3)

void yara_result_init(struct yara_result *r)
{
    *r = (struct yara_result){0};
    arena_init(&r->arena, YARA_RESULT_MAX);
}

void yara_result_free(struct yara_result *r)
{
    arena_free(&r->arena);
    *r = (struct yara_result){0};
}

struct yara_hit *yara_result_hit(struct yara_result *r)
{
    if (!r->hits)
        r->hits = arena_array(&r->arena, YARA_HITS_MAX, sizeof(*r->hits));
    if (!r->hits || r->nhits == YARA_HITS_MAX || r->arena.failed) {
        r->more_hits++;
        return NULL;
    }
    return &r->hits[r->nhits++];
}

struct yara_note *yara_result_note(struct yara_result *r)
{
    if (!r->notes)
        r->notes = arena_array(&r->arena, YARA_NOTES_MAX, sizeof(*r->notes));
    if (!r->notes || r->nnotes == YARA_NOTES_MAX) {
        r->more_notes++;
        return NULL;
    }
    return &r->notes[r->nnotes++];
}

struct str yara_result_text(struct yara_result *r, struct str s, size_t max)
{
    if (s.n <= max)
        return arena_str(&r->arena, s);
    char *p = arena_alloc(&r->arena, max + 4);
    if (!p)
        return STR_NONE;
    memcpy(p, s.p, max);
    memcpy(p + max, "...", 4);
    return (struct str){p, max + 3};
}

const struct yara_meta *yara_hit_meta(const struct yara_hit *h, const char *name)
{
    for (uint32_t i = 0; i < h->nmetas; i++)
        if (str_eqz(h->metas[i].name, name))
            return &h->metas[i];
    return NULL;
}

struct str yara_hit_text(const struct yara_hit *h, const char *name)
{
    const struct yara_meta *m = yara_hit_meta(h, name);
    return m && m->kind == YARA_META_TEXT ? m->text : STR_NONE;
}

void yara_wire_str(struct buf *out, struct str s)
{
    buf_u32le(out, (uint32_t)s.n);
    buf_add_str(out, s);
}

struct str yara_wire_take(struct reader *in, size_t max)
{
    uint32_t n = reader_u32le(in);
    if (reader_ok(in) && n > max)
        reader_fail(in, ERR_LIMIT, "a text of this length");
    return reader_str(in, n);
}

static void hit_encode(const struct yara_hit *h, struct buf *out)
{
    yara_wire_str(out, h->ns);
    yara_wire_str(out, h->rule);
    yara_wire_str(out, h->part);
    buf_u32le(out, h->ntags);
    for (uint32_t i = 0; i < h->ntags; i++)
        yara_wire_str(out, h->tags[i]);
    buf_u32le(out, h->nmetas);
    for (uint32_t i = 0; i < h->nmetas; i++) {
        buf_u8(out, (uint8_t)h->metas[i].kind);
        yara_wire_str(out, h->metas[i].name);
        yara_wire_str(out, h->metas[i].text);
        buf_u64le(out, (uint64_t)h->metas[i].number);
    }
    buf_u32le(out, h->nmatches);
    for (uint32_t i = 0; i < h->nmatches; i++) {
        const struct yara_match *m = &h->matches[i];
        yara_wire_str(out, m->string);
        buf_u64le(out, m->offset);
        buf_u32le(out, m->length);
        buf_u8(out, m->xor_key);
        yara_wire_str(out, m->bytes);
    }
    buf_u64le(out, h->more_matches);
}

void yara_result_encode(const struct yara_result *r, struct buf *out)
{
    buf_u8(out, (uint8_t)r->status);
    yara_wire_str(out, r->text);
    buf_u32le(out, r->nhits);
    for (uint32_t i = 0; i < r->nhits; i++)
        hit_encode(&r->hits[i], out);
    buf_u64le(out, r->more_hits);
    buf_u32le(out, r->nnotes);
    for (uint32_t i = 0; i < r->nnotes; i++) {
        buf_u8(out, (uint8_t)r->notes[i].kind);
        yara_wire_str(out, r->notes[i].ns);
        yara_wire_str(out, r->notes[i].rule);
        yara_wire_str(out, r->notes[i].string);
    }
    buf_u64le(out, r->more_notes);
}

static struct str take(struct reader *in, struct arena *a, size_t max)
{
    struct str s = yara_wire_take(in, max);
    return reader_ok(in) ? arena_str(a, s) : STR_NONE;
}

/* A number of things, none of which can be smaller than `least` bytes. */
static uint32_t take_count(struct reader *in, uint32_t max, size_t least)
{
    uint32_t n = reader_u32le(in);
    if (reader_ok(in) && (n > max || n * least > reader_left(in)))
        reader_fail(in, ERR_LIMIT, "a list of this length");
    return reader_ok(in) ? n : 0;
}

static void metas_decode(struct reader *in, struct arena *a, struct yara_hit *h)
{
    h->nmetas = take_count(in, YARA_METAS_MAX, 17);
    h->metas = arena_array(a, h->nmetas + 1, sizeof(*h->metas));
    for (uint32_t i = 0; h->metas && i < h->nmetas && reader_ok(in); i++) {
        uint8_t kind = reader_u8(in);
        if (kind > YARA_META_BOOLEAN)
            reader_fail(in, ERR_FORMAT, "the kind of a meta");
        h->metas[i].kind = (enum yara_meta_kind)kind;
        h->metas[i].name = take(in, a, WIRE_TEXT_MAX);
        h->metas[i].text = take(in, a, WIRE_TEXT_MAX);
        h->metas[i].number = (int64_t)reader_u64le(in);
    }
}

static void matches_decode(struct reader *in, struct arena *a, struct yara_hit *h)
{
    h->nmatches = take_count(in, YARA_MATCHES_MAX, 21);
    h->matches = arena_array(a, h->nmatches + 1, sizeof(*h->matches));
    for (uint32_t i = 0; h->matches && i < h->nmatches && reader_ok(in); i++) {
        struct yara_match *m = &h->matches[i];
        m->string = take(in, a, WIRE_TEXT_MAX);
        m->offset = reader_u64le(in);
        m->length = reader_u32le(in);
        m->xor_key = reader_u8(in);
        m->bytes = take(in, a, YARA_EXCERPT_MAX);
    }
    h->more_matches = reader_u64le(in);
}

static void hit_decode(struct reader *in, struct arena *a, struct yara_hit *h)
{
    h->ns = take(in, a, WIRE_TEXT_MAX);
    h->rule = take(in, a, WIRE_TEXT_MAX);
    h->part = take(in, a, WIRE_TEXT_MAX);
    h->ntags = take_count(in, YARA_TAGS_MAX, 4);
    h->tags = arena_array(a, h->ntags + 1, sizeof(*h->tags));
    for (uint32_t i = 0; h->tags && i < h->ntags && reader_ok(in); i++)
        h->tags[i] = take(in, a, WIRE_TEXT_MAX);
    metas_decode(in, a, h);
    matches_decode(in, a, h);
}

static void notes_decode(struct reader *in, struct yara_result *r)
{
    r->nnotes = take_count(in, YARA_NOTES_MAX, 13);
    r->notes = arena_array(&r->arena, r->nnotes + 1, sizeof(*r->notes));
    for (uint32_t i = 0; r->notes && i < r->nnotes && reader_ok(in); i++) {
        uint8_t kind = reader_u8(in);
        if (kind > YARA_NOTE_SLOW)
            reader_fail(in, ERR_FORMAT, "the kind of a note");
        r->notes[i].kind = (enum yara_note_kind)kind;
        r->notes[i].ns = take(in, &r->arena, WIRE_TEXT_MAX);
        r->notes[i].rule = take(in, &r->arena, WIRE_TEXT_MAX);
        r->notes[i].string = take(in, &r->arena, WIRE_TEXT_MAX);
    }
    r->more_notes = reader_u64le(in);
}

int yara_result_decode(struct reader *in, struct yara_result *ret, struct err *e)
{
    struct yara_result r;
    int x = 0;

    yara_result_init(&r);
    r.arena.max *= 4; /* what comes is bounded by the message; in memory it is larger than on the wire */
    uint8_t status = reader_u8(in);
    if (status > YARA_FAILED)
        reader_fail(in, ERR_FORMAT, "the status of a scan");
    r.status = (enum yara_status)status;
    r.text = take(in, &r.arena, WIRE_TEXT_MAX);
    r.nhits = take_count(in, YARA_HITS_MAX, 32);
    r.hits = arena_array(&r.arena, r.nhits + 1, sizeof(*r.hits));
    for (uint32_t i = 0; r.hits && i < r.nhits && reader_ok(in); i++)
        hit_decode(in, &r.arena, &r.hits[i]);
    r.more_hits = reader_u64le(in);
    notes_decode(in, &r);
    if (!reader_ok(in))
        x = reader_err(in, e);
    else if (!reader_done(in))
        x = reader_err(in, e);
    else if (r.arena.failed)
        x = err_set(e, r.arena.failed, "the answer of a scan does not fit into memory");
    if (x < 0)
        yara_result_free(&r);
    else
        *ret = r;
    return x;
}
