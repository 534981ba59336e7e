/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/attack.h"
#include "detect/ruletexts.h"
#include "detect/score.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define PERSISTENCE "Persistence and Installation Behavior"
#define DISCOVERY "Language, Device and Operating System Detection"

struct made {
    const char *rule, *category;
    enum severity severity;
    unsigned points;
};

static const struct score_facts fine = {.started = true,
                                        .channel_intact = true,
                                        .machine_alive = true,
                                        .events = 1000,
                                        .ran_ns = 60000000000,
                                        .planned_ns = 60000000000,
                                        .ended_by_itself = true,
                                        .network_simulated = true};

static void make(struct findings *f, const struct made *m, size_t n)
{
    findings_init(f);
    for (size_t i = 0; i < n && m[i].rule; i++) {
        struct finding *x = findings_add(f);
        assert_non_null(x);
        x->rule = str_from(m[i].rule);
        x->title = STR_LIT("Does something bad");
        x->category = str_from(m[i].category);
        x->severity = m[i].severity;
        x->points = m[i].points;
        x->classes[CLASS_TROJAN] = 4;
        x->count = 1;
        x->nevidence = 1;
        x->evidence[0].source = 1;
        x->evidence[0].seq = i;
        x->evidence[0].time_ns = 12400000000;
    }
}

static struct verdict judge(const struct made *m, size_t n, const struct score_facts *facts)
{
    struct findings f;
    struct verdict v;
    make(&f, m, n);
    assert_int_equal(score_judge(&f, facts, &v, NULL), 0);
    unsigned sum = 0;
    assert_int_equal(v.nparts, f.count);
    for (size_t i = 0; i < v.nparts; i++)
        sum += v.parts[i].points;
    assert_int_equal(sum, v.score); /* every point has its finding */
    findings_free(&f);
    return v;
}

static void points_add_up_to_a_verdict(void **state)
{
    static const struct {
        const char *name;
        struct made m[8];
        enum verdict_word word;
        unsigned score;
    } t[] = {
        {"nothing", {{0}}, VERDICT_CLEAN, 0},
        {"one medium", {{"a", PERSISTENCE, SEVERITY_MEDIUM, 20}}, VERDICT_CLEAN, 20},
        {"two medium",
         {{"a", PERSISTENCE, SEVERITY_MEDIUM, 20}, {"b", "Networking", SEVERITY_MEDIUM, 20}},
         VERDICT_SUSPICIOUS,
         40},
        {"the same rule counts once",
         {{"a", PERSISTENCE, SEVERITY_MEDIUM, 20}, {"a", PERSISTENCE, SEVERITY_MEDIUM, 20}},
         VERDICT_CLEAN,
         20},
        {"category cap",
         {{"a", PERSISTENCE, SEVERITY_HIGH, 40}, {"b", PERSISTENCE, SEVERITY_HIGH, 40}},
         VERDICT_SUSPICIOUS,
         45},
        {"two categories",
         {{"a", PERSISTENCE, SEVERITY_HIGH, 40}, {"b", "Spreading", SEVERITY_HIGH, 40}},
         VERDICT_MALICIOUS,
         80},
        {"one high is suspicious", {{"a", "Networking", SEVERITY_HIGH, 10}}, VERDICT_SUSPICIOUS, 30},
        {"many weak",
         {{"a", "Networking", SEVERITY_LOW, 10},
          {"b", "Spreading", SEVERITY_LOW, 10},
          {"c", "Exploits", SEVERITY_LOW, 10},
          {"d", "Boot Survival", SEVERITY_INFO, 10}},
         VERDICT_CLEAN,
         25},
        {"discovery is capped",
         {{"a", DISCOVERY, SEVERITY_MEDIUM, 12}, {"b", DISCOVERY, SEVERITY_INFO, 3}},
         VERDICT_CLEAN,
         8},
        {"the end of the scale",
         {{"a", PERSISTENCE, SEVERITY_HIGH, 45},
          {"b", "Spreading", SEVERITY_HIGH, 60},
          {"c", "Bitcoin Miner", SEVERITY_HIGH, 65}},
         VERDICT_MALICIOUS,
         100},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct verdict v = judge(t[i].m, 8, &fine);
        if (v.word != t[i].word || v.score != t[i].score)
            fail_msg("%s: %s, %u", t[i].name, verdict_name(v.word), v.score);
        assert_true(v.confidence >= 1 && v.reason[0] && v.confidence_reason[0]);
        verdict_clear(&v);
    }
}

static void an_honest_verdict_can_be_unknown(void **state)
{
    struct made weak[1] = {{"a", "Networking", SEVERITY_LOW, 5}};
    struct made strong[2] = {{"a", "Networking", SEVERITY_HIGH, 30}, {"b", "Spreading", SEVERITY_HIGH, 50}};
    struct score_facts f[] = {fine, fine, fine, fine, fine, fine};
    const size_t n = sizeof(f) / sizeof(f[0]);
    (void)state;
    f[0].started = false;
    f[0].not_started_because = "it is a program for Windows";
    f[1].crashed = true;
    f[2].lost = 100;
    f[3].events = 0;
    f[4].channel_intact = false;
    f[5].machine_alive = false;
    for (size_t i = 0; i < n; i++) {
        struct verdict v = judge(weak, 1, &f[i]);
        assert_int_equal(v.word, VERDICT_UNKNOWN);
        assert_non_null(v.unknown_because);
        assert_non_null(strstr(v.reason, v.unknown_because));
        assert_true(v.confidence <= 1);
        verdict_clear(&v);
        v = judge(strong, 2, &f[i]);
        /* What was seen was seen; only a sample that never started says nothing. */
        assert_int_equal(v.word, i == 0 ? VERDICT_UNKNOWN : VERDICT_MALICIOUS);
        assert_true(v.confidence < 5);
        verdict_clear(&v);
    }
    struct verdict v = judge(weak, 1, &fine);
    assert_int_equal(v.word, VERDICT_CLEAN);
    assert_int_equal(v.confidence, 5);
    verdict_clear(&v);
}

static void advice_names_its_evidence(void **state)
{
    struct made sleep[1] = {{"linux.evasion.long-sleep", "Malware Analysis System Evasion", SEVERITY_LOW, 5}};
    struct score_facts f = fine;
    (void)state;
    struct verdict v = judge(sleep, 1, &fine);
    assert_int_equal(v.nadvice, 1);
    assert_non_null(strstr(v.advice[0].text, "longer time"));
    assert_non_null(strstr(v.advice[0].text, "Does something bad"));
    assert_non_null(strstr(v.advice[0].text, "+12.4 s"));
    assert_int_equal(v.advice[0].finding, 0);
    assert_int_equal(v.advice[0].nevents, 1);
    verdict_clear(&v);
    f.ran_ns = 200000000;
    f.events = 40;
    v = judge(sleep, 0, &f);
    assert_int_equal(v.nadvice, 1);
    assert_non_null(strstr(v.advice[0].text, "arguments"));
    verdict_clear(&v);
    f = fine;
    f.started = false;
    f.not_started_because = "no interpreter";
    v = judge(sleep, 0, &f);
    assert_non_null(strstr(v.advice[0].text, "no interpreter"));
    verdict_clear(&v);
}

static void reasons_name_the_strongest(void **state)
{
    struct findings f;
    struct verdict v;
    struct made m[3] = {{"weak", "Networking", SEVERITY_LOW, 5},
                        {"cron", PERSISTENCE, SEVERITY_MEDIUM, 25},
                        {"shell", "Remote Access Functionality", SEVERITY_HIGH, 60}};
    (void)state;
    make(&f, m, 3);
    f.items[0].title = STR_LIT("Downloads with curl");
    f.items[1].title = STR_LIT("Writes to the cron file /etc/cron.d/\x1b[31mx");
    f.items[2].title = STR_LIT("Gives a shell to the network");
    assert_int_equal(score_judge(&f, &fine, &v, NULL), 0);
    assert_string_equal(v.reason, "Malicious: gives a shell to the network, writes to the cron file "
                                  "/etc/cron.d/?[31mx, downloads with curl");
    assert_int_equal(v.classes[CLASS_TROJAN], 6);
    verdict_clear(&v);
    findings_free(&f);
}

static void long_titles_fit(void **state)
{
    static char text[2000];
    struct findings f;
    struct verdict v;
    struct made m[3] = {{"a", PERSISTENCE, SEVERITY_HIGH, 40},
                        {"b", "Spreading", SEVERITY_HIGH, 40},
                        {"c", "Exploits", SEVERITY_HIGH, 40}};
    (void)state;
    memset(text, 0xc3, sizeof(text)); /* not valid UTF-8 either */
    make(&f, m, 3);
    for (int i = 0; i < 3; i++)
        f.items[i].title = (struct str){text, sizeof(text)};
    assert_int_equal(score_judge(&f, &fine, &v, NULL), 0);
    assert_true(strlen(v.reason) < sizeof(v.reason));
    verdict_clear(&v);
    findings_free(&f);
}

static void names_of_attack(void **state)
{
    const struct attack_technique *t = attack_technique(STR_LIT("T1053.003"));
    (void)state;
    assert_non_null(t);
    assert_string_equal(t->name, "Cron");
    assert_string_equal(t->parent, "T1053");
    assert_non_null(strstr(t->tactics, "persistence"));
    assert_string_equal(attack_technique(STR_LIT("T1002"))->id, "T1560"); /* revoked */
    assert_null(attack_technique(STR_LIT("T9999")));
    assert_null(attack_technique(STR_LIT("")));
    assert_null(attack_technique(STR_LIT("T1053.003 and much more text")));
    assert_string_equal(attack_tactic_at(0)->id, "TA0043");
    assert_string_equal(attack_tactic_at(7)->name, "Defense Impairment");
    assert_string_equal(attack_tactic_at(14)->shortname, "impact");
    assert_null(attack_tactic_at(15));
    assert_string_equal(attack_version(), "19");
    /* As rules write them, and as they were called before. */
    assert_string_equal(attack_technique(STR_LIT("t1086"))->id, "T1059.001");
    assert_string_equal(attack_tactic_named(STR_LIT("defense-evasion"))->name, "Stealth");
    assert_string_equal(attack_tactic_named(STR_LIT("defense_evasion"))->id, "TA0005");
    assert_string_equal(attack_tactic_named(STR_LIT("Command and Control"))->shortname, "command-and-control");
    assert_string_equal(attack_tactic_named(STR_LIT("ta0040"))->shortname, "impact");
    assert_null(attack_tactic_named(STR_LIT("s0002")));
    assert_null(attack_tactic_named(STR_NONE));
    /* Every technique stands in the matrix of its domain, and every old id leads to one that is alive. */
    t = attack_technique(STR_LIT("T1401"));
    assert_string_equal(t->id, "T1626.001");
    assert_int_equal(t->domain, ATTACK_MOBILE);
    assert_string_equal(attack_version_in(ATTACK_MOBILE), "18.1");
    assert_string_equal(attack_tactic_in(ATTACK_MOBILE, 11)->name, "Impact");
    assert_null(attack_tactic_in(ATTACK_MOBILE, 12));
}

static void findings_have_a_cap(void **state)
{
    struct findings f;
    (void)state;
    findings_init(&f);
    for (size_t i = 0; i < FINDINGS_MAX; i++)
        assert_non_null(findings_add(&f));
    assert_null(findings_add(&f));
    findings_free(&f);
    assert_int_equal(finding_category_find(STR_LIT("Networking")), 9);
    assert_true(finding_category_find(STR_LIT("networking")) < 0);
    assert_null(finding_category_at(26));
    assert_string_equal(threat_class_name(CLASS_TROJAN), "Trojan/Bot");
    assert_string_equal(severity_name(SEVERITY_HIGH), "high");
}

/* ---- one thing that several rules saw ---------------------------------------------------------------------------- */

struct sight {
    const char *rule, *attack; /* ids with blanks between */
    unsigned points;
    uint64_t seq;
    uint32_t proc;
};

static void look(struct findings *f, const struct sight *t, size_t n)
{
    static const char *const categories[] = {"Networking", "Spreading", "Exploits"};
    findings_init(f);
    for (size_t i = 0; i < n && t[i].rule; i++) {
        struct finding *x = findings_add(f);
        struct str rest = str_from(t[i].attack), id;
        x->rule = str_from(t[i].rule);
        x->title = STR_LIT("Does something bad");
        x->category = str_from(categories[i]);
        x->severity = SEVERITY_MEDIUM;
        x->points = t[i].points;
        x->classes[CLASS_TROJAN] = 4;
        while (*t[i].attack && str_split(&rest, ' ', &id))
            x->attack[x->nattack++] = id;
        x->nevidence = 1;
        x->evidence[0] = (struct evidence){.source = 1, .seq = t[i].seq, .proc = t[i].proc};
    }
}

static void what_several_rules_saw_is_paid_once(void **state)
{
    static const struct {
        const char *name;
        struct sight s[3];
        unsigned score;
    } t[] = {
        {"two engines, one event", {{"a", "T1053.003", 20, 5, 1}, {"sigma:x", "T1053.003", 10, 5, 1}}, 20},
        {"the higher one counts", {{"a", "T1053.003", 10, 5, 1}, {"sigma:x", "T1053.003", 25, 5, 1}}, 25},
        {"one process is enough", {{"a", "T1053.003", 20, 5, 7}, {"sigma:x", "T1053.003", 10, 6, 7}}, 20},
        {"a part of the technique", {{"a", "T1053.003", 20, 5, 1}, {"sigma:x", "T1053", 10, 5, 1}}, 20},
        {"another part of it", {{"a", "T1053.003", 20, 5, 1}, {"sigma:x", "T1053.005", 10, 5, 1}}, 30},
        {"an old id", {{"a", "T1560", 20, 5, 1}, {"sigma:x", "T1002", 10, 5, 1}}, 20},
        {"another technique", {{"a", "T1053.003", 20, 5, 1}, {"sigma:x", "T1105", 10, 5, 1}}, 30},
        {"another process", {{"a", "T1053.003", 20, 5, 1}, {"sigma:x", "T1053.003", 10, 6, 2}}, 30},
        {"no process", {{"a", "T1053.003", 20, 5, 0}, {"sigma:x", "T1053.003", 10, 6, 0}}, 30},
        {"without techniques", {{"a", "", 20, 5, 1}, {"sigma:x", "", 10, 5, 1}}, 30},
        {"two behaviour rules", {{"a", "T1053.003", 20, 5, 1}, {"b", "T1053.003", 10, 5, 1}}, 30},
        {"two sigma rules, one event", {{"sigma:x", "T1105", 10, 5, 1}, {"sigma:y", "T1105", 10, 5, 1}}, 10},
        {"two sigma rules, two events", {{"sigma:x", "T1105", 10, 5, 1}, {"sigma:y", "T1105", 10, 6, 1}}, 20},
        {"one upload", {{"a", "T1041", 20, 5, 1}, {"b", "T1048 T1567", 18, 6, 1}, {"c", "T1048.003", 9, 5, 0}}, 20},
        {"two uploads", {{"a", "T1041", 20, 5, 1}, {"b", "T1048", 18, 6, 2}}, 38},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct findings f;
        struct verdict v;
        unsigned sum = 0, same = 0;
        look(&f, t[i].s, 3);
        assert_int_equal(score_judge(&f, &fine, &v, NULL), 0);
        for (size_t k = 0; k < v.nparts; k++) {
            sum += v.parts[k].points;
            if (v.parts[k].same_as == SCORE_NONE)
                continue;
            same++;
            assert_int_equal(v.parts[k].points, 0);
            assert_non_null(v.parts[k].note);
            assert_true(v.parts[k].same_as < f.count && v.parts[k].same_as != v.parts[k].finding);
        }
        if (v.score != t[i].score || sum != v.score)
            fail_msg("%s: %u", t[i].name, v.score);
        assert_int_equal(v.classes[CLASS_TROJAN], f.count - same > 1 ? 5 : 4);
        verdict_clear(&v);
        findings_free(&f);
    }
}

static void threats_have_names(void **state)
{
    struct made m[2] = {{"linux.impact.miner", "Bitcoin Miner", SEVERITY_HIGH, 50},
                        {"yara:miners/x", "Networking", SEVERITY_HIGH, 20}};
    struct findings f;
    struct verdict v;
    (void)state;
    make(&f, m, 2);
    f.items[1].threat = STR_LIT("XMRig\x1b");
    assert_int_equal(score_judge(&f, &fine, &v, NULL), 0);
    assert_string_equal(v.threat_name, "XMRig?");
    assert_int_equal(v.threat_finding, 1);
    assert_int_equal(v.high, 2);
    verdict_clear(&v);
    f.items[1].threat = STR_NONE;
    assert_int_equal(score_judge(&f, &fine, &v, NULL), 0);
    assert_string_equal(v.threat_name, "Generic Trojan/Bot");
    assert_int_equal(v.threat_finding, SCORE_NONE);
    verdict_clear(&v);
    f.count = 1;
    f.items[0].severity = SEVERITY_LOW;
    f.items[0].threat = STR_LIT("XMRig");
    assert_int_equal(score_judge(&f, &fine, &v, NULL), 0);
    assert_string_equal(v.threat_name, ""); /* what is clean has no name */
    verdict_clear(&v);
    findings_free(&f);
}

#define HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void list_parse(const char *text, struct buf *bytes, struct allowlist *a)
{
    buf_init(bytes, 1 << 20);
    ruletexts_add(bytes, &(struct ruletext){RULETEXT_NONE, 100, STR_LIT("house.list"), str_from(text)});
    assert_int_equal(allowlist_parse(buf_str(bytes), a, NULL), 0);
}

static void the_allow_list_shows_itself(void **state)
{
    struct made strong[2] = {{"a", "Networking", SEVERITY_HIGH, 30}, {"b", "Spreading", SEVERITY_HIGH, 50}};
    struct score_facts facts = fine;
    struct allowlist a;
    struct buf bytes;
    (void)state;
    list_parse("# ours\nsha256:" HASH "   backup tool\npath:/opt/agent/*\n", &bytes, &a);
    facts.allow = &a;
    struct verdict v = judge(strong, 2, &facts);
    assert_int_equal(v.word, VERDICT_MALICIOUS);
    assert_false(v.allowed);
    verdict_clear(&v);
    facts.sha256 = STR_LIT(HASH);
    v = judge(strong, 2, &facts);
    assert_true(v.allowed);
    assert_int_equal(v.word, VERDICT_CLEAN);
    assert_int_equal(v.score, 0);
    assert_int_equal(v.word_without, VERDICT_MALICIOUS);
    assert_int_equal(v.score_without, 80);
    assert_int_equal(v.nparts, 2); /* the findings are still shown */
    assert_non_null(strstr(v.reason, "on the allow-list"));
    assert_non_null(strstr(v.reason, "house.list:2: backup tool"));
    verdict_clear(&v);
    facts.sha256 = STR_NONE;
    facts.path = STR_LIT("/opt/agent/bin/agent");
    facts.started = false;
    v = judge(strong, 0, &facts);
    assert_int_equal(v.word, VERDICT_CLEAN);
    assert_int_equal(v.word_without, VERDICT_UNKNOWN);
    verdict_clear(&v);
    allowlist_free(&a);
    buf_free(&bytes);
}

static void lines_of_the_allow_list(void **state)
{
    static const struct {
        const char *line, *sha256, *path;
        bool good, hit;
    } t[] = {
        {HASH, HASH, "", true, true},
        {"SHA256: E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855 # x", HASH, "", true, true},
        {HASH, "", "", true, false},
        {"path:/usr/bin/*", "", "/usr/bin/ls", true, true},
        {"path:/usr/bin/*", "", "/usr/sbin/ls", true, false},
        {"path:\"/opt/my tool\" ours", "", "/opt/my tool", true, true},
        {"path:/usr/bin/*", "", "", true, false},
        {"path:*", "", "/x", false, false},
        {"path:/*", "", "/x", false, false},
        {"path:", "", "/x", false, false},
        {"path:\"/x", "", "/x", false, false},
        {"path:relative", "", "relative", false, false},
        {"sha256:abc", "abc", "", false, false},
        {"hello", "hello", "hello", false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct allowlist a;
        struct buf bytes;
        list_parse(t[i].line, &bytes, &a);
        bool hit = allowlist_find(&a, str_from(t[i].sha256), str_from(t[i].path)) != NULL;
        if (hit != t[i].hit || (a.problems == 0) != t[i].good)
            fail_msg("%s: %d %u %s", t[i].line, hit, a.problems, a.problem);
        if (!t[i].good)
            assert_non_null(strstr(a.problem, "house.list:1: "));
        allowlist_free(&a);
        buf_free(&bytes);
    }
}

static void advice_follows_from_the_run(void **state)
{
    struct score_hint hint = {
        .event = {.source = 2, .seq = 9, .time_ns = 41200000000}, .text = "10 minutes\n", .count = 1};
    struct score_facts s = fine;
    struct verdict v;
    (void)state;
    s.ended_by_itself = false;
    s.slept = hint;
    v = judge(NULL, 0, &s);
    assert_int_equal(v.nadvice, 1);
    assert_string_equal(v.advice[0].text,
                        "It slept to the end (10 minutes?, begun at +41.2 s): run it again for longer");
    assert_int_equal(v.advice[0].events[0].seq, 9);
    verdict_clear(&v);
    s = fine;
    s.silent = hint;
    v = judge(NULL, 0, &s);
    assert_non_null(strstr(v.advice[0].text, "No answer of the simulated internet"));
    assert_int_equal(v.advice[0].nevents, 1);
    verdict_clear(&v);
    s = fine;
    s.captured = hint;
    v = judge(NULL, 0, &s);
    assert_non_null(strstr(v.advice[0].text, "Submit the program"));
    verdict_clear(&v);
    /* Rules of other engines are known by their techniques. */
    struct findings f;
    look(&f, (struct sight[]){{"sigma:x", "T1497.001", 5, 1, 1}, {"b", "T1497.001", 5, 2, 2}}, 2);
    assert_int_equal(score_judge(&f, &fine, &v, NULL), 0);
    assert_int_equal(v.nadvice, 1);
    assert_int_equal(v.advice[0].finding, 0);
    verdict_clear(&v);
    findings_free(&f);
}

static void points_of_other_engines(void **state)
{
    (void)state;
    assert_int_equal(score_sigma_points(STR_LIT("critical")), 40);
    assert_int_equal(score_sigma_points(STR_LIT("High")), 25);
    assert_int_equal(score_sigma_points(STR_LIT("informational")), 0);
    assert_int_equal(score_sigma_points(STR_LIT("?")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_add_up_to_a_verdict),
        cmocka_unit_test(an_honest_verdict_can_be_unknown),
        cmocka_unit_test(advice_names_its_evidence),
        cmocka_unit_test(reasons_name_the_strongest),
        cmocka_unit_test(long_titles_fit),
        cmocka_unit_test(what_several_rules_saw_is_paid_once),
        cmocka_unit_test(threats_have_names),
        cmocka_unit_test(the_allow_list_shows_itself),
        cmocka_unit_test(lines_of_the_allow_list),
        cmocka_unit_test(advice_follows_from_the_run),
        cmocka_unit_test(points_of_other_engines),
        cmocka_unit_test(names_of_attack),
        cmocka_unit_test(findings_have_a_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
