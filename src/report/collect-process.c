/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Per-process counters, and the choice of the processes that are shown. */
#include "report/model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct effect {
    const char *prefix, *effect;
};

/* Topics are the second part of a rule's id: linux.persistence.cron. */
static const struct effect topic_effects[] = {
    {"persist", "persists"},  {"stealth", "hides"},      {"privilege", "elevates"}, {"defense", "disarms"},
    {"cred", "steals"},       {"discovery", "explores"}, {"lateral", "spreads"},    {"collection", "collects"},
    {"command", "calls out"}, {"c2", "calls out"},       {"network", "calls out"},  {"exfil", "leaks"},
    {"impact", "destroys"},   {"ransom", "encrypts"},    {"miner", "mines"},        {"injection", "injects"},
    {"anti", "evades"},       {"evasion", "evades"},     {"execution", "runs"},
};
/* For rules whose ids say nothing. */
static const struct effect category_effects[] = {
    {"Persistence", "persists"},
    {"Boot Survival", "persists"},
    {"Hooking", "hides"},
    {"Privilege", "elevates"},
    {"Lowering", "disarms"},
    {"HIPS", "injects"},
    {"Stealing", "steals"},
    {"Language", "explores"},
    {"Spreading", "spreads"},
    {"Key, Mouse", "collects"},
    {"Networking", "calls out"},
    {"Remote Access", "calls out"},
    {"Operating System Destruction", "destroys"},
    {"Spam", "destroys"},
    {"Bitcoin", "mines"},
    {"Malware Analysis", "evades"},
    {"Anti", "evades"},
    {"Data Obfuscation", "hides"},
    {"Exploits", "exploits"},
    {"E-Banking", "steals"},
};

const char *report_effect(const struct finding *f)
{
    struct str rest = f->rule, topic = STR_NONE;
    if (str_split(&rest, '.', &topic) && str_split(&rest, '.', &topic))
        for (size_t i = 0; i < sizeof(topic_effects) / sizeof(*topic_effects); i++)
            if (str_istarts(topic, str_from(topic_effects[i].prefix)))
                return topic_effects[i].effect;
    for (size_t i = 0; i < sizeof(category_effects) / sizeof(*category_effects); i++)
        if (str_istarts(f->category, str_from(category_effects[i].prefix)))
            return category_effects[i].effect;
    return "other";
}

static int top_order(const void *a, const void *b)
{
    const struct syscall_count *x = a, *y = b;
    return x->count < y->count ? 1 : x->count > y->count ? -1 : 0;
}

static void top_put(struct proc_extra *x, const struct syscall_count *c)
{
    if (x->ntop < REPORT_SYSCALLS_TOP) {
        x->top[x->ntop++] = *c;
        return;
    }
    unsigned least = 0;
    for (unsigned i = 1; i < x->ntop; i++)
        if (x->top[i].count < x->top[least].count)
            least = i;
    if (x->top[least].count < c->count)
        x->top[least] = *c;
}

/* "1=20 59=1 i4=7" */
static void syscalls_parse(struct proc_extra *x, struct str text)
{
    struct str part;
    while (str_split(&text, ' ', &part)) {
        struct syscall_count c = {0};
        uint64_t number;
        struct str left;
        if (part.n && part.p[0] == 'i') {
            c.i386 = true;
            part = str_sub(part, 1, part.n);
        }
        if (!str_split(&part, '=', &left) || !part.p)
            continue;
        if (str_u64(left, 10, &number) < 0 || number > 100000 || str_u64(part, 10, &c.count) < 0)
            continue;
        c.number = (uint32_t)number;
        top_put(x, &c);
    }
    qsort(x->top, x->ntop, sizeof(*x->top), top_order);
}

int collect_process(struct report *r, const struct event *ev, const struct proc *p)
{
    struct proc_extra *x = report_extra(r, p->n);
    if (!x)
        return 0;
    if (!x->kinds) {
        x->kinds = calloc(r->nkinds ? r->nkinds : 1, sizeof(*x->kinds));
        if (!x->kinds)
            return -ENOMEM;
    }
    uint32_t *count = &x->kinds[r->dense[ev->kind]];
    if (*count < UINT32_MAX)
        ++*count;
    if (ev->kind == EVENT_PROCESS_SYSCALLS) {
        x->ntop = 0;
        syscalls_parse(x, event_s(ev, EVF_PROCESS_SYSCALLS_Counts));
        x->syscalls = event_u(ev, EVF_PROCESS_SYSCALLS_Total);
    } else if (ev->kind == EVENT_PROCESS_EXEC) {
        struct str script = event_s(ev, EVF_PROCESS_EXEC_Script);
        indicators_command(r, event_s(ev, EVF_PROCESS_EXEC_CommandLine), p);
        file_executed(r, event_s(ev, EVF_PROCESS_EXEC_Image), p, ev->time_ns);
        if (script.n)
            file_executed(r, script, p, ev->time_ns);
    } else if (ev->kind == EVENT_NET_CONNECT) {
        x->connected = x->connected || !str_eqz(event_s(ev, EVF_NET_CONNECT_Protocol), "unix");
    } else if (ev->kind == EVENT_MEMORY_REMOTE) {
        x->wrote_remote = x->wrote_remote || str_eqz(event_s(ev, EVF_MEMORY_REMOTE_Access), "write");
    }
    return 0;
}

static void show_mark(struct report *r, uint32_t n, size_t *count)
{
    /* with its ancestors, so that the tree stays connected */
    while (n && *count < REPORT_PROCS_MAX) {
        struct proc_extra *x = report_extra(r, n);
        const struct proc *p = proctab_get(r->procs, n);
        if (!x || !p || x->shown || !p->pid) /* pid 0: events of nobody */
            return;
        x->shown = 1;
        ++*count;
        n = p->parent;
    }
}

void process_choose(struct report *r)
{
    uint32_t total = proctab_count(r->procs);
    size_t count = 0, row = 0, real = 0;
    const struct findings *f = r->facts.findings;
    for (size_t i = 0; i < f->count; i++)
        for (unsigned k = 0; k < f->items[i].nevidence && k < FINDING_EVIDENCE_MAX; k++)
            show_mark(r, f->items[i].evidence[k].proc, &count);
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t n = 1; n <= total; n++) {
            const struct proc *p = proctab_get(r->procs, n);
            real += p && p->pid && pass == 0;
            if (p && (p->lineage == PROC_SYSTEM) == (pass == 1))
                show_mark(r, n, &count);
        }
    r->shown = calloc(count ? count : 1, sizeof(*r->shown));
    for (uint32_t n = 1; r->shown && n <= total && row < count; n++) {
        struct proc_extra *x = report_extra(r, n);
        if (x && x->shown) {
            r->shown[row++] = n;
            x->shown = (uint32_t)row;
        }
    }
    r->nshown = row;
    r->procs_more = real - row + proctab_overflow(r->procs);
}

/* ---- how far the report may be trusted ------------------------------------------ */

static const char *grouped(uint64_t v, char *buf, size_t size)
{
    char digits[24];
    int n = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)v);
    size_t o = 0;
    for (int i = 0; i < n && o + 2 < size; i++) {
        if (i && (n - i) % 3 == 0)
            buf[o++] = ',';
        buf[o++] = digits[i];
    }
    buf[o] = 0;
    return buf;
}

__attribute__((format(printf, 2, 3))) static void not_proved(struct report *r, const char *format, ...)
{
    va_list ap;
    if (r->nnot_proved >= sizeof(r->not_proved) / sizeof(*r->not_proved))
        return;
    va_start(ap, format);
    vsnprintf(r->not_proved[r->nnot_proved++], sizeof(*r->not_proved), format, ap);
    va_end(ap);
}

static void count_ended(const struct report *r, uint32_t *ret_all, uint32_t *ret_ended)
{
    *ret_all = *ret_ended = 0;
    for (uint32_t n = 1; n <= proctab_count(r->procs); n++) {
        const struct proc *p = proctab_get(r->procs, n);
        if (!p || p->lineage == PROC_SYSTEM)
            continue;
        ++*ret_all;
        *ret_ended += p->exited;
    }
}

static void doubts_make(struct report *r, uint32_t alive)
{
    const struct score_facts *c = r->facts.completeness;
    const struct evlog_status *log = r->facts.log;
    if (!c->started)
        not_proved(r, "The sample did not run, so nothing here says what it would do.");
    if (alive)
        not_proved(r, "%u of its processes still ran at the end: what they do later is not known.", alive);
    if (c->network_simulated)
        not_proved(r, "The internet was simulated: what the real servers would have answered is not known.");
    if (str_eqz(r->ended, "log-full"))
        not_proved(r, "The event log reached its limit: what the sample did after that is not recorded.");
    else if (str_eqz(r->ended, "host-failed"))
        not_proved(r, "This computer could not record any more: what the sample did after that is not known.");
    else if (!c->channel_intact)
        not_proved(r, "The record of the run has a gap: some of what happened is missing.");
    if (r->copies_failed)
        not_proved(r, "%llu copies of files or memory could not be stored on this computer (is its disk full?).",
                   (unsigned long long)r->copies_failed);
    if (!c->machine_alive)
        not_proved(r, "The machine stopped before the planned end.");
    if (c->crashed)
        not_proved(r, "The sample crashed: it may do more where it does not crash.");
    if (log->torn_tail || log->bad_blocks || !log->complete)
        not_proved(r, "The event log is damaged or was not closed (%llu bad blocks): some events cannot be read.",
                   (unsigned long long)log->bad_blocks);
    if (strcmp(r->machine, "tcg") == 0)
        not_proved(r, "The processor was emulated (TCG): code that measures time precisely can notice.");
}

void completeness_make(struct report *r)
{
    const struct score_facts *c = r->facts.completeness;
    uint64_t gaps = 0;
    uint32_t all, ended;
    char recorded[32], events[32], lost[64] = "none lost", missing[32];
    for (int i = 0; i < EVENT_SOURCE_MAX; i++)
        gaps += r->facts.log->source[i].gaps;
    uint64_t gone = c->lost > gaps ? c->lost : gaps; /* a lost event is mostly a gap, too */
    if (gone)
        snprintf(lost, sizeof(lost), "%s lost", grouped(gone, missing, sizeof(missing)));
    count_ended(r, &all, &ended);
    double ran = (double)c->ran_ns / 1e9, planned = (double)c->planned_ns / 1e9;
    snprintf(r->sentence, sizeof(r->sentence),
             "%s events recorded, %s of them the sample's, %s; ran %.0f of %.0f s; %u of %u processes ended%s%s",
             grouped(r->facts.log->events, recorded, sizeof(recorded)), grouped(c->events, events, sizeof(events)),
             lost, ran, planned, ended, all, c->machine_alive ? "" : "; the machine stopped early",
             c->channel_intact ? "" : "; the record has a gap");
    doubts_make(r, all - ended);
}
