/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any values in the fields of events, against rules of every kind: the same hits with the index and without. */
#include "detect/sigma/sigma.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char rules[] =
    "title: a\nlogsource: {category: t}\ndetection:\n"
    "  s1: {A|contains: [abc, 'x*y', ' -f '], B|endswith: '.exe'}\n"
    "  s2: {A|re: '^(a|b)+c.{2,5}$'}\n  s3: {C|cidr: ['10.0.0.0/8', 'fe80::/10']}\n"
    "  s4: {A|windash|contains: ' -enc '}\n  s5: {B|base64offset|contains: 'http'}\n"
    "  s6: {A|fieldref|contains: B}\n  s7: {C|hour|gte: 3}\n  s8: {A|cased|startswith: 'Ab'}\n"
    "  s9: {D: null}\n  condition: 1 of s*\n---\n"
    "title: b\nlogsource: {category: t}\ndetection: {s: [key, 'w?rd*x'], f: {'|re': 'k[a-z]y'}, condition: s and not "
    "f}\n---\n"
    "title: c\nname: c\nlogsource: {category: t}\ndetection: {s: {A|startswith: 'a'}, condition: not s}\n---\n"
    "title: d\ncorrelation: {type: value_count, rules: [c], group-by: [B], timespan: 5s, condition: {field: C, gte: "
    "3}}\n---\n"
    "title: e\ncorrelation: {type: value_avg, rules: [c], timespan: 5s, condition: {field: C, gte: 3}}\n";

struct hits {
    uint64_t count, hash;
};

static void on_match(void *context, const struct sigma_match *m)
{
    struct hits *h = context;
    h->count++;
    h->hash = (h->hash ^ (m->rule * 31 + m->event->index + m->nevents)) * 0x100000001b3u;
}

/* Events: per field one byte that names it (0xff ends the event) and one that is the length of its value. */
static void play(const struct sigma_rules *r, bool no_index, const uint8_t *p, size_t n, struct hits *h)
{
    static const char *const names[] = {"A", "B", "C", "D", "other"};
    struct sigma_options o = {.no_index = no_index};
    struct sigma_source s = {.category = STR_LIT("t")};
    struct sigma_field fields[32];
    struct sigma_event ev = {.fields = fields, .nsources = 1};
    struct sigma_engine *g;
    if (sigma_engine_new(r, &o, on_match, h, &g) < 0)
        abort();
    if (sigma_engine_source(g, &s, &ev.sources[0]) < 0)
        abort();
    for (size_t at = 0; at < n;) {
        uint8_t name = p[at++];
        if (name == 0xff || ev.nfields == 32) {
            if (sigma_engine_event(g, &ev) < 0)
                abort();
            ev.nfields = 0;
            ev.raw = STR_NONE;
            ev.index++;
            ev.time_ns += 1000000000;
            continue;
        }
        size_t len = at < n ? p[at++] : 0;
        len = len > n - at ? n - at : len;
        struct sigma_value v = {SIGMA_TEXT, {(const char *)p + at, len}, 0};
        at += len;
        if (name >= 0xf0)
            ev.raw = v.text;
        else
            fields[ev.nfields++] = (struct sigma_field){sigma_engine_name(g, str_from(names[name % 5])), v};
    }
    if (sigma_engine_event(g, &ev) < 0 || sigma_engine_finish(g) < 0)
        abort();
    sigma_engine_free(&g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sigma_rules *r; /* one for all inputs: never changed */
    struct hits on = {0}, off = {0};
    if (size > 65536)
        return 0;
    if (!r && (sigma_rules_new(&r) < 0 || sigma_rules_add(r, "fuzz", str_from(rules), NULL, NULL, NULL) != 5 ||
               sigma_rules_compile(r, NULL, NULL, NULL) < 0))
        abort();
    play(r, false, data, size, &on);
    play(r, true, data, size, &off);
    if (on.count != off.count || on.hash != off.hash)
        abort();
    return 0;
}
