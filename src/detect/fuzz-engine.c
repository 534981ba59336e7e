/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Random events against rules of every shape. The input is a list of small
 * records: kind, pid, time step, and bytes for the fields.
 */
#include "detect/behavior.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define META(id)                                                                                                       \
    "---\nid: " id "\ntitle: '{count} {Image}'\ncategory: Networking\nseverity: low\npoints: 1\n"                      \
    "platforms: [linux]\nlineage: any\n"

static const char rules_text[] = META("a") "event: 'file.*'\ndetection: {a: {TargetFilename|contains: [a, bc]}}\n" META("b") "event: 'file.*'\ncount: {at-least: 3, distinct: TargetFilename, within: 1s, scope: process}\n" META("c") "event: '*'\ncount: {at-least: 2, per: Image, scope: siblings}\n" META("d") "event: file.write\ncount: {at-least: 100, sum: Size, within: 1s, scope: run}\n" META(
    "e") "sequence: {within: 2s, steps: [{event: 'file.*', lineage: any, let: {p: TargetFilename}}, "
         "{event: 'file.*', lineage: any, join: {p: TargetFilename}}, "
         "{event: process.exec, lineage: any, join: {p: [Image, Script, ScriptPath, CommandLine]}}]}\n" META(
             "f") "sequence: {steps: [{event: process.exec, lineage: any, absent: true}, {event: 'net.*', lineage: "
                  "any}, "
                  "{event: dns.query, lineage: any, absent: true}, {event: 'file.*', lineage: any}]}\n" META(
                      "g") "sequence: {within: 1s, steps: [{event: 'file.*', lineage: any}, "
                           "{event: 'memory.*', lineage: any, absent: true}]}\n" META(
                               "h") "sequence: {ordered: false, steps: [{rule: ['a', 'b*']}, {rule: c}, {event: '*', "
                                    "lineage: any}]}\n" META("i") "event: ['dns.query', 'http.request', "
                                                                  "'net.connect']\ndetection: {a: [{SourcePort|gt: 5}, "
                                                                  "{SourcePort|anybits: 1}], b: {DestinationIp|cidr: "
                                                                  "[10.0.0.0/8, '::/3']}, c: {Image|exists: true}, "
                                                                  "condition: a or b or not c}\n" META(
                                                                      "j") "event: '*'\ndetection: {a: {Image|re: "
                                                                           "'(a|b)+c', CommandLine|re|i: 'abc|xyz'}, "
                                                                           "b: {SelfFile: true}, "
                                                                           "c: {WrittenBySample: true, IsRoot: false}, "
                                                                           "d: {TargetLineage: system}, "
                                                                           "e: {ParentImage|fieldref: Image}, "
                                                                           "condition: 1 of *}\n";

static uint8_t take(const uint8_t **p, const uint8_t *end)
{
    return *p < end ? *(*p)++ : 0;
}

static void fields_fill(struct event *ev, const struct event_kind_info *k, const uint8_t **p, const uint8_t *end)
{
    for (unsigned i = 0; i < k->count; i++) {
        struct event_value *v = &ev->f[i];
        uint8_t n = take(p, end);
        v->u = n & 0x80 ? (uint64_t)(int64_t)(int8_t)n : n;
        if (k->fields[i].type == EV_STR || k->fields[i].type == EV_TEXT) {
            v->u = 0;
            n &= 31;
            size_t len = n < (size_t)(end - *p) ? n : (size_t)(end - *p);
            v->s = (struct str){(const char *)*p, len};
            *p += len;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct behavior_rules *rules; /* compiled once; reachable to the end */
    const uint8_t *p = data, *end = data + size;
    struct behavior_facts facts = {.sample_path = STR_LIT("/a"), .sample_type = STR_LIT("elf")};
    struct behavior_engine *g = NULL;
    struct proctab *procs = NULL;
    struct findings found = {0};
    struct event ev = {0};
    if (!rules && (behavior_rules_new(&rules) < 0 ||
                   behavior_rules_add(rules, "fuzz", str_from(rules_text), NULL, NULL, NULL) != 10))
        abort();
    if (size > 65536 || proctab_new(64, &procs) < 0)
        return 0;
    if (behavior_engine_new(rules, procs, &facts, &g) < 0)
        abort();
    while (p < end) {
        uint8_t kind = take(&p, end), flags = take(&p, end);
        const struct event_kind_info *k = event_kind_info(kind);
        int64_t at = ev.time_ns + (int64_t)take(&p, end) * 40000000 - 400000000;
        ev = (struct event){.kind = kind,
                            .source = (uint8_t)(1 + flags % 3),
                            .seq = ev.seq + 1,
                            .time_ns = at,
                            .pid = flags >> 3,
                            .tid = flags >> 3};
        if (k) {
            ev.count = flags & 4 ? k->count : (uint8_t)(flags % (k->count + 1u));
            fields_fill(&ev, k, &p, end);
        }
        const struct proc *who = proctab_event(procs, &ev);
        if (!who || behavior_engine_event(g, &ev, who) < 0)
            break;
    }
    if (behavior_engine_finish(g, &found) < 0)
        abort();
    findings_free(&found);
    behavior_engine_free(&g);
    proctab_free(&procs);
    return 0;
}
