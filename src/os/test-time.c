/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "os/time.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define S 1000000000ll

static void test_format(void **state)
{
    static const struct {
        int64_t ns;
        unsigned digits;
        const char *text;
    } cases[] = {
        {0, 0, "1970-01-01T00:00:00Z"},
        {-1, 9, "1969-12-31T23:59:59.999999999Z"},
        {951782400 * S + 123456789, 3, "2000-02-29T00:00:00.123Z"},
        {951782400 * S + 999999999, 6, "2000-02-29T00:00:00.999999Z"},
        {1714979289 * S, 9, "2024-05-06T07:08:09.000000000Z"},
        {INT64_MAX, 0, "2262-04-11T23:47:16Z"},
        {INT64_MIN, 0, "1677-09-21T00:12:43Z"},
    };
    char text[TIME_TEXT_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        time_format(cases[i].ns, cases[i].digits, text);
        assert_string_equal(text, cases[i].text);
    }
    time_format_compact(1714979289 * S, text);
    assert_string_equal(text, "20240506-070809");
}

/* Against the C library over 1000 years of odd steps. */
static void test_agrees_with_gmtime(void **state)
{
    char mine[TIME_TEXT_MAX], theirs[TIME_TEXT_MAX];
    (void)state;
    for (int64_t s = -9000000000ll; s < 9000000000ll; s += 86399 * 97 + 13) {
        time_t t = (time_t)s;
        struct tm tm;
        gmtime_r(&t, &tm);
        strftime(theirs, sizeof(theirs), "%Y-%m-%dT%H:%M:%SZ", &tm);
        time_format(s * S, 0, mine);
        assert_string_equal(mine, theirs);
        int64_t back;
        assert_int_equal(time_parse(mine, &back), 0);
        assert_true(back == s * S);
    }
}

static void test_parse(void **state)
{
    static const struct {
        const char *text;
        int result;
        int64_t ns;
    } cases[] = {
        {"2024-05-06T07:08:09Z", 0, 1714979289 * S},
        {"2024-05-06T09:08:09+02:00", 0, 1714979289 * S},
        {"2024-05-06 05:38:09.5-01:30", 0, 1714979289 * S + S / 2},
        {"2024-05-06T07:08:09.1234567891Z", 0, 1714979289 * S + 123456789},
        {"2024-02-30T07:08:09Z", ERR_FORMAT, 0},
        {"2023-02-29T00:00:00Z", ERR_FORMAT, 0},
        {"2024-13-01T00:00:00Z", ERR_FORMAT, 0},
        {"2024-05-06T24:08:09Z", ERR_FORMAT, 0},
        {"2024-05-06T07:08:09", ERR_FORMAT, 0},
        {"2024-05-06T07:08:09Zx", ERR_FORMAT, 0},
        {"9999-01-01T00:00:00Z", ERR_FORMAT, 0}, /* beyond 64 bits of nanoseconds */
        {"", ERR_FORMAT, 0},
        {"2024", ERR_FORMAT, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t ns = 0;
        int r = time_parse(cases[i].text, &ns);
        if (r != cases[i].result || (r == 0 && ns != cases[i].ns))
            fail_msg("%s: %d, %lld", cases[i].text, r, (long long)ns);
    }
}

static void test_clocks(void **state)
{
    uint64_t a = time_monotonic_ns();
    (void)state;
    usleep(2000);
    assert_in_range(time_monotonic_ns() - a, 2000000, 5000000000ull);
    assert_true(time_boot_ns() >= a);
    assert_true(time_real_ns() > 1700000000 * S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_agrees_with_gmtime),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_clocks),
    };
    return cmocka_run_group_tests_name("time", tests, NULL, NULL);
}
