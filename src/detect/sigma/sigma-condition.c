/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The grammar of conditions ("Sigma Rules" 2.1.0, section Condition):
 *
 *   or     = and { "or" and }
 *   and    = not { "and" not }
 *   not    = "not" not | primary
 *   primary = "(" or ")" | ("1" | N | "any" | "all") "of" ("them" | pattern) | name
 *
 * and nodes in general.
 */
#include "detect/sigma/sigma-private.h"

#include <errno.h>
#include <stdlib.h>

#define CONDITION_BYTES_MAX 4096
#define FLAT_MAX 4096 /* atoms that are copied together: a condition may name a selection many times */

/* ---- nodes --------------------------------------------------------------------------------------------------- */

struct node *node_make(struct sc *c, enum node_op op, uint32_t n)
{
    struct node *node = arena_alloc(&c->set->arena, sizeof(*node));
    if (!node)
        return NULL;
    node->op = (uint8_t)op;
    node->n = n;
    if (n == 0)
        return node;
    if (op == NODE_ANY_ATOM || op == NODE_ALL_ATOMS)
        node->atoms = arena_array(&c->set->arena, n, sizeof(*node->atoms));
    else
        node->kids = arena_array(&c->set->arena, n, sizeof(struct node *));
    return node->kids ? node : NULL;
}

struct node *node_atom(struct sc *c, uint32_t atom)
{
    struct node *node = node_make(c, NODE_ATOM, 0);
    if (node)
        node->need = atom;
    return node;
}

struct node *node_join(struct sc *c, enum node_op op, struct node **kids, uint32_t n)
{
    enum node_op list = op == NODE_OR ? NODE_ANY_ATOM : NODE_ALL_ATOMS;
    uint32_t atoms = 0;
    bool flat = n > 0;
    if (n == 1)
        return kids[0];
    for (uint32_t i = 0; i < n; i++) {
        bool own = kids[i]->op == NODE_ATOM, same = kids[i]->op == list;
        flat = flat && (own || same);
        atoms += own ? 1 : same ? kids[i]->n : 0;
    }
    flat = flat && atoms <= FLAT_MAX;
    struct node *node = node_make(c, flat ? list : op, flat ? atoms : n);
    if (!node)
        return NULL;
    uint32_t k = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!flat) {
            node->kids[i] = kids[i];
        } else if (kids[i]->op == NODE_ATOM) {
            node->atoms[k++] = kids[i]->need;
        } else {
            memcpy(node->atoms + k, kids[i]->atoms, kids[i]->n * sizeof(*node->atoms));
            k += kids[i]->n;
        }
    }
    return node;
}

/* ---- grammar ------------------------------------------------------------------------------------------------- */

struct words {
    struct sc *c;
    unsigned line;
    struct str rest, word; /* word: the one that is being looked at; empty at the end */
    const struct selection *selections;
    unsigned n, depth;
};

static bool is_name(char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '_' || ch == '-' ||
           ch == '.' || ch == '*' || (uint8_t)ch >= 0x80;
}

static int next(struct words *w)
{
    w->rest = str_trim(w->rest);
    size_t n = 0;
    while (n < w->rest.n && is_name(w->rest.p[n]))
        n++;
    if (n == 0 && w->rest.n) {
        char ch = w->rest.p[0];
        if (ch == '|')
            return sc_fail(w->c, w->line,
                           "the condition has a pipe: aggregations (count(), near ...) are deprecated and not "
                           "supported; use a correlation rule");
        if (ch != '(' && ch != ')')
            return sc_fail(w->c, w->line, "the condition has an unexpected character '%c'",
                           ch >= ' ' && ch < 0x7f ? ch : '?');
        n = 1;
    }
    w->word = str_sub(w->rest, 0, n);
    w->rest = str_sub(w->rest, n, w->rest.n);
    return 0;
}

static bool is_word(const struct words *w, const char *word)
{
    return str_ieq(w->word, str_from(word));
}

static int parse_or(struct words *w, struct node **ret);

/* "all of them" leaves out names that begin with '_'; a pattern takes them only when it begins so itself. */
static bool chosen(struct str pattern, struct str name)
{
    if (str_ieq(pattern, STR_LIT("them")))
        return name.n && name.p[0] != '_';
    if (name.n && name.p[0] == '_' && pattern.p[0] != '_')
        return false;
    return str_glob(pattern, name, false);
}

/* *count 0: all */
static int parse_of(struct words *w, uint64_t count, struct node **ret)
{
    struct sc *c = w->c;
    struct str pattern;
    int rc = next(w);
    if (rc < 0)
        return rc;
    pattern = w->word;
    if (pattern.n == 0 || pattern.p[0] == '(' || pattern.p[0] == ')')
        return sc_fail(c, w->line, "behind 'of' stands 'them' or a pattern of selections");
    struct node **kids = arena_array(&c->set->arena, w->n ? w->n : 1, sizeof(*kids));
    if (!kids)
        return sc_memory(c);
    uint32_t n = 0;
    for (unsigned i = 0; i < w->n; i++)
        if (chosen(pattern, w->selections[i].name))
            kids[n++] = w->selections[i].root;
    if (n == 0)
        return sc_fail(c, w->line, "'of %.*s' fits no selection", STR_ARG(pattern));
    if (count > n)
        return sc_fail(c, w->line, "'%llu of %.*s': there are only %u", (unsigned long long)count, STR_ARG(pattern), n);
    struct node *node;
    if (count == 0 || count == 1) {
        node = node_join(c, count ? NODE_OR : NODE_AND, kids, n);
    } else {
        node = node_make(c, NODE_AT_LEAST, n);
        if (node) {
            memcpy(node->kids, kids, n * sizeof(*kids));
            node->need = (uint32_t)count;
        }
    }
    *ret = node;
    return node ? next(w) : sc_memory(c);
}

static bool all_digits(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0;
}

static int parse_name(struct words *w, struct node **ret)
{
    struct sc *c = w->c;
    struct str word = w->word;
    uint64_t count = 0;
    int rc = next(w);
    if (rc < 0)
        return rc;
    if (is_word(w, "of") && (all_digits(word) || str_ieq(word, STR_LIT("all")) || str_ieq(word, STR_LIT("any")))) {
        if (str_ieq(word, STR_LIT("any")))
            count = 1;
        else if (all_digits(word) && (str_u64(word, 10, &count) < 0 || count == 0))
            return sc_fail(c, w->line, "'%.*s of' makes no sense", STR_ARG(word));
        return parse_of(w, count, ret);
    }
    for (unsigned i = 0; i < w->n; i++)
        if (str_eq(w->selections[i].name, word)) {
            *ret = w->selections[i].root;
            return 0;
        }
    if (is_word(w, "by") || str_ieq(word, STR_LIT("near")))
        return sc_fail(c, w->line, "the condition uses the deprecated aggregation '%.*s'; use a correlation rule",
                       STR_ARG(word));
    return sc_fail(c, w->line, "the condition names '%.*s', which is not in the detection", STR_ARG(word));
}

static int parse_primary(struct words *w, struct node **ret)
{
    if (w->word.n == 0)
        return sc_fail(w->c, w->line, "the condition ends too early");
    if (w->word.p[0] == '(') {
        int rc = next(w);
        if (rc >= 0)
            rc = parse_or(w, ret);
        if (rc < 0)
            return rc;
        if (w->word.n == 0 || w->word.p[0] != ')')
            return sc_fail(w->c, w->line, "the condition lacks a ')'");
        return next(w);
    }
    if (w->word.p[0] == ')' || is_word(w, "and") || is_word(w, "or") || is_word(w, "of"))
        return sc_fail(w->c, w->line, "the condition has '%.*s' where a selection should stand", STR_ARG(w->word));
    return parse_name(w, ret);
}

static int parse_not(struct words *w, struct node **ret)
{
    bool odd = false;
    while (is_word(w, "not")) {
        int rc = next(w);
        if (rc < 0)
            return rc;
        odd = !odd;
    }
    int rc = parse_primary(w, ret);
    if (rc < 0 || !odd)
        return rc;
    struct node *node = node_make(w->c, NODE_NOT, 1);
    if (!node)
        return sc_memory(w->c);
    node->kids[0] = *ret;
    *ret = node;
    return 0;
}

static int parse_list(struct words *w, bool and, struct node **ret)
{
    struct node **kids = NULL;
    uint32_t n = 0, cap = 0;
    int rc;
    for (;;) {
        if (n == cap) {
            cap = cap ? cap * 2 : 4;
            struct node **more = realloc(kids, cap * sizeof(*kids));
            if (!more) {
                rc = err_set(w->c->err, -ENOMEM, "no memory for rules");
                break;
            }
            kids = more;
        }
        rc = and ? parse_not(w, &kids[n]) : parse_list(w, true, &kids[n]);
        if (rc < 0)
            break;
        n++;
        if (!is_word(w, and? "and" : "or")) {
            *ret = node_join(w->c, and? NODE_AND : NODE_OR, kids, n);
            rc = *ret ? 0 : sc_memory(w->c);
            break;
        }
        rc = next(w);
        if (rc < 0)
            break;
    }
    free(kids);
    return rc;
}

static int parse_or(struct words *w, struct node **ret)
{
    if (++w->depth > SIGMA_DEPTH_MAX)
        return sc_fail(w->c, w->line, "the condition is nested too deeply");
    int rc = parse_list(w, false, ret);
    w->depth--;
    return rc;
}

int condition_build(struct sc *c, unsigned line, struct str text, const struct selection *s, unsigned n,
                    struct node **ret)
{
    struct words w = {.c = c, .line = line, .rest = text, .selections = s, .n = n};
    if (text.n > CONDITION_BYTES_MAX)
        return sc_fail(c, line, "the condition is longer than %d bytes", CONDITION_BYTES_MAX);
    int rc = next(&w);
    if (rc >= 0 && w.word.n == 0)
        return sc_fail(c, line, "the condition is empty");
    if (rc >= 0)
        rc = parse_or(&w, ret);
    if (rc >= 0 && w.word.n)
        return sc_fail(c, line, "the condition has '%.*s' where 'and', 'or' or its end should stand", STR_ARG(w.word));
    return rc;
}
