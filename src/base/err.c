/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
    int code;
    const char *name;
} names[] = {
    {ERR_FORMAT, "format"},   {ERR_TRUNCATED, "truncated"}, {ERR_LIMIT, "limit"},
    {ERR_MISSING, "missing"}, {ERR_PEER, "peer"},           {ERR_UNSUPPORTED, "unsupported"},
    {ERR_USAGE, "usage"},     {ERR_TIMEOUT, "timeout"},     {ERR_CONFLICT, "conflict"},
};

/* Appends to the text from `at`; a text that does not fit ends with "...". */
static size_t text_add(struct err *e, size_t at, const char *format, va_list ap)
{
    size_t room = sizeof(e->text) - at;
    int n = vsnprintf(e->text + at, room, format, ap);

    if (n < 0) {
        e->text[at] = '\0';
        return at;
    }
    if ((size_t)n < room)
        return at + (size_t)n;
    memcpy(e->text + sizeof(e->text) - 4, "...", 4);
    return sizeof(e->text) - 1;
}

static size_t text_addf(struct err *e, size_t at, const char *format, ...) __attribute__((format(printf, 3, 4)));
static size_t text_addf(struct err *e, size_t at, const char *format, ...)
{
    va_list ap;

    va_start(ap, format);
    at = text_add(e, at, format, ap);
    va_end(ap);
    return at;
}

const char *err_name(int code)
{
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (names[i].code == code)
            return names[i].name;
    }
    if (code == 0)
        return "ok";
    /* The table of descriptions is constant: safe in threads, unlike strerror. */
    const char *text = code > -1000 && code < 0 ? strerrordesc_np(-code) : NULL;
    return text ? text : "unknown error";
}

int err_set(struct err *e, int code, const char *format, ...)
{
    if (e) {
        va_list ap;

        e->code = code;
        va_start(ap, format);
        text_add(e, 0, format, ap);
        va_end(ap);
    }
    return code;
}

int err_errno(struct err *e, const char *format, ...)
{
    /* Somebody who calls this without a failed call must still get a failure. */
    int code = errno > 0 ? -errno : -EIO;

    if (e) {
        va_list ap;

        e->code = code;
        va_start(ap, format);
        size_t at = text_add(e, 0, format, ap);
        va_end(ap);
        if (at < sizeof(e->text) - 1)
            text_addf(e, at, ": %s", err_name(code));
    }
    return code;
}

int err_prefix(struct err *e, const char *format, ...)
{
    char old[ERR_TEXT_MAX];
    va_list ap;

    if (!e)
        return -1;
    memcpy(old, e->text, sizeof(old));
    old[sizeof(old) - 1] = '\0';
    va_start(ap, format);
    size_t at = text_add(e, 0, format, ap);
    va_end(ap);
    if (at < sizeof(e->text) - 1)
        text_addf(e, at, "%s", old);
    return e->code;
}
