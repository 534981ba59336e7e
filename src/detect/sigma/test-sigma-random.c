/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Made-up rules and events by the thousand: the index must never change what
 * matches. Damaged regular expressions: refused or harmless. All of SigmaHQ:
 * loads, and judges the same with and without the index (BELLJAR_SIGMAHQ).
 */
#include "detect/sigma/sigma-archive.h"
#include "detect/sigma/sigma-test-util.h"

#include <time.h>

#define ROUNDS 300
#define RULES 12
#define EVENTS 24

static uint64_t state = 88172645463325252u;

static uint32_t rnd(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 20) % below;
}

/* Few letters, so that things meet. */
static void word_add(struct buf *b, unsigned max, bool wild)
{
    static const char *const parts[] = {"a",        "b",        "A", "c",  "/",    " -a",  "-b",
                                        "\xc3\xa4", "\xc3\x84", ".", "x1", "abcd", "cdab", "é"};
    static const char *const wilds[] = {"*", "?", "\\*", "\\\\", "\\"};
    unsigned n = rnd(max + 1);
    for (unsigned i = 0; i < n; i++)
        buf_addz(b, wild && rnd(5) == 0 ? wilds[rnd(5)] : parts[rnd(14)]);
}

static void value_add(struct buf *b, bool wild)
{
    buf_addz(b, "'");
    word_add(b, 6, wild);
    buf_addz(b, "'");
}

static void field_add(struct buf *b)
{
    static const char *const modifiers[] = {"",
                                            "",
                                            "|contains",
                                            "|startswith",
                                            "|endswith",
                                            "|contains",
                                            "|contains|all",
                                            "|cased",
                                            "|contains|cased",
                                            "|endswith|cased",
                                            "|windash|contains",
                                            "|neq",
                                            "|base64offset|contains",
                                            "|re",
                                            "|re|i",
                                            "|exists",
                                            "|fieldref",
                                            "|gt",
                                            "|fieldref|startswith"};
    static const char *const regexes[] = {"ab",        "a.c",     "[ab]c", "^a",         "c$",
                                          "abcd|cdab", "(a|b)x1", "a+b?c", "abc[a-c]{2}"};
    const char *mod = modifiers[rnd(19)];
    buf_addf(b, "%c%s: ", "ABCD"[rnd(4)], mod);
    if (strstr(mod, "|re"))
        buf_addf(b, "'%s'", regexes[rnd(9)]);
    else if (strcmp(mod, "|exists") == 0)
        buf_addz(b, rnd(2) ? "true" : "false");
    else if (strcmp(mod, "|gt") == 0)
        buf_addf(b, "%u", rnd(5));
    else if (strstr(mod, "|fieldref"))
        buf_addf(b, "%c", "ABCD"[rnd(4)]);
    else if (mod[0] == '\0' && rnd(8) == 0)
        buf_addz(b, "null");
    else if (rnd(2))
        value_add(b, !strstr(mod, "base64"));
    else {
        buf_addz(b, "[");
        for (unsigned i = 0, n = 1 + rnd(4); i < n; i++) {
            buf_addz(b, i ? ", " : "");
            value_add(b, !strstr(mod, "base64"));
        }
        buf_addz(b, "]");
    }
}

static void selection_add(struct buf *b)
{
    switch (rnd(6)) {
    case 0: /* keywords */
        buf_addz(b, "['k");
        word_add(b, 3, true);
        buf_addz(b, "', 'ab']");
        break;
    case 1: /* list of maps */
        buf_addz(b, "[{");
        field_add(b);
        buf_addz(b, "}, {");
        field_add(b);
        buf_addz(b, "}]");
        break;
    default:
        buf_addz(b, "{");
        field_add(b);
        buf_addz(b, "}");
        break;
    }
}

static void rule_add(struct buf *b, unsigned n)
{
    static const char *const conditions[] = {"s1",
                                             "s1 and s2",
                                             "s1 or s2",
                                             "s1 and not s2",
                                             "not s1",
                                             "1 of s*",
                                             "all of s*",
                                             "2 of s*",
                                             "s1 and not 1 of f*",
                                             "(s1 or f1) and (s2 or not s3)",
                                             "not (s1 and s2) and s3",
                                             "s1 and (s2 or s3) and not f1",
                                             "[s1, s2 and f1]"};
    buf_addf(b, "---\ntitle: r%u\nlogsource: {category: %s}\ndetection:\n", n, rnd(4) ? "test" : "other");
    for (unsigned i = 1; i < 5; i++) {
        char name[4] = {i < 4 ? 's' : 'f', i < 4 ? (char)('0' + i) : '1', '\0'};
        buf_addf(b, "  %s: ", name);
        selection_add(b);
        buf_addz(b, "\n");
    }
    buf_addf(b, "  condition: %s\n", conditions[rnd(13)]);
}

static void event_add(struct buf *b)
{
    buf_addf(b, "- {'@category': %s", rnd(4) ? "test" : "other");
    for (unsigned f = 0; f < 4; f++) {
        unsigned dice = rnd(8);
        if (dice == 0)
            continue;
        buf_addf(b, ", %c: ", "ABCD"[f]);
        if (dice == 1)
            buf_addf(b, "%u", rnd(6));
        else if (dice == 2)
            buf_addz(b, "null");
        else if (dice == 3) {
            buf_addz(b, "[");
            value_add(b, false);
            buf_addz(b, ", ");
            value_add(b, false);
            buf_addz(b, "]");
        } else
            value_add(b, false);
    }
    if (rnd(6) == 0) {
        buf_addz(b, ", '@raw': ");
        value_add(b, false);
    }
    buf_addz(b, "}\n");
}

static void the_index_changes_nothing(void **context)
{
    struct buf rules, events;
    uint64_t good = 0, hits = 0;
    (void)context;
    buf_init(&rules, 1 << 20);
    buf_init(&events, 1 << 20);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct seen bad = {0}, on = {0}, off = {0};
        buf_clear(&rules);
        buf_clear(&events);
        for (unsigned i = 0; i < RULES; i++)
            rule_add(&rules, i);
        for (unsigned i = 0; i < EVENTS; i++)
            event_add(&events);
        buf_add(&rules, "", 1);
        buf_add(&events, "", 1);
        struct sigma_rules *r = rules_of(buf_str(&rules).p, &bad);
        good += sigma_rules_count(r);
        play_events(r, false, buf_str(&events).p, &on);
        play_events(r, true, buf_str(&events).p, &off);
        if (on.matches != off.matches || on.hash != off.hash)
            fail_msg("round %u: %u matches with the index, %u without\n%s\n%s", round, on.matches, off.matches,
                     buf_str(&rules).p, buf_str(&events).p);
        hits += on.matches;
        sigma_rules_free(&r);
    }
    /* Enough of both, else the test tests nothing. */
    assert_true(good > ROUNDS * RULES / 2);
    assert_true(hits > ROUNDS);
    buf_free(&rules);
    buf_free(&events);
}

static void damaged_regular_expressions(void **context)
{
    static const char *const seeds[] = {
        "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==)?$", "(?i)cmd(\\.exe)?\\s+/c\\s+(start|echo)\\b.{0,40}",
        "\\\\x[0-9a-f]{2}|%[0-9A-F]{2}|\\p{L}+", "((a+)+)+$", "[[:alpha:]]{1,3}(?=x)(?!y)(?<=z)w*?"};
    static const char marks[] = "()[]{}*+?|\\^$.-,0a\xc3";
    unsigned refused = 0, taken = 0;
    (void)context;
    for (unsigned i = 0; i < 2000; i++) {
        char re[128], yaml[512];
        struct seen s = {0};
        snprintf(re, sizeof(re), "%s", seeds[i % 5]);
        for (unsigned k = 0, n = rnd(4); k < n; k++)
            re[rnd((uint32_t)strlen(re))] = marks[rnd(sizeof(marks) - 1)];
        re[1 + rnd((uint32_t)strlen(re))] = '\0';
        int n = snprintf(yaml, sizeof(yaml),
                         "title: t\nlogsource: {category: test}\ndetection:\n  s:\n    A|re: \"%s\"\n  condition: s\n",
                         "R");
        /* The expression takes the place of R, in YAML's double quotes. */
        struct buf b;
        buf_init(&b, 4096);
        for (int k = 0; k < n; k++) {
            if (yaml[k] != 'R') {
                buf_add(&b, &yaml[k], 1);
                continue;
            }
            for (const char *p = re; *p; p++) {
                if (*p == '\\' || *p == '"')
                    buf_addz(&b, "\\");
                buf_add(&b, p, 1);
            }
        }
        buf_add(&b, "", 1);
        struct sigma_rules *r = rules_of(buf_str(&b).p, &s);
        refused += s.problems;
        taken += sigma_rules_count(r) > 0;
        struct seen on = {0}, off = {0};
        static const char events[] =
            "[{A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!}, {A: 'cmd.exe  /c start x'}, {A: YWJjZA==}, {A: '%41\\x41'}]";
        play_events(r, false, events, &on);
        play_events(r, true, events, &off);
        if (on.hash != off.hash)
            fail_msg("the index changes what '%s' matches", re);
        sigma_rules_free(&r);
        buf_free(&b);
    }
    if (refused < 100 || taken < 300)
        fail_msg("%u refused, %u taken", refused, taken);
}

/* ---- SigmaHQ ------------------------------------------------------------------------------------------------- */

static void first_problem(void *context, const char *file, unsigned line, const char *reason)
{
    unsigned *n = context;
    if ((*n)++ < 10)
        print_message("%s:%u: %s\n", file, line, reason);
}

static const char *const hq_fields[] = {"Image",        "CommandLine",    "ParentImage", "OriginalFileName",
                                        "TargetObject", "TargetFilename", "EventID",     "ScriptBlockText",
                                        "c-uri"};
static const char *const hq_words[] = {"powershell.exe", "\\cmd.exe",
                                       " -enc ",         "C:\\Windows\\System32\\",
                                       "whoami",         "\\Temp\\",
                                       "rundll32",       ".dll",
                                       " /c ",           "4688",
                                       "http://",        "mimikatz",
                                       "reg add",        "\\CurrentVersion\\Run",
                                       "Invoke-",        "schtasks",
                                       "/create",        "wget"};

static void hq_event(struct sigma_engine *g, uint32_t source, uint64_t index)
{
    char texts[9][200];
    struct sigma_field fields[9];
    struct sigma_event ev = {.index = index, .time_ns = (int64_t)index, .nsources = 1, .fields = fields};
    ev.sources[0] = source;
    for (unsigned i = 0; i < 9; i++) {
        int n = 0;
        for (unsigned k = 0; k < 4; k++)
            n += snprintf(texts[i] + n, sizeof(texts[i]) - (size_t)n, "%s", hq_words[rnd(18)]);
        fields[i] = (struct sigma_field){sigma_engine_name(g, str_from(hq_fields[i])),
                                         {.kind = SIGMA_TEXT, .text = {texts[i], (size_t)n}}};
    }
    ev.nfields = 9;
    assert_int_equal(sigma_engine_event(g, &ev), 0);
}

static void all_of_sigmahq(void **context)
{
    static const char *const categories[] = {"process_creation", "registry_set", "file_event", "ps_script"};
    const char *path = getenv("BELLJAR_SIGMAHQ");
    struct sigma_rules *r;
    struct err e = {0};
    unsigned problems = 0;
    struct seen seen[2] = {0};
    (void)context;
    if (!path || !*path) {
        print_message("BELLJAR_SIGMAHQ is not set: nothing to load\n");
        skip();
    }
    assert_int_equal(sigma_rules_new(&r), 0);
    int n = sigma_archive_load(r, path, first_problem, &problems, &e);
    if (n < 0)
        fail_msg("%s", e.text);
    assert_int_equal(sigma_rules_compile(r, first_problem, &problems, &e), 0);
    print_message("%d rules, %u refused\n", n, problems);
    assert_int_equal(problems, 0);
    assert_true(n >= 3000 && (size_t)n == sigma_rules_count(r));
    unsigned inert = 0;
    struct sigma_rule_info info;
    for (size_t i = 0; sigma_rules_at(r, i, &info); i++)
        inert += info.inert;
    assert_true(inert > 0 && inert < 100);
    for (unsigned off = 0; off < 2; off++) {
        struct sigma_options o = {.no_index = off};
        struct sigma_engine *g;
        assert_int_equal(sigma_engine_new(r, &o, seen_match, &seen[off], &g), 0);
        state = 4711;
        for (unsigned i = 0; i < 200; i++) {
            struct sigma_source s = {STR_LIT("windows"), str_from(categories[i % 4]), STR_NONE};
            uint32_t source;
            assert_int_equal(sigma_engine_source(g, &s, &source), 0);
            hq_event(g, source, i);
        }
        sigma_engine_free(&g);
    }
    assert_true(seen[0].matches > 100);
    assert_int_equal(seen[0].matches, seen[1].matches);
    assert_true(seen[0].hash == seen[1].hash);
    sigma_rules_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_index_changes_nothing),
        cmocka_unit_test(damaged_regular_expressions),
        cmocka_unit_test(all_of_sigmahq),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
