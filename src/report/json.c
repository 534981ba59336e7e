/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report.json: verdict, completeness, processes, findings, ATT&CK. The other sections are in json-sections.c. */
#include "report/model.h"

#include "detect/attack.h"

#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>

#ifndef BELLJAR_VERSION
#define BELLJAR_VERSION "0.1.0"
#endif

void report_json_text(struct jsonw *w, const struct report *r, const char *key, uint32_t id)
{
    if (id)
        jsonw_kbytes(w, key, report_get(r, id));
    else
        jsonw_kz(w, key, NULL);
}

void report_json_time(struct jsonw *w, const char *key, int64_t ns)
{
    jsonw_kdouble(w, key, (double)(ns / 1000) / 1e6);
}

static void raw_or_null(struct jsonw *w, const char *key, const char *json)
{
    jsonw_key(w, key);
    if (json)
        jsonw_raw(w, json, strlen(json));
    else
        jsonw_null(w);
}

/* s: text of a JSON string, escaped already (run.json was checked). */
static void raw_text(struct jsonw *w, const char *key, struct str s)
{
    jsonw_key(w, key);
    if (s.n)
        jsonw_raw(w, s.p - 1, s.n + 2);
    else
        jsonw_null(w);
}

static void text_or_null(struct jsonw *w, const char *key, struct str s)
{
    if (s.n > REPORT_TEXT_MAX)
        s.n = REPORT_TEXT_MAX;
    if (s.n)
        jsonw_kbytes(w, key, s);
    else
        jsonw_kz(w, key, NULL);
}

static void evidence_json(struct jsonw *w, const struct evidence *v)
{
    jsonw_object(w);
    jsonw_kz(w, "source", event_source_name(v->source));
    jsonw_ku64(w, "seq", v->seq);
    report_json_time(w, "time", v->time_ns);
    jsonw_ku64(w, "process", v->proc);
    jsonw_object_end(w);
}

static void advice_json(struct jsonw *w, const struct verdict *v)
{
    jsonw_karray(w, "advice");
    for (unsigned i = 0; i < v->nadvice && i < ADVICE_MAX; i++) {
        const struct advice *a = &v->advice[i];
        jsonw_object(w);
        jsonw_kz(w, "text", a->text);
        if (a->finding == SCORE_NONE)
            jsonw_kz(w, "finding", NULL);
        else
            jsonw_ku64(w, "finding", a->finding);
        jsonw_karray(w, "evidence");
        for (unsigned k = 0; k < a->nevents && k < ADVICE_EVENTS_MAX; k++)
            evidence_json(w, &a->events[k]);
        jsonw_array_end(w);
        jsonw_object_end(w);
    }
    jsonw_array_end(w);
}

/* The two ways to judge that others know, in the order that their readers expect. */
static void strategies_json(struct jsonw *w, const struct verdict *v)
{
    static const char *const words[] = {"UNKNOWN", "CLEAN", "SUS", "MAL"};
    jsonw_karray(w, "strategies");
    jsonw_object(w);
    jsonw_kz(w, "name", "atleastonemalicioussig");
    jsonw_ku64(w, "count", v->high);
    jsonw_kbool(w, "malicious", v->high > 0 && !v->allowed);
    jsonw_object_end(w);
    jsonw_object(w);
    jsonw_kz(w, "name", "empiric");
    jsonw_kz(w, "detection", words[v->word]);
    jsonw_ku64(w, "score", v->score);
    jsonw_ku64(w, "min_score", 0);
    jsonw_ku64(w, "max_score", 100);
    jsonw_kbool(w, "malicious", v->word == VERDICT_MALICIOUS);
    jsonw_kbool(w, "suspicious", v->word == VERDICT_SUSPICIOUS);
    jsonw_kbool(w, "clean", v->word == VERDICT_CLEAN);
    jsonw_kbool(w, "unknown", v->word == VERDICT_UNKNOWN);
    jsonw_kbool(w, "whitelisted", v->allowed);
    jsonw_kz(w, "threat_name", *v->threat_name ? v->threat_name : "Unknown");
    jsonw_object_end(w);
    jsonw_array_end(w);
}

static void allowed_json(struct jsonw *w, const struct verdict *v)
{
    if (!v->allowed) {
        jsonw_kz(w, "allowed", NULL);
        return;
    }
    jsonw_kobject(w, "allowed");
    jsonw_kz(w, "by", v->allowed_by);
    jsonw_kz(w, "word_without", verdict_name(v->word_without));
    jsonw_ku64(w, "score_without", v->score_without);
    jsonw_object_end(w);
}

static void verdict_json(struct jsonw *w, const struct verdict *v)
{
    jsonw_kobject(w, "verdict");
    jsonw_kz(w, "word", verdict_name(v->word));
    jsonw_ku64(w, "score", v->score);
    jsonw_ku64(w, "confidence", v->confidence);
    jsonw_kstr(w, "confidence_reason", str_from(v->confidence_reason));
    jsonw_kstr(w, "reason", str_from(v->reason));
    jsonw_kz(w, "unknown_because", v->unknown_because);
    jsonw_karray(w, "why");
    for (size_t i = 0; i < v->nparts; i++) {
        jsonw_object(w);
        jsonw_ku64(w, "finding", v->parts[i].finding);
        jsonw_ku64(w, "points", v->parts[i].points);
        jsonw_kz(w, "note", v->parts[i].note);
        if (v->parts[i].same_as == SCORE_NONE)
            jsonw_kz(w, "same_as", NULL);
        else
            jsonw_ku64(w, "same_as", v->parts[i].same_as);
        jsonw_object_end(w);
    }
    jsonw_array_end(w);
    advice_json(w, v);
    jsonw_kz(w, "threat_name", *v->threat_name ? v->threat_name : NULL);
    if (!*v->threat_name || v->threat_finding == SCORE_NONE)
        jsonw_kz(w, "threat_finding", NULL);
    else
        jsonw_ku64(w, "threat_finding", v->threat_finding);
    allowed_json(w, v);
    strategies_json(w, v);
    jsonw_kobject(w, "classes");
    for (int i = 0; i < CLASS_COUNT; i++)
        jsonw_ku64(w, threat_class_name((enum threat_class)i), v->classes[i]);
    jsonw_object_end(w);
    jsonw_object_end(w);
}

static void sources_json(struct jsonw *w, const struct evlog_status *log)
{
    jsonw_karray(w, "sources");
    for (unsigned i = 1; i < EVENT_SOURCE_MAX; i++) {
        const struct evlog_source_status *s = &log->source[i];
        if (!s->events && !s->lost && !s->gaps)
            continue;
        jsonw_object(w);
        jsonw_kz(w, "source", event_source_name((uint8_t)i));
        jsonw_ku64(w, "events", s->events);
        jsonw_ku64(w, "lost", s->lost);
        jsonw_ku64(w, "gaps", s->gaps);
        jsonw_ku64(w, "repeated", s->repeated);
        jsonw_object_end(w);
    }
    jsonw_array_end(w);
}

static void completeness_json(struct jsonw *w, const struct report *r)
{
    const struct score_facts *c = r->facts.completeness;
    const struct evlog_status *log = r->facts.log;
    uint64_t gaps = 0, all = 0, ended = 0;
    for (int i = 0; i < EVENT_SOURCE_MAX; i++)
        gaps += log->source[i].gaps;
    for (uint32_t n = 1; n <= proctab_count(r->procs); n++) {
        const struct proc *p = proctab_get(r->procs, n);
        all += p && p->lineage != PROC_SYSTEM;
        ended += p && p->lineage != PROC_SYSTEM && p->exited;
    }
    jsonw_kobject(w, "completeness");
    jsonw_kz(w, "sentence", r->sentence);
    jsonw_ku64(w, "events_recorded", log->events);
    jsonw_ku64(w, "events_idle", log->events > r->events ? log->events - r->events : 0);
    jsonw_ku64(w, "events", c->events);
    jsonw_ku64(w, "lost", c->lost);
    jsonw_ku64(w, "gaps", gaps);
    sources_json(w, log);
    jsonw_kbool(w, "log_complete", log->complete);
    jsonw_kbool(w, "torn", log->torn_tail);
    jsonw_ku64(w, "bad_blocks", log->bad_blocks);
    jsonw_ku64(w, "damaged_events", log->damaged_events);
    jsonw_ku64(w, "lost_strings", log->lost_strings);
    jsonw_ku64(w, "cut_strings", log->cut_strings);
    jsonw_kbool(w, "processes_limited", proctab_limited(r->procs));
    jsonw_ku64(w, "unknown_kinds", r->unknown_kinds);
    jsonw_kbool(w, "started", c->started);
    jsonw_kz(w, "not_started_because", c->not_started_because);
    jsonw_kbool(w, "crashed", c->crashed);
    jsonw_kbool(w, "channel_intact", c->channel_intact);
    jsonw_kbool(w, "machine_alive", c->machine_alive);
    jsonw_kbool(w, "ended_by_itself", c->ended_by_itself);
    jsonw_kbool(w, "network_simulated", c->network_simulated);
    report_json_time(w, "ran", c->ran_ns);
    report_json_time(w, "planned", c->planned_ns);
    jsonw_ku64(w, "processes", all);
    jsonw_ku64(w, "processes_ended", ended);
    jsonw_key(w, "clock_error");
    if (r->clock_known)
        jsonw_double(w, (double)r->clock_error_us / 1e6);
    else
        jsonw_null(w);
    jsonw_kz(w, "machine", r->machine[0] ? r->machine : NULL);
    raw_text(w, "ended", r->ended);
    raw_text(w, "ended_text", r->ended_text);
    jsonw_karray(w, "not_proved");
    for (unsigned i = 0; i < r->nnot_proved; i++)
        jsonw_str(w, str_from(r->not_proved[i]));
    jsonw_array_end(w);
    jsonw_ku64(w, "texts_cut", r->texts_cut);
    jsonw_ku64(w, "texts_lost", r->texts_lost);
    jsonw_karray(w, "problems");
    for (unsigned i = 0; i < r->nproblems; i++)
        jsonw_str(w, str_from(r->problems[i]));
    jsonw_array_end(w);
    jsonw_object_end(w);
}

/* ---- processes -------------------------------------------------------------------- */

struct badge {
    const char *effect;
    enum severity severity;
    uint32_t findings[16];
    unsigned nfindings;
};
#define BADGES_MAX 24

static struct badge *badge_get(struct badge *b, unsigned *count, const char *effect)
{
    for (unsigned i = 0; i < *count; i++)
        if (strcmp(b[i].effect, effect) == 0)
            return &b[i];
    if (*count == BADGES_MAX)
        return NULL;
    b[*count] = (struct badge){.effect = effect};
    return &b[(*count)++];
}

static bool finding_of(const struct finding *f, uint32_t n)
{
    for (unsigned k = 0; k < f->nevidence; k++)
        if (f->evidence[k].proc == n)
            return true;
    return false;
}

/* Which findings a process has part in: index lists by process, made once. */
struct finding_index {
    uint32_t *start, *items; /* items[start[row] .. start[row + 1]] */
};

static int finding_index_make(const struct report *r, struct finding_index *x)
{
    const struct findings *f = r->facts.findings;
    x->start = calloc(r->nshown + 2, sizeof(*x->start));
    x->items = NULL;
    size_t total = 0;
    for (size_t i = 0; i < f->count; i++)
        total += f->items[i].nevidence;
    x->items = calloc(total ? total : 1, sizeof(*x->items));
    if (!x->start || !x->items)
        return -ENOMEM;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < f->count; i++)
            for (unsigned k = 0; k < f->items[i].nevidence; k++) {
                uint32_t n = f->items[i].evidence[k].proc;
                bool before = false;
                for (unsigned j = 0; j < k && !before; j++)
                    before = f->items[i].evidence[j].proc == n;
                uint32_t row = !before && n && n < r->nextra ? r->extra[n].shown : 0;
                if (!row)
                    continue;
                if (pass == 0)
                    x->start[row + 1]++;
                else
                    x->items[x->start[row]++] = (uint32_t)i;
            }
        /* pass 0: sums; pass 1 moved every start to the next one's place, which is what start[row - 1] reads */
        for (size_t row = 1; pass == 0 && row < r->nshown + 2; row++)
            x->start[row] += x->start[row - 1];
    }
    return 0;
}

static void badges_json(struct jsonw *w, const struct report *r, uint32_t n, const uint32_t *items, uint32_t count)
{
    struct badge b[BADGES_MAX];
    unsigned nb = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct finding *f = &r->facts.findings->items[items[i]];
        struct badge *g = finding_of(f, n) ? badge_get(b, &nb, report_effect(f)) : NULL;
        if (!g)
            continue;
        if (f->severity > g->severity)
            g->severity = f->severity;
        if (g->nfindings < sizeof(g->findings) / sizeof(*g->findings))
            g->findings[g->nfindings++] = items[i];
    }
    const struct proc_extra *x = &r->extra[n];
    const struct proc *p = proctab_get(r->procs, n);
    if (p->lineage != PROC_SYSTEM) { /* plain facts, without a finding */
        if (x->wrote_executed)
            badge_get(b, &nb, "drops");
        if (x->connected)
            badge_get(b, &nb, "net");
        if (x->wrote_remote)
            badge_get(b, &nb, "injects");
    }
    jsonw_karray(w, "badges");
    for (unsigned i = 0; i < nb; i++) {
        jsonw_object(w);
        jsonw_kz(w, "effect", b[i].effect);
        jsonw_kz(w, "severity", severity_name(b[i].severity));
        jsonw_karray(w, "findings");
        for (unsigned k = 0; k < b[i].nfindings; k++)
            jsonw_u64(w, b[i].findings[k]);
        jsonw_array_end(w);
        jsonw_object_end(w);
    }
    jsonw_array_end(w);
}

static void counts_json(struct jsonw *w, const struct report *r, const struct proc_extra *x)
{
    const struct event_kind_info *k;
    jsonw_kobject(w, "counts");
    for (size_t i = 0; x->kinds && (k = event_kind_at(i)) != NULL; i++) {
        uint8_t at = k->kind < EVENT_KIND_MAX ? r->dense[k->kind] : 0xff;
        if (at != 0xff && x->kinds[at])
            jsonw_ku64(w, k->name, x->kinds[at]);
    }
    jsonw_object_end(w);
    jsonw_kobject(w, "syscalls");
    jsonw_ku64(w, "total", x->syscalls);
    jsonw_karray(w, "top");
    for (unsigned i = 0; i < x->ntop; i++) {
        char *name =
            seccomp_syscall_resolve_num_arch(x->top[i].i386 ? SCMP_ARCH_X86 : SCMP_ARCH_X86_64, (int)x->top[i].number);
        char plain[32];
        snprintf(plain, sizeof(plain), "syscall %u", x->top[i].number);
        jsonw_object(w);
        jsonw_kz(w, "name", name ? name : plain);
        jsonw_kbool(w, "i386", x->top[i].i386);
        jsonw_ku64(w, "count", x->top[i].count);
        jsonw_object_end(w);
        free(name);
    }
    jsonw_array_end(w);
    jsonw_object_end(w);
}

static void process_json(struct jsonw *w, const struct report *r, const struct proc *p)
{
    static const char *const lineages[] = {"system", "sample", "adopted"};
    jsonw_ku64(w, "n", p->n);
    jsonw_ku64(w, "pid", p->pid);
    jsonw_ku64(w, "parent", p->parent);
    text_or_null(w, "image", p->image);
    text_or_null(w, "cmdline", p->cmdline);
    text_or_null(w, "cwd", p->cwd);
    text_or_null(w, "script", p->script);
    text_or_null(w, "environment", p->environment);
    jsonw_kbytes(w, "user", proctab_user(r->procs, p->euid));
    jsonw_ku64(w, "uid", p->uid);
    jsonw_ku64(w, "euid", p->euid);
    jsonw_kz(w, "lineage", p->lineage < 3 ? lineages[p->lineage] : "system");
    jsonw_kz(w, "adopted_because", p->adopted_because);
    jsonw_kbool(w, "anonymous", p->anonymous);
    jsonw_kbool(w, "execed", p->execed);
    report_json_time(w, "start", p->start_ns);
    jsonw_kbool(w, "existing", p->start_ns < 0 && p->lineage == PROC_SYSTEM);
    jsonw_key(w, "exit");
    if (p->exited) {
        jsonw_object(w);
        report_json_time(w, "time", p->exit_ns);
        jsonw_ku64(w, "code", p->exit_code);
        jsonw_ku64(w, "signal", p->signal);
        jsonw_object_end(w);
    } else {
        jsonw_null(w);
    }
    jsonw_ku64(w, "threads", p->threads);
    jsonw_ku64(w, "events", p->events);
}

void report_json_processes(struct jsonw *w, const struct report *r)
{
    struct finding_index x;
    if (finding_index_make(r, &x) < 0)
        w->failed = -ENOMEM;
    jsonw_karray(w, "processes");
    for (size_t i = 0; i < r->nshown && w->failed == 0; i++) {
        uint32_t n = r->shown[i], row = (uint32_t)i + 1;
        jsonw_object(w);
        process_json(w, r, proctab_get(r->procs, n));
        badges_json(w, r, n, x.items + x.start[row - 1], x.start[row] - x.start[row - 1]);
        counts_json(w, r, &r->extra[n]);
        jsonw_object_end(w);
    }
    jsonw_array_end(w);
    jsonw_ku64(w, "processes_more", r->procs_more);
    jsonw_karray(w, "roots");
    for (size_t i = 0; i < r->nshown && w->failed == 0; i++) {
        const struct proc *p = proctab_get(r->procs, r->shown[i]);
        const struct proc *parent = proctab_parent(r->procs, p);
        if (!parent || parent->n >= r->nextra || !r->extra[parent->n].shown)
            jsonw_u64(w, p->n);
    }
    jsonw_array_end(w);
    free(x.start);
    free(x.items);
}

/* ---- findings ---------------------------------------------------------------------- */

static void finding_attack_json(struct jsonw *w, const struct finding *f)
{
    jsonw_karray(w, "attack");
    for (unsigned k = 0; k < f->nattack && k < FINDING_ATTACK_MAX; k++) {
        const struct attack_technique *t = attack_technique(f->attack[k]);
        jsonw_object(w);
        if (t)
            jsonw_kz(w, "id", t->id);
        else
            jsonw_kstr(w, "id", f->attack[k]);
        jsonw_kz(w, "name", t ? t->name : NULL);
        jsonw_object_end(w);
    }
    jsonw_array_end(w);
}

/* The rules that saw the same and count nothing. */
static void also_seen_json(struct jsonw *w, const struct report *r, uint32_t index)
{
    const struct verdict *v = r->facts.verdict;
    jsonw_karray(w, "also_seen_by");
    for (size_t i = 0; i < v->nparts; i++)
        if (v->parts[i].same_as == index)
            jsonw_u64(w, v->parts[i].finding);
    jsonw_array_end(w);
}

static void finding_json(struct jsonw *w, const struct report *r, uint32_t index)
{
    const struct finding *f = &r->facts.findings->items[index];
    jsonw_object(w);
    jsonw_kstr(w, "rule", f->rule);
    jsonw_kstr(w, "title", f->title);
    jsonw_kstr(w, "category", f->category);
    jsonw_kz(w, "effect", report_effect(f));
    jsonw_kz(w, "severity", severity_name(f->severity));
    jsonw_ku64(w, "points", f->points);
    finding_attack_json(w, f);
    jsonw_kobject(w, "classes");
    for (int i = 0; i < CLASS_COUNT; i++)
        if (f->classes[i])
            jsonw_ku64(w, threat_class_name((enum threat_class)i), f->classes[i]);
    jsonw_object_end(w);
    if (f->threat.n)
        jsonw_kbytes(w, "threat", f->threat);
    else
        jsonw_kz(w, "threat", NULL);
    also_seen_json(w, r, index);
    jsonw_ku64(w, "count", f->count);
    jsonw_karray(w, "evidence");
    for (unsigned k = 0; k < f->nevidence && k < FINDING_EVIDENCE_MAX; k++)
        evidence_json(w, &f->evidence[k]);
    jsonw_array_end(w);
    jsonw_karray(w, "artefacts");
    for (unsigned k = 0; k < f->nartefacts && k < FINDING_ARTEFACTS_MAX; k++) {
        const struct artefact_evidence *a = &f->artefacts[k];
        jsonw_object(w);
        jsonw_kz(w, "kind", a->kind);
        jsonw_kbytes(w, "name", a->name);
        text_or_null(w, "sha256", a->sha256);
        text_or_null(w, "string", a->string);
        jsonw_ku64(w, "offset", a->offset);
        jsonw_object_end(w);
    }
    jsonw_array_end(w);
    jsonw_object_end(w);
}

static bool finding_has(const struct finding *f, const struct attack_technique *t)
{
    for (unsigned k = 0; k < f->nattack && k < FINDING_ATTACK_MAX; k++)
        if (attack_technique(f->attack[k]) == t)
            return true;
    return false;
}

static void tactic_json(struct jsonw *w, const struct attack_tactic *tactic, const struct attack_technique **hit,
                        size_t nhit, const struct findings *f)
{
    jsonw_object(w);
    jsonw_kz(w, "id", tactic->id);
    jsonw_kz(w, "shortname", tactic->shortname);
    jsonw_kz(w, "name", tactic->name);
    jsonw_karray(w, "techniques");
    for (size_t i = 0; i < nhit; i++) {
        if (!attack_technique_has_tactic(hit[i], tactic->shortname))
            continue;
        const struct attack_technique *parent = attack_technique(str_from(hit[i]->parent));
        jsonw_object(w);
        jsonw_kz(w, "id", hit[i]->id);
        jsonw_kz(w, "name", hit[i]->name);
        jsonw_kz(w, "parent", parent ? parent->name : NULL);
        jsonw_karray(w, "findings");
        for (size_t k = 0; k < f->count; k++)
            if (finding_has(&f->items[k], hit[i]))
                jsonw_u64(w, k);
        jsonw_array_end(w);
        jsonw_object_end(w);
    }
    jsonw_array_end(w);
    jsonw_object_end(w);
}

#define HITS_MAX 512

static void attack_json(struct jsonw *w, const struct findings *f)
{
    const struct attack_technique *hit[HITS_MAX];
    const struct attack_tactic *tactic;
    size_t nhit = 0;
    for (size_t i = 0; i < f->count; i++)
        for (unsigned k = 0; k < f->items[i].nattack && k < FINDING_ATTACK_MAX; k++) {
            const struct attack_technique *t = attack_technique(f->items[i].attack[k]);
            bool known = !t;
            for (size_t j = 0; j < nhit && !known; j++)
                known = hit[j] == t;
            if (!known && nhit < HITS_MAX)
                hit[nhit++] = t;
        }
    /* The matrix of mobile systems when all that was found belongs to it. */
    enum attack_domain domain = nhit ? ATTACK_MOBILE : ATTACK_ENTERPRISE;
    for (size_t i = 0; i < nhit; i++)
        if (hit[i]->domain == ATTACK_ENTERPRISE)
            domain = ATTACK_ENTERPRISE;
    jsonw_kobject(w, "attack");
    jsonw_kz(w, "domain", domain == ATTACK_MOBILE ? "mobile" : "enterprise");
    jsonw_kz(w, "version", attack_version_in(domain));
    jsonw_karray(w, "tactics");
    for (unsigned i = 0; (tactic = attack_tactic_in(domain, i)) != NULL; i++)
        tactic_json(w, tactic, hit, nhit, f);
    jsonw_array_end(w);
    jsonw_object_end(w);
}

void report_json_head(struct jsonw *w, const struct report *r)
{
    jsonw_kz(w, "schema", "belljar-report/2");
    jsonw_kz(w, "product", "Belljar");
    jsonw_kz(w, "version", BELLJAR_VERSION);
    jsonw_kz(w, "case", r->facts.case_id);
    raw_or_null(w, "submission", r->submission_json);
    verdict_json(w, r->facts.verdict);
    completeness_json(w, r);
    raw_or_null(w, "static", r->static_json);
    raw_or_null(w, "run", r->run_json);
    raw_or_null(w, "yara", r->yara_json);
}

void report_json(struct jsonw *w, const struct report *r)
{
    const struct findings *f = r->facts.findings;
    jsonw_object(w);
    report_json_head(w, r);
    jsonw_karray(w, "findings");
    for (size_t i = 0; i < f->count; i++)
        finding_json(w, r, (uint32_t)i);
    jsonw_array_end(w);
    attack_json(w, f);
    report_json_processes(w, r);
    report_json_sections(w, r);
    jsonw_object_end(w);
}

int report_json_write(const struct report *r, int fd, struct err *e)
{
    struct jsonw w;
    if (!r->finished)
        return err_set(e, ERR_CONFLICT, "the report is not finished");
    jsonw_to_fd(&w, fd, true);
    report_json(&w, r);
    int rc = jsonw_finish(&w);
    return rc < 0 ? err_set(e, rc, "cannot write report.json: %s", err_name(rc)) : 0;
}
