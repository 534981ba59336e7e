/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/yara/meaning.h"

#include "detect/attack.h"

#include <stdio.h>

#define POINTS_DEFAULT 15
#define WEIGHT_DEFAULT 6

/* docs/user/verdict.md, table of severities. */
static const struct {
    unsigned least, most, usual;
} range[] = {
    [SEVERITY_INFO] = {0, 3, 0},
    [SEVERITY_LOW] = {1, 10, 5},
    [SEVERITY_MEDIUM] = {8, 30, POINTS_DEFAULT},
    [SEVERITY_HIGH] = {20, 65, 40},
};

void yara_rule_id(struct str ns, struct str rule, char *ret, size_t n)
{
    snprintf(ret, n, "yara:%.*s/%.*s", STR_ARG(ns), STR_ARG(rule));
}

static struct str text_of(const struct yara_hit *h, const char *const *names)
{
    for (; *names; names++) {
        struct str s = str_trim(yara_hit_text(h, *names));
        if (s.n)
            return s;
    }
    return STR_NONE;
}

static bool number_of(const struct yara_hit *h, const char *name, unsigned *ret)
{
    const struct yara_meta *m = yara_hit_meta(h, name);
    uint64_t v;
    if (!m || m->kind == YARA_META_BOOLEAN)
        return false;
    if (m->kind == YARA_META_INTEGER)
        v = m->number < 0 ? 0 : (uint64_t)m->number;
    else if (str_u64(str_trim(m->text), 10, &v) < 0)
        return false;
    *ret = v > 100 ? 100 : (unsigned)v;
    return true;
}

static void severity_set(const struct yara_hit *h, struct yara_meaning *m)
{
    struct str word = str_trim(yara_hit_text(h, "severity"));
    unsigned score = 0;
    bool scored = number_of(h, "score", &score), known = false;

    for (unsigned s = SEVERITY_INFO; s <= SEVERITY_HIGH; s++)
        if (str_ieq(word, str_from(severity_name((enum severity)s)))) {
            m->severity = (enum severity)s;
            known = true;
        }
    if (str_ieq(word, STR_LIT("critical"))) {
        m->severity = SEVERITY_HIGH;
        known = true;
    }
    if (!known)
        m->severity = !scored      ? SEVERITY_MEDIUM
                      : score < 5  ? SEVERITY_INFO
                      : score < 30 ? SEVERITY_LOW
                      : score < 60 ? SEVERITY_MEDIUM
                                   : SEVERITY_HIGH;
    m->points = scored ? score : range[m->severity].usual;
    if (m->points < range[m->severity].least)
        m->points = range[m->severity].least;
    if (m->points > range[m->severity].most)
        m->points = range[m->severity].most;
}

/* The next word of a list that is separated by commas, semicolons or (if wanted) spaces. */
static bool next_word(struct str *rest, bool spaces, struct str *ret)
{
    size_t i = 0;
    while (rest->n && (rest->p[0] == ',' || rest->p[0] == ';' || rest->p[0] == ' '))
        *rest = str_sub(*rest, 1, rest->n);
    while (i < rest->n && rest->p[i] != ',' && rest->p[i] != ';' && !(spaces && rest->p[i] == ' '))
        i++;
    *ret = str_trim(str_sub(*rest, 0, i));
    *rest = str_sub(*rest, i, rest->n);
    return i > 0;
}

static void attack_set(struct str list, struct yara_meaning *m)
{
    struct str word;
    while (m->nattack < FINDING_ATTACK_MAX && next_word(&list, true, &word)) {
        const struct attack_technique *t = attack_technique(word);
        bool known = !t;
        for (unsigned i = 0; i < m->nattack && !known; i++)
            known = str_eqz(m->attack[i], t->id);
        if (!known)
            m->attack[m->nattack++] = str_from(t->id);
    }
}

static bool class_is(struct str word, const char *name)
{
    struct str full = str_from(name), part;
    if (str_ieq(word, full))
        return true;
    while (str_split(&full, '/', &part)) /* "Trojan" for "Trojan/Bot" */
        if (str_ieq(word, part))
            return true;
    return false;
}

static void classes_set(struct str list, struct yara_meaning *m)
{
    struct str word;
    while (next_word(&list, false, &word)) {
        uint64_t weight = WEIGHT_DEFAULT;
        size_t n = word.n;
        while (n && word.p[n - 1] >= '0' && word.p[n - 1] <= '9')
            n--;
        if (n < word.n && (str_u64(str_sub(word, n, word.n), 10, &weight) < 0 || weight > 10))
            weight = 10;
        word = str_trim(str_sub(word, 0, n));
        if (word.n && (word.p[word.n - 1] == ':' || word.p[word.n - 1] == '='))
            word = str_trim(str_sub(word, 0, word.n - 1));
        for (unsigned c = 0; c < CLASS_COUNT; c++)
            if (class_is(word, threat_class_name((enum threat_class)c)) && m->classes[c] < weight)
                m->classes[c] = (uint8_t)weight;
    }
}

void yara_meaning_of(const struct yara_hit *h, struct yara_meaning *ret)
{
    static const char *const attack[] = {"attack", "mitre_attack", "attack_id", NULL};
    static const char *const malware[] = {"malware", "malware_family", "family", NULL};
    static const char *const licence[] = {"licence", "license", NULL};
    static const char *const description[] = {"description", "info", NULL};
    static const char *const class[] = {"class", "classes", NULL};
    static const char *const author[] = {"author", NULL};
    static const char *const reference[] = {"reference", "references", "url", NULL};

    *ret = (struct yara_meaning){0};
    severity_set(h, ret);
    int category = finding_category_find(str_trim(yara_hit_text(h, "category")));
    ret->category = category >= 0 ? str_from(finding_category_at((unsigned)category)) : STR_LIT("AV Detection");
    ret->description = text_of(h, description);
    ret->author = text_of(h, author);
    ret->reference = text_of(h, reference);
    ret->licence = text_of(h, licence);
    ret->malware = text_of(h, malware);
    attack_set(text_of(h, attack), ret);
    classes_set(text_of(h, class), ret);
}
