/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Values of rules: wildcards and escapes, what the modifiers make of them, and
 * the atoms that come out ("Sigma Rules" 2.1.0, sections String Wildcard, Escape
 * Character and Placeholders; "Sigma Modifiers" 2.1.0).
 */
#include "detect/regex.h"
#include "detect/sigma/sigma-private.h"

#include <errno.h>
#include <stdlib.h>

#define TOKENS_MAX (SIGMA_VALUE_BYTES_MAX * 4) /* after encodings */
#define DASHES_SPELT_MAX 2                     /* dashes of `windash` that become texts of their own */

struct pattern {
    uint16_t *t;
    size_t n, cap;
};

struct variants {
    struct pattern items[SIGMA_VARIANTS_MAX];
    unsigned n;
};

static int push(struct sc *c, struct pattern *p, uint16_t token)
{
    if (p->n == p->cap) {
        size_t cap = p->cap ? p->cap * 2 : 32;
        if (cap > TOKENS_MAX)
            return sc_fail(c, c->line, "a value is too long");
        uint16_t *t = realloc(p->t, cap * sizeof(*t));
        if (!t)
            return err_set(c->err, -ENOMEM, "no memory for rules");
        p->t = t;
        p->cap = cap;
    }
    p->t[p->n++] = token;
    return 0;
}

static int push_text(struct sc *c, struct pattern *p, struct str s)
{
    int rc = 0;
    for (size_t i = 0; i < s.n && rc >= 0; i++)
        rc = push(c, p, (uint8_t)s.p[i]);
    return rc;
}

static struct variants *variants_new(struct sc *c)
{
    struct variants *v = malloc(sizeof(*v));
    if (v)
        v->n = 0;
    else
        err_set(c->err, -ENOMEM, "no memory for rules");
    return v;
}

static void variants_free(struct variants *v)
{
    for (unsigned i = 0; i < v->n; i++)
        free(v->items[i].t);
    free(v);
}

static struct pattern *variant_new(struct sc *c, struct variants *v)
{
    if (v->n == SIGMA_VARIANTS_MAX) {
        sc_fail(c, c->line, "one value becomes more than %d texts", SIGMA_VARIANTS_MAX);
        return NULL;
    }
    struct pattern *p = &v->items[v->n++];
    *p = (struct pattern){0};
    return p;
}

/* "\*", "\?" and "\\" are plain; a backslash before anything else is itself; with placeholders "\%" is plain too. */
static int wildcards_parse(struct sc *c, struct str s, struct pattern *p)
{
    int rc = 0;
    for (size_t i = 0; i < s.n && rc >= 0; i++) {
        char ch = s.p[i];
        if (ch == '\\' && i + 1 < s.n && (s.p[i + 1] == '*' || s.p[i + 1] == '?' || s.p[i + 1] == '\\'))
            rc = push(c, p, (uint8_t)s.p[++i]);
        else
            rc = push(c, p, ch == '*' ? TOKEN_ANY : ch == '?' ? TOKEN_ONE : (uint8_t)ch);
    }
    return rc;
}

/* ---- placeholders -------------------------------------------------------------------------------------------- */

static const struct placeholder *placeholder_find(const struct sigma_rules *r, struct str name)
{
    for (size_t i = 0; i < r->nplaceholders; i++)
        if (str_ieq(r->placeholders[i].name, name))
            return &r->placeholders[i];
    return NULL;
}

/* The first %name% behind `from`; name empty when there is none. "\%" does not begin one. */
static struct str placeholder_next(struct str s, size_t from, size_t *ret_at)
{
    for (size_t i = from; i < s.n; i++) {
        if (s.p[i] == '\\') {
            i++;
            continue;
        }
        if (s.p[i] != '%')
            continue;
        size_t k = i + 1;
        while (k < s.n && ((s.p[k] >= 'a' && s.p[k] <= 'z') || (s.p[k] >= 'A' && s.p[k] <= 'Z') ||
                           (s.p[k] >= '0' && s.p[k] <= '9') || s.p[k] == '_' || s.p[k] == '-' || s.p[k] == '.'))
            k++;
        if (k < s.n && s.p[k] == '%' && k > i + 1) {
            *ret_at = i;
            return str_sub(s, i + 1, k - i - 1);
        }
    }
    return STR_NONE;
}

static struct str unescape_percent(struct arena *a, struct str s)
{
    char *to = arena_alloc(a, s.n + 1);
    size_t n = 0;
    if (!to)
        return STR_NONE;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '\\' && i + 1 < s.n && s.p[i + 1] == '%')
            continue;
        to[n++] = s.p[i];
    }
    return (struct str){to, n};
}

/* Replaces the placeholders of s one after the other and adds what comes out. */
static int expand(struct sc *c, struct str s, size_t from, unsigned depth, struct variants *v)
{
    size_t at = 0;
    struct str name = placeholder_next(s, from, &at);
    if (!name.n) {
        struct str plain = unescape_percent(&c->set->arena, s);
        if (!plain.p)
            return sc_memory(c);
        struct pattern *p = variant_new(c, v);
        return p ? wildcards_parse(c, plain, p) : c->err->code;
    }
    const struct placeholder *known = placeholder_find(c->set, name);
    if (!known || known->n == 0) {
        c->inert = true;
        return 0;
    }
    if (depth >= 8)
        return sc_fail(c, c->line, "more than 8 placeholders in one value");
    for (size_t i = 0; i < known->n; i++) {
        size_t n = s.n - name.n - 2 + known->values[i].n;
        char *to = arena_alloc(&c->set->arena, n + 1);
        if (!to)
            return sc_memory(c);
        memcpy(to, s.p, at);
        memcpy(to + at, known->values[i].p ? known->values[i].p : "", known->values[i].n);
        size_t rest = at + name.n + 2;
        memcpy(to + at + known->values[i].n, s.p + rest, s.n - rest);
        int rc = expand(c, (struct str){to, n}, at + known->values[i].n, depth + 1, v);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- encodings ----------------------------------------------------------------------------------------------- */

static bool is_plain(const struct pattern *p)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->t[i] > 0xff)
            return false;
    return true;
}

static struct str plain_text(struct arena *a, const struct pattern *p)
{
    char *to = arena_alloc(a, p->n + 1);
    if (!to)
        return STR_NONE;
    for (size_t i = 0; i < p->n; i++)
        to[i] = (char)p->t[i];
    return (struct str){to, p->n};
}

static unsigned code_point(const char *p, int n)
{
    const uint8_t *b = (const uint8_t *)p;
    switch (n) {
    case 2:
        return (b[0] & 0x1fu) << 6 | (b[1] & 0x3fu);
    case 3:
        return (b[0] & 0x0fu) << 12 | (b[1] & 0x3fu) << 6 | (b[2] & 0x3fu);
    case 4:
        return (b[0] & 0x07u) << 18 | (b[1] & 0x3fu) << 12 | (b[2] & 0x3fu) << 6 | (b[3] & 0x3fu);
    default:
        return b[0];
    }
}

static int push_unit(struct sc *c, struct pattern *p, unsigned unit, bool big)
{
    int rc = push(c, p, (uint16_t)(big ? unit >> 8 : unit & 0xff));
    return rc < 0 ? rc : push(c, p, (uint16_t)(big ? unit & 0xff : unit >> 8));
}

static int to_utf16(struct sc *c, struct str s, bool big, bool mark, struct pattern *ret)
{
    int rc = mark ? push_unit(c, ret, 0xfeff, big) : 0;
    for (size_t i = 0; i < s.n && rc >= 0;) {
        int n = utf8_len(s.p + i, s.n - i);
        unsigned point = code_point(s.p + i, n);
        if (point >= 0x10000) {
            rc = push_unit(c, ret, 0xd800 + ((point - 0x10000) >> 10), big);
            if (rc >= 0)
                rc = push_unit(c, ret, 0xdc00 + ((point - 0x10000) & 0x3ff), big);
        } else {
            rc = push_unit(c, ret, point, big);
        }
        i += n > 0 ? (size_t)n : 1;
    }
    return rc;
}

/* The base64 form of `shift` unknown bytes and s; `part`: only the characters that s alone decides. */
static int to_base64(struct sc *c, struct str s, unsigned shift, bool part, struct pattern *ret)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const uint8_t first[3] = {0, 2, 3};
    size_t n = s.n + shift, rest = n % 3, all = (n + 2) / 3 * 4;
    size_t end = !part || rest == 0 ? all : all - (rest == 1 ? 3 : 2);
    int rc = 0;
    for (size_t k = part ? first[shift] : 0; k < end && rc >= 0; k++) {
        size_t at = k / 4 * 3;
        unsigned three = 0;
        for (size_t b = at; b < at + 3; b++)
            three = three << 8 | (b >= shift && b < n ? (uint8_t)s.p[b - shift] : 0);
        bool padding = (at + 1 >= n && k % 4 >= 2) || (at + 2 >= n && k % 4 == 3);
        rc = push(c, ret, padding ? (uint16_t)'=' : (uint8_t)digits[three >> (18 - 6 * (k % 4)) & 63]);
    }
    return rc;
}

static int step_encode(struct sc *c, enum value_step step, struct variants *from, struct variants *to)
{
    for (unsigned i = 0; i < from->n; i++) {
        if (!is_plain(&from->items[i]))
            return sc_fail(c, c->line, "a value that is encoded (wide, utf16, base64) cannot have wildcards");
        struct str s = plain_text(&c->set->arena, &from->items[i]);
        if (!s.p)
            return sc_memory(c);
        for (unsigned shift = 0; shift < (step == STEP_BASE64OFFSET ? 3u : 1u); shift++) {
            struct pattern *p = variant_new(c, to);
            if (!p)
                return c->err->code;
            int rc = step == STEP_BASE64 || step == STEP_BASE64OFFSET
                         ? to_base64(c, s, shift, step == STEP_BASE64OFFSET, p)
                         : to_utf16(c, s, step == STEP_UTF16BE, step == STEP_UTF16, p);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

/* ---- windash ------------------------------------------------------------------------------------------------- */

static bool is_word(const struct pattern *p, size_t at)
{
    uint16_t t = at < p->n ? p->t[at] : 0;
    return (t >= '0' && t <= '9') || (t >= 'a' && t <= 'z') || (t >= 'A' && t <= 'Z') || t == '_' ||
           (t >= 0x80 && t <= 0xff);
}

/* Bytes of a dash that begins a word ("-x", not the one in "a-b"), 0 none. */
static size_t dash_at(const struct pattern *p, size_t i)
{
    size_t n = p->t[i] == '-' || p->t[i] == '/' ? 1 : 0;
    if (!n && i + 2 < p->n && p->t[i] == 0xe2 && p->t[i + 1] == 0x80 && p->t[i + 2] >= 0x93 && p->t[i + 2] <= 0x95)
        n = 3;
    return n && !(i > 0 && is_word(p, i - 1)) && is_word(p, i + n) ? n : 0;
}

static int dash_spell(struct sc *c, const struct pattern *p, const size_t *places, unsigned n, unsigned number,
                      struct pattern *ret)
{
    static const char *const dashes[] = {"-", "/", "\xe2\x80\x93", "\xe2\x80\x94", "\xe2\x80\x95"};
    unsigned k = 0;
    int rc = 0;
    for (size_t i = 0; i < p->n && rc >= 0; i++) {
        if (k == n || places[k] != i) {
            rc = push(c, ret, p->t[i]);
            continue;
        }
        rc = push_text(c, ret, str_from(dashes[number % 5]));
        number /= 5;
        k++;
        i += dash_at(p, i) - 1;
    }
    return rc;
}

static int step_windash(struct sc *c, struct variants *from, struct variants *to)
{
    for (unsigned v = 0; v < from->n; v++) {
        const struct pattern *p = &from->items[v];
        size_t places[DASHES_SPELT_MAX];
        unsigned n = 0, all = 1;
        for (size_t i = 0; i < p->n; i++)
            if (dash_at(p, i)) {
                if (n < DASHES_SPELT_MAX)
                    places[n] = i;
                n++;
            }
        for (unsigned i = 0; i < n; i++)
            all *= n <= DASHES_SPELT_MAX ? 5 : 1;
        for (unsigned number = 0; number < all; number++) {
            struct pattern *q = variant_new(c, to);
            int rc = q ? 0 : c->err->code;
            if (rc >= 0 && n <= DASHES_SPELT_MAX)
                rc = dash_spell(c, p, places, n, number, q);
            /* Many dashes: a token that fits each of them. */
            for (size_t i = 0; rc >= 0 && n > DASHES_SPELT_MAX && i < p->n; i++) {
                size_t d = dash_at(p, i);
                rc = push(c, q, d ? TOKEN_DASH : p->t[i]);
                i += d ? d - 1 : 0;
            }
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

/* ---- patterns -> atoms --------------------------------------------------------------------------------------- */

/* The longest run of plain bytes, folded: an index can look for it. */
static int glob_hint(struct sc *c, const struct pattern *p, struct atom *a)
{
    size_t best = 0, best_n = 0, n = 0;
    for (size_t i = 0; i < p->n; i++) {
        n = p->t[i] <= 0xff ? n + 1 : 0;
        if (n > best_n) {
            best_n = n;
            best = i + 1 - n;
        }
    }
    if (best_n < 2)
        return 0;
    struct pattern run = {p->t + best, best_n, best_n};
    struct str *hint = arena_alloc(&c->set->arena, sizeof(*hint));
    struct str text = plain_text(&c->set->arena, &run);
    if (!hint || !text.p)
        return sc_memory(c);
    fold_text((char *)text.p, text);
    *hint = text;
    a->hints = hint;
    a->nhints = 1;
    return 0;
}

static int glob_atom(struct sc *c, struct pattern *p, struct atom *a)
{
    if (p->n > SIGMA_VALUE_BYTES_MAX)
        return sc_fail(c, c->line, "a value with wildcards is longer than %d bytes", SIGMA_VALUE_BYTES_MAX);
    if (!a->cased) {
        /* Byte runs are folded in place; letters outside ASCII never cross a wildcard. */
        char bytes[SIGMA_VALUE_BYTES_MAX];
        for (size_t i = 0; i < p->n;) {
            size_t n = 0;
            while (i + n < p->n && p->t[i + n] <= 0xff) {
                bytes[n] = (char)p->t[i + n];
                n++;
            }
            fold_text(bytes, (struct str){bytes, n});
            for (size_t k = 0; k < n; k++)
                p->t[i + k] = (uint8_t)bytes[k];
            i += n ? n : 1;
        }
    }
    uint16_t *copy = arena_array(&c->set->arena, p->n, sizeof(*copy));
    if (!copy)
        return sc_memory(c);
    memcpy(copy, p->t, p->n * sizeof(*copy));
    a->op = ATOM_GLOB;
    a->text = (struct str){(const char *)copy, p->n * sizeof(*copy)};
    return glob_hint(c, p, a);
}

static int pattern_atom(struct sc *c, uint32_t field, const struct modifiers *m, struct pattern *p, uint32_t *ret)
{
    struct atom a = {.field = field, .cased = m->cased};
    bool any_before = field == FIELD_KEYWORDS || m->contains || m->ends;
    bool any_behind = field == FIELD_KEYWORDS || m->contains || m->starts;
    struct pattern core = *p;
    while (core.n && core.t[0] == TOKEN_ANY) {
        core.t++;
        core.n--;
        any_before = true;
    }
    while (core.n && core.t[core.n - 1] == TOKEN_ANY) {
        core.n--;
        any_behind = true;
    }
    int rc = 0;
    if (is_plain(&core)) {
        struct str text = plain_text(&c->set->arena, &core);
        if (!text.p)
            return sc_memory(c);
        if (!a.cased)
            fold_text((char *)text.p, text);
        a.text = text;
        a.op = any_before && any_behind ? ATOM_CONTAINS
               : any_before             ? ATOM_ENDS
               : any_behind             ? ATOM_STARTS
                                        : ATOM_EQUALS;
        if (core.n == 0 && a.op != ATOM_EQUALS)
            a.op = ATOM_THERE;
    } else {
        struct pattern whole = {0};
        if (any_before)
            rc = push(c, &whole, TOKEN_ANY);
        for (size_t i = 0; i < core.n && rc >= 0; i++)
            if (core.t[i] != TOKEN_ANY || core.t[i - 1] != TOKEN_ANY)
                rc = push(c, &whole, core.t[i]);
        if (any_behind && rc >= 0)
            rc = push(c, &whole, TOKEN_ANY);
        if (rc >= 0)
            rc = glob_atom(c, &whole, &a);
        free(whole.t);
    }
    return rc < 0 ? rc : atom_add(c, &a, ret);
}

static int step_apply(struct sc *c, enum value_step step, struct variants **v)
{
    struct variants *to = variants_new(c);
    if (!to)
        return c->err->code;
    int rc = step == STEP_WINDASH ? step_windash(c, *v, to) : step_encode(c, step, *v, to);
    variants_free(*v);
    *v = to;
    return rc;
}

static int text_value(struct sc *c, uint32_t field, const struct modifiers *m, const struct yaml_tree *y,
                      struct node **ret)
{
    struct variants *v = variants_new(c);
    struct node *kids[SIGMA_VARIANTS_MAX];
    int rc = 0;
    if (!v)
        return c->err->code;
    if (m->expand) {
        rc = expand(c, y->text, 0, 0, v);
    } else {
        struct pattern *p = variant_new(c, v);
        rc = wildcards_parse(c, y->text, p);
    }
    for (unsigned i = 0; i < m->nsteps && rc >= 0; i++)
        rc = step_apply(c, m->steps[i], &v);
    for (unsigned i = 0; i < v->n && rc >= 0; i++) {
        uint32_t atom;
        rc = pattern_atom(c, field, m, &v->items[i], &atom);
        if (rc >= 0 && !(kids[i] = node_atom(c, atom)))
            rc = sc_memory(c);
    }
    if (rc >= 0) {
        *ret = node_join(c, NODE_OR, kids, v->n);
        rc = *ret ? 0 : sc_memory(c);
    }
    variants_free(v);
    return rc;
}

/* ---- the other kinds of values ------------------------------------------------------------------------------- */

static int regex_value(struct sc *c, uint32_t field, const struct modifiers *m, const struct yaml_tree *y,
                       struct atom *a)
{
    char flags[4] = {0};
    struct regex r;
    struct err why = {0};
    unsigned n = 0;
    if (m->re_i)
        flags[n++] = 'i';
    if (m->re_m)
        flags[n++] = 'm';
    if (m->re_s)
        flags[n++] = 's';
    if (regex_new(y->text, flags, &r, &why) < 0)
        return sc_fail(c, y->line, "%s", why.text);
    *a = (struct atom){
        .op = ATOM_REGEX, .field = field, .regex = r.code, .how = (uint8_t)(m->re_i | m->re_m << 1 | m->re_s << 2)};
    a->text = y->text.n ? arena_str(&c->set->arena, y->text) : STR_LIT("");
    struct str *hints = arena_array(&c->set->arena, r.nliterals ? r.nliterals : 1, sizeof(*hints));
    bool ok = a->text.p && hints;
    for (unsigned i = 0; i < r.nliterals && ok; i++) {
        hints[i] = fold_copy(&c->set->arena, r.literals[i]);
        ok = hints[i].p != NULL;
    }
    if (!ok) {
        regex_free(r.code);
        return sc_memory(c);
    }
    a->hints = hints;
    a->nhints = r.nliterals;
    return 0;
}

static int cidr_value(struct sc *c, uint32_t field, const struct yaml_tree *y, struct atom *a)
{
    struct cidr *net = arena_alloc(&c->set->arena, sizeof(*net));
    if (!net)
        return sc_memory(c);
    if (cidr_parse(y->text, net) < 0)
        return sc_fail(c, y->line, "'%.*s' is not a network (like 10.0.0.0/8 or fe80::/10)", STR_ARG(y->text));
    /* Written forms of one network are one question. */
    *a = (struct atom){.op = ATOM_CIDR, .field = field, .cidr = net};
    return 0;
}

static int compare_value(struct sc *c, uint32_t field, const struct modifiers *m, const struct yaml_tree *y,
                         struct atom *a)
{
    *a = (struct atom){
        .op = ATOM_COMPARE, .field = field, .part = m->part, .compare = m->has_compare ? m->compare : COMPARE_EQ};
    if (!number_of(y->text, &a->number))
        return sc_fail(c, y->line, "'%.*s' is not a number", STR_ARG(y->text));
    return 0;
}

static int fieldref_value(struct sc *c, uint32_t field, const struct modifiers *m, const struct yaml_tree *y,
                          struct atom *a)
{
    *a = (struct atom){.op = ATOM_FIELDREF, .field = field, .cased = m->cased};
    a->how = m->contains ? ATOM_CONTAINS : m->starts ? ATOM_STARTS : m->ends ? ATOM_ENDS : ATOM_EQUALS;
    if (y->text.n == 0)
        return sc_fail(c, y->line, "fieldref needs the name of a field");
    if (names_add(&c->set->fields, &c->set->arena, y->text, &a->other) < 0)
        return sc_fail(c, y->line, "too many different fields in all rules");
    return 0;
}

static int other_value(struct sc *c, uint32_t field, const struct modifiers *m, const struct yaml_tree *y,
                       struct atom *a)
{
    bool flag;
    if (m->exists) {
        /* Quotes around true are common. */
        struct yaml_tree plain = *y;
        plain.plain = true;
        if (yaml_tree_bool(&plain, &flag) < 0)
            return sc_fail(c, y->line, "exists needs true or false");
        *a = (struct atom){.op = ATOM_EXISTS, .field = field, .compare = flag};
        return 0;
    }
    if (m->re)
        return regex_value(c, field, m, y, a);
    if (m->cidr)
        return cidr_value(c, field, y, a);
    if (m->fieldref)
        return fieldref_value(c, field, m, y, a);
    return compare_value(c, field, m, y, a);
}

int value_build(struct sc *c, uint32_t field, const struct modifiers *m, const struct yaml_tree *v, struct node **ret)
{
    struct atom a;
    uint32_t atom;
    c->line = v->line;
    if (v->kind != YAML_TREE_SCALAR)
        return sc_fail(c, v->line, "a value must be a text, a number, true, false or null");
    if (v->text.n > SIGMA_VALUE_BYTES_MAX)
        return sc_fail(c, v->line, "a value is longer than %d bytes", SIGMA_VALUE_BYTES_MAX);
    bool special = m->exists || m->re || m->cidr || m->fieldref || m->has_compare || m->part != PART_NONE;
    if (yaml_tree_is_null(v)) {
        if (field == FIELD_KEYWORDS || special || m->contains || m->starts || m->ends || m->nsteps || m->expand)
            return sc_fail(c, v->line, "null stands alone: it cannot be a keyword or have modifiers");
        a = (struct atom){.op = ATOM_NULL, .field = field};
    } else if (!special) {
        if (field == FIELD_KEYWORDS && v->text.n == 0)
            return sc_fail(c, v->line, "an empty keyword is in every event");
        return text_value(c, field, m, v, ret);
    } else {
        int rc = other_value(c, field, m, v, &a);
        if (rc < 0)
            return rc;
    }
    int rc = atom_add(c, &a, &atom);
    if (rc < 0)
        return rc;
    *ret = node_atom(c, atom);
    return *ret ? 0 : sc_memory(c);
}
