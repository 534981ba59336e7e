/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One event: who did it, what it says, which detectors hold. */
#include "detect/engine.h"

#include "base/hash.h"
#include "base/siphash.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct pending {
    struct event ev;
    char *text; /* the event's strings, one behind the other */
};

int live_list_add(struct live_list *l, uint32_t item)
{
    if (l->count == l->cap) {
        uint32_t cap = l->cap ? l->cap * 2 : 8;
        uint32_t *items = realloc(l->items, cap * sizeof(*items));
        if (!items)
            return -ENOMEM;
        l->items = items;
        l->cap = cap;
    }
    l->items[l->count++] = item;
    return 0;
}

uint64_t engine_hash(const struct behavior_engine *g, const void *p, size_t n)
{
    return siphash13(p ? p : "", n, g->key);
}

/* ---- paths that the sample wrote ------------------------------------------------ */

static bool written_has(const struct behavior_engine *g, struct str path)
{
    if (!path.n || !g->written_count)
        return false;
    uint64_t h = engine_hash(g, path.p, path.n) | 1;
    for (uint32_t i = (uint32_t)(h >> 1) & (g->written_cap - 1); g->written[i]; i = (i + 1) & (g->written_cap - 1))
        if (g->written[i] == h)
            return true;
    return false;
}

static void written_put(uint64_t *table, uint32_t cap, uint64_t h, uint32_t *count)
{
    uint32_t i = (uint32_t)(h >> 1) & (cap - 1);
    for (; table[i]; i = (i + 1) & (cap - 1))
        if (table[i] == h)
            return;
    table[i] = h;
    ++*count;
}

static void written_add(struct behavior_engine *g, struct str path)
{
    if (!path.n || str_starts(path, STR_LIT("/proc/")) ||
        (str_starts(path, STR_LIT("/dev/")) && !str_starts(path, STR_LIT("/dev/shm/"))))
        return;
    if ((g->written_count + 1) * 2 > g->written_cap) {
        uint32_t cap = g->written_cap ? g->written_cap * 2 : 1024, count = 0;
        uint64_t *table = cap / 2 > ENGINE_WRITTEN_MAX ? NULL : calloc(cap, sizeof(*table));
        if (!table) {
            g->limits.written++;
            return;
        }
        for (uint32_t i = 0; i < g->written_cap; i++)
            if (g->written[i])
                written_put(table, cap, g->written[i], &count);
        free(g->written);
        g->written = table;
        g->written_cap = cap;
        g->written_count = count;
    }
    written_put(g->written, g->written_cap, engine_hash(g, path.p, path.n) | 1, &g->written_count);
}

static void written_event(struct behavior_engine *g, const struct event *ev, const struct proc *p)
{
    if (p->lineage == PROC_SYSTEM)
        return;
    switch (ev->kind) {
    case EVENT_FILE_CREATE:
        written_add(g, event_s(ev, EVF_FILE_CREATE_TargetFilename));
        break;
    case EVENT_FILE_WRITE:
        written_add(g, event_s(ev, EVF_FILE_WRITE_TargetFilename));
        break;
    case EVENT_FILE_RENAME:
        written_add(g, event_s(ev, EVF_FILE_RENAME_TargetFilename));
        break;
    case EVENT_FILE_LINK:
        written_add(g, event_s(ev, EVF_FILE_LINK_TargetFilename));
        break;
    default:
        break;
    }
}

/* ---- values of fields --------------------------------------------------------------- */

static struct str event_path(const struct behavior_engine *g, unsigned which)
{
    int slot = g->routes[g->ev->kind].path_slot[which];
    return slot < 0 ? STR_NONE : event_s(g->ev, (unsigned)slot);
}

static bool path_is(const struct behavior_engine *g, struct str path)
{
    return path.n && (str_eq(event_path(g, 0), path) || str_eq(event_path(g, 1), path));
}

static const struct proc *target_proc(const struct behavior_engine *g)
{
    int slot = g->routes[g->ev->kind].target_pid_slot;
    int64_t pid = slot < 0 ? -1 : (int64_t)event_u(g->ev, (unsigned)slot);
    return pid > 0 && pid <= UINT32_MAX ? proctab_by_pid(g->procs, (uint32_t)pid) : NULL;
}

static struct str lineage_text(const struct proc *p)
{
    static const char *const names[] = {"system", "sample", "adopted"};
    return p && p->lineage < 3 ? str_from(names[p->lineage]) : STR_NONE;
}

static bool joined_flag(struct behavior_engine *g, enum joined j)
{
    const struct proc *p = g->p;
    switch (j) {
    case JOINED_IS_ROOT:
        return p && p->euid == 0;
    case JOINED_ANONYMOUS:
        return p && p->anonymous;
    case JOINED_SAMPLE_FILE:
        return path_is(g, g->facts.sample_path);
    case JOINED_SELF_FILE:
        return p && g->ev->kind != EVENT_PROCESS_EXEC && (path_is(g, p->image) || path_is(g, p->script));
    case JOINED_WRITTEN_BY_SAMPLE:
        return written_has(g, event_path(g, 0)) || written_has(g, event_path(g, 1)) ||
               (g->ev->kind == EVENT_PROCESS_EXEC && written_has(g, engine_script_path(g)));
    case JOINED_IMAGE_WRITTEN_BY_SAMPLE:
        return p && (written_has(g, p->image) || written_has(g, p->script));
    case JOINED_SAMPLE_STRIPPED:
        return g->facts.sample_stripped;
    case JOINED_SAMPLE_STATIC:
        return g->facts.sample_static;
    default:
        return false;
    }
}

static struct str joined_text(struct behavior_engine *g, enum joined j, bool *stable)
{
    const struct proc *p = g->p, *parent = NULL;
    if (p && (j == JOINED_PARENT_IMAGE || j == JOINED_PARENT_COMMAND_LINE))
        parent = proctab_parent(g->procs, p);
    *stable = j != JOINED_USER && j != JOINED_SCRIPT_PATH;
    switch (j) {
    case JOINED_IMAGE:
        return p ? p->image : STR_NONE;
    case JOINED_COMMAND_LINE:
        return p ? p->cmdline : STR_NONE;
    case JOINED_PARENT_IMAGE:
        return parent ? parent->image : STR_NONE;
    case JOINED_PARENT_COMMAND_LINE:
        return parent ? parent->cmdline : STR_NONE;
    case JOINED_CURRENT_DIRECTORY:
        return p ? p->cwd : STR_NONE;
    case JOINED_SCRIPT:
        return p ? p->script : STR_NONE;
    case JOINED_ENVIRONMENT:
        return p ? p->environment : STR_NONE;
    case JOINED_USER:
        return p ? proctab_user(g->procs, p->euid) : STR_NONE;
    case JOINED_LINEAGE:
        return lineage_text(p);
    case JOINED_TARGET_IMAGE: {
        const struct proc *t = target_proc(g);
        return t ? t->image : STR_NONE;
    }
    case JOINED_TARGET_LINEAGE:
        return lineage_text(target_proc(g));
    case JOINED_SCRIPT_PATH:
        return engine_script_path(g);
    case JOINED_SAMPLE_TYPE:
        return g->facts.sample_type;
    case JOINED_SAMPLE_STRINGS:
        return g->facts.sample_strings;
    case JOINED_SAMPLE_INDICATORS:
        return g->facts.sample_indicators;
    case JOINED_SAMPLE_ANOMALIES:
        return g->facts.sample_anomalies;
    default:
        return STR_NONE;
    }
}

struct value engine_value(struct behavior_engine *g, uint16_t field)
{
    const struct field *f = &g->set->fields[field];
    struct value v = {0};
    int slot = f->slot[g->ev->kind];
    if (slot >= 0) {
        if (slot >= g->ev->count)
            return v;
        const struct event_value *x = &g->ev->f[slot];
        const struct event_kind_info *k = event_kind_info(g->ev->kind);
        enum event_type type = k->fields[slot].type;
        v.present = true;
        v.id = x->id;
        v.number = (int64_t)x->u;
        v.is_unsigned_big = type != EV_I64 && x->u > INT64_MAX;
        if (type == EV_STR || type == EV_TEXT)
            v.s = x->s.p ? x->s : STR_LIT("");
        return v;
    }
    if (f->joined >= JOINED_IS_ROOT) {
        v.present = true;
        v.number = joined_flag(g, (enum joined)f->joined);
    } else if (f->joined == JOINED_SAMPLE_SIZE || f->joined == JOINED_SAMPLE_ENTROPY) {
        v.present = g->facts.sample_size != 0;
        v.number = (int64_t)(f->joined == JOINED_SAMPLE_SIZE ? g->facts.sample_size : g->facts.sample_entropy);
    } else if (f->joined == JOINED_PROCESS_ID) {
        v.present = g->p != NULL;
        v.number = g->p ? g->p->pid : 0;
    } else if (f->joined != JOINED_NONE) {
        v.s = joined_text(g, (enum joined)f->joined, &v.stable);
        v.present = v.s.n != 0;
    }
    return v;
}

struct str engine_value_text(struct behavior_engine *g, uint16_t field, char *scratch, size_t n)
{
    if (!g->ev)
        return STR_NONE;
    struct value v = engine_value(g, field);
    if (!v.present || v.s.p)
        return v.s;
    int slot = g->set->fields[field].slot[g->ev->kind];
    const struct event_kind_info *k = event_kind_info(g->ev->kind);
    enum event_type type = slot >= 0 ? k->fields[slot].type : EV_I64;
    int len;
    if (slot >= 0 && str_eqz(g->set->fields[field].name, "Mode"))
        len = snprintf(scratch, n, "%04llo", (unsigned long long)v.number);
    else if (type == EV_HEX)
        len = snprintf(scratch, n, "0x%llx", (unsigned long long)v.number);
    else if (type == EV_NS)
        len = snprintf(scratch, n, "%.1f s", (double)v.number / 1e9);
    else if (type == EV_I64)
        len = snprintf(scratch, n, "%lld", (long long)v.number);
    else
        len = snprintf(scratch, n, "%llu", (unsigned long long)v.number);
    return (struct str){scratch, len < 0 ? 0 : (size_t)len < n ? (size_t)len : n - 1};
}

/* ---- evaluation ----------------------------------------------------------------------- */

static void live_try(struct behavior_engine *g, uint32_t live, unsigned lineage)
{
    struct live *l = &g->lives[live];
    if (l->stamp == g->stamp || !(l->d->lineage & lineage) || !kinds_have(l->d->kinds, g->ev->kind))
        return;
    l->stamp = g->stamp;
    if (l->d->root && !engine_eval(g, l->d->root))
        return;
    /* Kept in the order of `lives`: later steps of a rule first, so one event moves a state once. */
    uint32_t i = g->nmatched++;
    for (; i && g->matched[i - 1] > live; i--)
        g->matched[i] = g->matched[i - 1];
    g->matched[i] = live;
}

/* p NULL: no process known. */
static void event_route(struct behavior_engine *g, const struct event *ev, const struct proc *p)
{
    struct kind_route *r = &g->routes[ev->kind];
    unsigned lineage = 1u << (p ? p->lineage : LINEAGE_NETWORK);
    if (!(r->lineage & lineage))
        return;
    g->stamp++;
    g->ev = ev;
    g->p = p;
    g->nmatched = 0;
    for (unsigned i = 0; i < r->always.count; i++)
        live_try(g, r->always.items[i], lineage);
    for (unsigned i = 0; i < r->nscan; i++) {
        unsigned slot = r->scan[i].slot;
        if (slot >= ev->count)
            continue;
        struct value v = {.present = true, .id = ev->f[slot].id, .s = ev->f[slot].s};
        const struct field_hits *h = engine_hits(g, r->scan[i].field, &v);
        for (unsigned k = 0; k < h->count; k++) {
            const struct live_list *l = &g->by_matcher[h->ids[k]];
            for (uint32_t j = 0; j < l->count; j++)
                live_try(g, l->items[j], lineage);
        }
    }
    for (uint32_t i = 0; i < g->nmatched; i++)
        engine_detector_holds(g, g->lives[g->matched[i]].d);
    g->ev = NULL;
    g->p = NULL;
}

void engine_detector_holds(struct behavior_engine *g, const struct detector *d)
{
    engine_state_event(g, d);
}

/* ---- network events find their process by the port in the guest --------------------- */

bool behavior_is_resolver(const struct proc *p)
{
    static const char *const names[] = {"systemd-resolved", "nscd", "dnsmasq", "unbound", "named"};
    struct str base = str_basename(p->image);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (p->lineage == PROC_SYSTEM && str_eqz(base, names[i]))
            return true;
    return false;
}

static void network_route(struct behavior_engine *g, const struct event *ev, uint32_t n)
{
    const struct proc *p = n ? proctab_get(g->procs, n) : NULL;
    event_route(g, ev, p && !behavior_is_resolver(p) ? p : NULL);
}

static void pending_pop(struct behavior_engine *g, uint32_t proc)
{
    struct pending *p = &g->pending[g->pending_first];
    if (p->text || p->ev.kind)
        network_route(g, &p->ev, proc);
    free(p->text);
    *p = (struct pending){0};
    g->pending_first = (g->pending_first + 1) % ENGINE_PENDING_MAX;
    g->pending_count--;
}

static void pending_add(struct behavior_engine *g, const struct event *ev)
{
    size_t total = 1;
    for (unsigned i = 0; i < ev->count; i++)
        total += ev->f[i].s.n;
    if (g->pending_count == ENGINE_PENDING_MAX) {
        g->limits.pending++;
        pending_pop(g, 0);
    }
    struct pending *p = &g->pending[(g->pending_first + g->pending_count) % ENGINE_PENDING_MAX];
    p->text = malloc(total);
    if (!p->text) {
        g->failed = -ENOMEM;
        return;
    }
    p->ev = *ev;
    char *at = p->text;
    for (unsigned i = 0; i < ev->count; i++) {
        p->ev.f[i].id = 0;
        if (!ev->f[i].s.p)
            continue;
        if (ev->f[i].s.n)
            memcpy(at, ev->f[i].s.p, ev->f[i].s.n);
        p->ev.f[i].s.p = at;
        at += ev->f[i].s.n;
    }
    g->pending_count++;
}

/* A process showed its port: events that waited for it go on. */
static void port_seen(struct behavior_engine *g, uint64_t port, const struct proc *p)
{
    if (port == 0 || port > 65535)
        return;
    g->port_proc[port] = p->n;
    for (uint32_t i = 0; i < g->pending_count; i++) {
        struct pending *w = &g->pending[(g->pending_first + i) % ENGINE_PENDING_MAX];
        int slot = w->ev.kind ? g->routes[w->ev.kind].port_slot : -1;
        if (slot < 0 || event_u(&w->ev, (unsigned)slot) != port)
            continue;
        network_route(g, &w->ev, p->n);
        free(w->text);
        *w = (struct pending){0};
    }
}

static void network_event(struct behavior_engine *g, const struct event *ev)
{
    int slot = g->routes[ev->kind].port_slot;
    uint64_t port = slot < 0 ? 0 : event_u(ev, (unsigned)slot);
    if (port == 0 || port > 65535)
        network_route(g, ev, 0);
    else if (g->port_proc[port])
        network_route(g, ev, g->port_proc[port]);
    else
        pending_add(g, ev);
}

int behavior_engine_event(struct behavior_engine *g, const struct event *ev, const struct proc *p)
{
    if (ev->kind >= EVENT_KIND_MAX || !event_kind_info(ev->kind))
        return 0;
    if (ev->time_ns > g->last_ns)
        g->last_ns = ev->time_ns;
    while (g->pending_count && g->pending[g->pending_first].ev.time_ns + ENGINE_PENDING_NS < g->last_ns)
        pending_pop(g, 0);
    if (g->next_deadline <= g->last_ns)
        engine_state_time(g, g->last_ns, false);
    if (ev->source == EVENT_SOURCE_NET && ev->pid == 0) {
        network_event(g, ev);
        return g->failed;
    }
    int slot = g->routes[ev->kind].port_slot;
    if (slot >= 0 && ev->source != EVENT_SOURCE_NET)
        port_seen(g, event_u(ev, (unsigned)slot), p);
    event_route(g, ev, p);
    written_event(g, ev, p);
    return g->failed;
}

int behavior_engine_finish(struct behavior_engine *g, struct findings *ret)
{
    while (g->pending_count)
        pending_pop(g, 0);
    engine_state_time(g, g->last_ns, true);
    if (g->failed < 0 && g->failed != ERR_LIMIT)
        return g->failed;
    return engine_findings_end(g, ret);
}

/* ---- making and freeing ------------------------------------------------------------- */

static void routes_init(struct behavior_engine *g)
{
    for (unsigned kind = 0; kind < EVENT_KIND_MAX; kind++) {
        struct kind_route *r = &g->routes[kind];
        const struct event_kind_info *k = event_kind_info((uint16_t)kind);
        r->path_slot[0] = r->path_slot[1] = r->target_pid_slot = r->port_slot = -1;
        if (!k)
            continue;
        bool exec = kind == EVENT_PROCESS_EXEC;
        r->path_slot[0] = (int8_t)event_field_slot(k, exec ? STR_LIT("Image") : STR_LIT("TargetFilename"));
        r->path_slot[1] = (int8_t)event_field_slot(k, exec ? STR_LIT("Script") : STR_LIT("SourceFilename"));
        if (r->path_slot[0] < 0)
            r->path_slot[0] = (int8_t)event_field_slot(k, STR_LIT("ImageLoaded"));
        /* The end of a symbolic link is not what is acted on. */
        if (kind == EVENT_FILE_LINK)
            r->path_slot[1] = -1;
        r->target_pid_slot = (int8_t)event_field_slot(k, STR_LIT("TargetProcessId"));
        r->port_slot = (int8_t)event_field_slot(k, STR_LIT("SourcePort"));
        if (kind == EVENT_NET_ACCEPT || kind == EVENT_NET_LISTEN)
            r->port_slot = -1;
    }
}

/* A rule and those whose hits it watches. */
static void rule_choose(const struct behavior_rules *set, size_t index, bool *chosen, unsigned depth)
{
    const struct rule *r = set->rules[index];
    if (chosen[index] || depth > ENGINE_REF_DEPTH_MAX)
        return;
    chosen[index] = true;
    for (unsigned i = 0; i < r->ndetectors; i++)
        for (unsigned k = 0; k < r->detectors[i].nrefs; k++)
            for (size_t o = 0; o < set->count; o++)
                if (str_glob(r->detectors[i].refs[k], set->rules[o]->id, false))
                    rule_choose(set, o, chosen, depth + 1);
}

/* Detectors in the order in which one event must meet them: by rule, absent ones first, later steps first. */
static int lives_make(struct behavior_engine *g, size_t only)
{
    const struct behavior_rules *set = g->set;
    bool *chosen = calloc(set->count + 1, sizeof(*chosen));
    uint8_t platform = platform_bit(g->facts.platform);
    g->lives = calloc(set->count * RULE_STEPS_MAX + 1, sizeof(*g->lives));
    if (!g->lives || !chosen) {
        free(chosen);
        return -ENOMEM;
    }
    if (only != SIZE_MAX)
        rule_choose(set, only, chosen, 0);
    for (size_t i = 0; i < set->count; i++) {
        const struct rule *r = set->rules[i];
        if (r->off || (platform && !(r->platforms & platform)) || (only != SIZE_MAX && !chosen[i]))
            continue;
        for (unsigned k = 0; k < r->ndetectors; k++)
            if (r->detectors[k].absent)
                g->lives[g->nlives++].d = &r->detectors[k];
        for (unsigned k = r->ndetectors; k-- > 0;)
            if (!r->detectors[k].absent)
                g->lives[g->nlives++].d = &r->detectors[k];
    }
    free(chosen);
    g->matched = calloc(g->nlives + 1, sizeof(*g->matched));
    return g->matched ? 0 : -ENOMEM;
}

static int subscribers_make(struct behavior_engine *g)
{
    for (uint32_t i = 0; i < g->nlives; i++) {
        const struct detector *d = g->lives[i].d;
        for (unsigned k = 0; k < d->nrefs; k++)
            for (size_t r = 0; r < g->set->count; r++)
                if (r != d->rule && str_glob(d->refs[k], g->set->rules[r]->id, false)) {
                    int rc = live_list_add(&g->rules[r].subscribers, i);
                    if (rc < 0)
                        return rc;
                }
    }
    return 0;
}

int behavior_engine_new_one(const struct behavior_rules *r, size_t only, const struct proctab *procs,
                            const struct behavior_facts *facts, struct behavior_engine **ret)
{
    struct behavior_engine *g = calloc(1, sizeof(*g));
    if (!g)
        return -ENOMEM;
    g->set = r;
    g->procs = procs;
    if (facts)
        g->facts = *facts;
    g->next_deadline = INT64_MAX;
    g->last_ns = INT64_MIN;
    random_bytes(g->key, sizeof(g->key));
    findings_init(&g->findings);
    g->by_matcher = calloc(r->nmatchers + 1, sizeof(*g->by_matcher));
    g->routes = calloc(EVENT_KIND_MAX, sizeof(*g->routes));
    g->scans = calloc(r->nfields + 1, sizeof(*g->scans));
    g->hits = calloc(r->nfields + 1, sizeof(*g->hits));
    g->memo = calloc(MEMO_SIZE, sizeof(*g->memo));
    g->port_proc = calloc(65536, sizeof(*g->port_proc));
    g->pending = calloc(ENGINE_PENDING_MAX, sizeof(*g->pending));
    g->rules = calloc(r->count + 1, sizeof(*g->rules));
    int rc = g->by_matcher && g->routes && g->scans && g->hits && g->memo && g->port_proc && g->pending && g->rules
                 ? 0
                 : -ENOMEM;
    if (rc >= 0) {
        routes_init(g);
        rc = lives_make(g, only);
    }
    if (rc >= 0)
        rc = engine_index(g);
    if (rc >= 0)
        rc = subscribers_make(g);
    if (rc >= 0)
        rc = engine_state_new(g);
    if (rc < 0)
        behavior_engine_free(&g);
    *ret = g;
    return rc < 0 ? rc : 0;
}

int behavior_engine_new(const struct behavior_rules *r, const struct proctab *procs, const struct behavior_facts *facts,
                        struct behavior_engine **ret)
{
    return behavior_engine_new_one(r, SIZE_MAX, procs, facts, ret);
}

void behavior_engine_free(struct behavior_engine **p)
{
    struct behavior_engine *g = *p;
    if (!g)
        return;
    engine_state_free(g);
    for (uint32_t i = 0; g->pending && i < ENGINE_PENDING_MAX; i++)
        free(g->pending[i].text);
    for (size_t i = 0; g->by_matcher && i < g->set->nmatchers; i++)
        free(g->by_matcher[i].items);
    for (size_t i = 0; g->scans && i < g->set->nfields; i++)
        scan_free(&g->scans[i]);
    for (unsigned i = 0; g->routes && i < EVENT_KIND_MAX; i++)
        free(g->routes[i].always.items);
    for (size_t i = 0; g->rules && i < g->set->count; i++)
        free(g->rules[i].subscribers.items);
    findings_free(&g->findings);
    free(g->amounts);
    free(g->by_matcher);
    free(g->routes);
    free(g->scans);
    free(g->hits);
    free(g->hit_ids);
    free(g->memo);
    free(g->port_proc);
    free(g->pending);
    free(g->rules);
    free(g->lives);
    free(g->matched);
    free(g->written);
    free(g);
    *p = NULL;
}
