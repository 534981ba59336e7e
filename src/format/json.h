/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * JSON (RFC 8259) that others wrote, as a tree: for logs. Strict: what the RFC
 * does not allow is an error that names the byte. A number keeps its text. Keys
 * that stand twice in an object are both there. A half of a surrogate pair
 * becomes U+FFFD. Texts without escapes are borrowed from the input.
 */
#ifndef BELLJAR_FORMAT_JSON_H
#define BELLJAR_FORMAT_JSON_H

#include "base/arena.h"
#include "base/err.h"

#define JSON_DEPTH_MAX 64
#define JSON_NODES_MAX 200000u /* of one value */
#define JSON_NUMBER_MAX 400    /* characters of a number */

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_TEXT, JSON_ARRAY, JSON_OBJECT };

struct json_node {
    enum json_kind kind;
    struct str key;  /* of a member of an object */
    struct str text; /* "", "true", "12.5", a text; of arrays and objects empty */
    double number;   /* JSON_NUMBER; JSON_BOOL: 0 or 1 */
    struct json_node *child, *next;
};

/*
 * The value at the beginning of a text (white space before it is skipped).
 * *ret_used: bytes up to its end; on failure, where it failed. ERR_FORMAT, ERR_TRUNCATED
 * (the text ends inside the value), ERR_LIMIT or -ENOMEM (also when the arena is full).
 */
int json_parse(struct str text, struct arena *a, struct json_node **ret, size_t *ret_used, struct err *e);
/* A member of an object, NULL when it is no object or has none; the i form folds ASCII case. */
const struct json_node *json_get(const struct json_node *object, const char *key);
const struct json_node *json_iget(const struct json_node *object, const char *key);

#endif
