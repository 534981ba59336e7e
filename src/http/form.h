/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The body of a form, read as it comes: application/x-www-form-urlencoded
 * (WHATWG URL, section 5.1) and multipart/form-data (RFC 7578, with what clients
 * really send: names as raw UTF-8, %22 for a quote, parts without a type).
 *
 * Text fields are kept in memory under caps, files go to the caller piece by
 * piece. Whatever is wrong ends the form with a sentence; nothing is guessed.
 */
#ifndef BELLJAR_HTTP_FORM_H
#define BELLJAR_HTTP_FORM_H

#include "base/buf.h"
#include "base/err.h"

#define FORM_FIELDS_MAX 512
#define FORM_NAME_MAX 256         /* bytes of a field's name */
#define FORM_FILE_NAME_MAX 4096   /* bytes of a file's name; more is an error, not a cut */
#define FORM_VALUE_MAX (1u << 20) /* bytes of one text value */
#define FORM_TEXT_MAX (4u << 20)  /* bytes of all text values */
#define FORM_HEADERS_MAX 16384    /* bytes of the headers of one part */
#define FORM_BOUNDARY_MAX 70      /* RFC 2046, section 5.1.1 */

struct form_field {
    struct str name, value;
};

struct form_sink { /* where files go; each returns 0 or a negative code that ends the form */
    void *context;
    int (*begin)(void *context, struct str field, struct str filename, struct err *e);
    int (*data)(void *context, const void *p, size_t n, struct err *e);
    int (*end)(void *context, struct err *e);
};

struct form;
/* content_type: the header's value; "" means urlencoded. ERR_UNSUPPORTED for any other type. */
int form_new(struct str content_type, const struct form_sink *sink, struct form **ret, struct err *e);
void form_free(struct form **f);
/* The next bytes of the body. After a failure every call fails the same way. */
int form_add(struct form *f, const void *p, size_t n, struct err *e);
/* The body has ended; ERR_TRUNCATED when the form has not. */
int form_end(struct form *f, struct err *e);

/* Valid after form_end, until form_free. */
size_t form_count(const struct form *f);
const struct form_field *form_at(const struct form *f, size_t index);
/* The first of that name; NULL when there is none. "x[]" is also found as "x". */
const struct str *form_get(const struct form *f, const char *name);

/* %XX and '+' undone (plus: whether '+' is a space); writes at most s.n bytes to ret, returns their number. */
size_t form_unescape(struct str s, bool plus, char *ret);

#endif
