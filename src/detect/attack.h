/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The ATT&CK tables (content/attack: Enterprise version 19, Mobile version 18.1;
 * facts (c) The MITRE Corporation, see content/attack/LICENSE). Embedded in the
 * binary at build. The ids of techniques are distinct over both.
 */
#ifndef BELLJAR_DETECT_ATTACK_H
#define BELLJAR_DETECT_ATTACK_H

#include "base/str.h"

enum attack_domain { ATTACK_ENTERPRISE, ATTACK_MOBILE, ATTACK_DOMAINS };

struct attack_technique {
    const char *id, *name; /* "T1053.003", "Cron" */
    const char *tactics;   /* short names separated by commas */
    const char *parent;    /* id of the parent technique or "" */
    const char *platforms; /* separated by commas */
    enum attack_domain domain;
};
struct attack_tactic {
    const char *id, *shortname, *name;
};
/* In either table ("T1053.003", also "t1053.003"). Follows superseded_by for old ids. NULL when unknown. */
const struct attack_technique *attack_technique(struct str id);
/* In matrix order; NULL at the end. */
const struct attack_tactic *attack_tactic_at(unsigned index); /* Enterprise */
const struct attack_tactic *attack_tactic_in(enum attack_domain domain, unsigned index);
/*
 * A tactic of the Enterprise matrix by short name, id or name, also as rules write them
 * ("defense_evasion") and as they were called before version 19 ("defense-evasion" is
 * "stealth"). NULL when unknown.
 */
const struct attack_tactic *attack_tactic_named(struct str name);
bool attack_technique_has_tactic(const struct attack_technique *t, const char *shortname);
const char *attack_version(void); /* of Enterprise: "19" */
const char *attack_version_in(enum attack_domain domain);

#endif
