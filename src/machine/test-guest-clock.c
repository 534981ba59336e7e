/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/guest-clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define MS INT64_C(1000000)
#define SECOND (1000 * MS)
#define BEGIN (10000 * SECOND)

/* A guest that was booted long before the host's clock began, or after it, and runs a little fast or slow. */
struct world {
    const char *about;
    int64_t offset; /* host - guest at BEGIN */
    int64_t ppm;
    int64_t there, back; /* what a frame takes */
    unsigned late_every; /* each n-th frame comes 700 ms late; 0: none */
    int64_t error_max;
};

static const struct world worlds[] = {
    {"the same clock", 0, 0, MS, MS, 0, 1100000},
    {"behind, equal ways", 5000 * SECOND, 0, 2 * MS, 2 * MS, 0, 2100000},
    {"ahead: snapshot older than the host's boot", -90000 * SECOND, 0, MS, 3 * MS, 0, 2100000},
    {"slow answers", 20 * SECOND, 0, 40 * MS, MS, 0, 21 * MS},
    {"many late frames", 20 * SECOND, 0, MS, MS, 2, 1100000},
    {"fast guest", 20 * SECOND, -300, MS, MS, 5, 8 * MS},
    {"slow guest", 20 * SECOND, 300, MS, MS, 0, 8 * MS},
};

static int64_t guest_of(const struct world *w, int64_t host)
{
    return host - w->offset - (host - BEGIN) / 1000000 * w->ppm;
}

static void test_worlds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(worlds) / sizeof(*worlds); i++) {
        const struct world *w = &worlds[i];
        struct guest_clock c = {0};
        int64_t last = INT64_MIN, seen;
        unsigned frames = 0;

        assert_false(guest_clock_at(&c, BEGIN, &seen));
        for (int64_t host = BEGIN; host < BEGIN + 100 * SECOND; host += 100 * MS) {
            int64_t late = w->late_every && ++frames % w->late_every == 0 ? 700 * MS : 0;
            guest_clock_heard(&c, (uint64_t)guest_of(w, host), (uint64_t)(host + w->back + late));
            if (host % (2 * SECOND) == 0) {
                int64_t stamp = guest_of(w, host + w->there);
                guest_clock_heard(&c, (uint64_t)stamp, (uint64_t)(host + w->there + w->back));
                guest_clock_answered(&c, (uint64_t)host, (uint64_t)stamp, (uint64_t)(host + w->there + w->back));
            }
            assert_true(guest_clock_at(&c, (uint64_t)host, &seen));
            int64_t off = seen - guest_of(w, host);
            if (off > w->error_max || off < -w->error_max)
                fail_msg("%s: off by %lld ns at %lld ms", w->about, (long long)off, (long long)(host / MS));
            assert_true(seen >= last);
            last = seen;
        }
        assert_int_equal(c.doubted, 0);
        assert_true(c.worst_ns <= (uint64_t)w->error_max);
        assert_true(c.worst_ns > 0);
    }
}

/* A guest that lies about its time later moves nothing by more than a drift could. */
static void test_liar(void **state)
{
    static const uint64_t lies[] = {1, 10 * SECOND, 90 * SECOND, 500 * SECOND, UINT64_MAX, UINT64_C(1) << 63, 0};
    struct guest_clock c = {0};
    int64_t seen;

    (void)state;
    for (int64_t host = 100 * SECOND; host < 103 * SECOND; host += SECOND) {
        guest_clock_heard(&c, (uint64_t)host, (uint64_t)(host + MS));
        guest_clock_answered(&c, (uint64_t)(host - MS), (uint64_t)host, (uint64_t)(host + MS));
    }
    for (int64_t host = 103 * SECOND; host < 150 * SECOND; host += SECOND)
        for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
            guest_clock_heard(&c, lies[i], (uint64_t)host);
            guest_clock_answered(&c, (uint64_t)host, lies[i], (uint64_t)host);
            assert_true(guest_clock_at(&c, (uint64_t)host, &seen));
            assert_true(llabs(seen - host) < 2 * SECOND);
        }
    assert_true(c.doubted > 100);
}

static void test_one_side(void **state)
{
    struct guest_clock c = {0};
    int64_t seen;

    (void)state;
    guest_clock_heard(&c, 5, 100);
    assert_false(guest_clock_at(&c, 100, &seen));
    guest_clock_heard(&c, 0, 0);
    guest_clock_answered(&c, 0, 0, 0);
    assert_false(guest_clock_at(&c, UINT64_MAX, &seen));
    guest_clock_answered(&c, 90, 5, 100);
    assert_true(guest_clock_at(&c, 200, &seen));
    assert_int_equal(seen, 110);
    assert_false(guest_clock_at(&c, UINT64_MAX, &seen));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_worlds),
        cmocka_unit_test(test_liar),
        cmocka_unit_test(test_one_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
