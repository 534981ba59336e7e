/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Documents around the logic: what is refused, filters, placeholders, correlations, tests inside rules. */
#include "detect/sigma/sigma-test-util.h"

#define LS "logsource: {category: test}\n"
#define DET "detection: {s: {A: abc}, condition: s}\n"

static void bad_documents(void **state)
{
    static const struct {
        const char *yaml, *why;
        unsigned line;
    } rows[] = {
        {"title: t\n" LS, "no detection", 1},
        {LS DET, "no title", 1},
        {"title: t\n" DET, "no logsource", 1},
        {"title: t\nlogsource: {definition: x}\n" DET, "no product, category or service", 2},
        {"title: t\nlevel: huge\n" LS DET, "unknown level 'huge'", 2},
        {"action: global\ntitle: t\n" LS DET, "'action'", 1},
        {"- a\n- b\n", "must be a map", 1},
        {"title: t\n" LS DET "correlation: {type: temporal}\n", "only one of", 1},
        {"title: t\n" LS "detection:\n  s:\n    A|nope: x\n  condition: s\n", "unknown modifier 'nope'", 5},
        {"title: t\n" LS "detection:\n  s:\n    A: x\n  condition: s or t\n", "names 't'", 6},
        {"title: t\n" LS "detection:\n  s:\n    A|cidr:\n      - 10.0.0.0/8\n      - x\n  condition: s\n",
         "not a network", 7},
        {"title: t\nid: a\n" LS DET "---\ntitle: u\nid: A\n" LS DET, "is used by", 6},
        {"title: t\nname: a\n" LS DET "---\ntitle: u\nname: a\n" LS DET, "name 'a' is used", 6},
        {"title: t\n" LS DET "tests: {match: {A: x}}\n", "must be a list", 4},
        {"title: t\n" LS DET "tests: {yes: []}\n", "only 'match' and 'nomatch'", 4},
        {"title: [\n", "not valid YAML", 0},
        {"title: t\ntitle: u\n", "same key twice", 2},
        {"title: &a t\n" LS DET, "anchors are not allowed", 1},
        /* correlations */
        {"title: t\ncorrelation: {type: x}\n", "unknown type of correlation", 2},
        {"title: t\ncorrelation: {rules: [a]}\n", "no type", 2},
        {"title: t\ncorrelation: {type: temporal, timespan: 5m}\n", "has no rules", 2},
        {"title: t\ncorrelation: {type: temporal, rules: [a]}\n", "no timespan", 2},
        {"title: t\ncorrelation: {type: temporal, rules: [a], timespan: 5x}\n", "timespan must be", 2},
        {"title: t\ncorrelation: {type: temporal, rules: [a], timespan: 0s}\n", "timespan must be", 2},
        {"title: t\ncorrelation: {type: temporal, rules: [a], timespan: 5m}\n", "names the rule 'a'", 2},
        {"title: t\ncorrelation: {type: event_count, rules: [a], timespan: 5m}\n", "needs a condition", 2},
        {"title: t\ncorrelation: {type: value_count, rules: [a], timespan: 5m, condition: {gte: 2}}\n", "needs 'field'",
         2},
        {"title: t\ncorrelation: {type: event_count, rules: [a], timespan: 5m, condition: {foo: 2}}\n", "has no 'foo'",
         2},
        {"title: t\ncorrelation: {type: event_count, rules: [a], timespan: 5m, condition: {gte: x}}\n",
         "needs a number", 2},
        {"title: t\ncorrelation: {type: event_count, rules: [a], timespan: 5m, condition: {gte: 99999999}}\n",
         "at most", 2},
        {"title: t\ncorrelation: {type: event_count, rules: [a], timespan: 5m, condition: a and b}\n", "is a map", 2},
        {"title: t\nname: a\ncorrelation: {type: temporal, rules: [a], timespan: 5m}\n", "uses itself", 1},
        {"title: t\nname: a\ncorrelation: {type: temporal, rules: [b], timespan: 5m}\n---\ntitle: t\nname: b\n"
         "correlation: {type: temporal, rules: [a], timespan: 5m}\n",
         "which is not there or was refused", 3},
        /* filters */
        {"title: t\nfilter: {rules: any, s: {A: x}, condition: s}\n", "no logsource", 1},
        {"title: t\n" LS "filter: {s: {A: x}, condition: s}\n", "no list of rules", 3},
        {"title: t\n" LS "filter: {rules: [x], s: {A: x}, condition: s}\n", "names the rule 'x'", 3},
        {"title: t\n" LS "filter: {rules: [x], s: {A: x}}\n", "no condition", 3},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct seen s = {0};
        struct sigma_rules *r = rules_of(rows[i].yaml, &s);
        if (!s.problems || !strstr(s.problem, rows[i].why) || (rows[i].line && rows[i].line != s.line))
            fail_msg("%s\n said: line %u: %s\n wanted: line %u: %s", rows[i].yaml, s.line, s.problem, rows[i].line,
                     rows[i].why);
        sigma_rules_free(&r);
    }
}

static void what_a_list_shows(void **state)
{
    struct seen s = {0};
    struct sigma_rule_info i;
    struct sigma_rules *r =
        rules_of("title: First\nid: 1-2\nstatus: test\ndescription: words\nauthor: me\nlevel: high\n"
                 "tags: [attack.t1059.004, attack.execution, attack.T1003, attack.s0002, attack.t10599]\n"
                 "falsepositives: [none, some]\nlogsource: {product: p, category: c, service: s}\n" DET
                 "tests: {match: [{A: abc}], nomatch: [{A: x}, {A: y}]}\n---\n\n---\ntitle: Second\n" LS DET,
                 &s);
    (void)state;
    assert_int_equal(s.problems, 0);
    assert_int_equal(sigma_rules_count(r), 2);
    assert_true(sigma_rules_at(r, 0, &i));
    assert_true(str_eqz(i.title, "First") && str_eqz(i.id, "1-2") && str_eqz(i.level, "high") &&
                str_eqz(i.status, "test") && str_eqz(i.author, "me") && str_eqz(i.description, "words"));
    assert_int_equal(i.ntags, 5);
    assert_int_equal(i.nattack, 2);
    assert_true(str_eqz(i.attack[0], "T1059.004") && str_eqz(i.attack[1], "T1003"));
    assert_int_equal(i.nfalsepositives, 2);
    assert_int_equal(i.positive_tests, 1);
    assert_int_equal(i.negative_tests, 2);
    assert_true(str_eqz(i.source.service, "s"));
    assert_true(sigma_rules_at(r, 1, &i) && str_eqz(i.title, "Second") && i.line > 10);
    assert_false(sigma_rules_at(r, 2, &i));
    sigma_rules_free(&r);
}

/* A bad document does not take the good ones of its file away. */
static void good_beside_bad(void **state)
{
    struct seen s = {0};
    struct sigma_rules *r = rules_of("title: t\n" LS DET "---\ntitle: u\n---\ntitle: v\n" LS DET "---\ntitle: [\n", &s);
    (void)state;
    assert_int_equal(sigma_rules_count(r), 2);
    assert_int_equal(s.problems, 2);
    sigma_rules_free(&r);
}

static unsigned matches(const char *yaml, const char *events, struct seen *ret)
{
    unsigned n[2];
    struct seen s = {0};
    struct sigma_rules *r = rules_of(yaml, &s);
    if (s.problems)
        fail_msg("%s\nline %u: %s", yaml, s.line, s.problem);
    for (unsigned off = 0; off < 2; off++) {
        *ret = (struct seen){0};
        play_events(r, off, events, ret);
        n[off] = ret->matches;
    }
    sigma_rules_free(&r);
    assert_int_equal(n[0], n[1]);
    return n[0];
}

static void log_sources(void **state)
{
    static const struct {
        const char *source;
        unsigned want;
    } rows[] = {
        {"{category: test}", 1},
        {"{category: TEST}", 1},
        {"{product: p}", 1},
        {"{product: p, service: s}", 1},
        {"{product: p, category: test, service: s}", 1},
        {"{product: q, category: test}", 0},
        {"{category: test, service: x}", 0},
        {"{service: x}", 0},
        {"{category: test, definition: 'anything'}", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char yaml[512];
        struct seen s;
        snprintf(yaml, sizeof(yaml), "title: t\nlogsource: %s\n" DET, rows[i].source);
        if (matches(yaml, "[{A: abc}]", &s) != rows[i].want)
            fail_msg("%s", rows[i].source);
    }
}

static void filters(void **state)
{
    static const char rule[] = "title: t\nid: r1\nname: n1\n" LS DET "---\ntitle: f\n";
    static const struct {
        const char *filter, *event;
        unsigned want;
    } rows[] = {
        {LS "filter: {rules: [r1], selection: {U|startswith: adm_}, condition: not selection}\n", "{A: abc, U: adm_x}",
         0},
        {LS "filter: {rules: [r1], selection: {U|startswith: adm_}, condition: not selection}\n", "{A: abc, U: x}", 1},
        {LS "filter: {rules: [n1], selection: {U|startswith: adm_}, condition: not selection}\n", "{A: abc, U: adm_x}",
         0},
        {LS "filter: {rules: r1, selection: {U|startswith: adm_}, condition: selection}\n", "{A: abc, U: adm_x}", 1},
        {LS "filter: {rules: any, selection: {U|startswith: adm_}, condition: not selection}\n", "{A: abc, U: adm_x}",
         0},
        {LS "filter: {rules: any, s1: {U: a}, s2: {U: b}, condition: not 1 of s*}\n", "{A: abc, U: b}", 0},
        {"logsource: {category: other}\nfilter: {rules: [r1], s: {U: a}, condition: not s}\n", "{A: abc, U: a}", 1},
        {"logsource: {category: test, product: p}\nfilter: {rules: [r1], s: {U: a}, condition: not s}\n",
         "{A: abc, U: a}", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char yaml[1024], events[256];
        struct seen s;
        snprintf(yaml, sizeof(yaml), "%s%s", rule, rows[i].filter);
        snprintf(events, sizeof(events), "[%s]", rows[i].event);
        if (matches(yaml, events, &s) != rows[i].want)
            fail_msg("%s on %s", rows[i].filter, rows[i].event);
    }
}

static void placeholders(void **state)
{
    static const struct str admins[] = {{"adm_*", 5}, {"root", 4}};
    static const char yaml[] =
        "title: a\nid: a\n" LS "detection: {s: {U|expand: '%Admins%'}, condition: s}\n---\n"
        "title: b\nid: b\n" LS "detection: {s: {U|contains|expand: 'x%admins%y'}, condition: s}\n---\n"
        "title: c\nid: c\n" LS "detection: {s: {U|expand: '\\%Admins%'}, condition: s}\n---\n"
        "title: d\nid: d\n" LS "detection: {s: {U: '%Admins%'}, condition: s}\n---\n"
        "title: e\nid: e\n" LS "detection: {s: {U|expand: '%nobody%'}, condition: not s}\n";
    static const struct {
        const char *event;
        unsigned with, without;
    } rows[] = {{"{U: adm_x}", 1, 0},    {"{U: ROOT}", 1, 0},      {"{U: 1xroot y}", 0, 0},
                {"{U: 1xrooty2}", 1, 0}, {"{U: 1xadm_ 4y}", 1, 0}, {"{U: '%admins%'}", 2, 2}};
    (void)state;
    for (unsigned with = 0; with < 2; with++)
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
            struct sigma_rules *r;
            struct seen s = {0};
            struct sigma_rule_info info;
            char events[128];
            snprintf(events, sizeof(events), "[%s]", rows[i].event);
            assert_int_equal(sigma_rules_new(&r), 0);
            if (with)
                assert_int_equal(sigma_rules_placeholder(r, STR_LIT("Admins"), admins, 2), 0);
            assert_int_equal(sigma_rules_add(r, "t", str_from(yaml), seen_problem, &s, NULL), 5);
            assert_int_equal(sigma_rules_compile(r, seen_problem, &s, NULL), 0);
            if (s.problems)
                fail_msg("%s", s.problem);
            play_events(r, false, events, &s);
            if (s.matches != (with ? rows[i].with : rows[i].without))
                fail_msg("%s: %u (with %u)", rows[i].event, s.matches, with);
            assert_true(sigma_rules_at(r, 4, &info) && info.inert);
            assert_true(sigma_rules_at(r, 0, &info) && info.inert == !with);
            sigma_rules_free(&r);
        }
}

/* ---- correlations -------------------------------------------------------------------------------------------- */

#define BASE(n, v) "title: " n "\nname: " n "\n" LS "detection: {s: {A: " v "}, condition: s}\n---\n"
#define COR(type, rest) "title: c\ncorrelation: {type: " type ", " rest "}\n"

struct correlated {
    const char *yaml, *events;
    unsigned want;
    const char *seen; /* the events of the last match */
};

static const struct correlated correlated_rows[] = {
    /* event_count */
    {BASE("a", "x") COR("event_count", "rules: [a], group-by: [U], timespan: 10s, condition: {gte: 3}"),
     "[{A: x, U: u, '@time': 1}, {A: x, U: u, '@time': 2}, {A: x, U: u, '@time': 3}]", 1, "0 1 2"},
    {BASE("a", "x") COR("event_count", "rules: [a], group-by: [U], timespan: 10s, condition: {gte: 3}"),
     "[{A: x, U: u, '@time': 1}, {A: x, U: u, '@time': 2}, {A: y, U: u, '@time': 3}]", 0, ""},
    {BASE("a", "x") COR("event_count", "rules: [a], group-by: [U], timespan: 10s, condition: {gte: 3}"),
     "[{A: x, U: u, '@time': 1}, {A: x, U: v, '@time': 2}, {A: x, U: u, '@time': 3}]", 0, ""},
    {BASE("a", "x") COR("event_count", "rules: [a], group-by: [U], timespan: 10s, condition: {gte: 3}"),
     "[{A: x, U: u, '@time': 1}, {A: x, U: u, '@time': 5}, {A: x, U: u, '@time': 12}]", 0, ""},
    {BASE("a", "x") COR("event_count", "rules: [a], group-by: [U], timespan: 10s, condition: {gte: 3}"),
     "[{A: x, U: u, '@time': 1}, {A: x, U: u, '@time': 5}, {A: x, U: u, '@time': 12}, {A: x, U: u, '@time': 14}]", 1,
     "1 2 3"},
    {BASE("a", "x") COR("event_count", "rules: [a], group-by: [U], timespan: 10s, condition: {gt: 1}"),
     "[{A: x, U: u, '@time': 1}, {A: x, U: u, '@time': 2}, {A: x, U: u, '@time': 3}, {A: x, U: u, '@time': 4}]", 2,
     "2 3"},
    {BASE("a", "x") COR("event_count", "rules: [a], group-by: [U], timespan: 10s, condition: {gte: 2}"),
     "[{A: x, '@time': 1}, {A: x, '@time': 2}]", 0, ""},
    {BASE("a", "x") COR("event_count", "rules: [a], timespan: 10s, condition: {gte: 2}"),
     "[{A: x, '@time': 1}, {A: x, '@time': 2}]", 1, "0 1"},
    {BASE("a", "x") BASE("b", "y") COR("event_count", "rules: [a, b], timespan: 10s, condition: {gte: 2}"),
     "[{A: x, '@time': 1}, {A: y, '@time': 2}]", 1, "0 1"},
    {BASE("a", "x") COR("event_count", "rules: [a], group-by: [U, V], timespan: 10s, condition: {gte: 2}"),
     "[{A: x, U: 1, V: 1, '@time': 1}, {A: x, U: 1, V: 2, '@time': 2}, {A: x, U: 1, V: 1, '@time': 3}]", 1, "0 2"},
    {BASE("a", "x") COR("event_count", "rules: [a], group-by: [U], timespan: 1m, generate: true, condition: {gte: 3}"),
     "[{A: x, U: u, '@time': 1}, {A: x, U: u, '@time': 2}]", 2, ""},
    /* upper bounds: when the window is over */
    {BASE("a", "x") COR("event_count", "rules: [a], timespan: 10s, condition: {lt: 3}"),
     "[{A: x, '@time': 1}, {A: x, '@time': 2}]", 1, "0 1"},
    {BASE("a", "x") COR("event_count", "rules: [a], timespan: 10s, condition: {lt: 2}"),
     "[{A: x, '@time': 1}, {A: x, '@time': 2}]", 0, ""},
    {BASE("a", "x") COR("event_count", "rules: [a], timespan: 10s, condition: {lte: 1}"),
     "[{A: x, '@time': 1}, {A: x, '@time': 20}, {A: y, '@time': 40}]", 2, "1"},
    {BASE("a", "x") COR("event_count", "rules: [a], timespan: 10s, condition: {eq: 2}"),
     "[{A: x, '@time': 1}, {A: x, '@time': 2}, {A: x, '@time': 3}]", 0, ""},
    {BASE("a", "x") COR("event_count", "rules: [a], timespan: 10s, condition: {eq: 2}"),
     "[{A: x, '@time': 1}, {A: x, '@time': 2}, {A: x, '@time': 30}]", 1, "0 1"},
    {BASE("a", "x") COR("event_count", "rules: [a], timespan: 10s, condition: {neq: 2}"),
     "[{A: x, '@time': 1}, {A: x, '@time': 2}, {A: x, '@time': 30}]", 1, "2"},
    {BASE("a", "x") COR("event_count", "rules: [a], timespan: 10s, condition: {gt: 1, lte: 2}"),
     "[{A: x, '@time': 1}, {A: x, '@time': 2}]", 1, "0 1"},
    {BASE("a", "x") COR("event_count", "rules: [a], timespan: 10s, condition: {gt: 1, lte: 2}"),
     "[{A: x, '@time': 1}, {A: x, '@time': 2}, {A: x, '@time': 2}]", 0, ""},
    /* value_count */
    {BASE("a", "x") COR("value_count", "rules: [a], timespan: 10s, condition: {field: U, gte: 3}"),
     "[{A: x, U: 1, '@time': 1}, {A: x, U: 2, '@time': 2}, {A: x, U: 1, '@time': 3}, {A: x, U: 3, '@time': 4}]", 1,
     "0 1 2 3"},
    {BASE("a", "x") COR("value_count", "rules: [a], timespan: 10s, condition: {field: U, gte: 3}"),
     "[{A: x, U: 1, '@time': 1}, {A: x, U: 2, '@time': 2}, {A: x, U: 1, '@time': 3}, {A: x, '@time': 4}]", 0, ""},
    {BASE("a", "x") COR("value_count", "rules: [a], timespan: 10s, condition: {field: U, gte: 3}"),
     "[{A: x, U: 1, '@time': 1}, {A: x, U: 2, '@time': 9}, {A: x, U: 3, '@time': 12}, {A: x, U: 4, '@time': 13}]", 1,
     "1 2 3"},
    {BASE("a", "x") COR("value_count", "rules: [a], group-by: [G], timespan: 10s, condition: {field: U, gte: 2}"),
     "[{A: x, U: 1, G: 1, '@time': 1}, {A: x, U: 2, G: 2, '@time': 2}]", 0, ""},
    {BASE("a", "x") COR("value_count", "rules: [a], timespan: 10s, condition: {field: [U, V], gte: 2}"),
     "[{A: x, U: 1, V: 1, '@time': 1}, {A: x, U: 1, V: 2, '@time': 2}]", 1, "0 1"},
    {BASE("a", "x") COR("value_count", "rules: [a], timespan: 10s, condition: {field: U, lt: 2}"),
     "[{A: x, U: 1, '@time': 1}, {A: x, U: 1, '@time': 2}]", 1, "0 1"},
    /* temporal */
    {BASE("a", "x") BASE("b", "y") COR("temporal", "rules: [a, b], group-by: [U], timespan: 10s"),
     "[{A: y, U: u, '@time': 1}, {A: x, U: u, '@time': 5}]", 1, "0 1"},
    {BASE("a", "x") BASE("b", "y") COR("temporal", "rules: [a, b], group-by: [U], timespan: 10s"),
     "[{A: y, U: u, '@time': 1}, {A: x, U: v, '@time': 5}]", 0, ""},
    {BASE("a", "x") BASE("b", "y") COR("temporal", "rules: [a, b], group-by: [U], timespan: 10s"),
     "[{A: y, U: u, '@time': 1}, {A: x, U: u, '@time': 15}]", 0, ""},
    {BASE("a", "x") BASE("b", "y") BASE("c", "z")
         COR("temporal", "rules: [a, b, c], timespan: 10s, condition: {gte: 2}"),
     "[{A: z, '@time': 1}, {A: x, '@time': 5}]", 1, "0 1"},
    {BASE("a", "x") BASE("b", "y") COR("temporal", "rules: [a, b], timespan: 10s, condition: {eq: 1}"),
     "[{A: x, '@time': 1}, {A: x, '@time': 5}]", 1, "1"},
    {BASE("a", "x") BASE("b", "y")
         COR("temporal", "rules: [a, b], group-by: [ip], timespan: 10s, aliases: {ip: {a: Src, b: Dst}}"),
     "[{A: x, Src: 1, Dst: 9, '@time': 1}, {A: y, Src: 9, Dst: 1, '@time': 5}]", 1, "0 1"},
    {BASE("a", "x") BASE("b", "y")
         COR("temporal", "rules: [a, b], group-by: [ip], timespan: 10s, aliases: {ip: {a: Src, b: Dst}}"),
     "[{A: x, Src: 1, Dst: 9, '@time': 1}, {A: y, Src: 1, Dst: 9, '@time': 5}]", 0, ""},
    /* temporal_ordered */
    {BASE("a", "x") BASE("b", "y") COR("temporal_ordered", "rules: [a, b], timespan: 10s"),
     "[{A: x, '@time': 1}, {A: y, '@time': 5}]", 1, "0 1"},
    {BASE("a", "x") BASE("b", "y") COR("temporal_ordered", "rules: [a, b], timespan: 10s"),
     "[{A: y, '@time': 1}, {A: x, '@time': 5}]", 0, ""},
    {BASE("a", "x") BASE("b", "y") BASE("c", "z") COR("temporal_ordered", "rules: [a, b, c], timespan: 10s"),
     "[{A: x, '@time': 1}, {A: y, '@time': 2}, {A: x, '@time': 4}, {A: y, '@time': 6}, {A: z, '@time': 13}]", 1,
     "2 3 4"},
    {BASE("a", "x") BASE("b", "y") BASE("c", "z") COR("temporal_ordered", "rules: [a, b, c], timespan: 10s"),
     "[{A: x, '@time': 1}, {A: y, '@time': 2}, {A: z, '@time': 13}]", 0, ""},
    {BASE("a", "x") COR("temporal_ordered", "rules: [a, a], timespan: 10s"), "[{A: x, '@time': 1}]", 0, ""},
    {BASE("a", "x") COR("temporal_ordered", "rules: [a, a], timespan: 10s"), "[{A: x, '@time': 1}, {A: x, '@time': 2}]",
     1, "0 1"},
    /* sums, averages, medians, percentiles */
    {BASE("a", "x") COR("value_sum", "rules: [a], timespan: 10s, condition: {field: N, gt: 100}"),
     "[{A: x, N: 60, '@time': 1}, {A: x, N: 50, '@time': 2}]", 1, "0 1"},
    {BASE("a", "x") COR("value_sum", "rules: [a], timespan: 10s, condition: {field: N, gt: 100}"),
     "[{A: x, N: 60, '@time': 1}, {A: x, N: 50, '@time': 20}]", 0, ""},
    {BASE("a", "x") COR("value_sum", "rules: [a], timespan: 10s, condition: {field: N, gt: 100}"),
     "[{A: x, N: text, '@time': 1}, {A: x, N: 101, '@time': 2}]", 1, "1"},
    {BASE("a", "x") COR("value_avg", "rules: [a], timespan: 10s, condition: {field: N, gte: 50}"),
     "[{A: x, N: 90, '@time': 1}, {A: x, N: 10, '@time': 2}]", 1, "0 1"},
    {BASE("a", "x") COR("value_avg", "rules: [a], timespan: 10s, condition: {field: N, gt: 50}"),
     "[{A: x, N: 90, '@time': 1}, {A: x, N: 10, '@time': 2}]", 0, ""},
    {BASE("a", "x") COR("value_median", "rules: [a], timespan: 10s, condition: {field: N, eq: 5}"),
     "[{A: x, N: 1, '@time': 1}, {A: x, N: 900, '@time': 2}, {A: x, N: 5, '@time': 3}]", 1, "0 1 2"},
    {BASE("a", "x")
         COR("value_percentile", "rules: [a], timespan: 10s, condition: {field: N, percentile: 100, gte: 900}"),
     "[{A: x, N: 1, '@time': 1}, {A: x, N: 900, '@time': 2}, {A: x, N: 5, '@time': 3}]", 1, "0 1 2"},
    {BASE("a", "x") COR("value_percentile", "rules: [a], timespan: 10s, condition: {field: N, percentile: 50, gte: 6}"),
     "[{A: x, N: 1, '@time': 1}, {A: x, N: 900, '@time': 2}, {A: x, N: 5, '@time': 3}]", 0, ""},
    {BASE("a", "x") COR("value_percentile", "rules: [a], timespan: 10s, condition: {field: I, lte: 25}"),
     "[{A: x, I: p, '@time': 1}, {A: x, I: p, '@time': 2}, {A: x, I: q, '@time': 3}, {A: x, I: p, '@time': 4}]", 1,
     "2"},
    {BASE("a", "x") COR("value_percentile", "rules: [a], timespan: 10s, condition: {field: I, lte: 24}"),
     "[{A: x, I: p, '@time': 1}, {A: x, I: p, '@time': 2}, {A: x, I: q, '@time': 3}, {A: x, I: p, '@time': 4}]", 0, ""},
    /* chains */
    {BASE("fail", "x") BASE(
         "good",
         "y") "title: many\nname: many\ncorrelation: {type: event_count, rules: [fail], group-by: [U], timespan: 10s, "
              "condition: {gte: 2}}\n---\n" COR("temporal_ordered",
                                                "rules: [many, good], group-by: [U], timespan: 20s"),
     "[{A: x, U: u, '@time': 1}, {A: x, U: u, '@time': 2}, {A: y, U: u, '@time': 4}]", 1, "1 2"},
    {BASE("fail", "x") BASE(
         "good",
         "y") "title: many\nname: many\ncorrelation: {type: event_count, rules: [fail], group-by: [U], timespan: 10s, "
              "condition: {gte: 2}}\n---\n" COR("temporal_ordered",
                                                "rules: [many, good], group-by: [U], timespan: 20s"),
     "[{A: x, U: u, '@time': 1}, {A: y, U: u, '@time': 4}, {A: x, U: u, '@time': 5}]", 0, ""},
    {COR("temporal_ordered", "rules: [many, good], group-by: [U], timespan: 20s") "---\n" BASE(
         "good",
         "y") "title: many\nname: many\ncorrelation: {type: event_count, rules: [fail], group-by: [U], timespan: 10s, "
              "condition: {gte: 2}}\n---\n" BASE("fail", "x"),
     "[{A: x, U: u, '@time': 1}, {A: x, U: u, '@time': 2}, {A: y, U: v, '@time': 4}, {A: y, U: u, '@time': 5}]", 1,
     "1 3"},
    {BASE("a", "x") "title: few\nname: few\ncorrelation: {type: event_count, rules: [a], group-by: [U], timespan: 5s, "
                    "condition: "
                    "{lt: 3}}\n---\n" COR("event_count",
                                          "rules: [few], group-by: [U], timespan: 60s, condition: {gte: 2}"),
     "[{A: x, U: u, '@time': 1}, {A: x, U: u, '@time': 10}, {A: x, U: u, '@time': 20}]", 1, "0 1"},
};

static void correlations(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(correlated_rows) / sizeof(correlated_rows[0]); i++) {
        const struct correlated *k = &correlated_rows[i];
        struct seen s;
        unsigned n = matches(k->yaml, k->events, &s);
        if (n != k->want || (k->want && strcmp(k->seen, s.events) != 0))
            fail_msg("%s\n%s\n%u matches, events %s; wanted %u, %s", k->yaml, k->events, n, s.events, k->want, k->seen);
    }
}

/* Events that are made to be slow: when they have cost too much, the rule rests. */
static void a_sample_cannot_stall(void **state)
{
    struct sigma_rules *r;
    struct seen s = {0};
    char slow[400];
    (void)state;
    memset(slow, 'a', sizeof(slow));
    slow[sizeof(slow) - 1] = '!';
    r = rules_of("title: t\n" LS "detection: {s: {A|re: '^(a+)+$'}, condition: s}\n---\n"
                 "title: u\n" LS "detection: {s: {A|endswith: 'aa'}, condition: s}\n",
                 &s);
    for (unsigned bound = 0; bound < 2; bound++) {
        struct sigma_source source = {.category = STR_LIT("test")};
        struct sigma_options o = {.lost_ms_max = bound};
        struct sigma_stats stats;
        struct sigma_engine *g;
        s = (struct seen){0};
        assert_int_equal(sigma_engine_new(r, &o, seen_match, &s, &g), 0);
        for (unsigned i = 0; i <= 50; i++) {
            struct str text = i < 50 ? (struct str){slow, sizeof(slow)} : STR_LIT("aaa");
            struct sigma_field f = {sigma_engine_name(g, STR_LIT("A")), {.kind = SIGMA_TEXT, .text = text}};
            struct sigma_event ev = {.time_ns = -1, .nsources = 1, .fields = &f, .nfields = 1};
            assert_int_equal(sigma_engine_source(g, &source, &ev.sources[0]), 0);
            assert_int_equal(sigma_engine_event(g, &ev), 0);
        }
        sigma_engine_stats(g, &stats);
        assert_int_equal(stats.over_budget, bound ? 51 : 50);
        assert_int_equal(s.matches, bound ? 1 : 2);
        sigma_engine_free(&g);
    }
    sigma_rules_free(&r);
}

/* Many groups, many events: bounded, and said. */
static void windows_are_bounded(void **state)
{
    struct seen s = {0};
    struct sigma_stats stats;
    struct sigma_engine *g;
    struct sigma_rules *r = rules_of(
        BASE("a", "x") COR("event_count", "rules: [a], group-by: [U], timespan: 1d, condition: {gte: 3}") "---\n" COR(
            "event_count", "rules: [a], timespan: 1d, condition: {eq: 7}"),
        &s);
    struct sigma_source source = {.category = STR_LIT("test")};
    (void)state;
    assert_int_equal(sigma_engine_new(r, NULL, seen_match, &s, &g), 0);
    for (uint64_t i = 0; i < 100000; i++) {
        char user[32];
        int n = snprintf(user, sizeof(user), "user%llu", (unsigned long long)i);
        struct sigma_field f[] = {
            {sigma_engine_name(g, STR_LIT("A")), {.kind = SIGMA_TEXT, .text = STR_LIT("x")}},
            {sigma_engine_name(g, STR_LIT("u")), {.kind = SIGMA_TEXT, .text = {user, (size_t)n}}}};
        struct sigma_event ev = {.index = i, .time_ns = (int64_t)i, .nsources = 1, .fields = f, .nfields = 2};
        assert_int_equal(sigma_engine_source(g, &source, &ev.sources[0]), 0);
        assert_int_equal(sigma_engine_event(g, &ev), 0);
    }
    assert_int_equal(sigma_engine_finish(g), 0);
    sigma_engine_stats(g, &stats);
    assert_true(stats.evicted >= 30000);
    assert_int_equal(stats.events, 100000);
    assert_int_equal(s.matches, 0);
    sigma_engine_free(&g);
    sigma_rules_free(&r);
}

/* Correlations of correlations: a long row is refused at its end, and one event cannot multiply for ever. */
static void chains_are_bounded(void **state)
{
    enum { ROW = 2000, STEPS = 20 };
    struct seen s = {0};
    struct buf b;
    (void)state;
    for (unsigned reversed = 0; reversed < 2; reversed++) {
        buf_init(&b, 16u << 20);
        for (unsigned i = 1; i <= ROW; i++) {
            unsigned n = reversed ? ROW + 1 - i : i;
            buf_addf(
                &b,
                "title: c\nname: c%u\ncorrelation: {type: event_count, rules: [c%u], timespan: 5m, condition: {gte: "
                "1}}\n---\n",
                n, n - 1);
        }
        buf_addz(&b, "title: t\nname: c0\n" LS "detection: {s: {A: x}, condition: s}\n");
        s = (struct seen){0};
        struct sigma_rules *r = rules_of(buf_z(&b), &s);
        assert_int_equal(sigma_rules_count(r), 1 + 64);
        assert_int_equal(s.problems, ROW - 64);
        play_events(r, false, "[{A: x}]", &s);
        assert_int_equal(s.matches, 1);
        sigma_rules_free(&r);
        buf_free(&b);
    }
    buf_init(&b, 16u << 20);
    buf_addz(&b, "title: t\nname: c0\n" LS "detection: {s: {A: x}, condition: s}\n");
    for (unsigned i = 1; i <= STEPS; i++)
        buf_addf(
            &b,
            "---\ntitle: c\nname: c%u\ncorrelation: {type: event_count, rules: [c%u, c%u, c%u, c%u], timespan: 5m, "
            "condition: {gte: 1}}\n",
            i, i - 1, i - 1, i - 1, i - 1);
    s = (struct seen){0};
    struct sigma_rules *r = rules_of(buf_z(&b), &s);
    assert_int_equal(s.problems, 0);
    play_events(r, false, "[{A: x}, {A: x}]", &s); /* 4^20 matches, if nobody counted */
    assert_true(s.matches > 0);
    sigma_rules_free(&r);
    buf_free(&b);
}

/* Filters that are put into every rule: more than can be are told, and the rules work. */
static void filters_are_bounded(void **state)
{
    struct seen s = {0};
    struct buf b;
    (void)state;
    buf_init(&b, 16u << 20);
    for (unsigned i = 0; i < 300; i++)
        buf_addf(&b, "title: t\nname: c%u\n" LS "detection: {s: {A: x}, condition: s}\n---\n", i);
    for (unsigned i = 0; i < 1100; i++)
        buf_addf(&b, "title: f\n" LS "filter: {rules: any, s: {B: y%u}, condition: not s}\n---\n", i);
    struct sigma_rules *r = rules_of(buf_z(&b), &s);
    assert_int_equal(s.problems, 1100 - 1024 + 1);
    assert_non_null(strstr(s.problem, "more than 200000 times"));
    play_events(r, false, "[{A: x}, {A: x, B: y1}]", &s);
    assert_int_equal(s.matches, 300);
    sigma_rules_free(&r);
    buf_free(&b);
}

static void tests_inside_rules(void **state)
{
    static const struct {
        const char *yaml;
        unsigned run, failed;
    } rows[] = {
        {"title: t\n" LS DET "tests: {match: [{A: abc}, {A: [x, ABC]}], nomatch: [{A: x}, {B: abc}]}\n", 4, 0},
        {"title: t\n" LS DET "tests: {match: [{A: x}], nomatch: [{A: abc}]}\n", 2, 2},
        {BASE("a", "x") "title: c\ncorrelation: {type: event_count, rules: [a], timespan: 5s, condition: {gte: 2}}\n"
                        "tests: {match: [[{time: 0, A: x}, {time: 1, A: x}]], nomatch: [[{time: 0, A: x}, {time: 9, A: "
                        "x}]]}\n",
         2, 0},
        {"title: a\nname: a\n" LS DET
         "tests: {match: [{A: abc}]}\n---\ntitle: c\ncorrelation: {type: event_count, rules: [a],"
         " timespan: 5s, condition: {gte: 2}}\n",
         1, 0},
        {"title: t\n" LS DET "tests: {match: [{A: {x: y}}]}\n", 1, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct seen s = {0};
        unsigned run, failed;
        struct sigma_rules *r = rules_of(rows[i].yaml, &s);
        assert_int_equal(s.problems, 0);
        assert_int_equal(sigma_rules_test(r, &run, &failed, seen_problem, &s), 0);
        if (run != rows[i].run || failed != rows[i].failed || s.problems != failed)
            fail_msg("%s: %u run, %u failed (%s)", rows[i].yaml, run, failed, s.problem);
        sigma_rules_free(&r);
    }
}

/* A regular expression that never ends gives the rule up: neither it nor "not it" matches. */
static void a_rule_cannot_stall(void **state)
{
    struct seen s = {0};
    struct sigma_stats stats;
    struct sigma_engine *g;
    struct sigma_rules *r = rules_of("title: t\n" LS "detection: {s: {A|re: '^(a+)+$'}, condition: s}\n---\n"
                                     "title: u\n" LS "detection: {s: {A|re: '^(a+)+$'}, condition: not s}\n",
                                     &s);
    struct sigma_source source = {.category = STR_LIT("test")};
    char text[400];
    (void)state;
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '!';
    assert_int_equal(sigma_engine_new(r, NULL, seen_match, &s, &g), 0);
    struct sigma_field f = {sigma_engine_name(g, STR_LIT("A")), {.kind = SIGMA_TEXT, .text = {text, sizeof(text)}}};
    struct sigma_event ev = {.time_ns = -1, .nsources = 1, .fields = &f, .nfields = 1};
    assert_int_equal(sigma_engine_source(g, &source, &ev.sources[0]), 0);
    assert_false(sigma_engine_source_idle(g, ev.sources[0]));
    assert_int_equal(sigma_engine_event(g, &ev), 0);
    sigma_engine_stats(g, &stats);
    assert_int_equal(s.matches, 0);
    assert_int_equal(stats.over_budget, 2);
    source.category = STR_LIT("other");
    assert_int_equal(sigma_engine_source(g, &source, &ev.sources[0]), 0);
    assert_true(sigma_engine_source_idle(g, ev.sources[0]));
    sigma_engine_free(&g);
    sigma_rules_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_documents),
        cmocka_unit_test(what_a_list_shows),
        cmocka_unit_test(good_beside_bad),
        cmocka_unit_test(log_sources),
        cmocka_unit_test(filters),
        cmocka_unit_test(placeholders),
        cmocka_unit_test(correlations),
        cmocka_unit_test(tests_inside_rules),
        cmocka_unit_test(a_rule_cannot_stall),
        cmocka_unit_test(a_sample_cannot_stall),
        cmocka_unit_test(windows_are_bounded),
        cmocka_unit_test(filters_are_bounded),
        cmocka_unit_test(chains_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
