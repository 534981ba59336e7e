/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The ATT&CK table (the tables in content/attack, version 19; facts (c) The MITRE
 * Corporation, see content/attack/LICENSE). Embedded in the binary at build.
 */
#ifndef BELLJAR_DETECT_ATTACK_H
#define BELLJAR_DETECT_ATTACK_H

#include "base/str.h"

struct attack_technique {
    const char *id, *name; /* "T1053.003", "Cron" */
    const char *tactics;   /* short names separated by commas */
    const char *parent;    /* id of the parent technique or "" */
};
struct attack_tactic {
    const char *id, *shortname, *name;
};
/* Follows superseded_by for old ids. NULL when unknown. */
const struct attack_technique *attack_technique(struct str id);
/* In matrix order; NULL at the end. */
const struct attack_tactic *attack_tactic_at(unsigned index);
const char *attack_version(void); /* "19" */

#endif
