/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "case/judge-facts.h"
#include "case/judge-hints.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct proc sample = {.n = 3, .pid = 100, .lineage = PROC_SAMPLE};
static struct proc guest = {.n = 4, .pid = 7, .lineage = PROC_SYSTEM};

static void see(struct judge_hints *h, uint16_t kind, const struct proc *p, double seconds, uint64_t seq,
                void (*fill)(struct event *ev))
{
    struct event ev = {.kind = kind,
                       .source = EVENT_SOURCE_TRACER,
                       .count = (uint8_t)event_kind_info(kind)->count,
                       .seq = seq,
                       .time_ns = (int64_t)(seconds * 1e9),
                       .pid = p->pid};
    if (fill)
        fill(&ev);
    judge_hints_event(h, &ev, p);
}

static void sleep_long(struct event *ev)
{
    ev->f[EVF_TIME_SLEEP_Duration].u = 600000000000;
}
static void sleep_short(struct event *ev)
{
    ev->f[EVF_TIME_SLEEP_Duration].u = 2000000000;
}
static void sleep_for_ever(struct event *ev)
{
    ev->f[EVF_TIME_SLEEP_Duration].u = UINT64_MAX;
}
static void traffic(struct event *ev, const char *ip, uint64_t port, uint64_t sent, uint64_t received)
{
    ev->f[EVF_NET_TRAFFIC_Protocol].s = STR_LIT("tcp");
    ev->f[EVF_NET_TRAFFIC_DestinationIp].s = str_from(ip);
    ev->f[EVF_NET_TRAFFIC_DestinationPort].u = port;
    ev->f[EVF_NET_TRAFFIC_BytesSent].u = sent;
    ev->f[EVF_NET_TRAFFIC_BytesReceived].u = received;
}
static void unanswered(struct event *ev)
{
    traffic(ev, "203.0.113.9", 4444, 12, 0);
}
static void answered(struct event *ev)
{
    traffic(ev, "203.0.113.9", 80, 12, 100);
}
static void to_itself(struct event *ev)
{
    traffic(ev, "127.0.0.1", 4444, 12, 0);
}
static void captured(struct event *ev)
{
    ev->f[EVF_FILE_CAPTURED_TargetFilename].s = STR_LIT("/tmp/x");
    ev->f[EVF_FILE_CAPTURED_Reason].s = STR_LIT("close");
}

static struct score_facts finish(const struct judge_hints *h, double ran)
{
    struct score_facts s = {.ran_ns = (int64_t)(ran * 1e9)};
    judge_hints_finish(h, &s);
    return s;
}

static void sleeps_to_the_end(void **state)
{
    struct judge_hints h = {0};
    (void)state;
    see(&h, EVENT_TIME_SLEEP, &sample, 1, 1, sleep_short);
    assert_int_equal(finish(&h, 3).slept.event.source, 0);
    see(&h, EVENT_TIME_SLEEP, &guest, 1, 2, sleep_long);
    assert_int_equal(finish(&h, 60).slept.event.source, 0);
    see(&h, EVENT_TIME_SLEEP, &sample, 5, 3, sleep_long);
    assert_int_equal(finish(&h, 60).slept.event.seq, 3);
    assert_string_equal(finish(&h, 60).slept.text, "for 10 minutes");
    assert_int_equal(finish(&h, 700).slept.event.source, 0); /* it woke up again */
    see(&h, EVENT_TIME_SLEEP, &sample, 6, 4, sleep_for_ever);
    assert_string_equal(finish(&h, 700).slept.text, "without an end");
}

static void nothing_answered(void **state)
{
    struct judge_hints h = {0};
    (void)state;
    see(&h, EVENT_NET_TRAFFIC, &sample, 1, 1, answered);
    see(&h, EVENT_NET_TRAFFIC, &sample, 1, 2, to_itself);
    see(&h, EVENT_NET_TRAFFIC, &guest, 1, 3, unanswered);
    assert_int_equal(finish(&h, 9).silent.count, 0);
    see(&h, EVENT_NET_TRAFFIC, &sample, 2, 4, unanswered);
    see(&h, EVENT_NET_TRAFFIC, &sample, 3, 5, unanswered);
    struct score_facts s = finish(&h, 9);
    assert_int_equal(s.silent.event.seq, 4);
    assert_int_equal(s.silent.count, 2);
    assert_string_equal(s.silent.text, "203.0.113.9 port 4444 (tcp)");
}

static void what_it_made_and_started(void **state)
{
    struct judge_hints h = {0};
    struct proc child = {.n = 5, .pid = 101, .lineage = PROC_SAMPLE, .image = STR_LIT("/tmp/y")};
    (void)state;
    see(&h, EVENT_FILE_CAPTURED, &sample, 1, 1, captured);
    see(&h, EVENT_PROCESS_EXEC, &child, 2, 2, NULL);
    assert_int_equal(finish(&h, 9).captured.count, 0);
    child.image = STR_LIT("/tmp/x");
    see(&h, EVENT_PROCESS_EXEC, &child, 3, 3, NULL);
    see(&h, EVENT_PROCESS_EXEC, &child, 4, 4, NULL);
    struct score_facts s = finish(&h, 9);
    assert_int_equal(s.captured.count, 1);
    assert_int_equal(s.captured.event.seq, 1);
    assert_string_equal(s.captured.text, "/tmp/x");
    see(&h, EVENT_RUN_SAMPLE, &sample, 5, 8, NULL);
    see(&h, EVENT_PROCESS_EXIT, &child, 5, 8, NULL);
    see(&h, EVENT_PROCESS_EXIT, &sample, 5, 9, NULL);
    assert_int_equal(finish(&h, 9).ended.event.seq, 9);
    for (unsigned i = 0; i < 2 * JUDGE_CAPTURES_MAX; i++)
        see(&h, EVENT_FILE_CAPTURED, &sample, 6, 10 + i, captured);
    assert_int_equal(h.ncaptures, JUDGE_CAPTURES_MAX);
}

/* To have ended means that nothing of the sample is left; a program that leaves a child behind has not. */
static void what_ended(void **state)
{
    static const struct {
        const char *run;
        bool ended;
    } rows[] = {
        {"{\"started\":true,\"sample_ended\":true,\"ended\":\"all-exited\"}", true},
        {"{\"started\":true,\"sample_ended\":true,\"ended\":\"time\"}", false},
        {"{\"started\":true,\"sample_ended\":true}", false},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct judge_facts f = {0};
        struct err e = {0};
        if (judge_facts_read(&f, STR_LIT("{}"), STR_LIT("{}"), str_from(rows[i].run), &e) < 0)
            fail_msg("row %zu: %s", i, e.text);
        assert_int_equal(f.score.ended_by_itself, rows[i].ended);
        judge_facts_clear(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sleeps_to_the_end),
        cmocka_unit_test(nothing_answered),
        cmocka_unit_test(what_it_made_and_started),
        cmocka_unit_test(what_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
