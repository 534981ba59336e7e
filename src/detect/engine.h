/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Inside of the running engine, shared by engine*.c. See rule.h for the map.
 *
 * Way of an event: routing by kind and lineage; its text fields go through the
 * field's scan (remembered per interned string); what the scans say picks the
 * few detectors whose necessary text was there, and those are evaluated. A
 * detector that holds goes to engine-state.c, a complete rule to
 * engine-finding.c.
 */
#ifndef BELLJAR_DETECT_ENGINE_H
#define BELLJAR_DETECT_ENGINE_H

#include "detect/scan.h"

#define ENGINE_STATES_PER_RULE 1024u
#define ENGINE_GROUPS_PER_RULE 256u
#define ENGINE_GROUP_BYTES_MAX ((size_t)64 << 20)
#define ENGINE_WRITTEN_MAX (1u << 20) /* paths written by the sample that are remembered */
#define ENGINE_PENDING_MAX 512u       /* network events that wait for their process */
#define ENGINE_PENDING_NS 2000000000
#define ENGINE_ADVANCE_MAX 64u /* states that one event may move */
#define ENGINE_REF_DEPTH_MAX 4u
#define ENGINE_VAR_TEXT_MAX 512u
#define ENGINE_TITLE_MAX 512u
#define ENGINE_TITLE_VALUE_MAX 160u

struct live { /* a detector in this engine */
    const struct detector *d;
    uint64_t stamp;
};

struct live_list {
    uint32_t *items; /* indices of live detectors */
    uint32_t count, cap;
};

struct kind_route {
    struct live_list always; /* no text decides: evaluated on each event of the kind */
    uint8_t lineage;         /* union */
    uint8_t nscan;           /* text fields to scan */
    struct {
        uint8_t slot;
        uint16_t field;
    } scan[EVENT_FIELDS_MAX];
    int8_t path_slot[2], target_pid_slot, port_slot; /* -1 none */
};

#define MEMO_SIZE (1u << 17)
#define MEMO_IDS 7
struct memo { /* what a scan said about a string */
    uint64_t key;
    uint32_t len;
    uint16_t field; /* + 1 */
    uint16_t count;
    uint16_t ids[MEMO_IDS];
};

struct field_hits { /* of the event at hand */
    uint64_t stamp;
    unsigned count;
    uint16_t *ids;
};

struct state;
struct group;

struct rule_live {
    struct state *oldest, *newest;
    uint32_t nstates;
    struct group *group_oldest, *group_newest;
    uint32_t ngroups;
    struct live_list subscribers; /* detectors that watch this rule's hits */
    uint32_t found[RULE_TITLES_MAX];
    uint64_t found_hash[RULE_TITLES_MAX];
    uint32_t nfound;
};

struct limits { /* what was dropped; said at the end */
    uint64_t states, groups, advances, written, regex, findings, pending;
};

struct behavior_engine {
    const struct behavior_rules *set;
    const struct proctab *procs;
    struct behavior_facts facts;
    uint8_t key[16];
    struct live *lives;
    uint32_t nlives;
    struct live_list *by_matcher;
    struct kind_route *routes; /* [EVENT_KIND_MAX] */
    struct scan **scans;       /* per field */
    struct field_hits *hits;   /* per field */
    uint16_t *hit_ids;         /* storage of hits */
    struct memo *memo;
    uint32_t *matched, nmatched;
    /* the event at hand */
    uint64_t stamp;
    const struct event *ev;
    const struct proc *p; /* NULL: seen on the wire, process unknown */
    unsigned depth;
    uint64_t tree_stamp, tree; /* the tree of p, found out for the event of this stamp */
    uint64_t script_stamp;     /* script_path belongs to the event of this stamp */
    char script_path[1024];
    size_t script_len;
    /* processes of ports, waiting network events */
    uint32_t *port_proc; /* [65536] */
    struct pending *pending;
    uint32_t pending_first, pending_count;
    /* paths written by the sample, by hash */
    uint64_t *written;
    uint32_t written_count, written_cap;
    /* states and groups */
    struct rule_live *rules;
    struct state **buckets;
    struct group **group_buckets;
    size_t group_bytes;
    int64_t next_deadline;
    int64_t last_ns;
    uint32_t *absent_rules, nabsent_rules;
    /* results */
    struct findings findings;
    uint64_t *amounts; /* per finding */
    size_t amounts_cap;
    struct limits limits;
    int failed;
};

struct value {
    bool present, stable; /* stable: the text lives as long as the process table */
    uint32_t id;
    int64_t number;
    bool is_unsigned_big; /* number does not fit: larger than all int64 */
    struct str s;
};

/* engine.c */
int live_list_add(struct live_list *l, uint32_t item);
struct value engine_value(struct behavior_engine *g, uint16_t field);
/* The value as text for joining and showing; numbers are written to scratch. */
struct str engine_value_text(struct behavior_engine *g, uint16_t field, char *scratch, size_t n);
uint64_t engine_hash(const struct behavior_engine *g, const void *p, size_t n);
void engine_detector_holds(struct behavior_engine *g, const struct detector *d);

/* engine-script.c */
struct str engine_script_path(struct behavior_engine *g);

/* engine-match.c */
bool engine_eval(struct behavior_engine *g, const struct node *n);
const struct field_hits *engine_hits(struct behavior_engine *g, uint16_t field, const struct value *v);
int engine_index(struct behavior_engine *g);

/* engine-state.c */
int engine_state_new(struct behavior_engine *g);
void engine_state_free(struct behavior_engine *g);
void engine_state_event(struct behavior_engine *g, const struct detector *d);
void engine_state_time(struct behavior_engine *g, int64_t now, bool end);

/* engine-finding.c */
struct hit {
    const struct rule *rule;
    uint32_t index; /* of the rule */
    const struct evidence *evidence;
    unsigned nevidence;
    char *const *vars; /* text of each variable, or NULL */
    const char *title; /* made before, or NULL */
    uint64_t count, amount;
};
struct evidence engine_evidence(const struct behavior_engine *g);
/* Title with byte 1 where the count goes, malloc'ed. */
char *engine_title(struct behavior_engine *g, const struct rule *r, char *const *vars);
void engine_hit(struct behavior_engine *g, const struct hit *h);
int engine_findings_end(struct behavior_engine *g, struct findings *ret);

#endif
