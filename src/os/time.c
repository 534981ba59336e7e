/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "os/time.h"

#include "base/err.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#define NS_PER_S 1000000000ll

static uint64_t clock_ns(clockid_t id)
{
    struct timespec ts;

    if (clock_gettime(id, &ts) < 0)
        return 0;
    return (uint64_t)ts.tv_sec * (uint64_t)NS_PER_S + (uint64_t)ts.tv_nsec;
}

uint64_t time_monotonic_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

uint64_t time_boot_ns(void)
{
    return clock_ns(CLOCK_BOOTTIME);
}

int64_t time_real_ns(void)
{
    return (int64_t)clock_ns(CLOCK_REALTIME);
}

/* Days since 1970-01-01 to a date of the Gregorian calendar, without the time zone files that gmtime may open in a
 * jail. */
static void civil_from_days(int64_t z, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day)
{
    z += 719468; /* to 0000-03-01 */
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    unsigned doe = (unsigned)(z - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;

    *ret_day = doy - (153 * mp + 2) / 5 + 1;
    *ret_month = mp < 10 ? mp + 3 : mp - 9;
    *ret_year = (int64_t)yoe + era * 400 + (*ret_month <= 2);
}

static int64_t days_from_civil(int64_t y, unsigned m, unsigned d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    unsigned yoe = (unsigned)(y - era * 400);
    unsigned doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
    unsigned doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

    return era * 146097 + (int64_t)doe - 719468;
}

struct parts {
    int64_t year;
    unsigned month, day, hour, minute, second, nano;
};

static struct parts split(int64_t ns)
{
    struct parts p;
    int64_t s = ns / NS_PER_S, rest = ns % NS_PER_S;

    if (rest < 0) {
        rest += NS_PER_S;
        s--;
    }
    int64_t days = s / 86400, in_day = s % 86400;
    if (in_day < 0) {
        in_day += 86400;
        days--;
    }
    civil_from_days(days, &p.year, &p.month, &p.day);
    p.hour = (unsigned)(in_day / 3600);
    p.minute = (unsigned)(in_day / 60 % 60);
    p.second = (unsigned)(in_day % 60);
    p.nano = (unsigned)rest;
    return p;
}

void time_format(int64_t real_ns, unsigned digits, char ret[TIME_TEXT_MAX])
{
    struct parts p = split(real_ns);
    int n = snprintf(ret, TIME_TEXT_MAX, "%04lld-%02u-%02uT%02u:%02u:%02u", (long long)p.year, p.month, p.day, p.hour,
                     p.minute, p.second);

    if (n < 0 || n >= TIME_TEXT_MAX)
        return;
    size_t left = TIME_TEXT_MAX - (size_t)n;
    if (digits >= 9)
        snprintf(ret + n, left, ".%09uZ", p.nano);
    else if (digits >= 6)
        snprintf(ret + n, left, ".%06uZ", p.nano / 1000);
    else if (digits >= 3)
        snprintf(ret + n, left, ".%03uZ", p.nano / 1000000);
    else
        snprintf(ret + n, left, "Z");
}

void time_format_compact(int64_t real_ns, char ret[TIME_TEXT_MAX])
{
    struct parts p = split(real_ns);

    snprintf(ret, TIME_TEXT_MAX, "%04lld%02u%02u-%02u%02u%02u", (long long)p.year, p.month, p.day, p.hour, p.minute,
             p.second);
}

/* Exactly n digits at *s; moves on. */
static bool digits_take(const char **s, unsigned n, unsigned *ret)
{
    unsigned v = 0;

    for (unsigned i = 0; i < n; i++, (*s)++) {
        if (**s < '0' || **s > '9')
            return false;
        v = v * 10 + (unsigned)(**s - '0');
    }
    *ret = v;
    return true;
}

static bool char_take(const char **s, char c)
{
    if (**s != c)
        return false;
    (*s)++;
    return true;
}

static bool zone_take(const char **s, int64_t *ret_seconds)
{
    unsigned h, m;
    char sign = **s;

    if (sign == 'Z' || sign == 'z') {
        (*s)++;
        *ret_seconds = 0;
        return true;
    }
    if (sign != '+' && sign != '-')
        return false;
    (*s)++;
    if (!digits_take(s, 2, &h) || !char_take(s, ':') || !digits_take(s, 2, &m) || h > 23 || m > 59)
        return false;
    *ret_seconds = (int64_t)(h * 3600 + m * 60) * (sign == '-' ? -1 : 1);
    return true;
}

int time_parse(const char *text, int64_t *ret_ns)
{
    const char *s = text;
    struct parts p = {0};
    unsigned year;
    int64_t zone, seconds;

    if (!digits_take(&s, 4, &year) || !char_take(&s, '-') || !digits_take(&s, 2, &p.month) || !char_take(&s, '-') ||
        !digits_take(&s, 2, &p.day) || (*s != 'T' && *s != 't' && *s != ' '))
        return ERR_FORMAT;
    s++;
    if (!digits_take(&s, 2, &p.hour) || !char_take(&s, ':') || !digits_take(&s, 2, &p.minute) || !char_take(&s, ':') ||
        !digits_take(&s, 2, &p.second))
        return ERR_FORMAT;
    if (p.month < 1 || p.month > 12 || p.day < 1 || p.day > 31 || p.hour > 23 || p.minute > 59 || p.second > 59)
        return ERR_FORMAT;
    if (*s == '.') {
        unsigned scale = 100000000;
        for (s++; *s >= '0' && *s <= '9'; s++, scale /= 10)
            p.nano += (unsigned)(*s - '0') * scale;
    }
    if (!zone_take(&s, &zone) || *s)
        return ERR_FORMAT;
    seconds = days_from_civil(year, p.month, p.day) * 86400 + p.hour * 3600 + p.minute * 60 + p.second - zone;
    int64_t y;
    unsigned m, d;
    civil_from_days(days_from_civil(year, p.month, p.day), &y, &m, &d);
    if (m != p.month || d != p.day) /* the 31st of a month without one */
        return ERR_FORMAT;
    if (__builtin_mul_overflow(seconds, NS_PER_S, ret_ns) || __builtin_add_overflow(*ret_ns, p.nano, ret_ns))
        return ERR_FORMAT;
    return 0;
}
