/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a YARA scan found in one target, and how it travels from the jailed
 * scanner to its parent. The parent reads it like a file from a stranger:
 * yara_result_decode refuses what breaks the form or a cap, with the offset.
 *
 * Everything is bounded, and what is left out is counted beside it
 * (more_hits, more_matches, more_notes; cut texts end with "...").
 */
#ifndef BELLJAR_DETECT_YARA_HITS_H
#define BELLJAR_DETECT_YARA_HITS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/reader.h"

#define YARA_HITS_MAX 1000        /* rules per target */
#define YARA_MATCHES_MAX 64       /* places per rule */
#define YARA_MATCHES_STRING_MAX 8 /* places per string of a rule */
#define YARA_METAS_MAX 64
#define YARA_TAGS_MAX 64
#define YARA_NOTES_MAX 100
#define YARA_TEXT_MAX 1024         /* bytes of a name or a meta text */
#define YARA_EXCERPT_MAX 48        /* bytes shown of a place */
#define YARA_RESULT_MAX (3u << 20) /* bytes of one result */

enum yara_meta_kind { YARA_META_TEXT, YARA_META_INTEGER, YARA_META_BOOLEAN };

struct yara_meta {
    enum yara_meta_kind kind;
    struct str name, text; /* text: only of YARA_META_TEXT */
    int64_t number;
};

struct yara_match {
    struct str string; /* identifier, "$a" */
    uint64_t offset;
    uint32_t length;
    uint8_t xor_key;  /* of strings with the modifier xor */
    struct str bytes; /* the first YARA_EXCERPT_MAX of the place */
};

struct yara_hit {
    struct str ns, rule;
    struct str part; /* of the target: "tcp 10.0.0.2:4000 > 1.2.3.4:80", offsets are within it; empty: the whole */
    struct str *tags;
    struct yara_meta *metas;
    struct yara_match *matches;
    uint32_t ntags, nmetas, nmatches;
    uint64_t more_matches;
};

enum yara_note_kind {
    YARA_NOTE_TOO_MANY, /* a string matched more often than libyara counts: it was switched off for this target */
    YARA_NOTE_SLOW,     /* a string makes the scan slow */
};

struct yara_note {
    enum yara_note_kind kind;
    struct str ns, rule, string;
};

enum yara_status {
    YARA_DONE,
    YARA_TIMEOUT, /* hits are those of no rule: libyara judges at the end */
    YARA_FAILED,
};

struct yara_result {
    enum yara_status status;
    struct str text; /* sentence when not YARA_DONE */
    struct yara_hit *hits;
    struct yara_note *notes;
    uint32_t nhits, nnotes;
    uint64_t more_hits, more_notes;
    struct arena arena; /* owns everything above */
};

void yara_result_init(struct yara_result *r);
void yara_result_free(struct yara_result *r);
/* Places for one more; NULL (and counted) at the cap or without memory. */
struct yara_hit *yara_result_hit(struct yara_result *r);
struct yara_note *yara_result_note(struct yara_result *r);
/* A copy in the result's memory, cut at max bytes with "..." behind it. */
struct str yara_result_text(struct yara_result *r, struct str s, size_t max);

void yara_result_encode(const struct yara_result *r, struct buf *out);
int yara_result_decode(struct reader *in, struct yara_result *ret, struct err *e);

/* One meta of a hit by name, or NULL. */
const struct yara_meta *yara_hit_meta(const struct yara_hit *h, const char *name);
/* Its text, or STR_NONE when absent or no text. */
struct str yara_hit_text(const struct yara_hit *h, const char *name);

/* Strings on the wire: u32 length, bytes. A longer one than max is refused (the reader fails). */
void yara_wire_str(struct buf *out, struct str s);
struct str yara_wire_take(struct reader *in, size_t max);

#endif
