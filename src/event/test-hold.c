/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "event/hold.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Events as text: "11:519" is kind and process. */
struct seen {
    char text[256];
    size_t count;
    char last[64];
};

static void see(void *context, const struct event *ev)
{
    struct seen *s = context;
    size_t n = strlen(s->text);

    s->count++;
    if (n < sizeof(s->text) - 20)
        snprintf(s->text + n, sizeof(s->text) - n, "%u:%u ", ev->kind, ev->pid);
    snprintf(s->last, sizeof(s->last), "%.*s", STR_ARG(event_s(ev, 0)));
}

static struct event event(uint16_t kind, uint32_t pid, char *text)
{
    struct event ev = {.kind = kind, .pid = pid, .count = 1};
    ev.f[0].s = str_from(text);
    return ev;
}

static void test_order(void **state)
{
    static const struct {
        const char *about;
        struct {
            uint16_t kind;
            uint32_t pid;
        } in[6];
        const char *out;
    } cases[] = {
        {"the agent speaks first", {{1, 519}, {11, 519}}, "1:519 11:519 "},
        {"the tracer speaks first",
         {{11, 518}, {52, 519}, {11, 519}, {1, 519}, {12, 519}},
         "11:518 1:519 52:519 11:519 12:519 "},
        {"nothing of the sample yet", {{11, 518}, {3, 7}, {1, 519}}, "11:518 3:7 1:519 "},
        {"no sample at all", {{11, 518}, {11, 600}}, "11:518 11:600 "},
        {"a second word of the agent", {{1, 519}, {11, 519}, {1, 520}}, "1:519 11:519 1:520 "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct event_hold h;
        struct seen s = {.count = 0};

        event_hold_begin(&h);
        for (size_t k = 0; k < 6 && cases[i].in[k].kind; k++) {
            struct event ev = event(cases[i].in[k].kind, cases[i].in[k].pid, NULL);
            event_hold_event(&h, &ev, see, &s);
        }
        event_hold_end(&h, see, &s);
        if (strcmp(s.text, cases[i].out) != 0)
            fail_msg("%s: %s", cases[i].about, s.text);
        event_hold_free(&h);
    }
}

/* Texts are borrowed from the giver, who overwrites them. */
static void test_texts_are_copied(void **state)
{
    struct event_hold h;
    struct seen s = {.count = 0};
    char text[] = "sh -c id";
    struct event ev = event(EVENT_PROCESS_EXEC, 7, text);

    (void)state;
    event_hold_begin(&h);
    event_hold_event(&h, &ev, see, &s);
    memset(text, 'x', sizeof(text) - 1);
    assert_int_equal(s.count, 0);
    event_hold_end(&h, see, &s);
    assert_string_equal(s.last, "sh -c id");
}

/* A guest that floods us before it says who the sample is: all comes through, in order. */
static void test_limits(void **state)
{
    static char big[60000];
    struct event_hold h;
    struct seen s = {.count = 0};
    struct event ev;

    (void)state;
    event_hold_begin(&h);
    for (unsigned i = 0; i < EVENT_HOLD_MAX + 5; i++) {
        ev = event(EVENT_FILE_READ, i, NULL);
        event_hold_event(&h, &ev, see, &s);
    }
    assert_int_equal(s.count, EVENT_HOLD_MAX + 5);
    assert_false(h.active);
    event_hold_free(&h);

    memset(big, 'a', sizeof(big) - 1);
    s = (struct seen){.count = 0};
    event_hold_begin(&h);
    for (unsigned i = 0; i < 200; i++) {
        ev = event(EVENT_FILE_READ, i, big);
        event_hold_event(&h, &ev, see, &s);
    }
    event_hold_end(&h, see, &s);
    assert_int_equal(s.count, 200);
    event_hold_free(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_texts_are_copied),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
