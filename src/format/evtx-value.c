/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values of binary XML: [MS-EVEN6] 2.2.20 (types) and 2.2.21 (arrays). */
#include "format/evtx-private.h"

#include "base/utf16.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define FILETIME_1970 116444736000000000ull /* 100 ns units between 1601 and 1970 */
#define SID_PARTS_MAX 15                    /* [MS-DTYP] 2.4.2 */

/* Windows-1252, 0x80 to 0x9f; 0: not in use. */
static const uint16_t cp1252[32] = {0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021,
                                    0x02c6, 0x2030, 0x0160, 0x2039, 0x0152, 0,      0x017d, 0,
                                    0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                    0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178};

int64_t evtx_filetime_ns(uint64_t filetime)
{
    int64_t ticks;

    /* Before 1970 is nothing that a log may say; beyond 2262 nothing that fits. */
    if (filetime < FILETIME_1970 || filetime - FILETIME_1970 > (uint64_t)INT64_MAX / 100)
        return -1;
    ticks = (int64_t)(filetime - FILETIME_1970);
    return ticks * 100;
}

static struct evtx_value *value_new(struct evtx *x, enum evtx_kind kind)
{
    struct evtx_value *v = arena_alloc(&x->memory, sizeof(*v));

    if (v)
        v->kind = kind;
    return v;
}

static struct str text_copy(struct evtx *x, const char *p, size_t n)
{
    return arena_str(&x->memory, (struct str){p, n});
}

/* Digits from the end of `room` bytes. */
static size_t decimal(char *room, size_t size, uint64_t u)
{
    size_t at = size;

    do
        room[--at] = (char)('0' + u % 10);
    while ((u /= 10));
    return at;
}

static struct evtx_value *unsigned_make(struct evtx *x, uint64_t u)
{
    struct evtx_value *v = value_new(x, EVTX_UNSIGNED);
    char room[24];
    size_t at = decimal(room, sizeof(room), u);

    if (!v)
        return NULL;
    v->u = u;
    v->text = text_copy(x, room + at, sizeof(room) - at);
    return v;
}

static struct evtx_value *int_make(struct evtx *x, int64_t i)
{
    struct evtx_value *v = value_new(x, EVTX_INT);
    char room[24];
    size_t at = decimal(room, sizeof(room), i < 0 ? 0 - (uint64_t)i : (uint64_t)i);

    if (!v)
        return NULL;
    if (i < 0)
        room[--at] = '-';
    v->i = i;
    v->text = text_copy(x, room + at, sizeof(room) - at);
    return v;
}

static struct evtx_value *hex_make(struct evtx *x, uint64_t u)
{
    struct evtx_value *v = value_new(x, EVTX_HEX);
    char room[24];
    size_t at = sizeof(room);

    if (!v)
        return NULL;
    v->u = u;
    do
        room[--at] = "0123456789abcdef"[u & 15];
    while ((u >>= 4));
    room[--at] = 'x';
    room[--at] = '0';
    v->text = text_copy(x, room + at, sizeof(room) - at);
    return v;
}

static struct evtx_value *real_make(struct evtx *x, double d, int digits)
{
    struct evtx_value *v = value_new(x, EVTX_REAL);
    char room[40];

    if (!v)
        return NULL;
    v->d = d;
    /* Windows' words for what is no number: libevtx, "Floating point". */
    if (isnan(d))
        snprintf(room, sizeof(room), "-1.#IND");
    else if (isinf(d))
        snprintf(room, sizeof(room), "%s1.#INF", d < 0 ? "-" : "");
    else
        snprintf(room, sizeof(room), "%.*g", digits, d);
    v->text = text_copy(x, room, strlen(room));
    return v;
}

static struct evtx_value *bool_make(struct evtx *x, bool b)
{
    struct evtx_value *v = value_new(x, EVTX_BOOL);

    if (!v)
        return NULL;
    v->u = b;
    v->text = b ? STR_LIT("true") : STR_LIT("false");
    return v;
}

static void two_digits(char *p, unsigned v)
{
    p[0] = (char)('0' + v / 10 % 10);
    p[1] = (char)('0' + v % 10);
}

/* Days since 1970 as a date of the proleptic Gregorian calendar. */
static void civil(int64_t days, int *year, unsigned *month, unsigned *day)
{
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
    unsigned doe = (unsigned)(z - era * 146097), yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;

    *day = doy - (153 * mp + 2) / 5 + 1;
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = (int)(era * 400) + (int)yoe + (*month <= 2);
}

static struct evtx_value *time_text(struct evtx *x, const unsigned f[7], int64_t ns)
{
    struct evtx_value *v = value_new(x, EVTX_TIME);
    char room[] = "0000-00-00T00:00:00.000000Z";
    unsigned micro = f[6];

    if (!v)
        return NULL;
    v->i = ns;
    two_digits(room, f[0] / 100);
    two_digits(room + 2, f[0]);
    for (unsigned k = 1; k < 6; k++)
        two_digits(room + 2 + 3 * k, f[k]);
    for (int k = 5; k >= 0; k--, micro /= 10)
        room[20 + k] = (char)('0' + micro % 10);
    v->text = text_copy(x, room, sizeof(room) - 1);
    return v;
}

static struct evtx_value *filetime_make(struct evtx *x, uint64_t filetime)
{
    uint64_t seconds = filetime / 10000000, micro = filetime % 10000000 / 10;
    unsigned f[7], in_day = (unsigned)(seconds % 86400);
    int year;

    civil((int64_t)(seconds / 86400) - 134774, &year, &f[1], &f[2]);
    if (year > 9999)
        return hex_make(x, filetime);
    f[0] = (unsigned)year;
    f[3] = in_day / 3600;
    f[4] = in_day / 60 % 60;
    f[5] = in_day % 60;
    f[6] = (unsigned)micro;
    return time_text(x, f, evtx_filetime_ns(filetime));
}

static struct evtx_value *systemtime_make(struct evtx *x, struct reader *r)
{
    unsigned raw[8], f[7];
    struct tm tm = {0};
    int64_t ns = -1;

    for (unsigned i = 0; i < 8; i++)
        raw[i] = reader_u16le(r);
    /* raw[2] is the day of the week. */
    f[0] = raw[0] % 10000;
    f[1] = raw[1];
    f[2] = raw[3];
    f[3] = raw[4];
    f[4] = raw[5];
    f[5] = raw[6];
    f[6] = raw[7] % 1000 * 1000;
    if (raw[0] >= 1970 && raw[0] < 2262 && f[1] >= 1 && f[1] <= 12 && f[2] >= 1 && f[2] <= 31 && f[3] < 24 &&
        f[4] < 60 && f[5] < 61) {
        tm.tm_year = (int)raw[0] - 1900;
        tm.tm_mon = (int)f[1] - 1;
        tm.tm_mday = (int)f[2];
        tm.tm_hour = (int)f[3];
        tm.tm_min = (int)f[4];
        tm.tm_sec = (int)f[5];
        ns = (int64_t)timegm(&tm) * 1000000000 + (int64_t)f[6] * 1000;
    }
    return time_text(x, f, ns);
}

static char *hex_digits(char *to, uint64_t v, unsigned n)
{
    for (unsigned i = n; i-- > 0; v >>= 4)
        to[i] = "0123456789ABCDEF"[v & 15];
    return to + n;
}

static struct evtx_value *guid_make(struct evtx *x, struct reader *r)
{
    struct evtx_value *v = value_new(x, EVTX_GUID);
    char room[38], *p = room;
    uint64_t tail;

    if (!v)
        return NULL;
    *p++ = '{';
    p = hex_digits(p, reader_u32le(r), 8);
    *p++ = '-';
    p = hex_digits(p, reader_u16le(r), 4);
    *p++ = '-';
    p = hex_digits(p, reader_u16le(r), 4);
    *p++ = '-';
    tail = reader_u64be(r);
    p = hex_digits(p, tail >> 48, 4);
    *p++ = '-';
    p = hex_digits(p, tail & 0xffffffffffffull, 12);
    *p++ = '}';
    v->text = text_copy(x, room, (size_t)(p - room));
    return v;
}

static struct evtx_value *sid_make(struct evtx *x, struct reader *r)
{
    struct evtx_value *v = value_new(x, EVTX_SID);
    unsigned revision = reader_u8(r), count = reader_u8(r), n;
    uint64_t authority = (uint64_t)reader_u16be(r) << 32;
    char room[64 + 11 * SID_PARTS_MAX];

    authority |= reader_u32be(r);
    if (!v)
        return NULL;
    if (count > SID_PARTS_MAX) {
        reader_fail(r, ERR_FORMAT, "security identifier");
        return NULL;
    }
    n = (unsigned)snprintf(room, sizeof(room), "S-%u-%llu", revision, (unsigned long long)authority);
    for (unsigned i = 0; i < count; i++)
        n += (unsigned)snprintf(room + n, sizeof(room) - n, "-%u", reader_u32le(r));
    v->text = text_copy(x, room, n);
    return v;
}

static struct evtx_value *utf16_make(struct evtx *x, const uint8_t *p, size_t n)
{
    struct evtx_value *v = value_new(x, EVTX_TEXT);
    char *to;

    while (n >= 2 && !p[n - 1] && !p[n - 2] && n % 2 == 0)
        n -= 2;
    if (!v || !(to = arena_alloc(&x->memory, utf16_room(n))))
        return NULL;
    v->text = (struct str){to, utf16le_to_utf8(p, n, to)};
    return v;
}

static struct evtx_value *ansi_make(struct evtx *x, const uint8_t *p, size_t n)
{
    struct evtx_value *v = value_new(x, EVTX_TEXT);
    char *to;
    size_t out = 0;

    while (n && !p[n - 1])
        n--;
    if (!v || !(to = arena_array(&x->memory, n + 1, 3)))
        return NULL;
    for (size_t i = 0; i < n; i++) {
        unsigned c = p[i];
        uint8_t unit[2];
        if (c >= 0x80 && c < 0xa0)
            c = cp1252[c - 0x80] ? cp1252[c - 0x80] : 0xfffd;
        unit[0] = (uint8_t)c;
        unit[1] = (uint8_t)(c >> 8);
        out += utf16le_to_utf8(unit, 2, to + out);
    }
    v->text = (struct str){to, out};
    return v;
}

static struct evtx_value *binary_make(struct evtx *x, const uint8_t *p, size_t n)
{
    struct evtx_value *v = value_new(x, EVTX_BINARY);
    char *to = arena_array(&x->memory, n + 1, 2);

    if (!v || !to)
        return NULL;
    for (size_t i = 0; i < n; i++)
        hex_digits(to + 2 * i, p[i], 2);
    v->text = (struct str){to, 2 * n};
    return v;
}

/* Bytes of one value of a type in an array; 0: it has no fixed size. */
static unsigned fixed_size(uint8_t type)
{
    switch (type) {
    case EVTX_T_INT8:
    case EVTX_T_UINT8:
        return 1;
    case EVTX_T_INT16:
    case EVTX_T_UINT16:
        return 2;
    case EVTX_T_INT32:
    case EVTX_T_UINT32:
    case EVTX_T_REAL32:
    case EVTX_T_BOOL:
    case EVTX_T_HEX32:
        return 4;
    case EVTX_T_INT64:
    case EVTX_T_UINT64:
    case EVTX_T_REAL64:
    case EVTX_T_FILETIME:
    case EVTX_T_HEX64:
        return 8;
    case EVTX_T_GUID:
    case EVTX_T_SYSTEMTIME:
        return 16;
    default:
        return 0;
    }
}

/* 1, 2, 4 or 8 bytes, as many as there are. */
static uint64_t number(struct reader *r)
{
    switch (reader_left(r)) {
    case 1:
        return reader_u8(r);
    case 2:
        return reader_u16le(r);
    case 4:
        return reader_u32le(r);
    default:
        return reader_u64le(r);
    }
}

static struct evtx_value *real32_make(struct evtx *x, struct reader *r)
{
    uint32_t u = reader_u32le(r);
    float f;

    memcpy(&f, &u, sizeof(f));
    return real_make(x, (double)f, 9);
}

static struct evtx_value *real64_make(struct evtx *x, struct reader *r)
{
    uint64_t u = reader_u64le(r);
    double d;

    memcpy(&d, &u, sizeof(d));
    return real_make(x, d, 17);
}

static struct evtx_value *bytes_make(struct evtx *x, uint8_t type, struct reader *r)
{
    size_t n = reader_left(r);
    const uint8_t *p = reader_bytes(r, n);

    if (type == EVTX_T_STRING || type == EVTX_T_XML)
        return utf16_make(x, p, n);
    return type == EVTX_T_ANSI ? ansi_make(x, p, n) : binary_make(x, p, n);
}

static struct evtx_value *one(struct evtx *x, uint8_t type, struct reader *r)
{
    switch (type) {
    case EVTX_T_INT8:
        return int_make(x, (int8_t)reader_u8(r));
    case EVTX_T_INT16:
        return int_make(x, (int16_t)reader_u16le(r));
    case EVTX_T_INT32:
        return int_make(x, (int32_t)reader_u32le(r));
    case EVTX_T_INT64:
        return int_make(x, (int64_t)reader_u64le(r));
    case EVTX_T_UINT8:
    case EVTX_T_UINT16:
    case EVTX_T_UINT32:
    case EVTX_T_UINT64:
        return unsigned_make(x, number(r));
    case EVTX_T_REAL32:
        return real32_make(x, r);
    case EVTX_T_REAL64:
        return real64_make(x, r);
    case EVTX_T_BOOL:
        return bool_make(x, number(r) != 0);
    case EVTX_T_HEX32:
    case EVTX_T_HEX64:
    case EVTX_T_SIZE:
    case EVTX_T_HANDLE:
        return hex_make(x, number(r));
    case EVTX_T_GUID:
        return guid_make(x, r);
    case EVTX_T_FILETIME:
        return filetime_make(x, reader_u64le(r));
    case EVTX_T_SYSTEMTIME:
        return systemtime_make(x, r);
    case EVTX_T_SID:
        return sid_make(x, r);
    default: /* texts, binary, and what is not known, which is shown as binary */
        return bytes_make(x, type, r);
    }
}

/* Bytes of the next text with its NUL, or all that is left. */
static size_t text_size(const struct reader *r, unsigned unit)
{
    size_t n = reader_left(r);
    bool ok = true;

    for (size_t i = 0; i + unit <= n; i += unit) {
        bool zero = true;
        for (unsigned k = 0; k < unit; k++)
            zero = zero && reader_peek_u8(r, i + k, &ok) == 0;
        if (zero)
            return i + unit;
    }
    return n;
}

static size_t item_size(uint8_t type, const struct reader *r, size_t whole)
{
    bool ok;

    if (type == EVTX_T_STRING || type == EVTX_T_ANSI)
        return text_size(r, type == EVTX_T_STRING ? 2 : 1);
    if (type == EVTX_T_SID)
        return 8 + 4 * (size_t)reader_peek_u8(r, 1, &ok);
    if (type == EVTX_T_SIZE)
        return whole % 8 == 0 ? 8 : 4;
    return fixed_size(type) ? fixed_size(type) : whole;
}

static const struct evtx_value *list_make(struct evtx *x, uint8_t type, struct reader *r)
{
    struct evtx_value *first = NULL, *last = NULL, *v;
    size_t whole = reader_left(r);

    while (reader_left(r) && reader_ok(r)) {
        struct reader item;
        if (!reader_take(r, item_size(type, r, whole), &item) || !(v = one(x, type, &item)))
            break;
        if (!reader_ok(&item)) {
            reader_fail(r, item.error, "value of an array");
            break;
        }
        if (last)
            last->next = v;
        else
            first = v;
        last = v;
    }
    return first;
}

const struct evtx_value *evtx_value_make(struct evtx *x, uint8_t type, struct reader *r)
{
    const struct evtx_value *v = NULL;

    if ((type & ~EVTX_ARRAY) == EVTX_T_NULL)
        return NULL;
    if (type & EVTX_ARRAY)
        v = list_make(x, type & (uint8_t)~EVTX_ARRAY, r);
    else if (reader_left(r) || type == EVTX_T_STRING || type == EVTX_T_ANSI || type == EVTX_T_BINARY)
        v = one(x, type, r);
    if (!reader_ok(r)) {
        evtx_trouble(x, "bad-value", "a value is too short for its type or malformed", r->error_offset);
        v = NULL;
    }
    return v;
}
