/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/attack.h"
#include "detect/behavior.h"
#include "detect/score.h"
#include "detect/yaml.h"

#include "base/buf.h"
#include "os/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define CONTENT "../../content/behavior"
#define HEAD "id: t\ntitle: %s\ncategory: Networking\nseverity: low\npoints: 5\nplatforms: [linux]\n"

struct seen { /* of one rule set over one stream */
    unsigned findings, problems;
    uint64_t count;
    char title[512], problem[512];
    unsigned line;
    bool limits;
};

static void on_problem(void *context, const char *file, unsigned line, const char *reason)
{
    struct seen *s = context;
    (void)file;
    s->problems++;
    s->line = line;
    snprintf(s->problem, sizeof(s->problem), "%s", reason);
}

static int on_stream(void *context, const struct yaml_tree *stream, const struct findings *f)
{
    struct seen *s = context;
    (void)stream;
    for (size_t i = 0; i < f->count; i++) {
        if (str_eqz(f->items[i].rule, "belljar.limits")) {
            s->limits = true;
            continue;
        }
        s->findings++;
        s->count += f->items[i].count;
        snprintf(s->title, sizeof(s->title), "%.*s", STR_ARG(f->items[i].title));
    }
    return 0;
}

/* `body` behind the common head; title may be NULL. */
static struct seen play(const char *title, const char *body, const char *events)
{
    struct behavior_rules *r;
    struct seen s = {0};
    struct err e = {0};
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_addf(&b, HEAD, title ? title : "x");
    buf_addz(&b, body);
    assert_int_equal(behavior_rules_new(&r), 0);
    behavior_rules_add(r, "test", buf_str(&b), on_problem, &s, &e);
    buf_clear(&b);
    buf_addf(&b, "events:\n%s", events);
    if (s.problems == 0 && behavior_streams_play(r, buf_str(&b), on_stream, &s, &e) < 0)
        fail_msg("%s", e.text);
    buf_free(&b);
    behavior_rules_free(&r);
    return s;
}

static void every_rule_of_the_product_is_good(void **state)
{
    struct behavior_rules *r;
    struct seen s = {0};
    struct err e = {0};
    unsigned run = 0, failed = 0;
    (void)state;
    assert_int_equal(behavior_rules_new(&r), 0);
    int n = behavior_rules_load_dir(r, CONTENT, on_problem, &s, &e);
    if (s.problems)
        fail_msg("line %u: %s", s.line, s.problem);
    assert_true(n >= 200);
    assert_int_equal(behavior_rules_test(r, &run, &failed, on_problem, &s), 0);
    if (failed)
        fail_msg("%u failed, the last: %s", failed, s.problem);
    assert_true(run >= 2u * (unsigned)n);
    struct behavior_rule_info i;
    for (size_t k = 0; behavior_rules_at(r, k, &i); k++) {
        assert_true(i.positive_tests >= 1 && i.negative_tests >= 1);
        for (unsigned a = 0; a < i.nattack; a++)
            assert_non_null(attack_technique(i.attack[a]));
        if (i.severity <= SEVERITY_LOW && i.points > 10)
            fail_msg("%.*s is weak but gives %u points", STR_ARG(i.id), i.points);
        if (i.severity == SEVERITY_INFO && i.points > 3)
            fail_msg("%.*s is only a fact but gives %u points", STR_ARG(i.id), i.points);
    }
    behavior_rules_free(&r);
}

struct story {
    unsigned count;
    bool hostile;
};

static int on_story(void *context, const struct yaml_tree *stream, const struct findings *f)
{
    struct story *t = context;
    struct score_facts facts = {.started = true,
                                .channel_intact = true,
                                .machine_alive = true,
                                .events = 500,
                                .ran_ns = 60000000000,
                                .planned_ns = 60000000000,
                                .network_simulated = true,
                                .ended_by_itself = true};
    struct verdict v;
    struct str name = yaml_tree_get(stream, "name")->text;
    t->count++;
    assert_int_equal(score_judge(f, &facts, &v, NULL), 0);
    if (!t->hostile) {
        if (v.word != VERDICT_CLEAN || v.score >= 25)
            fail_msg("%.*s: %u points, %s", STR_ARG(name), v.score, v.reason);
    } else {
        if (!str_eqz(yaml_tree_get(stream, "verdict")->text, verdict_name(v.word)))
            fail_msg("%.*s: %s, %u points, %s", STR_ARG(name), verdict_name(v.word), v.score, v.reason);
        for (const struct yaml_tree *r = yaml_tree_get(stream, "rules")->child; r; r = r->next) {
            bool found = false;
            for (size_t i = 0; i < f->count; i++)
                found = found || str_eq(f->items[i].rule, r->text);
            if (!found)
                fail_msg("%.*s: no finding of %.*s", STR_ARG(name), STR_ARG(r->text));
        }
    }
    verdict_clear(&v);
    return 0;
}

static void stories_play(const char *path, struct story *t)
{
    struct behavior_rules *r;
    struct err e = {0};
    struct buf b;
    assert_int_equal(behavior_rules_new(&r), 0);
    assert_true(behavior_rules_load_dir(r, CONTENT, NULL, NULL, &e) > 0);
    assert_int_equal(file_read(path, 1 << 20, &b, &e), 0);
    if (behavior_streams_play(r, buf_str(&b), on_story, t, &e) < 0)
        fail_msg("%s: %s", path, e.text);
    buf_free(&b);
    behavior_rules_free(&r);
}

static void ordinary_programs_are_clean(void **state)
{
    struct story t = {0};
    (void)state;
    stories_play("streams/ordinary.yml", &t);
    assert_true(t.count >= 20);
}

static void hostile_stories_are_found(void **state)
{
    struct story t = {.hostile = true};
    (void)state;
    stories_play("streams/hostile.yml", &t);
    assert_true(t.count >= 6);
}

/* One line of detection against one event. */
static void modifiers_do_what_sigma_says(void **state)
{
    static const struct {
        const char *item, *value;
        bool hit;
    } t[] = {
        {"TargetFilename: /etc/passwd", "/etc/passwd", true},
        {"TargetFilename: /etc/passwd", "/ETC/Passwd", true},
        {"TargetFilename: /etc/passwd", "/etc/passwd2", false},
        {"TargetFilename|cased: /etc/passwd", "/etc/Passwd", false},
        {"TargetFilename|cased: /etc/Passwd", "/etc/Passwd", true},
        {"TargetFilename|contains: ETC", "/a/etc/b", true},
        {"TargetFilename|contains|cased: ETC", "/a/etc/b", false},
        {"TargetFilename|startswith: /etc", "/etc/b", true},
        {"TargetFilename|startswith: /etc", "/a/etc/b", false},
        {"TargetFilename|endswith: .so", "/lib/a.SO", true},
        {"TargetFilename|endswith: .so", "/lib/a.so.6", false},
        {"TargetFilename|contains|all: [a, b]", "/xa/yb", true},
        {"TargetFilename|contains|all: [a, b]", "/xa/y", false},
        {"TargetFilename|contains: [q, b]", "/xa/yb", true},
        {"TargetFilename: '/etc/*.conf'", "/etc/a/b.conf", true},
        {"TargetFilename: '/etc/*.conf'", "/etc/a.config", false},
        {"TargetFilename: '/etc/?.conf'", "/etc/a.conf", true},
        {"TargetFilename: '/etc/?.conf'", "/etc/ab.conf", false},
        {"TargetFilename: '*/x'", "/y/x", true},
        {"TargetFilename: '/x*'", "/xyz", true},
        {"TargetFilename: '/x*'", "a/xyz", false},
        {"TargetFilename: '*mid*'", "/a/mid/b", true},
        {"TargetFilename: '*'", "/a", true},
        {"TargetFilename: '/a\\*b'", "/a*b", true},
        {"TargetFilename: '/a\\*b'", "/axb", false},
        {"TargetFilename: '/a\\b'", "/a\\\\b", true},
        {"TargetFilename: '/a[b]'", "/a[b]", true},
        {"TargetFilename: '/a[b]'", "/ab", false},
        {"TargetFilename|contains: '[x]*y'", "/a[x]zzy/b", true},
        {"TargetFilename|startswith: '/a?c'", "/abcd", true},
        {"TargetFilename|re: '^/etc/[a-c]+$'", "/etc/abc", true},
        {"TargetFilename|re: '^/etc/[a-c]+$'", "/ETC/abc", false},
        {"TargetFilename|re|i: '^/etc/[a-c]+$'", "/ETC/ABC", true},
        {"TargetFilename|re: 'passw(or)?d'", "/x/passwd", true},
        {"TargetFilename|re: 'abc?d'", "/x/abd", true},
        {"TargetFilename|re: '[]x]abc'", "/]abc", true},
        {"TargetFilename|re: 'foo|barbar'", "/barbar", true},
        {"TargetFilename|re: 'x{2}foo'", "/xxfoo", true},
        {"TargetFilename|re: '\\x41bcdef'", "/Abcdef", true},
        {"TargetFilename: ''", "", true},
        {"TargetFilename: ''", "a", false},
        {"TargetFilename|exists: true", "a", true},
        {"TargetFilename|exists: false", "a", false},
        {"TargetFilename: null", "a", false},
        {"TargetFilename: null", "", true},
        {"Size: 10", "", true},
        {"Size: [9, 10]", "", true},
        {"Size: 0xa", "", true},
        {"Size|gt: 9", "", true},
        {"Size|gt: 10", "", false},
        {"Size|gte: 10", "", true},
        {"Size|lt: 10", "", false},
        {"Size|lte: 10", "", true},
        {"Size|anybits: 3", "", true},
        {"Size|allbits: 3", "", false},
        {"Size|lt: 1K", "", true},
        {"IsRoot: true", "", true},
        {"ProcessId: 1000", "", true},
        {"Image|endswith: /sample", "", true},
        {"Lineage: sample", "", true},
        {"ParentImage: null", "", true},
        {"SampleType: elf", "", true},
        {"TargetFilename|fieldref: Image", "/home/user/sample", true},
        {"TargetFilename|fieldref: Image", "/home/user/x", false},
        {"SampleFile: true", "/home/user/sample", true},
        {"SampleFile: false", "/home/user/other", true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        char body[512], events[512];
        snprintf(body, sizeof(body), "event: file.write\ndetection:\n  a:\n    %s\n", t[i].item);
        snprintf(events, sizeof(events), "  - {kind: file.write, TargetFilename: \"%s\", Size: 10}\n", t[i].value);
        struct seen s = play(NULL, body, events);
        if (s.problems)
            fail_msg("%s: %s", t[i].item, s.problem);
        if ((s.findings == 1) != t[i].hit)
            fail_msg("'%s' against '%s': %s", t[i].item, t[i].value, s.findings ? "hit" : "no hit");
    }
}

static void networks_are_compared(void **state)
{
    static const struct {
        const char *cidr, *address;
        bool hit;
    } t[] = {{"10.0.0.0/8", "10.200.1.1", true},   {"10.0.0.0/8", "11.0.0.1", false},
             {"10.0.0.0/9", "10.128.0.1", false},  {"192.0.2.7", "192.0.2.7", true},
             {"0.0.0.0/0", "8.8.8.8", true},       {"fe80::/10", "fe80::1", true},
             {"fe80::/10", "2001:db8::1", false},  {"10.0.0.0/8", "/run/x.sock", false},
             {"2001:db8::/32", "10.1.1.1", false}, {"10.0.0.0/8", "10.0.0.0.0", false}};
    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        char body[256], events[256];
        snprintf(body, sizeof(body), "event: net.connect\ndetection:\n  a:\n    DestinationIp|cidr: '%s'\n", t[i].cidr);
        snprintf(events, sizeof(events), "  - {kind: net.connect, DestinationIp: '%s'}\n", t[i].address);
        struct seen s = play(NULL, body, events);
        if (s.problems || (s.findings == 1) != t[i].hit)
            fail_msg("%s in %s: %s", t[i].address, t[i].cidr, s.problem);
    }
}

static void conditions_have_precedence(void **state)
{
    static const struct {
        const char *condition;
        bool hit; /* a and b1 hold, c and b2 do not */
    } t[] = {{"a", true},
             {"c", false},
             {"not c", true},
             {"a and c", false},
             {"a or c", true},
             {"c or a and b1", true},
             {"(c or a) and c", false},
             {"not (a and c)", true},
             {"not a or b1", true},
             {"1 of b*", true},
             {"all of b*", false},
             {"1 of them", true},
             {"all of them", false},
             {"not 1 of c*", true},
             {"a AND NOT c", true},
             {"any of b*", true},
             {"not not a", true},
             {"c or c or a", true},
             {"a and not (c or b2)", true}};
    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        char body[512];
        snprintf(body, sizeof(body),
                 "event: file.write\ndetection:\n  a: {Size: 10}\n  b1: {Size: 10}\n  b2: {Size: 11}\n  c: {Size: 12}\n"
                 "  _u: [{Size: 1}, {Size: 10}]\n  condition: (%s) or (_u and a and b1 and b2 and c and Z)\n  Z: "
                 "{Size: 1}\n",
                 t[i].condition);
        struct seen s = play(NULL, body, "  - {kind: file.write, Size: 10}\n");
        /* Z belongs to "them" too, which changes neither answer. */
        if (s.problems || (s.findings == 1) != t[i].hit)
            fail_msg("'%s': %s", t[i].condition, s.problems ? s.problem : "wrong answer");
    }
}

static void bad_rules_are_refused_with_a_reason(void **state)
{
    static const struct {
        const char *body, *part;
        unsigned line;
    } t[] = {
        {"event: file.write\ndetection: {a: {Nofield: x}}\n", "no event has a field", 8},
        {"event: file.write\ndetection: {a: {QueryName: x}}\n", "none of the events", 8},
        {"event: no.such\n", "no kind of event", 7},
        {"event: file.write\ndetection: {a: {Size|contains: x}}\n", "modifier for text", 8},
        {"event: file.write\ndetection: {a: {Size: x}}\n", "not a number", 8},
        {"event: file.write\ndetection: {a: {TargetFilename|gt: 5}}\n", "cannot be compared", 8},
        {"event: file.write\ndetection: {a: {TargetFilename|near: 5}}\n", "unknown modifier", 8},
        {"event: file.write\ndetection: {a: {TargetFilename|re: '(('}}\n", "bad regular expression", 8},
        {"event: file.write\ndetection: {a: {Size: 1}, condition: b}\n", "no selection", 8},
        {"event: file.write\ndetection: {a: {Size: 1}, condition: '(a'}\n", "')' is missing", 8},
        {"event: file.write\ndetection: {a: {Size: 1}, condition: a a}\n", "unexpected", 8},
        {"event: file.write\ndetection: {a: {Size: 1}, condition: ''}\n", "ends too early", 8},
        {"event: file.write\ndetection: {a: {Size: 1}, b: {Size: 2}, condition: a}\n", "not used", 8},
        {"event: file.write\ndetection: {a: {Size: 1}, b: {Size: 2}}\n", "need a condition", 8},
        {"event: file.write\ndetection: {a: [x, y]}\n", "words without a field", 8},
        {"event: file.write\ndetection: {a: {TargetFilename: []}}\n", "empty list", 8},
        {"event: file.write\nattack: [T9999]\n", "no ATT&CK technique", 8},
        {"event: file.write\nclasses: {bad: 3}\n", "unknown class", 8},
        {"event: file.write\nclasses: {trojan: 30}\n", "weight", 8},
        {"event: file.write\nfoo: 1\n", "no key 'foo'", 8},
        {"event: file.write\ncount: {}\n", "at-least", 8},
        {"event: file.write\ncount: {at-least: 5, distinct: Nope}\n", "no event has", 8},
        {"event: file.write\ncount: {at-least: 5, sum: TargetFilename}\n", "needs a number", 8},
        {"event: file.write\ncount: {at-least: 5, within: 3}\n", "unit of time", 8},
        {"sequence: {steps: [{event: file.write}]}\n", "2 to 8 steps", 7},
        {"sequence: {steps: [{event: file.write, join: {a: Size}}, {event: file.write}]}\n", "not set", 7},
        {"sequence: {ordered: false, steps: [{event: file.write}, {event: file.read, absent: true}]}\n", "neither", 7},
        {"sequence: {scope: moon, steps: []}\n", "scope is", 7},
        {"", "either 'event'", 1},
        {"event: file.write\nlineage: nobody\n", "lineage is", 8},
        {"event: [*x]\n", "", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct seen s = play(NULL, t[i].body, "  - {kind: file.write}\n");
        if (s.problems != 1 || !strstr(s.problem, t[i].part) || (t[i].line && s.line != t[i].line))
            fail_msg("%s: '%s' in line %u", t[i].body, s.problem, s.line);
    }
    assert_int_equal(play("'{Nope}'", "event: file.write\n", "  - {kind: file.write}\n").problems, 1);
    assert_int_equal(play("'{Size'", "event: file.write\n", "  - {kind: file.write}\n").problems, 1);
}

static void sequences_and_absences(void **state)
{
    static const struct {
        const char *name, *body, *events;
        unsigned hits;
    } t[] = {
        {"in order", "sequence: {steps: [{event: file.write}, {event: file.delete}]}\n",
         "  - {kind: file.write}\n  - {kind: file.delete}\n", 1},
        {"out of order", "sequence: {steps: [{event: file.write}, {event: file.delete}]}\n",
         "  - {kind: file.delete}\n  - {kind: file.write}\n", 0},
        {"without order", "sequence: {ordered: false, steps: [{event: file.write}, {event: file.delete}]}\n",
         "  - {kind: file.delete}\n  - {kind: file.write}\n", 1},
        {"without order, too late",
         "sequence: {ordered: false, within: 5s, steps: [{event: file.write}, {event: file.delete}]}\n",
         "  - {kind: file.delete}\n  - {kind: file.write, at: 6s}\n", 0},
        {"in time", "sequence: {within: 5s, steps: [{event: file.write}, {event: file.delete}]}\n",
         "  - {kind: file.write, at: 1s}\n  - {kind: file.delete, at: 6s}\n", 1},
        {"too late", "sequence: {within: 5s, steps: [{event: file.write}, {event: file.delete}]}\n",
         "  - {kind: file.write, at: 1s}\n  - {kind: file.delete, at: 7s}\n", 0},
        {"joined",
         "sequence: {steps: [{event: file.write, let: {p: TargetFilename}}, "
         "{event: file.delete, join: {p: TargetFilename}}]}\n",
         "  - {kind: file.write, TargetFilename: /a}\n  - {kind: file.write, TargetFilename: /b}\n"
         "  - {kind: file.delete, TargetFilename: /c}\n  - {kind: file.delete, TargetFilename: /a}\n",
         1},
        {"joined by a number",
         "sequence: {steps: [{event: file.write, let: {p: Size}}, "
         "{event: file.truncate, join: {p: Size}}]}\n",
         "  - {kind: file.write, Size: 7}\n  - {kind: file.truncate, Size: 8}\n", 0},
        {"other process", "sequence: {scope: process, steps: [{event: file.write}, {event: file.delete}]}\n",
         "  - {kind: file.write}\n  - {kind: file.delete, pid: 1001}\n", 0},
        {"same tree", "sequence: {scope: tree, steps: [{event: file.write}, {event: file.delete}]}\n",
         "  - {kind: file.write}\n  - {kind: file.delete, pid: 1001}\n", 1},
        {"siblings", "sequence: {scope: siblings, steps: [{event: file.write}, {event: file.delete}]}\n",
         "  - {kind: file.write, pid: 1002}\n  - {kind: file.delete, pid: 1001}\n", 1},
        {"no siblings", "sequence: {scope: siblings, steps: [{event: file.write}, {event: file.delete}]}\n",
         "  - {kind: file.write}\n  - {kind: file.delete, pid: 1001}\n", 0},
        {"one event, one step", "sequence: {steps: [{event: file.write}, {event: file.write}]}\n",
         "  - {kind: file.write}\n", 0},
        {"twice the same", "sequence: {steps: [{event: file.write}, {event: file.write}]}\n",
         "  - {kind: file.write}\n  - {kind: file.write}\n", 1},
        {"absent between",
         "sequence: {steps: [{event: file.write}, {event: file.read, absent: true}, {event: file.delete}]}\n",
         "  - {kind: file.write}\n  - {kind: file.delete}\n", 1},
        {"not absent between",
         "sequence: {steps: [{event: file.write}, {event: file.read, absent: true}, {event: file.delete}]}\n",
         "  - {kind: file.write}\n  - {kind: file.read}\n  - {kind: file.delete}\n", 0},
        {"absent before", "sequence: {steps: [{event: file.read, absent: true}, {event: file.delete}]}\n",
         "  - {kind: file.delete}\n", 1},
        {"not absent before", "sequence: {steps: [{event: file.read, absent: true}, {event: file.delete}]}\n",
         "  - {kind: file.read}\n  - {kind: file.delete}\n", 0},
        {"absent to the end", "sequence: {steps: [{event: file.write}, {event: file.delete, absent: true}]}\n",
         "  - {kind: file.write}\n", 1},
        {"came after all", "sequence: {steps: [{event: file.write}, {event: file.delete, absent: true}]}\n",
         "  - {kind: file.write}\n  - {kind: file.delete}\n", 0},
        {"came too late", "sequence: {within: 2s, steps: [{event: file.write}, {event: file.delete, absent: true}]}\n",
         "  - {kind: file.write, at: 1s}\n  - {kind: file.delete, at: 4s}\n", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct seen s = play(NULL, t[i].body, t[i].events);
        if (s.problems || s.count != t[i].hits)
            fail_msg("%s: %s, %u hits", t[i].name, s.problem, (unsigned)s.count);
    }
}

static void counts_rates_and_sums(void **state)
{
    static const struct {
        const char *name, *count, *events, *title; /* NULL: no hit */
    } t[] = {
        {"enough", "{at-least: 3}", "  - {kind: file.write, repeat: 3}\n", "3 writes"},
        {"one less", "{at-least: 3}", "  - {kind: file.write, repeat: 2}\n", NULL},
        {"goes on counting", "{at-least: 3}", "  - {kind: file.write, repeat: 50}\n", "50 writes"},
        {"distinct", "{at-least: 3, distinct: TargetFilename}",
         "  - {kind: file.write, TargetFilename: '/{i}', repeat: 3}\n", "3 writes"},
        {"not distinct", "{at-least: 3, distinct: TargetFilename}",
         "  - {kind: file.write, TargetFilename: '/1', repeat: 9}\n", NULL},
        {"fast", "{at-least: 3, within: 1s}", "  - {kind: file.write, repeat: 3}\n", "3 writes"},
        {"slow", "{at-least: 3, within: 1s}", "  - {kind: file.write, after: 900ms, repeat: 20}\n", NULL},
        {"slow, distinct", "{at-least: 3, within: 1s, distinct: TargetFilename}",
         "  - {kind: file.write, TargetFilename: '/{i}', after: 900ms, repeat: 20}\n", NULL},
        {"slow, then fast", "{at-least: 5, within: 1s, distinct: TargetFilename}",
         "  - {kind: file.write, TargetFilename: '/{i}', after: 900ms, repeat: 20}\n"
         "  - {kind: file.write, TargetFilename: '/x{i}', repeat: 5}\n",
         "25 writes"},
        {"per file", "{at-least: 3, per: TargetFilename}",
         "  - {kind: file.write, TargetFilename: '/{i}', repeat: 9}\n", NULL},
        {"sum", "{at-least: 100, sum: Size}", "  - {kind: file.write, Size: 40, repeat: 4}\n", "160 writes"},
        {"small sum", "{at-least: 100, sum: Size}", "  - {kind: file.write, Size: 40, repeat: 2}\n", NULL},
        {"per process", "{at-least: 3, scope: process}", "  - {kind: file.write, pid: '20{i}', repeat: 9}\n", NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        char body[256];
        snprintf(body, sizeof(body), "event: file.write\ncount: %s\n", t[i].count);
        struct seen s = play("'{count} writes'", body, t[i].events);
        if (s.problems || (s.findings != 0) != (t[i].title != NULL) || (t[i].title && strcmp(s.title, t[i].title) != 0))
            fail_msg("%s: %s %s", t[i].name, s.problem, s.title);
    }
}

static void titles_carry_values(void **state)
{
    (void)state;
    struct seen s = play("'{Image} writes {TargetFilename} ({Size})'", "event: file.write\n",
                         "  - {kind: file.write, TargetFilename: /a, Size: 5}\n");
    assert_string_equal(s.title, "/home/user/sample writes /a (5)");
    s = play("'mode {Mode}'", "event: file.chmod\n", "  - {kind: file.chmod, Mode: 0o4755}\n");
    assert_string_equal(s.title, "mode 4755");
    s = play("'from {p} by {TargetFilename}'",
             "sequence: {steps: [{event: file.write, let: {p: TargetFilename}}, {event: file.delete}]}\n",
             "  - {kind: file.write, TargetFilename: /a}\n  - {kind: file.delete, TargetFilename: /b}\n");
    assert_string_equal(s.title, "from /a by /b");
    /* One finding per sentence, at most four, nothing lost in the count. */
    s = play("'{TargetFilename}'", "event: file.write\n",
             "  - {kind: file.write, TargetFilename: '/{i}', repeat: 100}\n");
    assert_int_equal(s.findings, 4);
    assert_int_equal(s.count, 100);
}

static void only_the_sample_counts(void **state)
{
    const char *system = "  - {kind: process.exec, pid: 50, ParentProcessId: 1, Image: /usr/sbin/cron}\n"
                         "  - {kind: file.write, pid: 50, TargetFilename: /a}\n";
    (void)state;
    assert_int_equal(play(NULL, "event: file.write\n", system).findings, 0);
    assert_int_equal(play(NULL, "event: file.write\nlineage: any\n", system).findings, 1);
    assert_int_equal(play(NULL, "event: file.write\nlineage: [system]\n", system).findings, 1);
}

static void network_events_find_their_process(void **state)
{
    const char *body = "event: http.request\ndetection: {a: {Image|endswith: /curl}}\n";
    const char *before = "  - {kind: process.exec, pid: 1001, Image: /usr/bin/curl}\n"
                         "  - {kind: net.connect, pid: 1001, SourcePort: 4000}\n"
                         "  - {kind: http.request, SourcePort: 4000}\n";
    const char *after = "  - {kind: process.exec, pid: 1001, Image: /usr/bin/curl}\n"
                        "  - {kind: http.request, SourcePort: 4000}\n"
                        "  - {kind: net.connect, pid: 1001, SourcePort: 4000}\n";
    const char *never = "  - {kind: http.request, SourcePort: 4000}\n  - {kind: file.write, at: 9s}\n";
    const char *other = "  - {kind: process.exec, pid: 50, ParentProcessId: 1, Image: /usr/sbin/ntpd}\n"
                        "  - {kind: net.connect, pid: 50, SourcePort: 4000}\n"
                        "  - {kind: http.request, SourcePort: 4000}\n";
    (void)state;
    assert_int_equal(play(NULL, body, before).findings, 1);
    assert_int_equal(play(NULL, body, after).findings, 1);
    assert_int_equal(play(NULL, body, never).findings, 0);
    assert_int_equal(play(NULL, "event: http.request\n", never).findings, 1);
    assert_int_equal(play(NULL, "event: http.request\n", other).findings, 0);
}

static void written_files_are_known(void **state)
{
    static const struct {
        const char *events;
        bool hit;
    } t[] = {
        {"  - {kind: file.write, TargetFilename: /tmp/x}\n  - {kind: process.exec, pid: 1001, Image: /tmp/x}\n", true},
        {"  - {kind: process.exec, pid: 1001, Image: /tmp/x}\n", false},
        {"  - {kind: file.write, TargetFilename: /tmp/x}\n"
         "  - {kind: process.exec, pid: 1001, Image: /bin/sh, CommandLine: sh ./x, CurrentDirectory: /tmp}\n",
         true},
        {"  - {kind: file.write, TargetFilename: /tmp/x}\n"
         "  - {kind: process.exec, pid: 1001, Image: /bin/sh, CommandLine: sh -c /tmp/x}\n",
         false},
        {"  - {kind: file.write, TargetFilename: /tmp/x y}\n"
         "  - {kind: process.exec, pid: 1001, Image: /usr/bin/python3, CommandLine: 'python3 -u \"/tmp/x y\" a'}\n",
         true},
        {"  - {kind: process.exec, pid: 50, ParentProcessId: 1, Image: /usr/bin/apt}\n"
         "  - {kind: file.write, pid: 50, TargetFilename: /tmp/x}\n"
         "  - {kind: process.exec, pid: 1001, Image: /tmp/x}\n",
         false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct seen s = play(NULL, "event: process.exec\ndetection: {a: {WrittenBySample: true}}\n", t[i].events);
        if (s.problems || (s.findings != 0) != t[i].hit)
            fail_msg("case %zu: %s", i, s.problem);
    }
}

#define CONNECT "  - {kind: net.connect, DestinationPort: 80}\n"

static void static_facts_can_be_asked_for(void **state)
{
    static const struct {
        const char *detection, *sample;
        unsigned findings;
    } t[] = {
        {"SampleEntropy|gte: 95", "{entropy: 97, size: 5000}", 1},
        {"SampleEntropy|gte: 95", "{entropy: 94, size: 5000}", 0},
        {"SampleEntropy|gte: 95", NULL, 0}, /* nothing is known */
        {"SampleSize|lt: 64K", "{size: 5000}", 1},
        {"SampleSize|lt: 64K", "{size: 65536}", 0},
        {"SampleStrings|contains: stratum+tcp", "{strings: [abc, 'Stratum+TCP://pool', def]}", 1},
        {"SampleStrings|contains: stratum+tcp", "{strings: [stratum, tcp]}", 0},
        {"SampleIndicators|contains: .onion", "{indicators: ['http://abc.onion/']}", 1},
        {"SampleAnomalies|contains: entry-outside", "{anomalies: [entry-outside]}", 1},
        {"SampleStripped: true", "{stripped: true}", 1},
        {"SampleStripped: true", "{stripped: false}", 0},
        {"SampleStatic: true", "{static: true, type: elf}", 1},
        {"SampleType: script", "{type: script}", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct buf body, events;
        buf_init(&body, 1 << 16);
        buf_init(&events, 1 << 16);
        buf_addf(&body, "event: net.connect\ndetection:\n  a:\n    %s\n", t[i].detection);
        buf_addf(&events, CONNECT "%s%s\n", t[i].sample ? "sample: " : "", t[i].sample ? t[i].sample : "");
        struct seen s = play(NULL, buf_z(&body), buf_z(&events));
        if (s.problems || s.findings != t[i].findings)
            fail_msg("%s, %s: %u %s", t[i].detection, t[i].sample ? t[i].sample : "", s.findings, s.problem);
        buf_free(&body);
        buf_free(&events);
    }
    assert_string_equal(play("E {SampleEntropy}", "event: net.connect\n", CONNECT "sample: {entropy: 97}\n").title,
                        "E 97");
}

/* What rules for Windows will need can be said already. */
static void windows_can_be_spoken_of(void **state)
{
    static const struct {
        const char *title, *body, *event, *said;
    } t[] = {
        {"'Writes to the autostart key {TargetObject}'",
         "event: registry.set\ndetection: {a: {TargetObject|contains: '\\CurrentVersion\\Run\\'}}\n",
         "{kind: registry.set, TargetObject: 'HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Run\\x', Details: "
         "'c:\\x.exe'}",
         "Writes to the autostart key HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Run\\x"},
        {"'Starts a thread in another process by {Call}'",
         "event: inject.thread\ndetection: {a: {StartModule: null}}\n",
         "{kind: inject.thread, TargetProcessId: 77, Call: CreateRemoteThread}",
         "Starts a thread in another process by CreateRemoteThread"},
        {"'Opens a process'", "event: process.open\ndetection: {a: {GrantedAccess|allbits: 0x1410}}\n",
         "{kind: process.open, TargetProcessId: 77, GrantedAccess: 0x1fffff}", "Opens a process"},
        {"'Looks for the window {WindowTitle}'", "event: window.*\ndetection: {a: {WindowClass: OLLYDBG}}\n",
         "{kind: window.find, WindowTitle: OllyDbg, WindowClass: OllyDbg}", "Looks for the window OllyDbg"},
        {"'Makes a {ProgramId}'", "event: com.create\ndetection: {a: {ProgramId|startswith: 'WScript.'}}\n",
         "{kind: com.create, ProgramId: WScript.Shell}", "Makes a WScript.Shell"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct buf events;
        buf_init(&events, 1 << 16);
        buf_addf(&events, "  - %s\n", t[i].event);
        struct seen s = play(t[i].title, t[i].body, buf_z(&events));
        if (s.problems || s.findings != 1 || strcmp(s.title, t[i].said) != 0)
            fail_msg("%s: %u '%s' %s", t[i].body, s.findings, s.title, s.problem);
        buf_free(&events);
    }
}

/* Rules for other platforms rest; those that were switched off too. */
static void only_some_rules_work(void **state)
{
    static const char *const platforms[] = {"linux", "windows", "any", "linux, windows"};
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        struct behavior_facts facts = {.platform = STR_LIT("linux")};
        struct behavior_rules *r;
        struct behavior_engine *g;
        struct proctab *procs;
        struct findings found;
        struct buf b;
        buf_init(&b, 1 << 16);
        buf_addf(&b,
                 "id: t\ntitle: x\ncategory: Networking\nseverity: high\npoints: 40\nplatforms: [%s]\n"
                 "malware: Worm\nevent: net.connect\nlineage: any\n",
                 platforms[i % 4]);
        assert_int_equal(behavior_rules_new(&r), 0);
        behavior_rules_weight(r, i == 2 ? 25 : 100);
        assert_int_equal(behavior_rules_add(r, "t", buf_str(&b), NULL, NULL, NULL), 1);
        assert_false(behavior_rules_off(r, STR_LIT("other")));
        if (i >= 4)
            assert_true(behavior_rules_off(r, STR_LIT("t")));
        assert_int_equal(proctab_new(100, &procs), 0);
        assert_int_equal(behavior_engine_new(r, procs, &facts, &g), 0);
        struct event ev = {.kind = EVENT_NET_CONNECT,
                           .source = EVENT_SOURCE_TRACER,
                           .seq = 1,
                           .pid = 9,
                           .count = EVF_NET_CONNECT__COUNT};
        for (unsigned k = 0; k < ev.count; k++)
            ev.f[k].s = STR_LIT("");
        assert_int_equal(behavior_engine_event(g, &ev, proctab_event(procs, &ev)), 0);
        assert_int_equal(behavior_engine_finish(g, &found), 0);
        assert_int_equal(found.count, i < 4 && i != 1);
        if (found.count) {
            assert_true(str_eqz(found.items[0].threat, "Worm"));
            assert_int_equal(found.items[0].points, i == 2 ? 10 : 40);
            assert_int_equal(found.items[0].severity, i == 2 ? SEVERITY_MEDIUM : SEVERITY_HIGH);
        }
        findings_free(&found);
        behavior_engine_free(&g);
        proctab_free(&procs);
        behavior_rules_free(&r);
        buf_free(&b);
    }
}

static void limits_are_said(void **state)
{
    (void)state;
    struct seen s = play(NULL,
                         "sequence: {steps: [{event: file.write, let: {p: TargetFilename}}, "
                         "{event: file.delete, join: {p: TargetFilename}}]}\n",
                         "  - {kind: file.write, TargetFilename: '/{i}', repeat: 3000}\n");
    assert_true(s.limits);
    s = play(NULL, "event: file.write\ncount: {at-least: 3, per: TargetFilename}\n",
             "  - {kind: file.write, TargetFilename: '/{i}', repeat: 300}\n");
    assert_true(s.limits);
    s = play(NULL, "event: file.write\ndetection: {a: {TargetFilename|re: '^(a+)+$'}}\n",
             "  - {kind: file.write, TargetFilename: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab'}\n");
    assert_true(s.limits || s.findings == 0);
}

static void tests_inside_rules_can_fail(void **state)
{
    const char *rule = "id: t\ntitle: x\ncategory: Networking\nseverity: low\npoints: 5\nplatforms: [linux]\n"
                       "event: file.write\ndetection: {a: {Size: 1}}\ntests:\n  positive:\n"
                       "    - {name: no, events: [{kind: file.write, Size: 2}]}\n"
                       "    - {name: title, title: other, events: [{kind: file.write, Size: 1}]}\n"
                       "    - {name: bad, events: [{kind: file.write, Nope: 1}]}\n"
                       "  negative:\n    - {name: hit, events: [{kind: file.write, Size: 1}]}\n";
    struct behavior_rules *r;
    struct seen s = {0};
    unsigned run, failed;
    (void)state;
    assert_int_equal(behavior_rules_new(&r), 0);
    assert_int_equal(behavior_rules_add(r, "t", str_from(rule), on_problem, &s, NULL), 1);
    assert_int_equal(behavior_rules_test(r, &run, &failed, on_problem, &s), 0);
    assert_int_equal(run, 4);
    assert_int_equal(failed, 4);
    assert_int_equal(s.problems, 4);
    /* The same id twice is refused. */
    assert_int_equal(behavior_rules_add(r, "t", str_from(rule), on_problem, &s, NULL), 0);
    assert_true(strstr(s.problem, "taken"));
    behavior_rules_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_of_the_product_is_good),
        cmocka_unit_test(ordinary_programs_are_clean),
        cmocka_unit_test(hostile_stories_are_found),
        cmocka_unit_test(modifiers_do_what_sigma_says),
        cmocka_unit_test(networks_are_compared),
        cmocka_unit_test(conditions_have_precedence),
        cmocka_unit_test(bad_rules_are_refused_with_a_reason),
        cmocka_unit_test(sequences_and_absences),
        cmocka_unit_test(counts_rates_and_sums),
        cmocka_unit_test(titles_carry_values),
        cmocka_unit_test(only_the_sample_counts),
        cmocka_unit_test(network_events_find_their_process),
        cmocka_unit_test(written_files_are_known),
        cmocka_unit_test(static_facts_can_be_asked_for),
        cmocka_unit_test(windows_can_be_spoken_of),
        cmocka_unit_test(only_some_rules_work),
        cmocka_unit_test(limits_are_said),
        cmocka_unit_test(tests_inside_rules_can_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
