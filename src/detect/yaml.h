/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A bounded YAML tree over libyaml's event interface, for rule files.
 *
 * Only what rules need: scalars, lists and maps with text keys. Anchors,
 * aliases, duplicate keys and keys that are not scalars are refused, so a small
 * file cannot grow into a big tree. Every node knows its line (from 1).
 * All memory comes from the caller's arena.
 */
#ifndef BELLJAR_DETECT_YAML_H
#define BELLJAR_DETECT_YAML_H

#include "base/arena.h"
#include "base/err.h"

#define YAML_TREE_BYTES_MAX (8u << 20) /* of one text */
#define YAML_TREE_DEPTH_MAX 32
#define YAML_TREE_NODES_MAX 400000u

enum yaml_tree_kind { YAML_TREE_SCALAR, YAML_TREE_LIST, YAML_TREE_MAP };

struct yaml_tree {
    enum yaml_tree_kind kind;
    bool plain;      /* scalar without quotes: may mean null, true, a number */
    unsigned line;   /* of the node; for a map's child, of its key */
    unsigned count;  /* children */
    struct str key;  /* set in the children of a map */
    struct str text; /* of a scalar */
    struct yaml_tree *child, *last, *next;
};

struct yaml_documents {
    struct yaml_tree *first; /* roots, linked by `next`; NULL for an empty text */
    unsigned count;
};

/*
 * Parses all documents of a text. On failure the documents before the bad one
 * are in *ret all the same, and *ret_line (may be NULL) is the line, 0 unknown.
 */
int yaml_tree_parse(struct str text, struct arena *a, struct yaml_documents *ret, unsigned *ret_line, struct err *e);

/* The value of a key of a map; NULL when it is not a map or has no such key. */
const struct yaml_tree *yaml_tree_get(const struct yaml_tree *map, const char *key);
/* "", ~ or null without quotes. */
bool yaml_tree_is_null(const struct yaml_tree *n);
/* true/false without quotes (yes/no too). 0 or ERR_FORMAT. */
int yaml_tree_bool(const struct yaml_tree *n, bool *ret);

#endif
