/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a rule's meta say about a hit, in the words of findings:
 *
 *   description  sentence                   author, reference, licence (or license)
 *   severity     info, low, medium, high    score   0-100: the points
 *   category     one of docs/user/verdict.md; otherwise "AV Detection"
 *   attack       technique ids, separated by commas or spaces ("mitre_attack" and "attack_id" are read too)
 *   class        threat classes with a weight, "Miner 8, Trojan/Bot" (6 without)
 *   malware      name of the threat ("family" and "malware_family" are read too)
 *
 * Points always fit the severity (docs/user/verdict.md). Without a severity it follows
 * from the score; without both a hit is medium with 15 points.
 */
#ifndef BELLJAR_DETECT_YARA_MEANING_H
#define BELLJAR_DETECT_YARA_MEANING_H

#include "detect/finding.h"
#include "detect/yara/hits.h"

struct yara_meaning {
    enum severity severity;
    unsigned points;
    struct str category;                                         /* text of the table: never goes away */
    struct str description, author, reference, licence, malware; /* borrowed from the hit */
    struct str attack[FINDING_ATTACK_MAX];                       /* texts of the ATT&CK table */
    unsigned nattack;
    uint8_t classes[CLASS_COUNT];
};

void yara_meaning_of(const struct yara_hit *h, struct yara_meaning *ret);
/* "yara:miners/Miner_Pool" into ret; cut when it does not fit. */
void yara_rule_id(struct str ns, struct str rule, char *ret, size_t n);

#endif
