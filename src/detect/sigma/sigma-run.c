/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/sigma/sigma-run.h"

#include "detect/attack.h"
#include "detect/behavior.h"
#include "detect/score.h"
#include "detect/sigma/sigma-private.h"
#include "detect/sigma/sigma-views.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define VIEWS_MAX 128
#define ARGS_MAX 64
#define NUMBERS_MAX 64    /* numbers as text, of one view */
#define LOST_MS_MAX 60000 /* on rules that were given up: a tenth of what the report's process may take */
#define REMEMBERED 65536u /* events that serve a correlation, power of two */
#define KNOWN_BYTES_MAX (32u << 20)

struct bound_field {
    const struct view_field *f;
    uint32_t name; /* of the engine */
};

struct bound_view { /* a view that some rule may look at */
    const struct view *view;
    uint32_t sources[VIEW_SOURCES_MAX];
    unsigned nsources;
    struct bound_field *fields;
    unsigned nfields;
};

struct hit {
    uint64_t count;
    uint32_t nevidence;
    struct evidence evidence[FINDING_EVIDENCE_MAX];
};

struct pairs { /* text -> text: address -> host, path -> hash */
    struct names keys;
    struct arena arena;
    struct str *values;
    uint32_t cap;
};

struct sigma_run {
    const struct sigma_rules *r;
    const struct proctab *procs;
    struct sigma_engine *engine;
    struct bound_view views[VIEWS_MAX];
    uint8_t first[EVENT_KIND_MAX], count[EVENT_KIND_MAX]; /* of a kind, in order[] */
    uint8_t order[VIEWS_MAX];
    uint32_t argc, arg[ARGS_MAX]; /* names */
    uint32_t ports[65536];        /* in the guest -> process */
    struct pairs hosts, hashes;
    struct hit **hits;           /* per rule */
    struct evidence *remembered; /* by (source, seq): what correlations point back to */
    const struct proc *p;        /* of the event that is shown */
    bool limited, no_memory;
    /* of the view that is being built */
    struct sigma_field fields[128];
    size_t nfields;
    char numbers[NUMBERS_MAX][24];
    unsigned nnumbers;
    char hash_text[96];
};

/* ---- what is learnt on the way ------------------------------------------------------------------------------- */

static void pairs_put(struct sigma_run *s, struct pairs *p, struct str key, struct str value)
{
    uint32_t n;
    if (key.n == 0 || key.n > 4096 || value.n > 512)
        return;
    if (names_add(&p->keys, &p->arena, key, &n) < 0) {
        s->limited = true;
        return;
    }
    if (n > p->cap) {
        uint32_t cap = p->cap ? p->cap * 2 : 64;
        struct str *more = realloc(p->values, cap * sizeof(*more));
        if (!more) {
            s->no_memory = true;
            return;
        }
        memset(more + p->cap, 0, (cap - p->cap) * sizeof(*more));
        p->values = more;
        p->cap = cap;
    }
    if (str_eq(p->values[n - 1], value))
        return;
    struct str copy = arena_str(&p->arena, value);
    if (copy.p)
        p->values[n - 1] = copy;
    else
        s->limited = true;
}

static struct str pairs_get(const struct pairs *p, struct str key)
{
    uint32_t n = key.n ? names_find(&p->keys, key) : 0;
    return n && n <= p->cap ? p->values[n - 1] : STR_NONE;
}

static void pairs_free(struct pairs *p)
{
    sigma_names_free(&p->keys);
    arena_free(&p->arena);
    free(p->values);
}

static void learn(struct sigma_run *s, const struct event *ev, const struct proc *p)
{
    uint64_t port = 0;
    struct str rest, part;
    switch (ev->kind) {
    case EVENT_DNS_QUERY:
        rest = event_s(ev, EVF_DNS_QUERY_QueryResults);
        while (str_split(&rest, ';', &part))
            pairs_put(s, &s->hosts, str_trim(part), event_s(ev, EVF_DNS_QUERY_QueryName));
        return;
    case EVENT_FILE_CAPTURED:
        pairs_put(s, &s->hashes, event_s(ev, EVF_FILE_CAPTURED_TargetFilename), event_s(ev, EVF_FILE_CAPTURED_Sha256));
        return;
    case EVENT_NET_CONNECT:
        port = event_u(ev, EVF_NET_CONNECT_SourcePort);
        break;
    case EVENT_NET_BIND:
        port = event_u(ev, EVF_NET_BIND_SourcePort);
        break;
    default:
        return;
    }
    if (port && port < 65536 && p)
        s->ports[port] = p->n;
}

/* What the simulated internet saw finds its process by the port in the guest. */
static const struct proc *owner_of(const struct sigma_run *s, const struct event *ev)
{
    const struct event_kind_info *k = event_kind_info(ev->kind);
    int slot = k ? event_field_slot(k, STR_LIT("SourcePort")) : -1;
    uint64_t port = slot >= 0 ? event_u(ev, (unsigned)slot) : 0;
    const struct proc *p = port && port < 65536 && s->ports[port] ? proctab_get(s->procs, s->ports[port]) : NULL;
    return p && !behavior_is_resolver(p) ? p : NULL;
}

/* ---- fields -------------------------------------------------------------------------------------------------- */

static void field_add(struct sigma_run *s, uint32_t name, struct str text)
{
    if (s->nfields == sizeof(s->fields) / sizeof(s->fields[0]))
        return;
    s->fields[s->nfields++] = (struct sigma_field){name, {.kind = SIGMA_TEXT, .text = text}};
}

static void number_add(struct sigma_run *s, uint32_t name, const char *format, uint64_t v)
{
    if (s->nnumbers == NUMBERS_MAX)
        return;
    char *to = s->numbers[s->nnumbers++];
    int n = format[0] == 'x'   ? snprintf(to, sizeof(s->numbers[0]), "%llx", (unsigned long long)v)
            : format[0] == 'i' ? snprintf(to, sizeof(s->numbers[0]), "%lld", (long long)v)
                               : snprintf(to, sizeof(s->numbers[0]), "%llu", (unsigned long long)v);
    field_add(s, name, (struct str){to, (size_t)n});
    if (format[0] != 'x') {
        s->fields[s->nfields - 1].value.kind = SIGMA_NUMBER;
        s->fields[s->nfields - 1].value.number = format[0] == 'i' ? (double)(int64_t)v : (double)v;
    }
}

static void slot_add(struct sigma_run *s, uint32_t name, const struct event *ev, unsigned slot, bool hex)
{
    const struct event_kind_info *k = event_kind_info(ev->kind);
    if (slot >= ev->count || slot >= k->count)
        return;
    switch (k->fields[slot].type) {
    case EV_STR:
    case EV_TEXT:
        field_add(s, name, ev->f[slot].s.p ? ev->f[slot].s : STR_LIT(""));
        break;
    case EV_BOOL:
        field_add(s, name, ev->f[slot].u ? STR_LIT("true") : STR_LIT("false"));
        s->fields[s->nfields - 1].value.kind = SIGMA_BOOL;
        break;
    default:
        number_add(s, name, hex ? "x" : k->fields[slot].type == EV_I64 ? "i" : "u", ev->f[slot].u);
        break;
    }
}

/* Unknown texts of a process are absent, not empty. */
static void known_add(struct sigma_run *s, uint32_t name, struct str text)
{
    if (text.n)
        field_add(s, name, text);
}

struct url {
    struct str path, query, tail, extension;
};

static struct url url_split(struct str s)
{
    struct url u = {0};
    ptrdiff_t at = str_find(s, STR_LIT("://"));
    if (at >= 0) {
        s = str_sub(s, (size_t)at + 3, s.n);
        size_t host = 0;
        while (host < s.n && s.p[host] != '/' && s.p[host] != '?')
            host++;
        s = str_sub(s, host, s.n);
    }
    u.tail = s.n ? s : STR_LIT("/");
    ptrdiff_t q = str_find(u.tail, STR_LIT("?"));
    u.path = q >= 0 ? str_sub(u.tail, 0, (size_t)q) : u.tail;
    u.query = q >= 0 ? str_sub(u.tail, (size_t)q + 1, u.tail.n) : STR_LIT("");
    struct str base = str_basename(u.path);
    for (size_t i = base.n; i-- > 0;)
        if (base.p[i] == '.') {
            u.extension = str_sub(base, i + 1, base.n);
            break;
        }
    return u;
}

static struct str header_find(struct str headers, struct str name)
{
    struct str line;
    while (str_split(&headers, '\n', &line)) {
        if (line.n > name.n && line.p[name.n] == ':' && str_istarts(line, name))
            return str_trim(str_sub(line, name.n + 1, line.n));
    }
    return STR_NONE;
}

/* The command line as the tracer writes it: words, those with white space in double quotes. */
static void args_add(struct sigma_run *s, struct str line)
{
    unsigned n = 0;
    size_t at = 0;
    while (at < line.n && n < ARGS_MAX) {
        size_t begin = at, end;
        if (line.p[at] == '"') {
            begin = ++at;
            while (at < line.n && !(line.p[at] == '"' && (at + 1 == line.n || line.p[at + 1] == ' ')))
                at++;
            end = at;
            at += at < line.n;
        } else {
            while (at < line.n && line.p[at] != ' ')
                at++;
            end = at;
        }
        field_add(s, s->arg[n++], str_sub(line, begin, end - begin));
        if (at < line.n && line.p[at] == ' ')
            at++;
    }
    number_add(s, s->argc, "u", n);
}

static void process_field(struct sigma_run *s, const struct view_field *f, uint32_t name, const struct proc *p)
{
    const struct proc *parent = p ? proctab_parent(s->procs, p) : NULL;
    if (!p)
        return;
    switch ((enum view_from)f->from) {
    case VIEW_IMAGE:
        known_add(s, name, p->image);
        break;
    case VIEW_COMMAND:
        known_add(s, name, p->cmdline);
        break;
    case VIEW_CWD:
        known_add(s, name, p->cwd);
        break;
    case VIEW_USER:
        known_add(s, name, proctab_user(s->procs, p->uid));
        break;
    case VIEW_PID:
        number_add(s, name, "u", p->pid);
        break;
    case VIEW_PPID:
        if (parent)
            number_add(s, name, "u", parent->pid);
        break;
    case VIEW_UID:
        number_add(s, name, "u", p->uid);
        break;
    case VIEW_EUID:
        number_add(s, name, "u", p->euid);
        break;
    case VIEW_COMM:
        known_add(s, name, str_sub(str_basename(p->image), 0, 15));
        break;
    case VIEW_PARENT_IMAGE:
        known_add(s, name, parent ? parent->image : STR_NONE);
        break;
    case VIEW_PARENT_COMMAND:
        known_add(s, name, parent ? parent->cmdline : STR_NONE);
        break;
    case VIEW_ARGS:
        args_add(s, p->cmdline);
        break;
    case VIEW_HASHES: {
        struct str hash = pairs_get(&s->hashes, p->image);
        int n = snprintf(s->hash_text, sizeof(s->hash_text), "SHA256=%.*s", STR_ARG(hash));
        if (hash.n && (size_t)n < sizeof(s->hash_text))
            field_add(s, name, (struct str){s->hash_text, (size_t)n});
        break;
    }
    default:
        break;
    }
}

static void field_build(struct sigma_run *s, const struct bound_field *b, const struct event *ev, const struct proc *p)
{
    const struct view_field *f = b->f;
    struct url u;
    const struct proc *target;
    switch ((enum view_from)f->from) {
    case VIEW_SLOT:
    case VIEW_HEX:
        slot_add(s, b->name, ev, f->slot, f->from == VIEW_HEX);
        break;
    case VIEW_TEXT:
        field_add(s, b->name, str_from(f->text));
        break;
    case VIEW_TARGET_IMAGE:
        target = proctab_by_pid(s->procs, (uint32_t)event_u(ev, f->slot));
        known_add(s, b->name, target ? target->image : STR_NONE);
        break;
    case VIEW_HOSTNAME:
        known_add(s, b->name, pairs_get(&s->hosts, event_s(ev, f->slot)));
        break;
    case VIEW_HEADER:
        known_add(s, b->name, header_find(event_s(ev, f->slot), str_from(f->text)));
        break;
    case VIEW_URL_PATH:
    case VIEW_URL_QUERY:
    case VIEW_URL_TAIL:
    case VIEW_URL_EXTENSION:
        u = url_split(event_s(ev, f->slot));
        known_add(s, b->name,
                  f->from == VIEW_URL_PATH    ? u.path
                  : f->from == VIEW_URL_QUERY ? u.query
                  : f->from == VIEW_URL_TAIL  ? u.tail
                                              : u.extension);
        break;
    default:
        process_field(s, f, b->name, p);
        break;
    }
}

/* ---- showing an event ---------------------------------------------------------------------------------------- */

/* (source, seq) as one number: comes back from correlations. */
static uint64_t index_of(const struct event *ev)
{
    return (uint64_t)ev->source << 56 | (ev->seq & ((1ull << 56) - 1));
}

static struct evidence *remember(struct sigma_run *s, uint64_t index)
{
    return &s->remembered[(index ^ index >> 56) % REMEMBERED];
}

static struct evidence evidence_of(struct sigma_run *s, uint64_t index, int64_t time)
{
    struct evidence e = {.source = (uint8_t)(index >> 56), .seq = index & ((1ull << 56) - 1), .time_ns = time};
    const struct evidence *known = remember(s, index);
    return known->source == e.source && known->seq == e.seq ? *known : e;
}

static void on_match(void *context, const struct sigma_match *m)
{
    struct sigma_run *s = context;
    const struct rule *rule = &s->r->rules[m->rule];
    struct evidence e = {.source = (uint8_t)(m->event->index >> 56),
                         .seq = m->event->index & ((1ull << 56) - 1),
                         .time_ns = m->event->time_ns,
                         .proc = s->p ? s->p->n : 0};
    if (rule->nparents && m->event->nfields)
        *remember(s, m->event->index) = e;
    if (rule->hidden)
        return;
    struct hit *h = s->hits[m->rule];
    if (!h && !(h = s->hits[m->rule] = calloc(1, sizeof(*h)))) {
        s->no_memory = true;
        return;
    }
    /* Two views of one event are one event. */
    if (!m->nevents && h->nevidence && h->evidence[h->nevidence - 1].seq == e.seq &&
        h->evidence[h->nevidence - 1].source == e.source)
        return;
    h->count++;
    if (!m->nevents && h->nevidence < FINDING_EVIDENCE_MAX)
        h->evidence[h->nevidence++] = e;
    for (size_t i = 0; i < m->nevents && h->nevidence < FINDING_EVIDENCE_MAX; i++)
        h->evidence[h->nevidence++] = evidence_of(s, m->events[i], m->event->time_ns);
}

static int view_show(struct sigma_run *s, const struct bound_view *v, const struct event *ev, const struct proc *p)
{
    struct sigma_event out = {.index = index_of(ev), .time_ns = ev->time_ns < 0 ? 0 : ev->time_ns};
    s->nfields = 0;
    s->nnumbers = 0;
    for (unsigned i = 0; i < v->nfields; i++)
        field_build(s, &v->fields[i], ev, p);
    out.fields = s->fields;
    out.nfields = s->nfields;
    out.nsources = v->nsources;
    memcpy(out.sources, v->sources, v->nsources * sizeof(*v->sources));
    int rc = sigma_engine_event(s->engine, &out);
    if (rc == ERR_LIMIT) {
        s->limited = true;
        rc = 0;
    }
    return rc;
}

int sigma_run_event(struct sigma_run *s, const struct event *ev, const struct proc *p)
{
    int rc = 0;
    if (ev->kind >= EVENT_KIND_MAX || !event_kind_info(ev->kind))
        return 0;
    learn(s, ev, p);
    if (ev->source == EVENT_SOURCE_NET && ev->pid == 0)
        p = owner_of(s, ev);
    if (!s->count[ev->kind] || (p && p->lineage == PROC_SYSTEM))
        return 0;
    /* Sockets of the machine itself are no network. */
    if (ev->kind == EVENT_NET_CONNECT && str_eqz(event_s(ev, EVF_NET_CONNECT_Protocol), "unix"))
        return 0;
    s->p = p;
    for (unsigned i = 0; i < s->count[ev->kind] && rc >= 0; i++)
        rc = view_show(s, &s->views[s->order[s->first[ev->kind] + i]], ev, p);
    s->p = NULL;
    return s->no_memory ? -ENOMEM : rc;
}

/* ---- making -------------------------------------------------------------------------------------------------- */

static int fields_bind(struct sigma_run *s, struct bound_view *b, const struct view_field *list, unsigned *n)
{
    for (; list->name; list++) {
        b->fields[*n] = (struct bound_field){list, sigma_engine_name(s->engine, str_from(list->name))};
        (*n)++;
    }
    return 0;
}

static unsigned fields_count(const struct view_field *f)
{
    unsigned n = 0;
    while (f[n].name)
        n++;
    return n;
}

/* 1 when some rule may look at it. */
static int view_bind(struct sigma_run *s, const struct view *v, struct bound_view *ret)
{
    struct bound_view b = {.view = v};
    for (unsigned i = 0; i < VIEW_SOURCES_MAX; i++) {
        struct sigma_source source = {str_from(v->sources[i].product), str_from(v->sources[i].category),
                                      str_from(v->sources[i].service)};
        uint32_t n;
        if (!source.product.n && !source.category.n && !source.service.n)
            continue;
        int rc = sigma_engine_source(s->engine, &source, &n);
        if (rc < 0)
            return rc;
        if (!sigma_engine_source_idle(s->engine, n))
            b.sources[b.nsources++] = n;
    }
    if (!b.nsources)
        return 0;
    unsigned n = fields_count(v->fields) + (v->actor ? fields_count(view_actor) : 0);
    b.fields = calloc(n, sizeof(*b.fields));
    if (!b.fields)
        return -ENOMEM;
    if (v->actor)
        fields_bind(s, &b, view_actor, &b.nfields);
    fields_bind(s, &b, v->fields, &b.nfields);
    *ret = b;
    return 1;
}

static int views_bind(struct sigma_run *s)
{
    unsigned n = 0, at = 0;
    for (unsigned i = 0; view_at(i) && n < VIEWS_MAX; i++) {
        int rc = view_bind(s, view_at(i), &s->views[n]);
        if (rc < 0)
            return rc;
        n += (unsigned)rc;
    }
    for (unsigned kind = 0; kind < EVENT_KIND_MAX; kind++) {
        s->first[kind] = (uint8_t)at;
        for (unsigned i = 0; i < n; i++)
            if (s->views[i].view->kind == kind) {
                s->order[at++] = (uint8_t)i;
                s->count[kind]++;
            }
    }
    for (unsigned i = 0; i < ARGS_MAX; i++) {
        char name[16];
        snprintf(name, sizeof(name), "a%u", i);
        s->arg[i] = sigma_engine_name(s->engine, str_from(name));
    }
    s->argc = sigma_engine_name(s->engine, STR_LIT("argc"));
    return 0;
}

int sigma_run_new(const struct sigma_rules *r, const struct proctab *procs, struct sigma_run **ret)
{
    struct sigma_run *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->r = r;
    s->procs = procs;
    arena_init(&s->hosts.arena, KNOWN_BYTES_MAX);
    arena_init(&s->hashes.arena, KNOWN_BYTES_MAX);
    s->hits = calloc(r->count + 1, sizeof(struct hit *));
    s->remembered = calloc(REMEMBERED, sizeof(*s->remembered));
    const struct sigma_options o = {.lost_ms_max = LOST_MS_MAX};
    int rc = s->hits && s->remembered ? sigma_engine_new(r, &o, on_match, s, &s->engine) : -ENOMEM;
    if (rc >= 0) {
        sigma_engine_tell_all(s->engine);
        rc = views_bind(s);
    }
    if (rc < 0)
        sigma_run_free(&s);
    *ret = s;
    return rc;
}

void sigma_run_free(struct sigma_run **p)
{
    struct sigma_run *s = *p;
    if (!s)
        return;
    for (unsigned i = 0; i < VIEWS_MAX; i++)
        free(s->views[i].fields);
    for (size_t i = 0; s->hits && i < s->r->count; i++)
        free(s->hits[i]);
    free(s->hits);
    free(s->remembered);
    sigma_engine_free(&s->engine);
    pairs_free(&s->hosts);
    pairs_free(&s->hashes);
    free(s);
    *p = NULL;
}

/* ---- findings ------------------------------------------------------------------------------------------------ */

enum severity sigma_level_severity(struct str level)
{
    if (str_eqz(level, "informational"))
        return SEVERITY_INFO;
    if (str_eqz(level, "low"))
        return SEVERITY_LOW;
    return str_eqz(level, "high") || str_eqz(level, "critical") ? SEVERITY_HIGH : SEVERITY_MEDIUM;
}

const char *sigma_category(const struct str *tags, unsigned n)
{
    /* The gravest first. Names of tactics before version 19 of ATT&CK are in rules everywhere. */
    static const struct {
        const char *tag, *category;
    } rows[] = {
        {"attack.impact", "Operating System Destruction"},
        {"attack.credential-access", "Stealing of Sensitive Information"},
        {"attack.exfiltration", "Stealing of Sensitive Information"},
        {"attack.lateral-movement", "Spreading"},
        {"attack.command-and-control", "Networking"},
        {"attack.persistence", "Persistence and Installation Behavior"},
        {"attack.privilege-escalation", "Privilege Escalation"},
        {"attack.defense-impairment", "Lowering of HIPS / PFW / Operating System Security Settings"},
        {"attack.initial-access", "Exploits"},
        {"attack.collection", "Stealing of Sensitive Information"},
        {"attack.stealth", "Hooking and other Techniques for Hiding and Protection"},
        {"attack.defense-evasion", "Hooking and other Techniques for Hiding and Protection"},
        {"attack.execution", "System Summary"},
        {"attack.discovery", "Language, Device and Operating System Detection"},
        {"attack.reconnaissance", "Networking"},
        {"attack.resource-development", "Networking"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (unsigned k = 0; k < n; k++) {
            char tag[64];
            snprintf(tag, sizeof(tag), "%.*s", STR_ARG(tags[k]));
            for (char *c = tag; *c; c++)
                *c = *c == '_' ? '-' : *c;
            if (str_ieq(str_from(tag), str_from(rows[i].tag)))
                return rows[i].category;
        }
    return "System Summary";
}

static void attack_take(const struct sigma_rule_info *i, struct finding *f)
{
    for (unsigned k = 0; k < i->nattack && f->nattack < FINDING_ATTACK_MAX; k++) {
        const struct attack_technique *t = attack_technique(i->attack[k]);
        bool known = !t;
        for (unsigned n = 0; t && n < f->nattack; n++)
            known = known || str_eqz(f->attack[n], t->id);
        if (!known)
            f->attack[f->nattack++] = str_from(t->id);
    }
}

static int finding_make(const struct sigma_run *s, size_t rule, struct findings *to)
{
    const struct sigma_rule_info *i = &s->r->rules[rule].info;
    const struct hit *h = s->hits[rule];
    char id[200];
    snprintf(id, sizeof(id), "sigma:%.*s", STR_ARG(i->id.n ? i->id : str_sub(i->title, 0, 150)));
    struct str title = arena_str(&to->arena, i->title), name = arena_str(&to->arena, str_from(id));
    struct finding *f = title.p && name.p ? findings_add(to) : NULL;
    if (!f)
        return to->count >= FINDINGS_MAX || to->arena.failed == ERR_LIMIT ? ERR_LIMIT : -ENOMEM;
    f->rule = name;
    f->title = title;
    f->category = str_from(sigma_category(i->tags, i->ntags));
    f->severity = sigma_level_severity(i->level);
    f->points = score_sigma_points(i->level.n ? i->level : STR_LIT("medium")) * i->weight / 100;
    /* As with behaviour rules of a pack that counts little. */
    if (i->weight < 50 && f->severity > SEVERITY_MEDIUM)
        f->severity = SEVERITY_MEDIUM;
    if (i->weight == 0)
        f->severity = SEVERITY_INFO;
    attack_take(i, f);
    f->count = h->count;
    f->nevidence = h->nevidence;
    memcpy(f->evidence, h->evidence, h->nevidence * sizeof(*h->evidence));
    return 0;
}

void sigma_run_stats(const struct sigma_run *s, struct sigma_stats *ret)
{
    sigma_engine_stats(s->engine, ret);
}

static int limits_tell(const struct sigma_run *s, struct findings *to)
{
    struct sigma_stats stats;
    struct finding *f;
    sigma_run_stats(s, &stats);
    if (!s->limited && !stats.over_budget && !stats.evicted)
        return 0;
    if (!(f = findings_add(to)))
        return 0;
    f->rule = STR_LIT("sigma.limits");
    f->title = STR_LIT("Limits of the Sigma rules were reached: some hits may be missing");
    f->category = STR_LIT("System Summary");
    f->severity = SEVERITY_INFO;
    f->count = 1;
    return 0;
}

int sigma_run_finish(struct sigma_run *s, struct findings *ret)
{
    int rc = sigma_engine_finish(s->engine);
    for (size_t i = 0; i < s->r->count && rc >= 0; i++)
        if (s->hits[i])
            rc = finding_make(s, i, ret);
    if (rc == ERR_LIMIT) {
        s->limited = true;
        rc = 0;
    }
    if (rc >= 0 && s->no_memory)
        rc = -ENOMEM;
    return rc < 0 ? rc : limits_tell(s, ret);
}
