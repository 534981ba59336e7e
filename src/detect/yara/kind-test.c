/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/hash.h"
#include "detect/yara/kind-private.h"
#include "detect/yara/kind.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define TEST_TIMEOUT_S 20

struct run { /* where we are in a test file */
    struct yara_set *set;
    struct set_tally *tally;
    const struct set_test *test;
    struct set_rule *rule;
    bool scan, wanted;
};

static void tell(const struct run *r, unsigned line, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void tell(const struct run *r, unsigned line, const char *format, ...)
{
    char text[ERR_TEXT_MAX];
    va_list ap;
    if (!r->scan)
        return;
    r->tally->failed++;
    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    if (r->tally->problem)
        r->tally->problem(r->tally->context, r->test->file.p, line, text);
}

/* ---- the bytes of an item --------------------------------------------------------------------------- */

static int digit64(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

static bool add_base64(struct buf *b, struct str s)
{
    uint32_t bits = 0;
    unsigned have = 0, padding = 0;
    for (size_t i = 0; i < s.n; i++) {
        int d = digit64(s.p[i]);
        if (s.p[i] == ' ' || s.p[i] == '\n')
            continue;
        if (s.p[i] == '=' && padding < 2) {
            padding++;
            continue;
        }
        if (d < 0 || padding)
            return false;
        bits = bits << 6 | (uint32_t)d;
        have += 6;
        if (have >= 8) {
            have -= 8;
            buf_u8(b, (uint8_t)(bits >> have));
        }
    }
    return have < 6;
}

static bool add_hex(struct buf *b, struct str s)
{
    char pair[2];
    unsigned n = 0;
    uint8_t byte;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == ' ' || s.p[i] == '\n' || s.p[i] == '\t')
            continue;
        pair[n++] = s.p[i];
        if (n < 2)
            continue;
        n = 0;
        if (hex_decode(pair, 2, &byte, 1) < 0)
            return false;
        buf_u8(b, byte);
    }
    return n == 0;
}

/* A number of this item; `missing` when it has none; -1 when it is bad. */
static int64_t number(const struct yaml_tree *item, const char *key, int64_t missing, int64_t max)
{
    const struct yaml_tree *n = yaml_tree_get(item, key);
    uint64_t v;
    if (!n)
        return missing;
    return n->kind == YAML_TREE_SCALAR && str_u64(n->text, 10, &v) == 0 && v <= (uint64_t)max ? (int64_t)v : -1;
}

static const char *check_keys(const struct yaml_tree *item)
{
    static const char *const keys[] = {"text", "hex", "base64", "parts", "repeat", "pad", "filename"};
    unsigned sources = 0;
    for (const struct yaml_tree *c = item->child; c; c = c->next) {
        size_t k = 0;
        while (k < sizeof(keys) / sizeof(*keys) && !str_eqz(c->key, keys[k]))
            k++;
        if (k == sizeof(keys) / sizeof(*keys))
            return "only text, hex, base64, parts, repeat, pad and filename are known here";
        sources += k < 4;
        if (k != 3 && c->kind != YAML_TREE_SCALAR)
            return "this must be a text or a number";
    }
    return sources == 1 ? NULL : "exactly one of text, hex, base64 and parts is wanted";
}

/* NULL, or what is wrong with it. */
static const char *bytes_make(const struct yaml_tree *item, struct buf *b, unsigned depth)
{
    size_t begin = b->len;
    const struct yaml_tree *n;
    const char *bad;

    if (item->kind == YAML_TREE_SCALAR) {
        buf_add_str(b, item->text);
        return NULL;
    }
    if (item->kind != YAML_TREE_MAP)
        return "a test is a text, or a map with text, hex, base64 or parts";
    if ((bad = check_keys(item)) != NULL)
        return bad;
    int64_t repeat = number(item, "repeat", 1, 1 << 24), pad = number(item, "pad", 0, YARA_TEST_BYTES_MAX);
    if (repeat < 0 || pad < 0)
        return "repeat and pad are numbers of at most 16777216 and 33554432";
    if ((n = yaml_tree_get(item, "text")) != NULL)
        buf_add_str(b, n->text);
    else if ((n = yaml_tree_get(item, "hex")) != NULL && !add_hex(b, n->text))
        return "this is no hex text";
    else if (!n && (n = yaml_tree_get(item, "base64")) != NULL && !add_base64(b, n->text))
        return "this is no base64 text";
    else if (!n && (n = yaml_tree_get(item, "parts")) != NULL) {
        if (n->kind != YAML_TREE_LIST || !depth)
            return "parts is a list";
        for (const struct yaml_tree *c = n->child; c; c = c->next)
            if ((bad = bytes_make(c, b, depth - 1)) != NULL)
                return bad;
    }
    size_t one = b->len - begin;
    if (repeat == 0)
        b->len = begin;
    for (int64_t i = 1; i < repeat && !b->failed && one; i++)
        if (buf_reserve(b, one) == 0) /* first: the bytes must not move while they are copied */
            buf_add(b, b->data + begin, one);
    while (b->len - begin < (size_t)pad && !b->failed)
        buf_u8(b, 0);
    return b->failed ? "the bytes of a test are too many" : NULL;
}

/* ---- test files ------------------------------------------------------------------------------------------ */

static bool hits(const struct yara_result *result, const struct set_rule *rule)
{
    for (uint32_t n = 0; n < result->nhits; n++)
        if (str_eq(result->hits[n].rule, rule->name) && str_eq(result->hits[n].ns, rule->ns))
            return true;
    return false;
}

static int item_scan(const struct run *r, const struct yaml_tree *item, const struct buf *bytes)
{
    const struct yaml_tree *name = item->kind == YAML_TREE_MAP ? yaml_tree_get(item, "filename") : NULL;
    char *filename = str_dup(name ? name->text : STR_LIT("sample"));
    struct yara_result result;

    if (!filename)
        return -ENOMEM;
    const char *dot = strrchr(filename, '.');
    const struct yara_target target = {
        .filename = filename, .filepath = filename, .extension = dot ? dot : "", .timeout_s = TEST_TIMEOUT_S};
    yara_scan(r->set->compiled, bytes->data, bytes->len, &target, NULL, 0, &result);
    bool hit = hits(&result, r->rule);
    if (result.status != YARA_DONE)
        tell(r, item->line, "%.*s", STR_ARG(result.text));
    else if (!hit && result.more_hits)
        tell(r, item->line, "too many rules match these bytes");
    else if (hit != r->wanted)
        tell(r, item->line, "the rule %.*s %s", STR_ARG(r->rule->name),
             hit ? "matches, but should not" : "does not match, but should");
    yara_result_free(&result);
    free(filename);
    return 0;
}

static int list_run(const struct run *r, const struct yaml_tree *list)
{
    struct buf b;
    int x = 0;

    if (list && list->kind != YAML_TREE_LIST) {
        tell(r, list->line, "match and nomatch are lists");
        return 0;
    }
    buf_init(&b, YARA_TEST_BYTES_MAX);
    for (const struct yaml_tree *i = list ? list->child : NULL; i && x == 0; i = i->next) {
        if (!r->scan) {
            *(r->wanted ? &r->rule->positive : &r->rule->negative) += 1;
            continue;
        }
        buf_clear(&b);
        r->tally->run++;
        const char *bad = bytes_make(i, &b, 4);
        if (bad)
            tell(r, i->line, "%s", bad);
        else
            x = item_scan(r, i, &b);
    }
    buf_free(&b);
    return x;
}

/* "a/b.test.yml" belongs to "a/b.yar" or "a/b.yara". */
static bool beside(struct str test, struct str rules)
{
    struct str stem = str_sub(test, 0, test.n - strlen("test.yml"));
    return str_starts(rules, stem) && (str_ieq(str_sub(rules, stem.n, rules.n), STR_LIT("yar")) ||
                                       str_ieq(str_sub(rules, stem.n, rules.n), STR_LIT("yara")));
}

static struct set_rule *rule_find(const struct run *r, struct str name)
{
    for (size_t i = 0; i < r->set->nrules; i++)
        if (str_eq(r->set->rules[i].name, name) && beside(r->test->file, r->set->rules[i].file))
            return &r->set->rules[i];
    return NULL;
}

static int entry_run(struct run *r, const struct yaml_tree *entry)
{
    const struct yaml_tree *name = yaml_tree_get(entry, "rule");

    if (!name || name->kind != YAML_TREE_SCALAR) {
        tell(r, entry->line, "an entry is a map with rule, match and nomatch");
        return 0;
    }
    for (const struct yaml_tree *c = entry->child; c; c = c->next)
        if (!str_eqz(c->key, "rule") && !str_eqz(c->key, "match") && !str_eqz(c->key, "nomatch"))
            tell(r, c->line, "only rule, match and nomatch are known here");
    if (!(r->rule = rule_find(r, name->text))) {
        tell(r, name->line,
             "there is no good rule %.*s in the file beside this one (private rules are tested by others)",
             STR_ARG(name->text));
        return 0;
    }
    r->wanted = true;
    int x = list_run(r, yaml_tree_get(entry, "match"));
    r->wanted = false;
    return x < 0 ? x : list_run(r, yaml_tree_get(entry, "nomatch"));
}

static void untested_tell(struct yara_set *s, struct set_tally *t)
{
    for (size_t i = 0; i < s->nrules; i++) {
        const struct set_rule *k = &s->rules[i];
        const struct set_test at = {.file = k->file};
        const struct run r = {.set = s, .tally = t, .test = &at, .scan = true};
        if (!k->positive || !k->negative)
            tell(&r, 0, "the rule %.*s has no %s test", STR_ARG(k->name),
                 k->positive   ? "negative"
                 : k->negative ? "positive"
                               : "positive and no negative");
    }
}

int yara_set_tests(struct yara_set *s, bool scan, struct set_tally *t)
{
    int x = 0;
    for (size_t i = 0; i < s->ntests && x == 0; i++) {
        struct run r = {.set = s, .tally = t, .test = &s->tests[i], .scan = scan};
        if (!s->tests[i].root)
            continue;
        if (s->tests[i].root->kind != YAML_TREE_LIST) {
            tell(&r, 0, "a file of tests is one list");
            continue;
        }
        for (const struct yaml_tree *e = s->tests[i].root->child; e && x == 0; e = e->next)
            x = entry_run(&r, e);
    }
    if (scan && x == 0)
        untested_tell(s, t);
    return x;
}
