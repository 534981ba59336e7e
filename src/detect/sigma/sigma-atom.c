/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Names, folding of case, atoms, and how an atom looks at one value. */
#include "detect/regex.h"
#include "detect/sigma/sigma-private.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#define GLOB_STEPS_MAX 50000000u /* about a tenth of a second */

/* ---- folding ------------------------------------------------------------------------------------------------- */

/* The second byte of a two-byte letter that has a small form of the same length; *lead may change too. */
static void fold_pair(uint8_t *lead, uint8_t *tail)
{
    if (*lead == 0xc3 && *tail >= 0x80 && *tail <= 0x9e && *tail != 0x97) { /* Latin-1: A with grave .. thorn */
        *tail += 0x20;
    } else if (*lead == 0xce && *tail >= 0x91 && *tail <= 0x9f) { /* Greek: alpha .. omicron */
        *tail += 0x20;
    } else if (*lead == 0xce && *tail >= 0xa0 && *tail <= 0xa9 && *tail != 0xa2) { /* pi .. omega */
        *lead = 0xcf;
        *tail -= 0x20;
    } else if (*lead == 0xd0 && *tail >= 0x80 && *tail <= 0x8f) { /* Cyrillic: ie with grave .. dzhe */
        *lead = 0xd1;
        *tail += 0x10;
    } else if (*lead == 0xd0 && *tail >= 0x90 && *tail <= 0x9f) { /* a .. pe */
        *tail += 0x20;
    } else if (*lead == 0xd0 && *tail >= 0xa0 && *tail <= 0xaf) { /* er .. ya */
        *lead = 0xd1;
        *tail -= 0x20;
    }
}

void fold_text(char *to, struct str s)
{
    uint8_t high = 0;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t ch = (uint8_t)s.p[i];
        high |= ch;
        to[i] = (char)(ch | ((uint8_t)(ch - 'A') < 26 ? 0x20 : 0));
    }
    if (high < 0x80)
        return;
    for (size_t i = 0; i + 1 < s.n; i++)
        if ((uint8_t)to[i] >= 0xc3 && (uint8_t)to[i] <= 0xd1) {
            fold_pair((uint8_t *)&to[i], (uint8_t *)&to[i + 1]);
            i++;
        }
}

struct str fold_copy(struct arena *a, struct str s)
{
    char *p = arena_alloc(a, s.n + 1);
    if (!p)
        return STR_NONE;
    fold_text(p, s);
    return (struct str){p, s.n};
}

/* ---- names --------------------------------------------------------------------------------------------------- */

static uint32_t hash_bytes(const void *p, size_t n, uint64_t seed)
{
    const uint8_t *b = p;
    uint64_t h = seed ^ 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ b[i]) * 0x100000001b3u;
    return (uint32_t)(h ^ h >> 29);
}

/* Folds as it goes, so that looking up costs no copy. ASCII is enough for names. */
static uint32_t name_hash(struct str s)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t ch = (uint8_t)s.p[i];
        h = (h ^ (ch | ((uint8_t)(ch - 'A') < 26 ? 0x20 : 0))) * 0x100000001b3u;
    }
    return (uint32_t)(h ^ h >> 29);
}

uint32_t names_find(const struct names *t, struct str name)
{
    if (!t->table)
        return 0;
    for (uint32_t i = name_hash(name) & t->mask; t->table[i]; i = (i + 1) & t->mask)
        if (str_ieq(t->items[t->table[i] - 1], name))
            return t->table[i];
    return 0;
}

static int names_grow(struct names *t)
{
    uint32_t cap = t->cap ? t->cap * 2 : 256;
    struct str *items = realloc(t->items, cap * sizeof(*items));
    if (!items)
        return -ENOMEM;
    t->items = items;
    uint32_t *table = calloc((size_t)cap * 2, sizeof(*table));
    if (!table)
        return -ENOMEM;
    free(t->table);
    t->table = table;
    t->mask = cap * 2 - 1;
    t->cap = cap;
    for (uint32_t k = 0; k < t->count; k++) {
        uint32_t i = name_hash(t->items[k]) & t->mask;
        while (t->table[i])
            i = (i + 1) & t->mask;
        t->table[i] = k + 1;
    }
    return 0;
}

int names_add(struct names *t, struct arena *a, struct str name, uint32_t *ret)
{
    uint32_t known = names_find(t, name);
    if (known) {
        *ret = known;
        return 0;
    }
    if (t->count >= SIGMA_NAMES_MAX)
        return ERR_LIMIT;
    if (t->count == t->cap && names_grow(t) < 0)
        return -ENOMEM;
    struct str copy = name.n ? arena_str(a, name) : STR_LIT("");
    if (!copy.p)
        return -ENOMEM;
    t->items[t->count++] = copy;
    uint32_t i = name_hash(name) & t->mask;
    while (t->table[i])
        i = (i + 1) & t->mask;
    t->table[i] = t->count;
    *ret = t->count;
    return 0;
}

void sigma_names_free(struct names *t)
{
    free(t->items);
    free(t->table);
    *t = (struct names){0};
}

/* ---- atoms --------------------------------------------------------------------------------------------------- */

static bool cidr_same(const struct cidr *a, const struct cidr *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0 && a->bits == b->bits && a->v6 == b->v6;
}

static bool atom_same(const struct atom *a, const struct atom *b)
{
    if (a->op != b->op || a->cased != b->cased || a->compare != b->compare || a->part != b->part || a->how != b->how ||
        a->field != b->field || a->other != b->other || !str_eq(a->text, b->text))
        return false;
    if (a->op == ATOM_CIDR)
        return cidr_same(a->cidr, b->cidr);
    return a->op != ATOM_COMPARE || a->number == b->number;
}

static uint32_t atom_hash(const struct atom *a)
{
    uint64_t seed = a->op | (uint64_t)a->cased << 8 | (uint64_t)a->compare << 16 | (uint64_t)a->part << 24 |
                    (uint64_t)a->field << 32 | (uint64_t)a->how << 60;
    return hash_bytes(a->text.p, a->text.n, seed * 0x9e3779b97f4a7c15u);
}

static int atoms_grow(struct sigma_rules *r)
{
    uint32_t cap = r->atoms_cap ? r->atoms_cap * 2 : 1024;
    struct atom *atoms = realloc(r->atoms, cap * sizeof(*atoms));
    if (!atoms)
        return -ENOMEM;
    r->atoms = atoms;
    uint32_t *table = calloc((size_t)cap * 2, sizeof(*table));
    if (!table)
        return -ENOMEM;
    free(r->atom_table);
    r->atom_table = table;
    r->atom_mask = cap * 2 - 1;
    r->atoms_cap = cap;
    for (uint32_t k = 0; k < r->natoms; k++) {
        uint32_t i = atom_hash(&r->atoms[k]) & r->atom_mask;
        while (r->atom_table[i])
            i = (i + 1) & r->atom_mask;
        r->atom_table[i] = k + 1;
    }
    return 0;
}

int atom_add(struct sc *c, struct atom *a, uint32_t *ret)
{
    struct sigma_rules *r = c->set;
    int rc = 0;
    if (r->natoms >= SIGMA_ATOMS_MAX)
        rc = sc_fail(c, c->line, "more than %u different questions to fields in all rules", SIGMA_ATOMS_MAX);
    else if (r->natoms == r->atoms_cap && atoms_grow(r) < 0)
        rc = err_set(c->err, -ENOMEM, "no memory for rules");
    if (rc < 0) {
        if (a->op == ATOM_REGEX)
            regex_free(a->regex);
        return rc;
    }
    uint32_t i = atom_hash(a) & r->atom_mask;
    for (; r->atom_table[i]; i = (i + 1) & r->atom_mask) {
        struct atom *old = &r->atoms[r->atom_table[i] - 1];
        if (!atom_same(old, a))
            continue;
        if (a->op == ATOM_REGEX)
            regex_free(a->regex);
        old->uses++;
        *ret = r->atom_table[i] - 1;
        return 0;
    }
    a->uses = 1;
    r->atoms[r->natoms] = *a;
    *ret = r->natoms++;
    r->atom_table[i] = r->natoms;
    return 0;
}

/* ---- one value ----------------------------------------------------------------------------------------------- */

bool texts_fit(enum atom_op how, struct str value, struct str pattern)
{
    switch (how) {
    case ATOM_EQUALS:
        return str_eq(value, pattern);
    case ATOM_STARTS:
        return str_starts(value, pattern);
    case ATOM_ENDS:
        return str_ends(value, pattern);
    default:
        return pattern.n == 0 || (pattern.n <= value.n && memmem(value.p, value.n, pattern.p, pattern.n));
    }
}

/* Bytes of the next character of s, at least 1. */
static size_t character(struct str s, size_t at)
{
    int n = utf8_len(s.p + at, s.n - at);
    return n > 0 ? (size_t)n : 1;
}

/* Length of one of the dashes of `windash` at a place, 0 none: - / en dash, em dash, horizontal bar. */
static size_t dash(struct str s, size_t at)
{
    if (s.p[at] == '-' || s.p[at] == '/')
        return 1;
    if (at + 2 < s.n && (uint8_t)s.p[at] == 0xe2 && (uint8_t)s.p[at + 1] == 0x80) {
        uint8_t last = (uint8_t)s.p[at + 2];
        return last == 0x93 || last == 0x94 || last == 0x95 ? 3 : 0;
    }
    return 0;
}

/* At most one place to go back to: a later '*' makes the earlier ones final. */
bool glob_fits(const uint16_t *tokens, size_t n, struct str s, uint64_t *limits_hit)
{
    size_t t = 0, at = 0, back_t = SIZE_MAX, back_at = 0;
    for (uint64_t work = 0; work < GLOB_STEPS_MAX; work++) {
        if (t < n && tokens[t] == TOKEN_ANY) {
            back_t = ++t;
            back_at = at;
            if (t == n)
                return true;
            continue;
        }
        size_t step = 0;
        if (at < s.n && t < n) {
            if (tokens[t] == TOKEN_ONE)
                step = character(s, at);
            else if (tokens[t] == TOKEN_DASH)
                step = dash(s, at);
            else
                step = tokens[t] == (uint8_t)s.p[at];
        }
        if (step) {
            t++;
            at += step;
            continue;
        }
        if (t == n && at == s.n)
            return true;
        if (back_t == SIZE_MAX || back_at >= s.n)
            return false;
        t = back_t;
        at = ++back_at;
    }
    (*limits_hit)++;
    return false;
}

bool atom_text_fits(const struct atom *a, struct str original, struct str folded, uint64_t *limits_hit)
{
    struct str s = a->cased ? original : folded;
    switch ((enum atom_op)a->op) {
    case ATOM_EQUALS:
    case ATOM_STARTS:
    case ATOM_ENDS:
    case ATOM_CONTAINS:
        return texts_fit(a->op, s, a->text);
    case ATOM_GLOB:
        return glob_fits((const uint16_t *)(const void *)a->text.p, a->text.n / sizeof(uint16_t), s, limits_hit);
    case ATOM_THERE:
        return true;
    case ATOM_REGEX:
        return regex_matches(a->regex, original, limits_hit);
    case ATOM_CIDR:
        return cidr_has(a->cidr, original);
    default:
        return false;
    }
}

/* ---- numbers and dates --------------------------------------------------------------------------------------- */

bool compare_holds(enum compare op, double a, double b)
{
    switch (op) {
    case COMPARE_GT:
        return a > b;
    case COMPARE_GTE:
        return a >= b;
    case COMPARE_LT:
        return a < b;
    case COMPARE_LTE:
        return a <= b;
    default:
        return a == b;
    }
}

bool number_of(struct str text, double *ret)
{
    char z[64], *end;
    text = str_trim(text);
    if (text.n == 0 || text.n >= sizeof(z))
        return false;
    for (size_t i = 0; i < text.n; i++)
        if (!((text.p[i] >= '0' && text.p[i] <= '9') || memchr("+-.eE", text.p[i], 5)))
            return false;
    memcpy(z, text.p, text.n);
    z[text.n] = '\0';
    double v = strtod(z, &end);
    if (*end || !isfinite(v))
        return false;
    *ret = v;
    return true;
}

static bool digits(struct str s, size_t at, size_t n, int *ret)
{
    int v = 0;
    if (at + n > s.n)
        return false;
    for (size_t i = at; i < at + n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        v = v * 10 + (s.p[i] - '0');
    }
    *ret = v;
    return true;
}

static bool leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* The week of ISO 8601: the one that holds the year's first Thursday is the first. */
static int iso_week(const struct tm *t)
{
    int monday = (t->tm_wday + 6) % 7; /* 0 Monday */
    int week = (t->tm_yday - monday + 10) / 7;
    int year = t->tm_year + 1900;
    if (week < 1) {
        int last = leap(year - 1) ? 366 : 365;
        return (t->tm_yday + last - monday + 10) / 7;
    }
    if (week == 53) {
        int days = leap(year) ? 366 : 365;
        /* The Thursday of this week stands in the next year. */
        if (t->tm_yday - monday + 3 >= days)
            return 1;
    }
    return week;
}

static double part_of(const struct tm *t, enum date_part part)
{
    switch (part) {
    case PART_MINUTE:
        return t->tm_min;
    case PART_HOUR:
        return t->tm_hour;
    case PART_DAY:
        return t->tm_mday;
    case PART_WEEK:
        return iso_week(t);
    case PART_MONTH:
        return t->tm_mon + 1;
    default:
        return t->tm_year + 1900;
    }
}

double date_part_at(int64_t time_ns, enum date_part part)
{
    time_t seconds = time_ns / 1000000000;
    struct tm t;
    return gmtime_r(&seconds, &t) ? part_of(&t, part) : -1;
}

bool date_part_of(struct str text, enum date_part part, double *ret)
{
    int year, month, day, hour = 0, minute = 0;
    double number;
    text = str_trim(text);
    if (number_of(text, &number)) {
        /* Seconds since 1970, or milliseconds, microseconds, nanoseconds: told apart by their size. */
        if (number < 0 || number > 9e18)
            return false;
        double ns = number < 1e11 ? number * 1e9 : number < 1e14 ? number * 1e6 : number < 1e17 ? number * 1e3 : number;
        if (ns > 9e18)
            return false;
        *ret = date_part_at((int64_t)ns, part);
        return true;
    }
    if (!digits(text, 0, 4, &year) || text.n < 10 || (text.p[4] != '-' && text.p[4] != '/') || text.p[7] != text.p[4] ||
        !digits(text, 5, 2, &month) || !digits(text, 8, 2, &day) || month < 1 || month > 12 || day < 1 || day > 31)
        return false;
    if (text.n > 10) {
        if (text.n < 16 || (text.p[10] != 'T' && text.p[10] != 't' && text.p[10] != ' ') ||
            !digits(text, 11, 2, &hour) || text.p[13] != ':' || !digits(text, 14, 2, &minute) || hour > 23 ||
            minute > 59)
            return false;
    }
    struct tm t = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = hour, .tm_min = minute};
    timegm(&t); /* fills the day of the week and of the year */
    *ret = part_of(&t, part);
    return true;
}
