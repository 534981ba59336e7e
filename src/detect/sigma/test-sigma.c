/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rule, event, expected: each modifier and each form of the grammar, with the index and without it. */
#include "detect/sigma/sigma-test-util.h"

#define HEAD "title: t\nlogsource: {category: test}\ndetection: "

struct row {
    const char *detection; /* YAML */
    const char *event;     /* YAML */
    const char *want;      /* "yes", "no", or a part of why the rule is refused */
};

static const struct row rows[] = {
#include "detect/sigma/test-sigma-rows.h"
};

static void rows_play(const struct row *rows_of, size_t n)
{
    char yaml[8192], events[8192];
    for (size_t i = 0; i < n; i++) {
        const struct row *row = &rows_of[i];
        struct seen s = {0};
        snprintf(yaml, sizeof(yaml), HEAD "%s\n", row->detection);
        snprintf(events, sizeof(events), "[%s]", row->event ? row->event : "");
        struct sigma_rules *r = rules_of(yaml, &s);
        if (s.problems) {
            if (!strstr(s.problem, row->want))
                fail_msg("%s\n refused: %s\n wanted: %s", row->detection, s.problem, row->want);
            assert_int_equal(sigma_rules_count(r), 0);
            sigma_rules_free(&r);
            continue;
        }
        for (unsigned off = 0; off < 2; off++) {
            s = (struct seen){0};
            play_events(r, off == 1, events, &s);
            if (s.matches > 1 || strcmp(row->want, s.matches ? "yes" : "no") != 0)
                fail_msg("%s\n on %s\n index %s: %u matches, wanted %s", row->detection, row->event, off ? "off" : "on",
                         s.matches, row->want);
        }
        sigma_rules_free(&r);
    }
}

static void every_modifier_and_form(void **state)
{
    (void)state;
    assert_true(sizeof(rows) / sizeof(rows[0]) >= 250);
    rows_play(rows, sizeof(rows) / sizeof(rows[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_modifier_and_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
