/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/attack.h"
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
    assert_non_null(strstr(v.advice[0], "longer time"));
    assert_non_null(strstr(v.advice[0], "Does something bad"));
    assert_non_null(strstr(v.advice[0], "+12.4 s"));
    verdict_clear(&v);
    f.ran_ns = 200000000;
    f.events = 40;
    v = judge(sleep, 0, &f);
    assert_int_equal(v.nadvice, 1);
    assert_non_null(strstr(v.advice[0], "arguments"));
    verdict_clear(&v);
    f = fine;
    f.started = false;
    f.not_started_because = "no interpreter";
    v = judge(sleep, 0, &f);
    assert_non_null(strstr(v.advice[0], "no interpreter"));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_add_up_to_a_verdict),
        cmocka_unit_test(an_honest_verdict_can_be_unknown),
        cmocka_unit_test(advice_names_its_evidence),
        cmocka_unit_test(reasons_name_the_strongest),
        cmocka_unit_test(long_titles_fit),
        cmocka_unit_test(names_of_attack),
        cmocka_unit_test(findings_have_a_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
