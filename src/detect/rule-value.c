/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fields, numbers, addresses and text patterns of rules. */
#include "detect/rule.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *name;
    enum joined joined;
} joined_names[] = {
    {"Image", JOINED_IMAGE},
    {"CommandLine", JOINED_COMMAND_LINE},
    {"ParentImage", JOINED_PARENT_IMAGE},
    {"ParentCommandLine", JOINED_PARENT_COMMAND_LINE},
    {"CurrentDirectory", JOINED_CURRENT_DIRECTORY},
    {"Script", JOINED_SCRIPT},
    {"Environment", JOINED_ENVIRONMENT},
    {"User", JOINED_USER},
    {"Lineage", JOINED_LINEAGE},
    {"TargetImage", JOINED_TARGET_IMAGE},
    {"TargetLineage", JOINED_TARGET_LINEAGE},
    {"SampleType", JOINED_SAMPLE_TYPE},
    {"SampleStrings", JOINED_SAMPLE_STRINGS},
    {"SampleIndicators", JOINED_SAMPLE_INDICATORS},
    {"SampleAnomalies", JOINED_SAMPLE_ANOMALIES},
    {"SampleSize", JOINED_SAMPLE_SIZE},
    {"SampleEntropy", JOINED_SAMPLE_ENTROPY},
    {"SampleStripped", JOINED_SAMPLE_STRIPPED},
    {"SampleStatic", JOINED_SAMPLE_STATIC},
    {"ScriptPath", JOINED_SCRIPT_PATH},
    {"ProcessId", JOINED_PROCESS_ID},
    {"IsRoot", JOINED_IS_ROOT},
    {"Anonymous", JOINED_ANONYMOUS},
    {"SampleFile", JOINED_SAMPLE_FILE},
    {"SelfFile", JOINED_SELF_FILE},
    {"WrittenBySample", JOINED_WRITTEN_BY_SAMPLE},
    {"ImageWrittenBySample", JOINED_IMAGE_WRITTEN_BY_SAMPLE},
};

int compile_fail(struct compile *c, unsigned line, const char *format, ...)
{
    char text[384];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    c->line = line;
    return err_set(c->err, ERR_FORMAT, "%s", text);
}

static uint8_t joined_find(struct str name)
{
    for (size_t i = 0; i < sizeof(joined_names) / sizeof(joined_names[0]); i++)
        if (str_eqz(name, joined_names[i].name))
            return (uint8_t)joined_names[i].joined;
    return JOINED_NONE;
}

int field_find(struct compile *c, unsigned line, struct str name, uint16_t *ret)
{
    struct behavior_rules *s = c->set;
    for (size_t i = 0; i < s->nfields; i++)
        if (str_eq(s->fields[i].name, name)) {
            *ret = (uint16_t)i;
            return 0;
        }
    struct field f = {.name = name, .joined = joined_find(name)};
    bool found = f.joined != JOINED_NONE;
    memset(f.slot, -1, sizeof(f.slot));
    const struct event_kind_info *k;
    for (size_t i = 0; (k = event_kind_at(i)); i++) {
        int slot = event_field_slot(k, name);
        if (slot >= 0 && k->kind < EVENT_KIND_MAX) {
            f.slot[k->kind] = (int8_t)slot;
            found = true;
        }
    }
    if (!found)
        return compile_fail(c, line, "no event has a field named '%.*s'", STR_ARG(name));
    if (s->nfields >= RULE_FIELDS_MAX)
        return compile_fail(c, line, "more than %d different fields", RULE_FIELDS_MAX);
    if (s->nfields == s->fields_cap) {
        size_t cap = s->fields_cap ? s->fields_cap * 2 : 32;
        struct field *fields = realloc(s->fields, cap * sizeof(*fields));
        if (!fields)
            return err_set(c->err, -ENOMEM, "no memory");
        s->fields = fields;
        s->fields_cap = cap;
    }
    *ret = (uint16_t)s->nfields;
    s->fields[s->nfields++] = f;
    return 0;
}

static enum field_class type_class(enum event_type t)
{
    switch (t) {
    case EV_STR:
    case EV_TEXT:
        return FIELD_TEXT;
    case EV_BOOL:
        return FIELD_BOOL;
    default:
        return FIELD_NUMBER;
    }
}

int field_class_of(struct compile *c, unsigned line, uint16_t field, enum field_class *ret, bool *ret_is_time)
{
    const struct field *f = &c->set->fields[field];
    bool known = false, time = false;
    enum field_class cls = FIELD_TEXT;
    for (unsigned kind = 0; kind < EVENT_KIND_MAX; kind++) {
        if (!kinds_have(c->detector->kinds, kind))
            continue;
        const struct event_kind_info *k = event_kind_info((uint16_t)kind);
        enum field_class here;
        if (f->slot[kind] >= 0) {
            here = type_class(k->fields[f->slot[kind]].type);
            time = time || k->fields[f->slot[kind]].type == EV_NS;
        } else if (f->joined != JOINED_NONE) {
            here = f->joined >= JOINED_IS_ROOT      ? FIELD_BOOL
                   : f->joined >= JOINED_PROCESS_ID ? FIELD_NUMBER
                                                    : FIELD_TEXT;
        } else {
            continue;
        }
        if (known && here != cls)
            return compile_fail(c, line, "the field '%.*s' is text in one of the events and a number in another",
                                STR_ARG(f->name));
        cls = here;
        known = true;
    }
    if (!known)
        return compile_fail(c, line, "none of the events has the field '%.*s'", STR_ARG(f->name));
    *ret = cls;
    if (ret_is_time)
        *ret_is_time = time;
    return 0;
}

/* "10", "0x1f", "0o755", "64K", "-1"; with is_time "100ms", "10s", "5m", "1h". */
int number_parse(struct str text, bool is_time, int64_t *ret)
{
    static const struct {
        const char *unit;
        uint64_t factor;
        bool time;
    } units[] = {{"ns", 1, true},         {"us", 1000, true},       {"ms", 1000000, true},
                 {"s", 1000000000, true}, {"m", 60000000000, true}, {"h", 3600000000000, true},
                 {"K", 1u << 10, false},  {"M", 1u << 20, false},   {"G", 1u << 30, false}};
    bool negative = text.n && text.p[0] == '-';
    uint64_t v = 0, factor = 1;
    if (negative)
        text = str_sub(text, 1, text.n);
    if (str_starts(text, STR_LIT("0o"))) {
        if (text.n < 3 || text.n > 22)
            return ERR_FORMAT;
        for (size_t i = 2; i < text.n; i++) {
            if (text.p[i] < '0' || text.p[i] > '7')
                return ERR_FORMAT;
            v = v * 8 + (uint64_t)(text.p[i] - '0');
        }
    } else if (str_starts(text, STR_LIT("0x"))) {
        if (str_u64(text, 16, &v) < 0)
            return ERR_FORMAT;
    } else {
        size_t digits = 0;
        while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
            digits++;
        struct str unit = str_sub(text, digits, text.n);
        if (digits == 0 || str_u64(str_sub(text, 0, digits), 10, &v) < 0)
            return ERR_FORMAT;
        bool ok = unit.n == 0 && (!is_time || v == 0);
        for (size_t i = 0; !ok && i < sizeof(units) / sizeof(units[0]); i++)
            if (units[i].time == is_time && str_eqz(unit, units[i].unit)) {
                factor = units[i].factor;
                ok = true;
            }
        if (!ok)
            return ERR_FORMAT;
    }
    if (__builtin_mul_overflow(v, factor, &v) || v > INT64_MAX)
        return ERR_FORMAT;
    *ret = negative ? -(int64_t)v : (int64_t)v;
    return 0;
}

struct pattern *pattern_new(struct compile *c)
{
    struct behavior_rules *s = c->set;
    if (s->npatterns >= RULE_PATTERNS_MAX) {
        err_set(c->err, ERR_LIMIT, "more than %d text patterns", RULE_PATTERNS_MAX);
        return NULL;
    }
    if (s->npatterns == s->patterns_cap) {
        size_t cap = s->patterns_cap ? s->patterns_cap * 2 : 256;
        struct pattern *p = realloc(s->patterns, cap * sizeof(*p));
        if (!p) {
            err_set(c->err, -ENOMEM, "no memory");
            return NULL;
        }
        s->patterns = p;
        s->patterns_cap = cap;
    }
    struct pattern *p = &s->patterns[s->npatterns];
    *p = (struct pattern){.matcher = (uint16_t)(s->nmatchers - 1)};
    return p;
}

static void fold(char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] >= 'A' && p[i] <= 'Z')
            p[i] = (char)(p[i] - 'A' + 'a');
}

struct str pattern_fold(struct compile *c, struct str s)
{
    struct str r = s.n ? arena_str(&c->set->arena, s) : STR_LIT("");
    if (r.n)
        fold((char *)(uintptr_t)r.p, r.n);
    return r;
}

/*
 * Reads Sigma's value syntax (* and ? are wildcards, a backslash before *, ? or
 * another backslash takes the meaning away) into a str_glob pattern, and finds
 * the longest run of plain text in it.
 */
struct value_scan {
    char *glob, *run, *best;
    size_t nglob, nrun, nbest;
    unsigned inner; /* wildcards that are not a '*' at either end */
    bool star_first, star_last;
};

static void value_read(struct str v, struct value_scan *r)
{
    for (size_t i = 0; i < v.n; i++) {
        char ch = v.p[i];
        bool wild = ch == '*' || ch == '?';
        if (ch == '\\' && i + 1 < v.n && (v.p[i + 1] == '*' || v.p[i + 1] == '?' || v.p[i + 1] == '\\')) {
            ch = v.p[++i];
            wild = false;
        }
        r->star_last = false;
        if (wild) {
            if (ch == '*' && r->nglob == 0)
                r->star_first = true;
            else if (ch == '*' && i + 1 == v.n)
                r->star_last = true;
            else
                r->inner++;
            r->glob[r->nglob++] = ch;
            r->nrun = 0;
            continue;
        }
        if (ch == '*' || ch == '?' || ch == '[' || ch == '\\')
            r->glob[r->nglob++] = '\\';
        r->glob[r->nglob++] = ch;
        r->run[r->nrun++] = ch;
        if (r->nrun > r->nbest) {
            memcpy(r->best, r->run, r->nrun);
            r->nbest = r->nrun;
        }
    }
}

int pattern_add(struct compile *c, unsigned line, struct str value, enum text_modifier how, bool cased)
{
    struct arena *a = &c->set->arena;
    struct value_scan r = {0};
    if (value.n > 4096)
        return compile_fail(c, line, "a value is longer than 4096 bytes");
    struct pattern *p = pattern_new(c);
    if (!p)
        return c->err ? c->err->code : -ENOMEM;
    /* Two bytes per byte for quoting, and a star at each end. */
    r.glob = arena_alloc(a, value.n * 2 + 4);
    r.run = arena_alloc(a, value.n + 1);
    r.best = arena_alloc(a, value.n + 1);
    if (!r.glob || !r.run || !r.best)
        return err_set(c->err, -ENOMEM, "no memory");
    if (how == TEXT_CONTAINS || how == TEXT_ENDS)
        r.glob[r.nglob++] = '*';
    value_read(value, &r);
    if (how == TEXT_CONTAINS || how == TEXT_STARTS)
        r.glob[r.nglob++] = '*';
    p->cased = cased;
    p->exact = (struct str){r.best, r.nbest};
    p->literal = pattern_fold(c, p->exact);
    p->at_start = (how == TEXT_EQUALS || how == TEXT_STARTS) && !r.star_first;
    p->at_end = (how == TEXT_EQUALS || how == TEXT_ENDS) && !r.star_last;
    if (r.inner || r.nbest == 0) {
        p->glob = (struct str){r.glob, r.nglob};
        p->at_start = p->at_end = false;
    }
    if (r.nbest && p->literal.n == 0)
        return err_set(c->err, -ENOMEM, "no memory");
    c->set->npatterns++;
    return 0;
}
