/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one place that knows libyara: yara.c alone includes <yara.h>, so that
 * another engine (YARA-X) can take its place. Everything here runs inside the
 * jailed role (role.h) or in tests: libyara parses hostile bytes.
 *
 * Externals that every rule may use: filename, filepath, extension, filetype,
 * owner (texts), and what the caller defines.
 */
#ifndef BELLJAR_DETECT_YARA_YARA_H
#define BELLJAR_DETECT_YARA_YARA_H

#include "detect/yara/hits.h"

#define YARA_INCLUDES_MAX 1000             /* per rule file */
#define YARA_INCLUDE_BYTES_MAX (64u << 20) /* of text that one rule file includes */
#define YARA_DEFINES_MAX 64
#define YARA_COMPILED_MAX (512u << 20) /* bytes of rules in compiled form */
#define YARA_TARGET_MAX (2ull << 30)   /* bytes of one scanned file */

struct yara_text { /* one rule file; borrowed */
    struct str ns, file, text;
    bool included_only; /* not compiled by itself */
    unsigned weight;    /* percent of its rules' points that count; not of interest here */
};

enum yara_define_kind { YARA_DEFINE_INTEGER, YARA_DEFINE_BOOLEAN, YARA_DEFINE_FLOAT, YARA_DEFINE_TEXT };
struct yara_define { /* a further external variable */
    enum yara_define_kind kind;
    const char *name, *text;
    int64_t number; /* integer, boolean */
    double real;
};

struct yara_target {  /* values of the externals; NULL is the empty text */
    const char *part; /* which part of the target the bytes are, for the hits; NULL: all of it */
    const char *filename, *filepath, *extension, *filetype, *owner;
    unsigned timeout_s; /* 0: none */
};

/* A rule file that is bad (line 0: unknown), or only slow (warning). */
typedef void yara_problem_fn(void *context, bool warning, struct str file, unsigned line, const char *reason);

struct yara_handlers { /* both optional */
    void *context;
    yara_problem_fn *problem;
    void (*at)(void *context, uint32_t index); /* texts[index] is compiled next */
};

struct yara_rules;

const char *yara_version(void); /* "4.5.2" */
/*
 * Compiles all texts that can be compiled; a bad one is reported and left out.
 * Includes are resolved among the texts only. Fails when nothing is left, or memory ends.
 */
int yara_compile(const struct yara_text *texts, size_t n, const struct yara_define *defines, size_t ndefines,
                 const struct yara_handlers *h, struct yara_rules **ret, struct err *e);
void yara_rules_free(struct yara_rules **r);
uint32_t yara_rules_count(const struct yara_rules *r);
/* The compiled form into a descriptor, and back. Only what we saved ourselves may be loaded: libyara trusts it. */
int yara_rules_save(struct yara_rules *r, int fd, struct err *e);
int yara_rules_load(const void *p, size_t n, struct yara_rules **ret, struct err *e);
/* Every rule as a hit without places (private ones not). A negative result of fn ends it and is returned. */
int yara_rules_each(struct yara_rules *r, int (*fn)(void *context, const struct yara_hit *rule), void *context);

/* Scans bytes. The result is always to be freed; a scan that libyara gave up is a result, too (status, text). */
void yara_scan(struct yara_rules *r, const void *p, size_t n, const struct yara_target *t,
               const struct yara_define *defines, size_t ndefines, struct yara_result *ret);

/* The same over a further part of the target; hits are added to what *ret holds. Does nothing after a failure. */
void yara_scan_more(struct yara_rules *r, const void *p, size_t n, const struct yara_target *t,
                    const struct yara_define *defines, size_t ndefines, struct yara_result *ret);

/* libmagic's compiled table for the module "magic": a jail has no files. Borrowed for good. */
void yara_magic_table(void *p, size_t n);

/* "NAME=VALUE" as the yara command takes it: true/false, an integer, a float, or text. Borrows from spec. */
int yara_define_parse(char *spec, struct yara_define *ret, struct err *e);

#endif
