/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Inside of the behaviour engine: the compiled form of rules. Not for others;
 * the public face is behavior.h, the language is in docs/user/behavior-rules.md.
 *
 *   rule-parse.c      YAML tree -> struct rule
 *   rule-detection.c  selections and conditions -> expression over atoms
 *   rule-value.c      fields, numbers, text patterns
 *   rule-regex.c      regular expressions and the text they need
 *   scan.c            all text patterns of a field -> one automaton
 *   engine.c          routing and evaluation of one event
 *   engine-state.c    sequences, counts, absences
 *   engine-finding.c  hits -> findings
 *   rule-test.c       tests inside rules, event streams written in YAML
 */
#ifndef BELLJAR_DETECT_RULE_H
#define BELLJAR_DETECT_RULE_H

#include "detect/behavior.h"
#include "detect/cidr.h"
#include "detect/regex.h"
#include "detect/yaml.h"

#define RULES_MAX 4096
#define RULE_STEPS_MAX 8
#define RULE_VARS_MAX 4
#define RULE_JOIN_FIELDS_MAX 4
#define RULE_TITLE_PARTS_MAX 16
#define RULE_FIELDS_MAX 512
#define RULE_MATCHERS_MAX 16384
#define RULE_PATTERNS_MAX 65536
#define RULE_CONDITION_DEPTH_MAX 32
#define RULE_REFS_MAX 32
#define RULE_COUNT_MAX 4096 /* largest distinct or windowed threshold */
#define RULE_TITLES_DEFAULT 4
#define RULE_TITLES_MAX 32

/* Bits of a detector's lineage mask: 1 << enum proc_lineage, and one more. */
#define LINEAGE_NETWORK 3 /* seen on the wire, no process known */
#define LINEAGE_DEFAULT ((1u << PROC_SAMPLE) | (1u << PROC_ADOPTED) | (1u << LINEAGE_NETWORK))
#define LINEAGE_ANY 0xfu

/* Fields that are joined to an event from the process table and the run. */
enum joined {
    JOINED_NONE,
    JOINED_IMAGE,
    JOINED_COMMAND_LINE,
    JOINED_PARENT_IMAGE,
    JOINED_PARENT_COMMAND_LINE,
    JOINED_CURRENT_DIRECTORY,
    JOINED_SCRIPT,
    JOINED_ENVIRONMENT,
    JOINED_USER,
    JOINED_LINEAGE,
    JOINED_TARGET_IMAGE,
    JOINED_TARGET_LINEAGE,
    JOINED_SAMPLE_TYPE,
    JOINED_SAMPLE_STRINGS,
    JOINED_SAMPLE_INDICATORS,
    JOINED_SAMPLE_ANOMALIES,
    JOINED_SCRIPT_PATH,
    JOINED_PROCESS_ID, /* numbers from here */
    JOINED_SAMPLE_SIZE,
    JOINED_SAMPLE_ENTROPY,
    JOINED_IS_ROOT, /* booleans from here */
    JOINED_SAMPLE_STRIPPED,
    JOINED_SAMPLE_STATIC,
    JOINED_ANONYMOUS,
    JOINED_SAMPLE_FILE,
    JOINED_SELF_FILE,
    JOINED_WRITTEN_BY_SAMPLE,
    JOINED_IMAGE_WRITTEN_BY_SAMPLE,
    JOINED_COUNT
};

enum field_class { FIELD_TEXT, FIELD_NUMBER, FIELD_BOOL };

struct field {
    struct str name;
    uint8_t joined;              /* enum joined */
    int8_t slot[EVENT_KIND_MAX]; /* -1: this kind has no such field of its own */
};

/* One text pattern. At least one literal, unless it must be tried on every string. */
struct pattern {
    struct str literal; /* lower case; its presence is necessary; empty: try always */
    struct str exact;   /* original case, for `cased` */
    struct str glob;    /* whole pattern for str_glob, or empty */
    void *regex;        /* pcre2_code *, owned by the rule set */
    bool owner;         /* of regex: several literals may lead to one */
    bool at_start, at_end, cased;
    uint16_t matcher;
};

/* Text patterns joined by "or": one bit of knowledge about one string of one field. */
struct matcher {
    uint16_t field;
    bool lazy;             /* not part of the field's scan: tried when the rest of the condition holds */
    uint32_t first, count; /* in patterns */
};

enum number_op { NUMBER_IN, NUMBER_GT, NUMBER_GTE, NUMBER_LT, NUMBER_LTE, NUMBER_ANYBITS, NUMBER_ALLBITS };
enum node_op { NODE_AND, NODE_OR, NODE_NOT, NODE_TEXT, NODE_NUMBER, NODE_BOOL, NODE_CIDR, NODE_EXISTS, NODE_FIELDREF };

struct node {
    enum node_op op;
    uint16_t field;
    uint16_t other;   /* NODE_FIELDREF */
    uint16_t matcher; /* NODE_TEXT */
    bool expect;      /* NODE_BOOL, NODE_EXISTS */
    enum number_op number_op;
    int64_t *numbers; /* NODE_NUMBER */
    struct cidr *cidrs;
    struct node **kids;
    unsigned count; /* of kids, numbers or cidrs */
};

struct join { /* variable = any of these fields */
    uint8_t var;
    uint8_t count;
    uint16_t fields[RULE_JOIN_FIELDS_MAX];
};

/* One condition over one event: a whole rule, or one step of a sequence. */
struct detector {
    uint32_t rule; /* index */
    uint8_t step;
    uint8_t gap; /* how many steps that must happen come before */
    bool absent;
    uint8_t lineage;
    uint8_t kinds[EVENT_KIND_MAX / 8];
    struct node *root; /* NULL: every event of the kinds */
    unsigned nlets, njoins;
    struct {
        uint8_t var;
        uint16_t field;
    } lets[RULE_VARS_MAX];
    struct join joins[RULE_VARS_MAX];
    struct str refs[RULE_REFS_MAX]; /* ids of rules whose hits are the events */
    unsigned nrefs;
};

enum rule_scope { SCOPE_PROCESS, SCOPE_SIBLINGS, SCOPE_TREE, SCOPE_RUN };
enum rule_type { RULE_SINGLE, RULE_SEQUENCE, RULE_UNORDERED, RULE_COUNT };

struct title_part {
    struct str text; /* literal when kind is PART_TEXT */
    enum { PART_TEXT, PART_FIELD, PART_VAR, PART_COUNT } kind;
    uint16_t index;
};

struct rule {
    struct str id, title, category, description, file;
    unsigned line;
    enum severity severity;
    unsigned points;
    struct str attack[FINDING_ATTACK_MAX];
    unsigned nattack;
    uint8_t classes[CLASS_COUNT];
    struct str threat; /* key `malware` */
    uint8_t platforms; /* bits of platform_bit */
    const struct yaml_tree *falsepositives;
    enum rule_type type;
    struct detector detectors[RULE_STEPS_MAX];
    unsigned ndetectors;
    unsigned nsteps;  /* those that must happen */
    bool absent_last; /* hit when something does NOT follow */
    bool absent_first;
    struct str vars[RULE_VARS_MAX];
    unsigned nvars;
    enum rule_scope scope;
    int64_t within; /* ns, 0: the whole run */
    uint64_t at_least;
    bool has_distinct, has_sum, has_per;
    uint16_t distinct, sum, per; /* fields */
    struct title_part parts[RULE_TITLE_PARTS_MAX];
    unsigned nparts;
    unsigned titles_max;
    const struct yaml_tree *tests;
    bool off; /* by the administrator: it is not looked at */
};

struct behavior_rules {
    struct arena arena;
    struct rule **rules;
    size_t count, cap;
    struct field *fields;
    size_t nfields, fields_cap;
    struct matcher *matchers;
    size_t nmatchers, matchers_cap;
    struct pattern *patterns;
    size_t npatterns, patterns_cap;
    unsigned weight_lost; /* of rules that are added now: 100 - weight in percent */
};

/* What a rule is compiled with: errors carry the line. */
struct compile {
    struct behavior_rules *set;
    struct rule *rule;
    struct detector *detector;
    struct err *err;
    unsigned line; /* of the problem */
    unsigned depth;
};

int compile_fail(struct compile *c, unsigned line, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* rule-value.c */
int field_find(struct compile *c, unsigned line, struct str name, uint16_t *ret);
/* Class of a field over all kinds of the detector; an error when no kind has it or they differ. */
int field_class_of(struct compile *c, unsigned line, uint16_t field, enum field_class *ret, bool *ret_is_time);
int number_parse(struct str text, bool is_time, int64_t *ret);

enum text_modifier { TEXT_EQUALS, TEXT_CONTAINS, TEXT_STARTS, TEXT_ENDS };
int pattern_add(struct compile *c, unsigned line, struct str value, enum text_modifier how, bool cased);
struct pattern *pattern_new(struct compile *c);
struct str pattern_fold(struct compile *c, struct str s);

/* rule-regex.c */
int pattern_add_regex(struct compile *c, unsigned line, struct str value, const char *flags);

void pattern_free(struct pattern *p);

/* rule-detection.c: map of selections and condition -> c->detector->root */
int detection_compile(struct compile *c, const struct yaml_tree *detection);

/* rule-parse.c: one document; on failure c->err and c->line tell. Adds nothing to the list. */
int rule_parse(struct compile *c, const struct yaml_tree *doc);

/* The bit of a platform's name; 0 unknown, all bits for "any". */
uint8_t platform_bit(struct str name);

static inline bool kinds_have(const uint8_t *kinds, unsigned kind)
{
    return kind < EVENT_KIND_MAX && (kinds[kind / 8] >> (kind % 8) & 1);
}

/* rule-test.c needs an engine of one rule. SIZE_MAX: all. */
int behavior_engine_new_one(const struct behavior_rules *r, size_t only, const struct proctab *procs,
                            const struct behavior_facts *facts, struct behavior_engine **ret);

#endif
