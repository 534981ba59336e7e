/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All texts that rules look for in one field, found in one walk over a value.
 *
 * Whole values are looked up by their hash; beginnings and ends by the hash of
 * each length that occurs; texts that may stand anywhere by one piece of four
 * bytes (three or two for shorter ones): a table of bits says at each place of
 * the value whether a piece begins there, and hardly ever does. The piece of a
 * text is the one that is rarest among all texts of the field, so that the
 * pieces are not those that every path has. What a hash finds is compared.
 *
 * An automaton over whole texts (detect/scan.c) does the same for a few
 * hundred patterns; for the tens of thousands of a large rule set its table of
 * states would not fit the caches of a processor, nor into the memory allowed.
 */
#include "detect/sigma/sigma-private.h"

#include <errno.h>
#include <stdlib.h>

#define LENGTH_MAX 63        /* of a hashed beginning or end; longer texts are hashed so far and compared */
#define RARITY_BITS 18       /* counters of pieces */
#define RARITY_PIECES_MAX 64 /* of one text that are weighed */
#define LITERALS_MAX (8u << 20)

struct literal {
    struct str text; /* folded */
    uint32_t atom;
    uint16_t piece; /* where its piece begins */
    uint8_t op;
    bool exact;
};

struct slot {
    uint32_t hash, literal; /* literal + 1, 0 free */
};

struct table {
    struct slot *slots;
    uint32_t mask, count;
    uint64_t *bits; /* which hashes may be there */
    unsigned shift; /* hash -> bit */
};

enum table_kind { TABLE_EQUALS, TABLE_STARTS, TABLE_ENDS, TABLE_PIECE2, TABLE_PIECE3, TABLE_PIECE4, TABLE_COUNT };

struct field_tables {
    struct table t[TABLE_COUNT];
    uint64_t lengths[3]; /* of TABLE_EQUALS, STARTS, ENDS: bit per length */
};

struct finder {
    struct arena arena;
    struct literal *literals;
    uint32_t count, cap;
    struct field_tables **fields;
    uint32_t nfields;
    uint8_t *states; /* enum atom_state per atom */
    uint16_t *rarity;
};

void finder_free(struct finder **p)
{
    struct finder *x = *p;
    if (!x)
        return;
    for (uint32_t i = 0; x->fields && i < x->nfields; i++) {
        for (unsigned k = 0; x->fields[i] && k < TABLE_COUNT; k++) {
            free(x->fields[i]->t[k].slots);
            free(x->fields[i]->t[k].bits);
        }
        free(x->fields[i]);
    }
    free(x->fields);
    free(x->literals);
    free(x->states);
    free(x->rarity);
    arena_free(&x->arena);
    free(x);
    *p = NULL;
}

enum atom_state finder_of(const struct finder *x, uint32_t atom)
{
    return x->states[atom];
}

/* ---- hashes -------------------------------------------------------------------------------------------------- */

static uint32_t step(uint32_t h, char ch)
{
    return (h ^ (uint8_t)ch) * 0x01000193u;
}

static uint32_t hash_start(struct str s, size_t n)
{
    uint32_t h = 0x811c9dc5u;
    for (size_t i = 0; i < n; i++)
        h = step(h, s.p[i]);
    return h;
}

static uint32_t hash_end(struct str s, size_t n)
{
    uint32_t h = 0x811c9dc5u;
    for (size_t i = 0; i < n; i++)
        h = step(h, s.p[s.n - 1 - i]);
    return h;
}

static uint32_t piece_hash(const char *p, unsigned n)
{
    uint32_t v = (uint8_t)p[0] | (uint32_t)(uint8_t)p[1] << 8;
    if (n == 2)
        return v << 16 | v; /* the bit is the piece itself */
    v |= (uint32_t)(uint8_t)p[2] << 16;
    if (n > 3)
        v |= (uint32_t)(uint8_t)p[3] << 24;
    return v * 0x9e3779b1u;
}

static uint32_t slot_of(uint32_t hash, uint32_t mask)
{
    hash = (hash ^ hash >> 16) * 0x85ebca6bu;
    return (hash ^ hash >> 15) & mask;
}

/* ---- making -------------------------------------------------------------------------------------------------- */

static enum table_kind kind_of(const struct literal *l)
{
    if (l->op == ATOM_EQUALS)
        return TABLE_EQUALS;
    if (l->op == ATOM_STARTS)
        return TABLE_STARTS;
    if (l->op == ATOM_ENDS)
        return TABLE_ENDS;
    return l->text.n >= 4 ? TABLE_PIECE4 : l->text.n == 3 ? TABLE_PIECE3 : TABLE_PIECE2;
}

static int literal_add(struct finder *x, uint32_t field, uint32_t atom, struct str text, uint8_t op, bool exact)
{
    struct literal l = {.text = text, .atom = atom, .op = op, .exact = exact};
    if (x->count >= LITERALS_MAX)
        return ERR_LIMIT;
    if (x->count == x->cap) {
        uint32_t cap = x->cap ? x->cap * 2 : 1024;
        struct literal *more = realloc(x->literals, cap * sizeof(*more));
        if (!more)
            return -ENOMEM;
        x->literals = more;
        x->cap = cap;
    }
    if (!x->fields[field]) {
        x->fields[field] = calloc(1, sizeof(struct field_tables));
        if (!x->fields[field])
            return -ENOMEM;
    }
    x->literals[x->count++] = l;
    x->fields[field]->t[kind_of(&l)].count++;
    return 0;
}

static int atom_literals(struct finder *x, const struct sigma_rules *r, uint32_t atom)
{
    const struct atom *a = &r->atoms[atom];
    int rc = 0;
    size_t least = a->op == ATOM_EQUALS ? 0 : a->op == ATOM_CONTAINS ? 2 : 1;
    if (a->op <= ATOM_CONTAINS) {
        struct str text = a->text;
        if (text.n < least)
            return 0;
        if (a->cased && text.n && !(text = fold_copy(&x->arena, text)).p)
            return -ENOMEM;
        x->states[atom] = a->cased ? FINDER_HINTED : FINDER_EXACT;
        return literal_add(x, a->field, atom, text, a->op, !a->cased);
    }
    if (a->op != ATOM_REGEX && a->op != ATOM_GLOB)
        return 0;
    for (uint32_t i = 0; i < a->nhints; i++)
        if (a->hints[i].n < 2)
            return 0;
    for (uint32_t i = 0; i < a->nhints && rc >= 0; i++)
        rc = literal_add(x, a->field, atom, a->hints[i], ATOM_CONTAINS, false);
    if (a->nhints)
        x->states[atom] = FINDER_HINTED;
    return rc;
}

static uint16_t *rarity_of(struct finder *x, uint32_t field, const char *p)
{
    uint32_t h = piece_hash(p, 4) ^ field * 0x85ebca6bu;
    return &x->rarity[(h ^ h >> 13) & ((1u << RARITY_BITS) - 1)];
}

static void pieces_weigh(struct finder *x, uint32_t field, const struct literal *l)
{
    for (size_t i = 0; i + 4 <= l->text.n && i < RARITY_PIECES_MAX; i++) {
        uint16_t *n = rarity_of(x, field, l->text.p + i);
        *n = (uint16_t)(*n + (*n < UINT16_MAX));
    }
}

static uint16_t piece_choose(struct finder *x, uint32_t field, const struct literal *l)
{
    uint16_t best = 0, least = UINT16_MAX;
    for (size_t i = 0; i + 4 <= l->text.n && i < RARITY_PIECES_MAX; i++) {
        uint16_t n = *rarity_of(x, field, l->text.p + i);
        if (n < least) {
            least = n;
            best = (uint16_t)i;
        }
    }
    return best;
}

/* Bits per text: few enough for the first caches, many enough that hardly any place of a value is looked at twice. */
static unsigned bits_for(const struct table *t, enum table_kind kind)
{
    unsigned bits = 12;
    while (bits < 20 && (1u << bits) < t->count * (kind == TABLE_PIECE4 ? 32 : 64))
        bits++;
    return kind == TABLE_PIECE2 ? 16 : bits; /* two bytes: all there are */
}

static int table_make(struct table *t, enum table_kind kind)
{
    uint32_t size = 4;
    if (t->count == 0)
        return 0;
    while (size < t->count * 2 + 1)
        size *= 2;
    t->slots = calloc(size, sizeof(*t->slots));
    t->mask = size - 1;
    if (!t->slots)
        return -ENOMEM;
    unsigned bits = bits_for(t, kind);
    t->shift = 32 - bits;
    t->bits = calloc((1u << bits) / 64, sizeof(*t->bits));
    return t->bits ? 0 : -ENOMEM;
}

static void table_put(struct table *t, uint32_t hash, uint32_t literal)
{
    uint32_t i = slot_of(hash, t->mask);
    while (t->slots[i].literal)
        i = (i + 1) & t->mask;
    t->slots[i] = (struct slot){hash, literal + 1};
    uint32_t bit = hash >> t->shift;
    t->bits[bit / 64] |= 1ull << (bit % 64);
}

static bool maybe(const struct table *t, uint32_t hash)
{
    uint32_t bit = hash >> t->shift;
    return t->bits[bit / 64] >> (bit % 64) & 1;
}

static void literal_put(struct finder *x, struct field_tables *f, uint32_t field, uint32_t literal)
{
    struct literal *l = &x->literals[literal];
    enum table_kind kind = kind_of(l);
    size_t n = l->text.n < LENGTH_MAX ? l->text.n : LENGTH_MAX;
    uint32_t hash;
    if (kind <= TABLE_ENDS) {
        f->lengths[kind] |= 1ull << n;
        hash = kind == TABLE_EQUALS   ? hash_start(l->text, l->text.n)
               : kind == TABLE_STARTS ? hash_start(l->text, n)
                                      : hash_end(l->text, n);
    } else {
        if (kind == TABLE_PIECE4)
            l->piece = piece_choose(x, field, l);
        hash = piece_hash(l->text.p + l->piece, 2 + (kind - TABLE_PIECE2));
    }
    table_put(&f->t[kind], hash, literal);
}

static int tables_fill(struct finder *x, const struct sigma_rules *r)
{
    for (uint32_t i = 0; i < x->nfields; i++)
        for (unsigned k = 0; x->fields[i] && k < TABLE_COUNT; k++)
            if (table_make(&x->fields[i]->t[k], (enum table_kind)k) < 0)
                return -ENOMEM;
    for (uint32_t i = 0; i < x->count; i++)
        if (kind_of(&x->literals[i]) == TABLE_PIECE4)
            pieces_weigh(x, r->atoms[x->literals[i].atom].field, &x->literals[i]);
    for (uint32_t i = 0; i < x->count; i++) {
        uint32_t field = r->atoms[x->literals[i].atom].field;
        literal_put(x, x->fields[field], field, i);
    }
    return 0;
}

int finder_new(const struct sigma_rules *r, struct finder **ret)
{
    struct finder *x = calloc(1, sizeof(*x));
    if (!x)
        return -ENOMEM;
    arena_init(&x->arena, SIGMA_ARENA_MAX);
    x->nfields = r->fields.count + 1;
    x->fields = calloc(x->nfields, sizeof(*x->fields));
    x->states = calloc((size_t)r->natoms + 1, sizeof(*x->states));
    x->rarity = calloc(1u << RARITY_BITS, sizeof(*x->rarity));
    int rc = x->fields && x->states && x->rarity ? 0 : -ENOMEM;
    for (uint32_t i = 0; i < r->natoms && rc >= 0; i++)
        rc = atom_literals(x, r, i);
    if (rc >= 0)
        rc = tables_fill(x, r);
    free(x->rarity);
    x->rarity = NULL;
    if (rc < 0)
        finder_free(&x);
    *ret = x;
    return rc;
}

/* ---- finding ------------------------------------------------------------------------------------------------- */

struct finding_run {
    const struct finder *x;
    struct str s;
    finder_hit *hit;
    void *context;
};

static void probe(const struct finding_run *f, const struct table *t, uint32_t hash, size_t at)
{
    for (uint32_t i = slot_of(hash, t->mask); t->slots[i].literal; i = (i + 1) & t->mask) {
        if (t->slots[i].hash != hash)
            continue;
        const struct literal *l = &f->x->literals[t->slots[i].literal - 1];
        bool fits;
        if (l->op == ATOM_CONTAINS) {
            size_t begin = at - l->piece;
            fits = at >= l->piece && l->text.n <= f->s.n - begin && memcmp(f->s.p + begin, l->text.p, l->text.n) == 0;
        } else {
            fits = texts_fit(l->op, f->s, l->text);
        }
        if (fits)
            f->hit(f->context, l->atom, l->exact);
    }
}

static void find_pieces(const struct finding_run *f, const struct table *t, unsigned n)
{
    if (!t->count || f->s.n < n)
        return;
    for (size_t i = 0; i + n <= f->s.n; i++) {
        uint32_t hash = piece_hash(f->s.p + i, n);
        if (maybe(t, hash))
            probe(f, t, hash, i);
    }
}

static void find_edge(const struct finding_run *f, const struct table *t, uint64_t lengths, bool end)
{
    uint32_t h = 0x811c9dc5u;
    size_t n = f->s.n < LENGTH_MAX ? f->s.n : LENGTH_MAX;
    for (size_t i = 1; i <= n && lengths >> i; i++) {
        h = step(h, end ? f->s.p[f->s.n - i] : f->s.p[i - 1]);
        if (lengths >> i & 1 && maybe(t, h))
            probe(f, t, h, 0);
    }
}

void finder_run(const struct finder *x, uint32_t field, struct str folded, finder_hit *hit, void *context)
{
    const struct field_tables *t = x->fields[field];
    const struct finding_run f = {x, folded, hit, context};
    if (!t)
        return;
    size_t n = folded.n < LENGTH_MAX ? folded.n : LENGTH_MAX;
    if (t->lengths[TABLE_EQUALS] >> n & 1)
        probe(&f, &t->t[TABLE_EQUALS], hash_start(folded, folded.n), 0);
    if (t->lengths[TABLE_STARTS])
        find_edge(&f, &t->t[TABLE_STARTS], t->lengths[TABLE_STARTS], false);
    if (t->lengths[TABLE_ENDS])
        find_edge(&f, &t->t[TABLE_ENDS], t->lengths[TABLE_ENDS], true);
    find_pieces(&f, &t->t[TABLE_PIECE4], 4);
    find_pieces(&f, &t->t[TABLE_PIECE3], 3);
    find_pieces(&f, &t->t[TABLE_PIECE2], 2);
}
