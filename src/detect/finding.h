/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A finding: one sentence about what was seen, why it matters, and the events
 * that show it. Every engine (behaviour rules, later Sigma and YARA) makes
 * these; score/ turns them into a verdict; the report shows them.
 */
#ifndef BELLJAR_DETECT_FINDING_H
#define BELLJAR_DETECT_FINDING_H

#include "base/arena.h"
#include "base/err.h"

#define FINDING_EVIDENCE_MAX 32 /* kept per finding; `count` tells the real number */
#define FINDING_ATTACK_MAX 8
#define FINDINGS_MAX 4096
#define FINDINGS_ARENA_MAX (16u << 20)

enum severity { SEVERITY_INFO, SEVERITY_LOW, SEVERITY_MEDIUM, SEVERITY_HIGH };
const char *severity_name(enum severity s); /* "info", "low", "medium", "high" */

/* Threat classes: the axes of the radar. */
enum threat_class {
    CLASS_RANSOMWARE,
    CLASS_SPREADING,
    CLASS_PHISHING,
    CLASS_BANKER,
    CLASS_TROJAN,
    CLASS_ADWARE,
    CLASS_SPYWARE,
    CLASS_EXPLOITER,
    CLASS_EVADER,
    CLASS_MINER,
    CLASS_COUNT
};
const char *threat_class_name(enum threat_class c); /* "Ransomware", ..., "Trojan/Bot", ... */

/* The categories of findings, in the order of a report; NULL behind the last. */
const char *finding_category_at(unsigned index);
/* Index of a category by its exact name, or ERR_MISSING. */
int finding_category_find(struct str name);

struct evidence {
    uint8_t source; /* enum event_source */
    uint64_t seq;   /* (source, seq) names the event in the log */
    int64_t time_ns;
    uint32_t proc; /* n in the process table, 0 none */
};

#define FINDING_ARTEFACTS_MAX 8 /* kept per finding */

/* A place in a file, a memory dump or the traffic that shows it. */
struct artefact_evidence {
    const char *kind;  /* "sample", "dropped", "memory", "traffic" */
    struct str name;   /* as people know it: the sample's name, a path in the guest */
    struct str sha256; /* may be empty */
    struct str string; /* identifier of what matched there; empty: the artefact as a whole */
    uint64_t offset;
};

struct finding {
    struct str rule;     /* id of the rule, e.g. "linux.persistence.cron" */
    struct str title;    /* sentence with its variables filled in */
    struct str category; /* one of the list in docs/user/verdict.md */
    enum severity severity;
    unsigned points;                       /* before capping */
    struct str attack[FINDING_ATTACK_MAX]; /* "T1053.003" */
    unsigned nattack;
    uint8_t classes[CLASS_COUNT]; /* weights 0..10 */
    struct str threat;            /* name of the malware that the rule knows ("XMRig"), or empty */
    struct evidence evidence[FINDING_EVIDENCE_MAX];
    unsigned nevidence;
    struct artefact_evidence artefacts[FINDING_ARTEFACTS_MAX];
    unsigned nartefacts;
    uint64_t count; /* how often it was seen */
};

struct findings { /* grows; strings live in the arena */
    struct finding *items;
    size_t count, cap;
    struct arena arena;
};
void findings_init(struct findings *f);
void findings_free(struct findings *f);
/* New zeroed finding, or NULL (no memory, or FINDINGS_MAX reached). */
struct finding *findings_add(struct findings *f);

#endif
