/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/finding.h"

#include <stdlib.h>

static const char *const severities[] = {"info", "low", "medium", "high"};
static const char *const classes[CLASS_COUNT] = {"Ransomware", "Spreading", "Phishing",  "Banker", "Trojan/Bot",
                                                 "Adware",     "Spyware",   "Exploiter", "Evader", "Miner"};
static const char *const categories[] = {
    "AV Detection",
    "Phishing",
    "Exploits",
    "Privilege Escalation",
    "Bitcoin Miner",
    "Cryptography",
    "Compliance",
    "Spreading",
    "Software Vulnerabilities",
    "Networking",
    "Key, Mouse, Clipboard, Microphone and Screen Capturing",
    "E-Banking Fraud",
    "Spam, unwanted Advertisements and Ransom Demands",
    "Operating System Destruction",
    "System Summary",
    "Data Obfuscation",
    "Persistence and Installation Behavior",
    "Boot Survival",
    "Hooking and other Techniques for Hiding and Protection",
    "Malware Analysis System Evasion",
    "Anti Debugging",
    "HIPS / PFW / Operating System Protection Evasion",
    "Language, Device and Operating System Detection",
    "Lowering of HIPS / PFW / Operating System Security Settings",
    "Stealing of Sensitive Information",
    "Remote Access Functionality",
};

const char *severity_name(enum severity s)
{
    return (unsigned)s <= SEVERITY_HIGH ? severities[s] : "unknown";
}

const char *threat_class_name(enum threat_class c)
{
    return (unsigned)c < CLASS_COUNT ? classes[c] : "unknown";
}

const char *finding_category_at(unsigned index)
{
    return index < sizeof(categories) / sizeof(categories[0]) ? categories[index] : NULL;
}

int finding_category_find(struct str name)
{
    for (unsigned i = 0; finding_category_at(i); i++)
        if (str_eqz(name, finding_category_at(i)))
            return (int)i;
    return ERR_MISSING;
}

void findings_init(struct findings *f)
{
    *f = (struct findings){0};
    arena_init(&f->arena, FINDINGS_ARENA_MAX);
}

void findings_free(struct findings *f)
{
    free(f->items);
    arena_free(&f->arena);
    *f = (struct findings){0};
}

struct finding *findings_add(struct findings *f)
{
    if (f->count >= FINDINGS_MAX)
        return NULL;
    if (f->count == f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 16;
        struct finding *items = realloc(f->items, cap * sizeof(*items));
        if (!items)
            return NULL;
        f->items = items;
        f->cap = cap;
    }
    struct finding *n = &f->items[f->count++];
    *n = (struct finding){0};
    return n;
}
