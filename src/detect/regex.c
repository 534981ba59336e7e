/* SPDX-License-Identifier: GPL-3.0-or-later */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "detect/regex.h"

#include <errno.h>
#include <pcre2.h>
#include <string.h>

#define LITERAL_MIN 3

/* Walks over one element of a pattern: plain text or not, and what it does to the depth. */
struct walk {
    struct str re;
    size_t at;
    int depth;
    bool unsure; /* something that is not understood: no literal can be trusted */
};

static void walk_class(struct walk *w)
{
    /* The first character of a class is a member even when it is ']'. */
    size_t i = w->at + (w->at + 1 < w->re.n && w->re.p[w->at + 1] == '^' ? 3 : 2);
    /* An escape as the first member: its second character must be skipped too. */
    if (i - 1 < w->re.n && w->re.p[i - 1] == '\\')
        i++;
    for (; i < w->re.n && w->re.p[i] != ']'; i++) {
        if (w->re.p[i] == '\\')
            i++;
        else if (w->re.p[i] == '[')
            w->unsure = true;
    }
    w->at = i;
}

/* Anything but plain text and quantifiers. */
static void walk_special(struct walk *w)
{
    struct str re = w->re;
    char ch = re.p[w->at], next = w->at + 1 < re.n ? re.p[w->at + 1] : '\0';
    if (ch == '\\') {
        /* The rest of a longer escape would look like plain text. */
        if (next && strchr("xuopPcgkNQEK0123456789", next))
            w->unsure = true;
        w->at++;
    } else if (ch == '[') {
        walk_class(w);
    } else if (ch == '{') {
        while (w->at < re.n && re.p[w->at] != '}')
            w->at++;
    } else if (ch == '(') {
        char kind = w->at + 2 < re.n ? re.p[w->at + 2] : '\0';
        if (next == '*' || (next == '?' && !strchr(":=!<>", kind)))
            w->unsure = true;
        w->depth++;
    } else if (ch == ')') {
        w->depth--;
    }
    w->at++;
}

static bool is_plain(char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '/' || ch == '_' ||
           ch == '-' || ch == ' ' || ch == ':' || ch == '=' || ch == '@' || ch == ',';
}

/*
 * The longest plain run outside of groups and classes, up to the next '|' of
 * the top level, where *at stops. Empty when there is none long enough.
 */
static struct str branch_literal(struct walk *w)
{
    size_t best = 0, best_n = 0, start = 0, n = 0;
    while (w->at < w->re.n && !(w->depth == 0 && w->re.p[w->at] == '|')) {
        char ch = w->re.p[w->at];
        if (w->depth == 0 && is_plain(ch)) {
            start = n ? start : w->at;
            n++;
            w->at++;
            continue;
        }
        /* The character before a quantifier may be missing. */
        if (n && (ch == '?' || ch == '*' || ch == '{' || ch == '+'))
            n--;
        if (n > best_n) {
            best = start;
            best_n = n;
        }
        n = 0;
        walk_special(w);
    }
    if (n > best_n) {
        best = start;
        best_n = n;
    }
    return best_n >= LITERAL_MIN ? str_sub(w->re, best, best_n) : STR_NONE;
}

/* One literal per branch of the top level; 0 when a branch has none. */
static unsigned literals_find(struct str re, struct str *ret)
{
    struct walk w = {.re = re};
    unsigned n = 0;
    for (;;) {
        struct str lit = branch_literal(&w);
        if (!lit.n || w.unsure || w.depth < 0 || n == REGEX_LITERALS_MAX)
            return 0;
        ret[n++] = lit;
        if (w.at >= re.n)
            return w.depth == 0 ? n : 0;
        w.at++;
    }
}

/* Flags in front, "(?im)", go to the options: what stands behind is then easy to read. */
static struct str flags_take(struct str re, uint32_t *options)
{
    uint32_t got = 0;
    size_t i = 2;
    if (!str_starts(re, STR_LIT("(?")))
        return re;
    for (; i < re.n && re.p[i] != ')'; i++) {
        if (re.p[i] == 'i')
            got |= PCRE2_CASELESS;
        else if (re.p[i] == 'm')
            got |= PCRE2_MULTILINE;
        else if (re.p[i] == 's')
            got |= PCRE2_DOTALL;
        else
            return re;
    }
    if (i == 2 || i >= re.n)
        return re;
    *options |= got;
    return str_sub(re, i + 1, re.n);
}

/*
 * As text only when the pattern itself speaks of characters outside ASCII:
 * bytes are what file names are made of, and case then folds as in ASCII.
 */
static bool wants_utf(struct str re)
{
    for (size_t i = 0; i < re.n; i++)
        if ((uint8_t)re.p[i] >= 0x80)
            return true;
    return str_find(re, STR_LIT("\\x{")) >= 0 || str_find(re, STR_LIT("\\p")) >= 0 ||
           str_find(re, STR_LIT("\\P")) >= 0 || str_find(re, STR_LIT("\\X")) >= 0;
}

int regex_new(struct str re, const char *flags, struct regex *ret, struct err *e)
{
    uint32_t options = PCRE2_NEVER_BACKSLASH_C;
    int code;
    PCRE2_SIZE at;
    struct regex r = {0};
    if (re.n > REGEX_BYTES_MAX)
        return err_set(e, ERR_LIMIT, "a regular expression is longer than %d bytes", REGEX_BYTES_MAX);
    for (; *flags; flags++)
        options |= *flags == 'i' ? PCRE2_CASELESS : *flags == 'm' ? PCRE2_MULTILINE : PCRE2_DOTALL;
    re = flags_take(re, &options);
    bool utf = wants_utf(re);
    if (utf)
        options |= PCRE2_UTF | PCRE2_MATCH_INVALID_UTF;
    /* Case folding in UTF-8 knows pairs outside ASCII (the Kelvin sign): no literal then. */
    r.nliterals = utf ? 0 : literals_find(re, r.literals);
    r.code = pcre2_compile((PCRE2_SPTR)(re.p ? re.p : ""), re.n, options, &code, &at, NULL);
    if (!r.code) {
        char why[128];
        pcre2_get_error_message(code, (PCRE2_UCHAR *)why, sizeof(why));
        return err_set(e, ERR_FORMAT, "bad regular expression at offset %zu: %s", (size_t)at, why);
    }
    pcre2_jit_compile(r.code, PCRE2_JIT_COMPLETE); /* slower without, not wrong */
    *ret = r;
    return 0;
}

void regex_free(void *code)
{
    pcre2_code_free(code);
}

bool regex_matches(void *regex, struct str s, uint64_t *limits_hit)
{
    static _Thread_local pcre2_match_context *context;
    static _Thread_local pcre2_match_data *data;
    if (!context) {
        /* One per thread for the life of the program. */
        context = pcre2_match_context_create(NULL);
        data = pcre2_match_data_create(1, NULL);
        if (!context || !data)
            return false;
        pcre2_set_match_limit(context, 200000);
        pcre2_set_depth_limit(context, 1000);
        pcre2_set_heap_limit(context, 4096);
    }
    int rc = pcre2_match(regex, (PCRE2_SPTR)(s.p ? s.p : ""), s.n, 0, 0, data, context);
    if (rc == PCRE2_ERROR_MATCHLIMIT || rc == PCRE2_ERROR_DEPTHLIMIT || rc == PCRE2_ERROR_HEAPLIMIT ||
        rc == PCRE2_ERROR_JIT_STACKLIMIT)
        (*limits_hit)++;
    return rc >= 0;
}
