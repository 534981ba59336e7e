/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The model of docs/user/verdict.md. Numbers here and there must be the same. */
#include "detect/score.h"

#include "detect/score-advice.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define SUSPICIOUS_FROM 30
#define MALICIOUS_FROM 60
#define SCORE_MAX 100
#define WEAK_MAX 25 /* all findings of severity info and low together */
#define CATEGORY_MAX_DEFAULT 40
#define LOST_TOO_MANY_PERCENT 5

static const struct {
    const char *category;
    unsigned max;
} category_caps[] = {
    {"Language, Device and Operating System Detection", 8},
    {"System Summary", 15},
    {"Compliance", 5},
    {"Cryptography", 15},
    {"Networking", 30},
    {"Anti Debugging", 25},
    {"Malware Analysis System Evasion", 30},
    {"Data Obfuscation", 30},
    {"Persistence and Installation Behavior", 45},
    {"Boot Survival", 45},
    {"Stealing of Sensitive Information", 45},
    {"Remote Access Functionality", 60},
    {"Spreading", 60},
    {"Bitcoin Miner", 70},
    {"Operating System Destruction", 70},
    {"Spam, unwanted Advertisements and Ransom Demands", 70},
};

const char *verdict_name(enum verdict_word w)
{
    static const char *const names[] = {"unknown", "clean", "suspicious", "malicious"};
    return (unsigned)w <= VERDICT_MALICIOUS ? names[w] : "unknown";
}

unsigned score_category_max(struct str category)
{
    for (size_t i = 0; i < sizeof(category_caps) / sizeof(category_caps[0]); i++)
        if (str_eqz(category, category_caps[i].category))
            return category_caps[i].max;
    return CATEGORY_MAX_DEFAULT;
}

void verdict_clear(struct verdict *v)
{
    free(v->parts);
    *v = (struct verdict){0};
}

struct counting {
    const struct findings *f;
    uint32_t *same; /* per finding: see score_same */
    unsigned weak, total;
    unsigned *category_sum; /* per finding: at the first of its category */
};

static size_t first_of(const struct findings *f, size_t index, bool by_rule)
{
    for (size_t i = 0; i < index; i++)
        if (by_rule ? str_eq(f->items[i].rule, f->items[index].rule)
                    : str_eq(f->items[i].category, f->items[index].category))
            return i;
    return index;
}

/* Strong findings are counted first, so that caps take away from weak ones. */
static int stronger(const void *a, const void *b, void *context)
{
    const struct findings *f = context;
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    const struct finding *p = &f->items[x], *q = &f->items[y];
    if (p->severity != q->severity)
        return p->severity > q->severity ? -1 : 1;
    if (p->points != q->points)
        return p->points > q->points ? -1 : 1;
    return x < y ? -1 : x > y;
}

static uint32_t *order_make(const struct findings *f)
{
    uint32_t *order = calloc(f->count + 1, sizeof(*order));
    for (size_t i = 0; order && i < f->count; i++)
        order[i] = (uint32_t)i;
    if (order)
        qsort_r(order, f->count, sizeof(*order), stronger, (void *)(uintptr_t)f);
    return order;
}

static struct score_part part_count(struct counting *c, uint32_t index, const bool *rule_done)
{
    const struct finding *f = &c->f->items[index];
    struct score_part p = {.finding = index, .points = f->points, .same_as = c->same[index]};
    if (p.same_as != SCORE_NONE) {
        p.points = 0;
        p.note = "seen by another rule too, which counts";
        return p;
    }
    if (rule_done[first_of(c->f, index, true)]) {
        p.points = 0;
        p.note = f->points ? "the rule counts once" : NULL;
        return p;
    }
    unsigned *sum = &c->category_sum[first_of(c->f, index, false)];
    unsigned room = score_category_max(f->category);
    room = room > *sum ? room - *sum : 0;
    if (p.points > room) {
        p.points = room;
        p.note = "capped by its category";
    }
    bool weak = f->severity <= SEVERITY_LOW;
    if (weak && p.points > WEAK_MAX - c->weak) {
        p.points = WEAK_MAX - c->weak;
        p.note = "weak findings together give at most 25 points";
    }
    if (p.points > SCORE_MAX - c->total) {
        p.points = SCORE_MAX - c->total;
        p.note = "the score ends at 100";
    }
    *sum += p.points;
    c->weak += weak ? p.points : 0;
    c->total += p.points;
    return p;
}

/* One finding of high severity is at least suspicious, whatever it gives. */
static int high_raise(const struct findings *f, struct verdict *v)
{
    for (size_t i = 0; i < v->nparts && v->score < SUSPICIOUS_FROM; i++) {
        if (f->items[v->parts[i].finding].severity != SEVERITY_HIGH)
            continue;
        v->parts[i].points += SUSPICIOUS_FROM - v->score;
        v->parts[i].note = "raised: a finding of high severity alone is suspicious";
        v->score = SUSPICIOUS_FROM;
    }
    return 0;
}

static int points_count(const struct findings *f, const uint32_t *order, struct verdict *v)
{
    struct counting c = {
        .f = f, .same = calloc(f->count + 1, sizeof(uint32_t)), .category_sum = calloc(f->count + 1, sizeof(unsigned))};
    bool *rule_done = calloc(f->count + 1, sizeof(*rule_done));
    v->parts = calloc(f->count + 1, sizeof(*v->parts));
    int rc = c.same && c.category_sum && rule_done && v->parts ? 0 : -ENOMEM;
    if (rc == 0)
        score_same(f, order, c.same);
    for (size_t i = 0; i < f->count && rc >= 0; i++) {
        v->parts[v->nparts++] = part_count(&c, order[i], rule_done);
        rule_done[first_of(f, order[i], true)] = true;
    }
    v->score = c.total;
    for (size_t i = 0; i < f->count; i++)
        v->high += f->items[i].severity == SEVERITY_HIGH;
    free(c.same);
    free(c.category_sum);
    free(rule_done);
    return rc < 0 ? rc : high_raise(f, v);
}

/* Findings that another one counts for add nothing to the classes either. */
static bool *counted_make(const struct findings *f, const struct verdict *v)
{
    bool *counted = calloc(f->count + 1, sizeof(*counted));
    for (size_t i = 0; counted && i < v->nparts; i++)
        counted[v->parts[i].finding] =
            v->parts[i].same_as == SCORE_NONE && first_of(f, v->parts[i].finding, true) == v->parts[i].finding;
    return counted;
}

static int classes_count(const struct findings *f, struct verdict *v)
{
    bool *counted = counted_make(f, v);
    if (!counted)
        return -ENOMEM;
    for (unsigned k = 0; k < CLASS_COUNT; k++) {
        unsigned max = 0, sum = 0;
        for (size_t i = 0; i < f->count; i++) {
            unsigned w = f->items[i].classes[k];
            max = w > max ? w : max;
            sum += counted[i] ? w : 0;
        }
        unsigned value = max + (sum > max ? sum - max : 0) / 4;
        v->classes[k] = value > 10 ? 10 : value;
    }
    free(counted);
    return 0;
}

unsigned score_sigma_points(struct str level)
{
    static const struct {
        const char *level;
        unsigned points;
    } levels[] = {{"informational", 0}, {"low", 2}, {"medium", 10}, {"high", 25}, {"critical", 40}};
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
        if (str_ieq(level, str_from(levels[i].level)))
            return levels[i].points;
    return 0;
}

/* ---- the name of the threat -------------------------------------------------------------------------------------- */

#define CLASS_STRONG 4

static void name_put(struct verdict *v, const char *prefix, struct str name)
{
    size_t at = (size_t)snprintf(v->threat_name, sizeof(v->threat_name), "%s", prefix);
    for (size_t i = 0; i < name.n && at + 1 < sizeof(v->threat_name); i++)
        v->threat_name[at++] = (uint8_t)name.p[i] < 0x20 || (uint8_t)name.p[i] > 0x7e ? '?' : name.p[i];
    v->threat_name[at] = '\0';
}

/* The strongest finding whose rule knows a name; else the strongest class, said to be general. */
static void threat_find(const struct findings *f, struct verdict *v)
{
    unsigned best = 0;
    v->threat_finding = SCORE_NONE;
    if (v->word != VERDICT_SUSPICIOUS && v->word != VERDICT_MALICIOUS)
        return;
    for (size_t i = 0; i < v->nparts; i++)
        if (f->items[v->parts[i].finding].threat.n) {
            v->threat_finding = v->parts[i].finding;
            name_put(v, "", f->items[v->threat_finding].threat);
            return;
        }
    for (unsigned k = 1; k < CLASS_COUNT; k++)
        best = v->classes[k] > v->classes[best] ? k : best;
    if (v->classes[best] >= CLASS_STRONG)
        name_put(v, "Generic ", str_from(threat_class_name((enum threat_class)best)));
}

/* ---- the allow-list ---------------------------------------------------------------------------------------------- */

static void allow(const struct findings *f, const struct score_facts *s, struct verdict *v)
{
    const struct allow_entry *n = s->allow ? allowlist_find(s->allow, s->sha256, s->path) : NULL;
    if (!n)
        return;
    v->allowed = true;
    v->word_without = v->word;
    v->score_without = v->score;
    snprintf(v->allowed_by, sizeof(v->allowed_by), "%s%.*s (%.*s:%u%s%.*s)",
             n->kind == ALLOW_PATH ? "path " : "SHA-256 ", STR_ARG(str_sub(n->value, 0, 100)),
             STR_ARG(str_sub(n->file, 0, 60)), n->line, n->comment.n ? ": " : "", STR_ARG(str_sub(n->comment, 0, 60)));
    v->word = VERDICT_CLEAN;
    v->score = 0;
    v->unknown_because = NULL;
    for (size_t i = 0; i < v->nparts; i++)
        if (f->items[v->parts[i].finding].points) {
            v->parts[i].points = 0;
            v->parts[i].note = "not counted: on the allow-list";
        }
    v->threat_name[0] = '\0';
    v->threat_finding = SCORE_NONE;
}

/* Why nothing can be said although the rules gave few points; NULL when it can. */
static const char *unknown_why(const struct score_facts *s, unsigned score)
{
    if (!s->started)
        return s->not_started_because ? s->not_started_because : "the sample did not start";
    if (score >= SUSPICIOUS_FROM)
        return NULL; /* what was seen was seen */
    if (s->events == 0)
        return "nothing was recorded";
    if (s->crashed)
        return "the sample crashed soon after its start";
    /* Never "clean" for a run that was not seen to its end. */
    if (!s->machine_alive)
        return "the machine ended before the analysis did, and what was seen until then is not enough to judge";
    if (!s->channel_intact)
        return "the record of the run has a gap, and what was seen is not enough to judge";
    if (s->lost * 100 > (s->events + s->lost) * LOST_TOO_MANY_PERCENT)
        return "too many events were lost";
    return NULL;
}

static void confidence_minus(struct verdict *v, unsigned n, const char *why)
{
    size_t at = strlen(v->confidence_reason);
    v->confidence = v->confidence > n ? v->confidence - n : 0;
    snprintf(v->confidence_reason + at, sizeof(v->confidence_reason) - at, "%s%s", at ? "; " : "", why);
}

static void confidence_count(const struct score_facts *s, struct verdict *v)
{
    bool strong = v->word == VERDICT_MALICIOUS;
    v->confidence = 5;
    if (v->allowed) {
        snprintf(v->confidence_reason, sizeof(v->confidence_reason), "it is on the allow-list");
        return;
    }
    if (!s->started) {
        confidence_minus(v, 5, "the sample did not start");
        return;
    }
    if (s->events == 0)
        confidence_minus(v, 5, "nothing was recorded");
    if (s->crashed)
        confidence_minus(v, strong ? 1 : 2, "the sample crashed");
    if (!s->channel_intact)
        confidence_minus(v, strong ? 1 : 2, "the recording has a gap");
    if (!s->machine_alive)
        confidence_minus(v, strong ? 1 : 2, "the machine died before the end");
    if (s->lost * 100 > (s->events + s->lost) * LOST_TOO_MANY_PERCENT)
        confidence_minus(v, 2, "many events were lost");
    else if (s->lost)
        confidence_minus(v, 1, "some events were lost");
    if (!s->ended_by_itself && s->machine_alive && s->planned_ns > 0 && s->ran_ns < s->planned_ns / 2)
        confidence_minus(v, 1, "less than half of the planned time ran");
    if (!s->network_simulated && !strong)
        confidence_minus(v, 1, "there was no network");
    if ((v->score >= SUSPICIOUS_FROM - 6 && v->score < SUSPICIOUS_FROM + 6) ||
        (v->score >= MALICIOUS_FROM - 6 && v->score < MALICIOUS_FROM + 6))
        confidence_minus(v, 1, "the score is close to a threshold");
    if (v->word == VERDICT_CLEAN && !s->ended_by_itself)
        confidence_minus(v, 1, "the sample was still running at the end");
    if (v->word == VERDICT_UNKNOWN && v->confidence > 1)
        confidence_minus(v, v->confidence - 1, v->unknown_because);
    if (!v->confidence_reason[0])
        snprintf(v->confidence_reason, sizeof(v->confidence_reason), "everything that was planned happened");
}

/* A title as part of a sentence: first letter small (not of an abbreviation), cut at a character. */
static size_t phrase_add(char *to, size_t room, struct str title, bool first)
{
    char text[96];
    size_t n = title.n < 72 ? title.n : 72;
    while (n && n < title.n && ((uint8_t)title.p[n] & 0xc0) == 0x80)
        n--;
    memcpy(text, title.p, n);
    text[n] = '\0';
    for (size_t i = 0; i < n; i++)
        if ((uint8_t)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = '?';
    if (n > 1 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'a' && text[1] <= 'z')
        text[0] = (char)(text[0] - 'A' + 'a');
    int len = snprintf(to, room, "%s%s%s", first ? "" : ", ", text, n < title.n ? "..." : "");
    if (len < 0 || (size_t)len >= room) {
        to[0] = '\0'; /* whole phrases only */
        return 0;
    }
    return (size_t)len;
}

static void reason_make(const struct findings *f, struct verdict *v)
{
    static const char *const words[] = {"Unknown", "Clean", "Suspicious", "Malicious"};
    size_t at = (size_t)snprintf(v->reason, sizeof(v->reason), "%s: ", words[v->word]);
    unsigned said = 0;
    if (v->word == VERDICT_UNKNOWN) {
        snprintf(v->reason + at, sizeof(v->reason) - at, "%s", v->unknown_because);
        return;
    }
    if (v->allowed) {
        snprintf(v->reason + at, sizeof(v->reason) - at, "on the allow-list: %s", v->allowed_by);
        return;
    }
    if (v->word == VERDICT_CLEAN) {
        if (v->score == 0)
            snprintf(v->reason + at, sizeof(v->reason) - at, "nothing of note was seen");
        else
            snprintf(v->reason + at, sizeof(v->reason) - at, "only weak facts were seen, together %u of 100 points",
                     v->score);
        return;
    }
    for (size_t i = 0; i < v->nparts && said < 3; i++)
        if (v->parts[i].points) {
            size_t n =
                phrase_add(v->reason + at, sizeof(v->reason) - at, f->items[v->parts[i].finding].title, said == 0);
            at += n;
            said += n != 0;
        }
}

int score_judge(const struct findings *f, const struct score_facts *facts, struct verdict *ret, struct err *e)
{
    struct verdict v = {0};
    uint32_t *order = order_make(f);
    int rc = order ? points_count(f, order, &v) : -ENOMEM;
    free(order);
    if (rc >= 0)
        rc = classes_count(f, &v);
    if (rc < 0) {
        verdict_clear(&v);
        return err_set(e, rc, "no memory for the verdict");
    }
    v.unknown_because = unknown_why(facts, v.score);
    v.word = v.unknown_because            ? VERDICT_UNKNOWN
             : v.score >= MALICIOUS_FROM  ? VERDICT_MALICIOUS
             : v.score >= SUSPICIOUS_FROM ? VERDICT_SUSPICIOUS
                                          : VERDICT_CLEAN;
    threat_find(f, &v);
    allow(f, facts, &v);
    confidence_count(facts, &v);
    reason_make(f, &v);
    score_advise(f, facts, &v);
    *ret = v;
    return 0;
}
