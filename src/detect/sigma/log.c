/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/sigma/log-private.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

void log_trouble(struct sigma_log *l, uint64_t line, uint64_t offset, const char *text)
{
    if (l->o.trouble)
        l->o.trouble(l->o.context, l->index, line, offset, text);
}

void log_add(struct sigma_log *l, struct str name, struct sigma_value v)
{
    if (l->nvalues == SIGMA_EVENT_FIELDS_MAX) {
        l->stats.dropped++;
        return;
    }
    l->values[l->nvalues++] = (struct sigma_log_value){name, v};
}

void log_add_text(struct sigma_log *l, struct str name, struct str text)
{
    log_add(l, name, (struct sigma_value){.kind = SIGMA_TEXT, .text = text});
}

const struct sigma_log_value *log_get(const struct sigma_log *l, const char *name)
{
    struct str want = str_from(name);

    for (size_t i = 0; i < l->nvalues; i++)
        if (l->values[i].name.n == want.n && str_ieq(l->values[i].name, want))
            return &l->values[i];
    return NULL;
}

struct str log_join(struct sigma_log *l, struct str a, const char *between, struct str b)
{
    size_t nb = strlen(between);
    char *to = arena_alloc(&l->memory, a.n + nb + b.n + 1);

    if (!to)
        return STR_NONE;
    if (a.n)
        memcpy(to, a.p, a.n);
    memcpy(to + a.n, between, nb);
    if (b.n)
        memcpy(to + a.n + nb, b.p, b.n);
    return (struct str){to, a.n + nb + b.n};
}

/* ---- times --------------------------------------------------------------------------------------------------- */

static int64_t number_time(struct str text)
{
    struct str whole;
    uint64_t n, part = 0, unit;

    if (!str_split(&text, '.', &whole) || str_u64(whole, 10, &n) < 0)
        return -1;
    /* Seconds reach 10^11 in the year 5138; smaller units pass it in 1973. */
    unit = n < 100000000000ull ? 1000000000 : n < 100000000000000ull ? 1000000 : n < 100000000000000000ull ? 1000 : 1;
    for (uint64_t digit = unit / 10, i = 0; text.p && digit && i < text.n; i++, digit /= 10) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return -1;
        part += digit * (uint64_t)(text.p[i] - '0');
    }
    return n <= INT64_MAX / unit - 1 ? (int64_t)(n * unit + part) : -1;
}

/* Exactly `count` digits at `from`. */
static bool digits(struct str s, size_t from, unsigned count, int *ret)
{
    int v = 0;

    if (from + count > s.n)
        return false;
    for (unsigned i = 0; i < count; i++) {
        char c = s.p[from + i];
        if (c < '0' || c > '9')
            return false;
        v = v * 10 + (c - '0');
    }
    *ret = v;
    return true;
}

/* Behind the seconds: ".123456", then "Z", "+02:00", "+0200" or nothing (UTC). */
static bool time_tail(struct str s, int64_t *ret_ns, int *ret_zone)
{
    size_t i = 0;
    int64_t unit = 100000000, ns = 0;
    int hours = 0, minutes = 0, sign;

    if (i < s.n && (s.p[i] == '.' || s.p[i] == ','))
        for (i++; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++, unit /= 10)
            ns += unit * (s.p[i] - '0');
    *ret_ns = ns;
    *ret_zone = 0;
    s = str_trim(str_sub(s, i, s.n));
    if (!s.n || str_eqz(s, "Z") || str_eqz(s, "z") || str_eqz(s, "UTC"))
        return true;
    sign = s.p[0] == '+' ? 1 : s.p[0] == '-' ? -1 : 0;
    if (!sign || !digits(s, 1, 2, &hours) || (s.n > 3 && !digits(s, s.p[3] == ':' ? 4 : 3, 2, &minutes)))
        return false;
    *ret_zone = sign * (hours * 3600 + minutes * 60);
    return true;
}

int64_t log_time(struct str text)
{
    struct tm tm = {0};
    int64_t ns;
    int zone;

    text = str_trim(text);
    if (text.n >= 9 && text.n <= 24 && text.p[4] != '-' && text.p[4] != '/')
        return number_time(text);
    if (text.n < 19 || !digits(text, 0, 4, &tm.tm_year) || !digits(text, 5, 2, &tm.tm_mon) ||
        !digits(text, 8, 2, &tm.tm_mday) || !digits(text, 11, 2, &tm.tm_hour) || !digits(text, 14, 2, &tm.tm_min) ||
        !digits(text, 17, 2, &tm.tm_sec) || !time_tail(str_sub(text, 19, text.n), &ns, &zone))
        return -1;
    if (tm.tm_year < 1970 || tm.tm_year > 2261 || tm.tm_mon < 1 || tm.tm_mon > 12 || tm.tm_mday < 1 ||
        tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60)
        return -1;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    ns += ((int64_t)timegm(&tm) - zone) * 1000000000;
    return ns < 0 ? -1 : ns;
}

/* ---- opening ------------------------------------------------------------------------------------------------- */

int sigma_log_source_parse(struct str text, struct sigma_source *ret, struct err *e)
{
    struct sigma_source s = {0};
    struct str part, key;

    while (str_split(&text, ',', &part)) {
        struct str rest = part, *to;
        if (!str_split(&rest, '=', &key) || !rest.p || !rest.n)
            return err_set(e, ERR_USAGE, "\"%.*s\" is not of the form product=..,category=..,service=..",
                           STR_ARG(part));
        to = str_eqz(key, "product")    ? &s.product
             : str_eqz(key, "category") ? &s.category
             : str_eqz(key, "service")  ? &s.service
                                        : NULL;
        if (!to)
            return err_set(e, ERR_USAGE, "a log source has a product, a category and a service, but no \"%.*s\"",
                           STR_ARG(key));
        if (to->n)
            return err_set(e, ERR_USAGE, "\"%.*s\" is given twice", STR_ARG(key));
        *to = rest;
    }
    if (!s.product.n && !s.category.n && !s.service.n)
        return err_set(e, ERR_USAGE, "the log source is empty");
    *ret = s;
    return 0;
}

/* The first bytes tell; they are read again by whoever takes the file. */
static int first_bytes(struct sigma_log *l, struct err *e)
{
    size_t want = 4096;

    if (buf_reserve(&l->bytes, want) < 0)
        return err_set(e, -ENOMEM, "out of memory");
    while (l->bytes.len < want) {
        ssize_t n =
            l->o.source.read(l->o.source.context, l->bytes.len, l->bytes.data + l->bytes.len, want - l->bytes.len);
        if (n < 0)
            return err_set(e, (int)n, "reading the log: %s", err_name((int)n));
        if (n == 0) {
            l->ended = true;
            break;
        }
        l->bytes.len += (size_t)n;
    }
    return 0;
}

int sigma_log_open(const struct sigma_log_options *o, struct sigma_log **ret, struct err *e)
{
    struct sigma_log *l = calloc(1, sizeof(*l));
    int rc;

    if (!l || !(l->values = calloc(SIGMA_EVENT_FIELDS_MAX, sizeof(*l->values)))) {
        free(l);
        return err_set(e, -ENOMEM, "out of memory");
    }
    l->o = *o;
    arena_init(&l->memory, SIGMA_LOG_MEMORY_MAX);
    buf_init(&l->bytes, SIGMA_LOG_RECORD_MAX + (1u << 20));
    if ((rc = first_bytes(l, e)) == 0)
        rc = evtx_signature(l->bytes.data, l->bytes.len) ? log_evtx_open(l, e) : log_json_open(l, e);
    if (rc < 0) {
        sigma_log_free(&l);
        return rc;
    }
    *ret = l;
    return 0;
}

void sigma_log_free(struct sigma_log **l)
{
    if (!l || !*l)
        return;
    evtx_free(&(*l)->evtx);
    buf_free(&(*l)->bytes);
    arena_free(&(*l)->memory);
    free((*l)->values);
    free(*l);
    *l = NULL;
}

int sigma_log_next(struct sigma_log *l, struct sigma_log_record *ret, struct err *e)
{
    int rc;

    l->nvalues = 0;
    l->time_ns = -1;
    l->windows = false;
    l->channel = l->provider = STR_NONE;
    l->event = 0;
    rc = l->mode == LOG_EMPTY ? 0 : l->mode == LOG_EVTX ? log_evtx_next(l, e) : log_json_next(l, e);
    if (rc != 1)
        return rc;
    *ret = (struct sigma_log_record){.index = l->index++, .time_ns = l->time_ns};
    l->stats.records++;
    log_map(l, ret);
    l->stats.unknown += !ret->nsources;
    ret->values = l->values;
    ret->nvalues = l->nvalues;
    return 1;
}

void sigma_log_stats(const struct sigma_log *l, struct sigma_log_stats *ret)
{
    *ret = l->stats;
}
