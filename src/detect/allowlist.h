/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The allow-list: what the administrator knows to be harmless. A file, or a folder
 * of files, with one entry a line:
 *
 *   sha256:HEX  comment        the sample's SHA-256; HEX alone works too
 *   path:GLOB   comment        the program that a command line started, or where the sample lay when it was submitted
 *   # comment
 *
 * A GLOB in double quotes may hold blanks. What matches is shown in the report.
 * (Signers will be a third kind of entry.)
 */
#ifndef BELLJAR_DETECT_ALLOWLIST_H
#define BELLJAR_DETECT_ALLOWLIST_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define ALLOWLIST_BYTES_MAX (16u << 20) /* of all files together */
#define ALLOWLIST_ENTRIES_MAX 200000u

enum allow_kind { ALLOW_SHA256, ALLOW_PATH };

struct allow_entry {
    enum allow_kind kind;
    struct str value, comment, file; /* borrowed from the text */
    unsigned line;
};

struct allowlist {
    struct allow_entry *items;
    size_t count, cap;
    char problem[256]; /* the first line that is wrong: "file:3: ..."; "" none. Wrong lines allow nothing. */
    unsigned problems;
};

/* The texts of a file or of all files of a folder, as ruletexts.h has them; a path that is not there gives none. */
int allowlist_read(const char *path, struct buf *ret, struct err *e);
/*
 * texts: as allowlist_read gives them; borrowed while the list lives. One of the kind RULETEXT_OFF is a sentence
 * about why the list could not be read: its name.
 */
int allowlist_parse(struct str texts, struct allowlist *ret, struct err *e);
void allowlist_free(struct allowlist *a);
/* The first entry that matches, or NULL. sha256: lower-case hex. Empty strings match nothing. */
const struct allow_entry *allowlist_find(const struct allowlist *a, struct str sha256, struct str path);

#endif
