/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "case/yara-findings.h"

#include "base/buf.h"
#include "case/plan.h"
#include "detect/attack.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#define PLACES_PER_ARTEFACT 3
#define RULES_MAX 1000

struct making {
    struct findings *f;
    const struct report *report;
    size_t first; /* of ours among the findings */
    bool full;
};

static const char *const kinds[] = {"sample", "dropped", "memory", "traffic"};

static const char *text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

static struct str kept(struct making *m, const char *s)
{
    return arena_str(&m->f->arena, str_from(s));
}

/* Names were written as bytes (jsonw_bytes). */
static struct str kept_bytes(struct making *m, const char *s)
{
    char *plain = plan_bytes(strdup(s));
    struct str r = plain ? arena_str(&m->f->arena, str_from(plain)) : STR_NONE;
    free(plain);
    return r;
}

static enum severity severity_of(const char *name)
{
    for (unsigned s = SEVERITY_INFO; s <= SEVERITY_HIGH; s++)
        if (!strcmp(name, severity_name((enum severity)s)))
            return (enum severity)s;
    return SEVERITY_INFO;
}

static void fill(struct making *m, struct finding *f, const json_t *hit)
{
    const json_t *attack = json_object_get(hit, "attack"), *classes = json_object_get(hit, "classes");
    int category = finding_category_find(str_from(text_of(hit, "category")));
    json_int_t points = json_integer_value(json_object_get(hit, "points"));
    size_t i;
    json_t *one;

    f->category = str_from(category >= 0 ? finding_category_at((unsigned)category) : finding_category_at(0));
    f->severity = severity_of(text_of(hit, "severity"));
    f->points = points < 0 ? 0 : points > 100 ? 100 : (unsigned)points;
    f->threat = kept_bytes(m, text_of(hit, "malware"));
    json_array_foreach(attack, i, one)
    {
        const char *id = json_string_value(one);
        const struct attack_technique *t = id ? attack_technique(str_from(id)) : NULL;
        if (t && f->nattack < FINDING_ATTACK_MAX)
            f->attack[f->nattack++] = str_from(t->id);
    }
    for (unsigned c = 0; c < CLASS_COUNT; c++) {
        json_int_t w = json_integer_value(json_object_get(classes, threat_class_name((enum threat_class)c)));
        f->classes[c] = w < 0 ? 0 : w > 10 ? 10 : (uint8_t)w;
    }
}

static struct finding *finding_of(struct making *m, const json_t *hit)
{
    const char *id = text_of(hit, "id");
    struct finding *f;

    for (size_t i = m->first; i < m->f->count; i++)
        if (str_eqz(m->f->items[i].rule, id))
            return &m->f->items[i];
    if (m->f->count - m->first >= RULES_MAX || !(f = findings_add(m->f))) {
        m->full = true;
        return NULL;
    }
    f->rule = kept(m, id);
    fill(m, f, hit);
    return f;
}

/* "the sample", "/tmp/x", "memory d41d8cd98f00", "the network traffic" */
static struct str name_of(struct making *m, const json_t *artefact, const char *kind)
{
    const char *name = text_of(artefact, "name");
    struct str path = STR_NONE;
    char text[64];

    if (!strcmp(kind, "sample"))
        return kept_bytes(m, name);
    if (!strcmp(kind, "traffic"))
        return kept(m, "the network traffic");
    if (m->report)
        path = report_capture_path(m->report, str_from(text_of(artefact, "sha256")));
    if (path.n)
        return arena_str(&m->f->arena, path);
    snprintf(text, sizeof(text), "%s %.12s", !strcmp(kind, "memory") ? "memory" : "file", name);
    return kept(m, text);
}

static void evidence_add(struct finding *f, const struct artefact_evidence *a, const json_t *strings, struct making *m)
{
    size_t i, added = 0;
    json_t *one;

    json_array_foreach(strings, i, one)
    {
        if (f->nartefacts == FINDING_ARTEFACTS_MAX || added == PLACES_PER_ARTEFACT)
            return;
        struct artefact_evidence *to = &f->artefacts[f->nartefacts++];
        *to = *a;
        to->string = kept(m, text_of(one, "id"));
        to->offset = (uint64_t)json_integer_value(json_object_get(one, "offset"));
        added++;
    }
    if (!added && f->nartefacts < FINDING_ARTEFACTS_MAX) /* a condition without strings */
        f->artefacts[f->nartefacts++] = *a;
}

static const char *kind_find(const char *word)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (!strcmp(word, kinds[i]))
            return kinds[i];
    return NULL;
}

static void artefact_take(struct making *m, const json_t *artefact)
{
    const char *kind = kind_find(text_of(artefact, "kind"));
    const json_t *hits = json_object_get(artefact, "hits");
    struct artefact_evidence a = {.kind = kind};
    size_t i;
    json_t *hit;

    if (!kind || !json_array_size(hits))
        return;
    a.name = name_of(m, artefact, kind);
    a.sha256 = kept(m, text_of(artefact, "sha256"));
    json_array_foreach(hits, i, hit)
    {
        struct finding *f = finding_of(m, hit);
        if (!f)
            continue;
        if (!f->count++) /* the description, for the sentence that is made at the end */
            f->title = kept_bytes(m, text_of(hit, "description"));
        evidence_add(f, &a, json_object_get(hit, "strings"), m);
    }
}

/* "The sample and 2 more match the YARA rule X: description" */
static int title_make(struct making *m, struct finding *f)
{
    const struct artefact_evidence *a = &f->artefacts[0];
    struct str rule = f->rule, description = f->title;
    ptrdiff_t slash = -1;
    struct buf b;

    for (size_t i = 0; i < rule.n; i++)
        if (rule.p[i] == '/')
            slash = (ptrdiff_t)i;
    rule = str_sub(rule, (size_t)(slash + 1), rule.n);
    buf_init(&b, 8192);
    if (f->nartefacts && !strcmp(a->kind, "sample"))
        buf_addz(&b, "The sample");
    else if (f->nartefacts && !strcmp(a->kind, "traffic"))
        buf_addz(&b, "The network traffic");
    else if (f->nartefacts)
        buf_addf(&b, "%.*s", STR_ARG(str_sub(a->name, 0, 1024)));
    else
        buf_addz(&b, "Something");
    if (f->count > 1)
        buf_addf(&b, " and %llu more match", (unsigned long long)f->count - 1);
    else
        buf_addz(&b, " matches");
    buf_addf(&b, " the YARA rule %.*s", STR_ARG(rule));
    if (description.n)
        buf_addf(&b, ": %.*s", STR_ARG(str_sub(description, 0, 1024)));
    f->title = arena_str(&m->f->arena, buf_str(&b));
    buf_free(&b);
    return f->title.p ? 0 : -ENOMEM;
}

int yara_findings(struct str text, const struct report *r, struct findings *f, struct err *e)
{
    struct making m = {.f = f, .report = r, .first = f->count};
    json_error_t je;
    json_t *j, *one;
    size_t i;
    int x = 0;

    if (!text.n)
        return 0;
    j = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &je);
    if (!json_is_object(j)) {
        json_decref(j);
        return err_set(e, ERR_FORMAT, "yara.json is damaged: line %d: %s", je.line, je.text);
    }
    json_array_foreach(json_object_get(j, "artefacts"), i, one) artefact_take(&m, one);
    for (size_t k = m.first; k < f->count && x == 0; k++)
        x = title_make(&m, &f->items[k]);
    json_decref(j);
    if (x == 0 && f->arena.failed)
        x = f->arena.failed;
    return x < 0 ? err_set(e, x, "the findings of YARA rules do not fit: %s", err_name(x)) : 0;
}
