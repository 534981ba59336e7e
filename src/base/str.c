/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/str.h"
#include "base/err.h"

#include <stdlib.h>

static inline unsigned char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : (unsigned char)c;
}

static bool bytes_ieq(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (fold(a[i]) != fold(b[i]))
            return false;
    }
    return true;
}

bool str_eqz(struct str a, const char *z)
{
    return str_eq(a, str_from(z));
}

bool str_ieq(struct str a, struct str b)
{
    return a.n == b.n && bytes_ieq(a.p, b.p, a.n);
}

bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n && (suffix.n == 0 || memcmp(s.p + (s.n - suffix.n), suffix.p, suffix.n) == 0);
}

bool str_istarts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && bytes_ieq(s.p, prefix.p, prefix.n);
}

bool str_iends(struct str s, struct str suffix)
{
    return s.n >= suffix.n && (suffix.n == 0 || bytes_ieq(s.p + (s.n - suffix.n), suffix.p, suffix.n));
}

ptrdiff_t str_find(struct str s, struct str needle)
{
    if (needle.n == 0)
        return 0;
    if (s.n < needle.n)
        return -1;
    const char *at = memmem(s.p, s.n, needle.p, needle.n);
    return at ? at - s.p : -1;
}

ptrdiff_t str_ifind(struct str s, struct str needle)
{
    if (needle.n == 0)
        return 0;
    if (s.n < needle.n)
        return -1;
    unsigned char first = fold(needle.p[0]);
    for (size_t i = 0; i <= s.n - needle.n; i++) {
        if (fold(s.p[i]) == first && bytes_ieq(s.p + i + 1, needle.p + 1, needle.n - 1))
            return (ptrdiff_t)i;
    }
    return -1;
}

struct str str_sub(struct str s, size_t from, size_t n)
{
    if (from >= s.n)
        return (struct str){s.p ? s.p + s.n : NULL, 0};
    return (struct str){s.p + from, n < s.n - from ? n : s.n - from};
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
    while (s.n && is_space(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

struct str str_basename(struct str path)
{
    const char *slash = path.n ? memrchr(path.p, '/', path.n) : NULL;

    if (!slash)
        return path;
    size_t from = (size_t)(slash - path.p) + 1;
    return (struct str){path.p + from, path.n - from};
}

struct str str_dirname(struct str path)
{
    const char *slash = path.n ? memrchr(path.p, '/', path.n) : NULL;

    if (!slash)
        return STR_LIT(".");
    if (slash == path.p)
        return (struct str){path.p, 1};
    return (struct str){path.p, (size_t)(slash - path.p)};
}

bool str_split(struct str *rest, char sep, struct str *ret_part)
{
    if (!rest->p)
        return false;
    const char *at = memchr(rest->p, sep, rest->n);
    if (!at) {
        *ret_part = *rest;
        *rest = STR_NONE;
        return true;
    }
    size_t n = (size_t)(at - rest->p);
    *ret_part = (struct str){rest->p, n};
    rest->p += n + 1;
    rest->n -= n + 1;
    return true;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    unsigned char low = fold(c);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : 99;
}

int str_u64(struct str s, int base, uint64_t *ret)
{
    uint64_t v = 0;

    if (base == 16 && str_istarts(s, STR_LIT("0x")))
        s = str_sub(s, 2, s.n);
    if (s.n == 0)
        return ERR_FORMAT;
    /* Look at every digit before a range error is reported: "99...9x" is malformed, not too big. */
    for (size_t i = 0; i < s.n; i++) {
        if (digit_value(s.p[i]) >= base)
            return ERR_FORMAT;
    }
    for (size_t i = 0; i < s.n; i++) {
        if (__builtin_mul_overflow(v, (uint64_t)base, &v) ||
            __builtin_add_overflow(v, (uint64_t)digit_value(s.p[i]), &v))
            return ERR_LIMIT;
    }
    *ret = v;
    return 0;
}

char *str_dup(struct str s)
{
    char *z = malloc(s.n + 1);

    if (!z)
        return NULL;
    if (s.n)
        memcpy(z, s.p, s.n);
    z[s.n] = '\0';
    return z;
}

/*
 * Matches one character class that starts at p[i] == '['. Returns the offset
 * behind the class, or 0 when there is no closing bracket (then '[' is an
 * ordinary byte).
 */
static size_t glob_class(struct str p, size_t i, unsigned char c, bool fold_case, bool *ret_match)
{
    bool negate = false, match = false;
    size_t at = i + 1;

    if (at < p.n && (p.p[at] == '!' || p.p[at] == '^')) {
        negate = true;
        at++;
    }
    for (size_t first = at; at < p.n; at++) {
        if (p.p[at] == ']' && at > first) {
            *ret_match = match != negate;
            return at + 1;
        }
        unsigned char low = (unsigned char)p.p[at], high = low;
        if (at + 2 < p.n && p.p[at + 1] == '-' && p.p[at + 2] != ']') {
            high = (unsigned char)p.p[at + 2];
            at += 2;
        }
        if (c >= low && c <= high)
            match = true;
        if (fold_case) {
            unsigned char small = fold((char)c);
            unsigned char big = small >= 'a' && small <= 'z' ? (unsigned char)(small - 32) : small;
            if ((small >= low && small <= high) || (big >= low && big <= high))
                match = true;
        }
    }
    return 0;
}

/* Matches the one pattern element at p[i] against c; returns the offset behind the element, or 0. */
static size_t glob_one(struct str p, size_t i, char c, bool fold_case)
{
    char want = p.p[i];

    if (want == '?')
        return i + 1;
    if (want == '[') {
        bool match = false;
        size_t next = glob_class(p, i, (unsigned char)c, fold_case, &match);
        if (next)
            return match ? next : 0;
    } else if (want == '\\' && i + 1 < p.n) {
        want = p.p[++i];
    }
    bool same = fold_case ? fold(want) == fold(c) : want == c;
    return same ? i + 1 : 0;
}

bool str_glob(struct str pattern, struct str s, bool fold_case)
{
    size_t i = 0, at = 0;
    size_t star = SIZE_MAX, star_at = 0; /* the last '*': pattern offset behind it, text offset it was tried with */

    while (at < s.n) {
        if (i < pattern.n && pattern.p[i] == '*') {
            star = ++i;
            star_at = at;
            if (star == pattern.n)
                return true;
            continue;
        }
        size_t next = i < pattern.n ? glob_one(pattern, i, s.p[at], fold_case) : 0;
        if (next) {
            i = next;
            at++;
        } else if (star != SIZE_MAX) {
            i = star;
            at = ++star_at;
        } else {
            return false;
        }
    }
    while (i < pattern.n && pattern.p[i] == '*')
        i++;
    return i == pattern.n;
}

/* Unicode 15, table 3-7 "Well-Formed UTF-8 Byte Sequences". */
int utf8_len(const char *text, size_t n)
{
    const unsigned char *p = (const unsigned char *)text;
    unsigned char low = 0x80, high = 0xbf;
    int len;

    if (n == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf) {
        len = 2;
    } else if (p[0] >= 0xe0 && p[0] <= 0xef) {
        len = 3;
        if (p[0] == 0xe0)
            low = 0xa0;
        else if (p[0] == 0xed)
            high = 0x9f;
    } else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        len = 4;
        if (p[0] == 0xf0)
            low = 0x90;
        else if (p[0] == 0xf4)
            high = 0x8f;
    } else {
        return 0;
    }
    if (n < (size_t)len || p[1] < low || p[1] > high)
        return 0;
    for (int i = 2; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    return len;
}

bool utf8_valid(struct str s)
{
    for (size_t i = 0; i < s.n;) {
        int len = utf8_len(s.p + i, s.n - i);
        if (!len)
            return false;
        i += (size_t)len;
    }
    return true;
}

size_t utf8_put(char *to, uint32_t c)
{
    if (c < 0x80) {
        to[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        to[0] = (char)(0xc0 | c >> 6);
        to[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        to[0] = (char)(0xe0 | c >> 12);
        to[1] = (char)(0x80 | (c >> 6 & 0x3f));
        to[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    to[0] = (char)(0xf0 | c >> 18);
    to[1] = (char)(0x80 | (c >> 12 & 0x3f));
    to[2] = (char)(0x80 | (c >> 6 & 0x3f));
    to[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}
