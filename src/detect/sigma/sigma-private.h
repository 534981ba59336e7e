/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Inside of the Sigma engine: the compiled form of rules. Not for others; the
 * public face is sigma.h, the manual is docs/user/sigma.md.
 *
 *   sigma-rules.c        sets: making, loading, what a list shows
 *   sigma-parse.c        document -> rule, filter or correlation: the parts around the logic
 *   sigma-detection.c    selections, fields and modifiers -> nodes
 *   sigma-value.c        values: wildcards, escapes, encodings, placeholders
 *   sigma-condition.c    the grammar of conditions
 *   sigma-correlation.c  correlation documents
 *   sigma-atom.c         fields, atoms (shared by all rules), looking at one value
 *   sigma-compile.c      filters and references resolved, log sources, required atoms
 *   sigma-finder.c        all texts of a field found in one walk over a value
 *   sigma-engine.c       evaluation of one event
 *   sigma-window.c       correlation over time
 *   sigma-test.c         tests inside rules
 *
 * An atom is one question about one field: "does CommandLine contain x". Rules
 * are trees over atoms; the same question asked by many rules is one atom.
 */
#ifndef BELLJAR_DETECT_SIGMA_SIGMA_PRIVATE_H
#define BELLJAR_DETECT_SIGMA_SIGMA_PRIVATE_H

#include "detect/cidr.h"
#include "detect/sigma/sigma.h"
#include "detect/yaml.h"

#define SIGMA_RULES_MAX 65536
#define SIGMA_FILTERS_MAX 1024
#define SIGMA_FILTER_USES_MAX 200000 /* filters times the rules that they are put into */
#define SIGMA_ATOMS_MAX (4u << 20)
#define SIGMA_NAMES_MAX 65536
#define SIGMA_BUCKETS_MAX 4096
#define SIGMA_ARENA_MAX ((size_t)512 << 20)
#define SIGMA_DEPTH_MAX 64         /* of conditions and chained correlations */
#define SIGMA_SELECTIONS_MAX 512   /* of one rule */
#define SIGMA_VALUE_BYTES_MAX 4096 /* of one value in a rule */
#define SIGMA_VARIANTS_MAX 256     /* that one value may become */
#define SIGMA_MODIFIERS_MAX 12
#define SIGMA_REFERENCES_MAX 64 /* rules of one correlation */
#define SIGMA_GROUP_FIELDS_MAX 8
#define SIGMA_TAGS_MAX 256
#define SIGMA_WINDOW_EVENTS_MAX 16384 /* of one group of a correlation */

enum atom_op {
    ATOM_EQUALS,
    ATOM_STARTS,
    ATOM_ENDS,
    ATOM_CONTAINS,
    ATOM_GLOB,  /* text: uint16_t tokens */
    ATOM_THERE, /* any value that is not null */
    ATOM_REGEX,
    ATOM_CIDR,
    ATOM_COMPARE, /* number; `part` of a date unless PART_NONE */
    ATOM_NULL,    /* absent or null */
    ATOM_EXISTS,
    ATOM_FIELDREF, /* `how` against the values of `other` */
};

enum compare { COMPARE_EQ, COMPARE_GT, COMPARE_GTE, COMPARE_LT, COMPARE_LTE };
enum date_part { PART_NONE, PART_MINUTE, PART_HOUR, PART_DAY, PART_WEEK, PART_MONTH, PART_YEAR };

/* Tokens of a pattern above the 256 bytes. */
#define TOKEN_ANY 0x100  /* '*' */
#define TOKEN_ONE 0x101  /* '?': one character */
#define TOKEN_DASH 0x102 /* one of the characters of `windash` */

#define FIELD_KEYWORDS 1u /* the number of the field without a name: the whole event */

struct atom {
    uint8_t op;
    bool cased;
    uint8_t compare, part; /* ATOM_COMPARE */
    uint8_t how;           /* ATOM_FIELDREF: ATOM_EQUALS, ATOM_STARTS, ... */
    uint32_t field, other;
    uint32_t uses; /* how many rules ask: a guess of how common it is */
    struct str text;
    union {
        double number;
        void *regex;
        const struct cidr *cidr;
    };
    const struct str *hints; /* ATOM_REGEX, ATOM_GLOB: one of these is in every match, folded */
    uint32_t nhints;
};

enum node_op { NODE_AND, NODE_OR, NODE_NOT, NODE_ATOM, NODE_ANY_ATOM, NODE_ALL_ATOMS, NODE_AT_LEAST };

struct node {
    uint8_t op;
    uint32_t n;    /* of kids or atoms */
    uint32_t need; /* NODE_AT_LEAST; the atom of NODE_ATOM */
    uint64_t cost; /* of finding it by its required atoms; 0 not yet known */
    union {
        struct node **kids;
        uint32_t *atoms;
    };
};

enum correlation_type {
    CORRELATE_EVENT_COUNT,
    CORRELATE_VALUE_COUNT,
    CORRELATE_TEMPORAL,
    CORRELATE_TEMPORAL_ORDERED,
    CORRELATE_VALUE_SUM,
    CORRELATE_VALUE_AVG,
    CORRELATE_VALUE_PERCENTILE,
    CORRELATE_VALUE_MEDIAN,
};

struct limits { /* of a correlation: all that are given must hold */
    bool gt, gte, lt, lte, eq, neq;
    double vgt, vgte, vlt, vlte, veq, vneq;
};

struct reference {
    struct str name; /* as written: id or name */
    unsigned line;
    uint32_t rule;                          /* after compiling */
    uint32_t group[SIGMA_GROUP_FIELDS_MAX]; /* field that holds each part of the group, aliases applied */
    uint32_t field[SIGMA_GROUP_FIELDS_MAX]; /* the same for `field` */
};

struct alias {
    struct str name, rule, field;
    unsigned line;
};

struct correlation {
    enum correlation_type type;
    struct reference *refs;
    unsigned nrefs;
    struct str group[SIGMA_GROUP_FIELDS_MAX];
    unsigned ngroup;
    struct str field[SIGMA_GROUP_FIELDS_MAX];
    unsigned nfield;
    struct alias *aliases;
    unsigned naliases;
    int64_t span; /* ns */
    struct limits limits;
    bool has_percentile;
    double percentile;
    bool generate;
    bool at_end;     /* decided when the window ends */
    uint32_t slot;   /* number among the correlations, in the order of evaluation */
    unsigned height; /* how many correlations stand below it, one behind the other */
};

struct parent { /* a correlation that listens to a rule */
    uint32_t rule, ref;
};

struct rule {
    struct sigma_rule_info info;
    struct str name;
    uint32_t bucket;
    struct node *root;
    struct correlation *correlation; /* NULL for a plain rule */
    bool hidden;                     /* serves a correlation only */
    bool dead;                       /* refused while compiling */
    bool off;
    const struct yaml_tree *tests;
    struct parent *parents;
    uint32_t nparents;
};

struct filter {
    struct str title, file;
    unsigned line;
    struct sigma_source source;
    struct reference *refs;
    unsigned nrefs;
    bool any;
    bool inert;
    struct node *root;
};

struct placeholder {
    struct str name; /* folded */
    const struct str *values;
    size_t n;
};

struct names { /* texts -> numbers from 1; compared folded */
    struct str *items;
    uint32_t count, cap;
    uint32_t *table;
    uint32_t mask;
};

/* A logsource as rules give it. */
struct bucket {
    struct sigma_source source; /* folded */
    uint32_t *rules;            /* not inert, no correlations */
    uint32_t nrules;
    uint32_t *always; /* those without a required atom */
    uint32_t nalways;
    uint64_t *fields; /* bit per field that its rules look at */
    bool keywords;
};

struct sigma_rules {
    struct arena arena;
    struct rule *rules;
    size_t count, cap;
    struct filter *filters;
    size_t nfilters, filters_cap;
    struct placeholder *placeholders;
    size_t nplaceholders;
    struct names fields;
    struct atom *atoms;
    uint32_t natoms, atoms_cap;
    uint32_t *atom_table;
    uint32_t atom_mask;
    struct kept { /* trees with tests in them */
        struct arena arena;
        struct kept *next;
    } *kept;
    bool compiled;
    unsigned weight;
    struct bucket *buckets;
    uint32_t nbuckets;
    struct names bucket_names; /* "product\0category\0service" */
    uint32_t *post_first;      /* per atom, natoms + 1: where its rules begin in post */
    uint32_t *post;
    uint32_t *order; /* correlations, the used before the users */
    uint32_t ncorrelations;
    struct finder *finder;
};

/* What a document is compiled with; errors carry the line. */
struct sc {
    struct sigma_rules *set;
    struct err *err;
    unsigned line; /* of the problem */
    bool inert;    /* a placeholder without values was met */
};
int sc_fail(struct sc *c, unsigned line, const char *format, ...) __attribute__((format(printf, 3, 4)));
int sc_memory(struct sc *c); /* the arena's failure as an error */

/* sigma-parse.c: one document. Adds nothing on failure. 1 rule added, 0 a filter. */
int sigma_document_add(struct sc *c, struct str file, const struct yaml_tree *doc);
int source_parse(struct sc *c, const struct yaml_tree *doc, struct sigma_source *ret);
/* sigma-detection.c: map of selections and condition */
int detection_build(struct sc *c, const struct yaml_tree *detection, bool is_filter, struct node **ret);
/* sigma-correlation.c */
int correlation_parse(struct sc *c, const struct yaml_tree *tree, struct correlation **ret);
int references_parse(struct sc *c, const struct yaml_tree *tree, struct reference **ret, unsigned *ret_n);

/* sigma-condition.c */
struct selection {
    struct str name;
    struct node *root;
};
int condition_build(struct sc *c, unsigned line, struct str text, const struct selection *s, unsigned n,
                    struct node **ret);

/* Nodes; NULL: no memory. */
struct node *node_make(struct sc *c, enum node_op op, uint32_t n);
struct node *node_atom(struct sc *c, uint32_t atom);
/* Joins kids; one kid stays itself, atoms alone become NODE_ANY_ATOM or NODE_ALL_ATOMS. */
struct node *node_join(struct sc *c, enum node_op op, struct node **kids, uint32_t n);

/* sigma-value.c */
enum value_step { STEP_WIDE, STEP_UTF16BE, STEP_UTF16, STEP_BASE64, STEP_BASE64OFFSET, STEP_WINDASH };
struct modifiers {
    bool contains, starts, ends, all, cased, neq, re, re_i, re_m, re_s, cidr, expand, fieldref, exists;
    bool has_compare;
    uint8_t compare, part;                      /* enum compare, enum date_part */
    enum value_step steps[SIGMA_MODIFIERS_MAX]; /* in their order */
    unsigned nsteps;
};
/* One value of a field (FIELD_KEYWORDS: of the whole event) -> node. */
int value_build(struct sc *c, uint32_t field, const struct modifiers *m, const struct yaml_tree *v, struct node **ret);

/* sigma-atom.c */
/* Folds case: ASCII, and the letters of Latin-1, Greek and Cyrillic in UTF-8. Same length; `to` may be s.p. */
void fold_text(char *to, struct str s);
struct str fold_copy(struct arena *a, struct str s);
int names_add(struct names *t, struct arena *a, struct str name, uint32_t *ret);
uint32_t names_find(const struct names *t, struct str name); /* 0 none */
void sigma_names_free(struct names *t);
/* Finds or adds; takes over a->regex (frees it when the atom is known). */
int atom_add(struct sc *c, struct atom *a, uint32_t *ret);
/* Does one text (original and folded) answer it? Not for NULL, EXISTS, FIELDREF, COMPARE. */
bool atom_text_fits(const struct atom *a, struct str original, struct str folded, uint64_t *limits_hit);
bool glob_fits(const uint16_t *tokens, size_t n, struct str s, uint64_t *limits_hit);
bool texts_fit(enum atom_op how, struct str value, struct str pattern);
bool number_of(struct str text, double *ret);
/* Date and time in a text ("2025-01-02T03:04:05", seconds or milliseconds since 1970) -> its part. */
bool date_part_of(struct str text, enum date_part part, double *ret);
double date_part_at(int64_t time_ns, enum date_part part);
bool compare_holds(enum compare op, double a, double b);

/* sigma-finder.c */
struct finder;
int finder_new(const struct sigma_rules *r, struct finder **ret);
void finder_free(struct finder **x);
/* Atoms that finder_run can decide; others are asked one by one. */
enum atom_state { FINDER_NOT, FINDER_EXACT, FINDER_HINTED };
enum atom_state finder_of(const struct finder *x, uint32_t atom);
/* Calls hit for the atoms whose text stands in the value; an atom may come several times. */
typedef void finder_hit(void *context, uint32_t atom, bool exact);
void finder_run(const struct finder *x, uint32_t field, struct str folded, finder_hit *hit, void *context);

/* sigma-engine.c, for sigma-test.c: a hidden rule's matches are told too, and inside *all_hits hits stand. */
void sigma_engine_tell_all(struct sigma_engine *g);
void sigma_engine_reset(struct sigma_engine *g); /* forgets all windows */

/* sigma-window.c */
struct windows;
int windows_new(const struct sigma_rules *r, struct windows **ret);
void windows_free(struct windows **w);
void windows_reset(struct windows *w);
/* One value of a field of the event that is being judged; STR_NONE.p == NULL when absent. */
typedef struct str windows_value(void *context, uint32_t field);
typedef void windows_match(void *context, uint32_t rule, const struct sigma_event *ev, const uint64_t *events,
                           size_t nevents);
struct windows_call {
    windows_value *value;
    windows_match *match;
    void *context;
};
/* A rule matched this event: feeds the correlations that listen to it. */
int windows_feed(struct windows *w, uint32_t rule, const struct sigma_event *ev, const struct windows_call *call);
/* Time passes: ends windows that are over. INT64_MAX: all. */
int windows_advance(struct windows *w, int64_t now, const struct windows_call *call);
uint64_t windows_evicted(const struct windows *w);

#endif
