/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hits of rules -> findings: one per rule and sentence, with a cap per rule. */
#include "base/buf.h"
#include "detect/engine.h"

#include <errno.h>
#include <stdlib.h>

#define COUNT_MARK '\x01' /* stands in a title until the number is final */

struct evidence engine_evidence(const struct behavior_engine *g)
{
    if (!g->ev)
        return (struct evidence){0};
    return (struct evidence){
        .source = g->ev->source, .seq = g->ev->seq, .time_ns = g->ev->time_ns, .proc = g->p ? g->p->n : 0};
}

/* A value in a title: cut at a character, and free of the count's mark. */
static void title_value(struct buf *b, struct str v)
{
    size_t n = v.n;
    if (n > ENGINE_TITLE_VALUE_MAX) {
        n = ENGINE_TITLE_VALUE_MAX;
        while (n && ((uint8_t)v.p[n] & 0xc0) == 0x80)
            n--;
    }
    for (size_t i = 0; i < n; i++)
        buf_u8(b, v.p[i] == COUNT_MARK ? '?' : (uint8_t)v.p[i]);
    if (n < v.n)
        buf_addz(b, "...");
    if (v.n == 0)
        buf_addz(b, "(unknown)");
}

char *engine_title(struct behavior_engine *g, const struct rule *r, char *const *vars)
{
    struct buf b;
    buf_init(&b, RULE_TITLE_PARTS_MAX * (ENGINE_TITLE_VALUE_MAX + 16) + 8192);
    for (unsigned i = 0; i < r->nparts; i++) {
        char scratch[32];
        switch (r->parts[i].kind) {
        case PART_TEXT:
            buf_add_str(&b, r->parts[i].text);
            break;
        case PART_FIELD:
            title_value(&b, engine_value_text(g, r->parts[i].index, scratch, sizeof(scratch)));
            break;
        case PART_VAR:
            title_value(&b, vars ? str_from(vars[r->parts[i].index]) : STR_NONE);
            break;
        case PART_COUNT:
            buf_u8(&b, COUNT_MARK);
            break;
        }
    }
    buf_u8(&b, 0);
    if (b.failed)
        g->failed = b.failed == -ENOMEM ? -ENOMEM : g->failed;
    return (char *)buf_steal(&b, NULL);
}

static int amounts_room(struct behavior_engine *g, size_t index)
{
    if (index < g->amounts_cap)
        return 0;
    size_t cap = g->amounts_cap ? g->amounts_cap * 2 : 64;
    uint64_t *a = realloc(g->amounts, cap * sizeof(*a));
    if (!a)
        return -ENOMEM;
    g->amounts = a;
    g->amounts_cap = cap;
    return 0;
}

static struct finding *finding_make(struct behavior_engine *g, const struct rule *r, const char *title)
{
    if (amounts_room(g, g->findings.count) < 0)
        return NULL;
    struct str text = arena_str(&g->findings.arena, str_from(title));
    struct str id = arena_str(&g->findings.arena, r->id);
    struct str category = arena_str(&g->findings.arena, r->category);
    struct str threat = r->threat.n ? arena_str(&g->findings.arena, r->threat) : STR_NONE;
    if (!text.p || !id.p || !category.p || (r->threat.n && !threat.p))
        return NULL;
    struct finding *f = findings_add(&g->findings);
    if (!f)
        return NULL;
    g->amounts[g->findings.count - 1] = 0;
    f->rule = id;
    f->title = text;
    f->category = category;
    f->severity = r->severity;
    f->points = r->points;
    f->nattack = r->nattack;
    f->threat = threat;
    memcpy(f->attack, r->attack, sizeof(f->attack)); /* texts of the ATT&CK table: they never go away */
    memcpy(f->classes, r->classes, sizeof(f->classes));
    return f;
}

/* The finding that a hit belongs to: same sentence, a new one, or the last when there are too many. */
static struct finding *finding_for(struct behavior_engine *g, const struct hit *h, uint32_t *ret_index)
{
    struct rule_live *l = &g->rules[h->index];
    bool constant = !h->title && h->rule->nparts == 1 && h->rule->parts[0].kind == PART_TEXT;
    bool full = l->nfound >= h->rule->titles_max;
    if (constant && l->nfound) {
        *ret_index = l->found[0];
        return &g->findings.items[l->found[0]];
    }
    char *made = h->title ? NULL : engine_title(g, h->rule, h->vars);
    const char *title = h->title ? h->title : made;
    struct finding *f = NULL;
    uint64_t hash = title ? engine_hash(g, title, strlen(title)) : 0;
    for (uint32_t i = 0; title && i < l->nfound && !f; i++)
        if (l->found_hash[i] == hash) {
            *ret_index = l->found[i];
            f = &g->findings.items[l->found[i]];
        }
    if (!f && title && full) {
        *ret_index = l->found[l->nfound - 1];
        f = &g->findings.items[*ret_index];
    } else if (!f && title) {
        f = finding_make(g, h->rule, title);
        if (f) {
            *ret_index = (uint32_t)g->findings.count - 1;
            l->found[l->nfound] = *ret_index;
            l->found_hash[l->nfound++] = hash;
        }
    }
    free(made);
    return f;
}

static void hit_tell(struct behavior_engine *g, uint32_t rule)
{
    const struct live_list *l = &g->rules[rule].subscribers;
    if (!g->ev || g->depth >= ENGINE_REF_DEPTH_MAX)
        return;
    unsigned lineage = 1u << (g->p ? g->p->lineage : LINEAGE_NETWORK);
    g->depth++;
    for (uint32_t i = 0; i < l->count; i++)
        if (g->lives[l->items[i]].d->lineage & lineage)
            engine_detector_holds(g, g->lives[l->items[i]].d);
    g->depth--;
}

void engine_hit(struct behavior_engine *g, const struct hit *h)
{
    uint32_t index = 0;
    struct finding *f = finding_for(g, h, &index);
    if (!f) {
        g->limits.findings++;
        return;
    }
    f->count += h->count;
    g->amounts[index] += h->amount;
    for (unsigned i = 0; i < h->nevidence && f->nevidence < FINDING_EVIDENCE_MAX; i++)
        if (h->evidence[i].source)
            f->evidence[f->nevidence++] = h->evidence[i];
    hit_tell(g, h->index);
}

/* Puts the final number where the mark is. */
static int title_finish(struct behavior_engine *g, struct finding *f, uint64_t amount)
{
    if (!memchr(f->title.p, COUNT_MARK, f->title.n))
        return 0;
    struct buf b;
    struct str rest = f->title, part;
    bool first = true;
    buf_init(&b, 16384);
    while (str_split(&rest, COUNT_MARK, &part)) {
        if (!first)
            buf_addf(&b, "%llu", (unsigned long long)amount);
        buf_add_str(&b, part);
        first = false;
    }
    struct str done = arena_str(&g->findings.arena, buf_str(&b));
    buf_free(&b);
    if (!done.p)
        return -ENOMEM;
    f->title = done;
    return 0;
}

/* Nothing is dropped in silence. */
static int limits_tell(struct behavior_engine *g)
{
    const struct limits *l = &g->limits;
    const struct {
        uint64_t n;
        const char *what;
    } lines[] = {{l->states, "half-seen sequences dropped"},
                 {l->groups, "counts dropped"},
                 {l->advances, "sequence steps not followed"},
                 {l->written, "written paths not remembered"},
                 {l->regex, "regular expressions given up"},
                 {l->pending, "network events judged before their process was known"},
                 {l->findings, "findings not kept"}};
    struct buf b;
    int rc = 0;
    buf_init(&b, 2048);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (lines[i].n)
            buf_addf(&b, "%s%llu %s", b.len ? ", " : "Rules reached a limit: ", (unsigned long long)lines[i].n,
                     lines[i].what);
    if (b.len) {
        struct finding *f;
        /* The last place of a full list is worth less than knowing that it is full. */
        if (g->findings.count == FINDINGS_MAX)
            g->findings.count--;
        f = findings_add(&g->findings);
        struct str title = arena_str(&g->findings.arena, buf_str(&b));
        if (f && title.p)
            *f = (struct finding){.rule = STR_LIT("belljar.limits"),
                                  .title = title,
                                  .category = STR_LIT("System Summary"),
                                  .severity = SEVERITY_INFO,
                                  .count = 1};
        else
            rc = -ENOMEM;
    }
    buf_free(&b);
    return rc;
}

int engine_findings_end(struct behavior_engine *g, struct findings *ret)
{
    int rc = 0;
    for (size_t i = 0; i < g->findings.count && rc >= 0; i++)
        rc = title_finish(g, &g->findings.items[i], g->amounts[i]);
    if (rc >= 0)
        rc = limits_tell(g);
    if (rc < 0)
        return rc;
    *ret = g->findings;
    findings_init(&g->findings);
    for (size_t i = 0; i < g->set->count; i++)
        g->rules[i].nfound = 0;
    return 0;
}
