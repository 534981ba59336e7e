/* SPDX-License-Identifier: GPL-3.0-or-later */
/* yara.json as findings. */
#include "case/yara-findings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define HIT(id, rest) "{\"id\":\"" id "\"," rest "}"
#define ARTEFACT(kind, name, hits)                                                                                     \
    "{\"kind\":\"" kind "\",\"name\":\"" name "\",\"sha256\":\"" name "\",\"hits\":[" hits "]}"
#define MINER                                                                                                          \
    HIT("yara:miners/Pool",                                                                                            \
        "\"severity\":\"high\",\"points\":45,\"category\":\"Bitcoin Miner\",\"attack\":[\"T1496\"],"                   \
        "\"classes\":{\"Miner\":8,\"Nobody\":3},\"description\":\"A \\u003cpool\\u003e\","                             \
        "\"malware\":\"Xmr\",\"strings\":[{\"id\":\"$a\",\"offset\":16},{\"id\":\"$b\",\"offset\":99}]")

static void rules_become_findings(void **state)
{
    static const char text[] = "{\"artefacts\":[" ARTEFACT("sample", "a.sh", MINER) "," ARTEFACT(
        "dropped", "0123456789abcdef",
        MINER "," HIT("yara:x/Plain", "\"severity\":\"low\",\"points\":4")) "," ARTEFACT("memory", "fedcba9876543210",
                                                                                         "") "]}";
    struct findings f;
    struct err e = {0};
    (void)state;
    findings_init(&f);
    if (yara_findings(str_from(text), NULL, &f, &e) < 0)
        fail_msg("%s", e.text);
    assert_int_equal(f.count, 2);
    const struct finding *a = &f.items[0], *b = &f.items[1];
    assert_true(str_eqz(a->rule, "yara:miners/Pool"));
    assert_true(str_eqz(a->title, "The sample and 1 more match the YARA rule Pool: A <pool>"));
    assert_true(str_eqz(a->category, "Bitcoin Miner") && str_eqz(a->threat, "Xmr"));
    assert_int_equal(a->severity, SEVERITY_HIGH);
    assert_int_equal(a->points, 45);
    assert_int_equal(a->nattack, 1);
    assert_int_equal(a->classes[CLASS_MINER], 8);
    assert_int_equal(a->count, 2);
    assert_int_equal(a->nartefacts, 4);
    assert_string_equal(a->artefacts[0].kind, "sample");
    assert_true(str_eqz(a->artefacts[0].string, "$a") && a->artefacts[0].offset == 16);
    assert_true(str_eqz(a->artefacts[2].name, "file 0123456789ab"));
    assert_true(str_eqz(b->title, "file 0123456789ab matches the YARA rule Plain"));
    assert_int_equal(b->nartefacts, 1); /* a condition without strings */
    assert_true(str_eqz(b->category, "AV Detection"));
    findings_free(&f);
}

static void odd_texts_are_endured(void **state)
{
    static const struct {
        const char *text;
        bool good;
        size_t count;
    } cases[] = {
        {"", true, 0},
        {"{}", true, 0},
        {"{", false, 0},
        {"[]", false, 0},
        {"{\"artefacts\":5}", true, 0},
        {"{\"artefacts\":[5,null,{\"kind\":\"sample\",\"hits\":[7,{}]}]}", true, 1},
        {"{\"artefacts\":[{\"kind\":\"odd\",\"hits\":[{\"id\":\"x\"}]}]}", true, 0},
        {"{\"artefacts\":[{\"kind\":\"traffic\",\"hits\":[{\"id\":\"x\",\"points\":-5,\"severity\":\"?\",\"attack\":[1,"
         "\"T9\"],"
         "\"classes\":{\"Miner\":99},\"strings\":[{}]}]}]}",
         true, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct findings f;
        struct err e = {0};
        findings_init(&f);
        int x = yara_findings(str_from(cases[i].text), NULL, &f, &e);
        if ((x == 0) != cases[i].good || f.count != cases[i].count)
            fail_msg("case %zu: %d, %zu, %s", i, x, f.count, e.text);
        for (size_t k = 0; k < f.count; k++)
            assert_true(f.items[k].points <= 100 && f.items[k].classes[CLASS_MINER] <= 10);
        findings_free(&f);
    }
}

static void places_are_capped(void **state)
{
    struct findings f;
    struct err e = {0};
    struct buf b;
    (void)state;
    buf_init(&b, 1u << 20);
    buf_addz(&b, "{\"artefacts\":[");
    for (unsigned i = 0; i < 50; i++)
        buf_addf(&b, "%s" ARTEFACT("dropped", "%064u", MINER), i ? "," : "", i, i);
    buf_addz(&b, "]}");
    findings_init(&f);
    assert_int_equal(yara_findings(buf_str(&b), NULL, &f, &e), 0);
    assert_int_equal(f.count, 1);
    assert_int_equal(f.items[0].nartefacts, FINDING_ARTEFACTS_MAX);
    assert_int_equal(f.items[0].count, 50);
    findings_free(&f);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_become_findings),
        cmocka_unit_test(odd_texts_are_endured),
        cmocka_unit_test(places_are_capped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
