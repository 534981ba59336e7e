/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "report/model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void *report_list_add(struct report_list *l, size_t item_size, size_t max)
{
    if (l->count >= max) {
        l->more++;
        return NULL;
    }
    if (l->count == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 64;
        if (cap > max)
            cap = max;
        void *p = reallocarray(l->items, cap, item_size);
        if (!p) {
            l->more++;
            return NULL;
        }
        l->items = p;
        l->cap = cap;
    }
    void *item = (char *)l->items + l->count++ * item_size;
    memset(item, 0, item_size);
    return item;
}

uint32_t report_text_max(struct report *r, struct str s, size_t max, uint32_t *ret_cut)
{
    if (ret_cut)
        *ret_cut = 0;
    if (!s.p)
        return 0;
    if (s.n > max) {
        if (ret_cut)
            *ret_cut = (uint32_t)(s.n - max);
        else
            r->texts_cut++;
        s.n = max;
    }
    uint32_t id = intern_add(r->strings, s);
    if (!id)
        r->texts_lost++;
    return id;
}

uint32_t report_text(struct report *r, struct str s)
{
    return report_text_max(r, s, REPORT_TEXT_MAX, NULL);
}

struct str report_get(const struct report *r, uint32_t id)
{
    return intern_get(r->strings, id);
}

struct proc_extra *report_extra(struct report *r, uint32_t n)
{
    if (n > REPORT_TRACK_MAX)
        return NULL;
    if (n >= r->nextra) {
        size_t want = r->nextra ? r->nextra * 2 : 256;
        while (want <= n)
            want *= 2;
        struct proc_extra *x = reallocarray(r->extra, want, sizeof(*x));
        if (!x)
            return NULL;
        memset(x + r->nextra, 0, (want - r->nextra) * sizeof(*x));
        r->extra = x;
        r->nextra = want;
    }
    return &r->extra[n];
}

int report_new(const struct proctab *procs, struct report **ret)
{
    struct report *r = calloc(1, sizeof(*r));
    if (!r)
        return -ENOMEM;
    r->procs = procs;
    int rc = intern_new(REPORT_STRINGS_MAX, &r->strings);
    if (rc == 0)
        rc = collect_init(r);
    if (rc < 0) {
        report_free(&r);
        return rc;
    }
    *ret = r;
    return 0;
}

void report_free(struct report **rp)
{
    struct report *r = *rp;
    if (!r)
        return;
    collect_free(r);
    intern_free(&r->strings);
    free(r);
    *rp = NULL;
}

int collect_init(struct report *r)
{
    memset(r->dense, 0xff, sizeof(r->dense));
    const struct event_kind_info *k;
    for (size_t i = 0; (k = event_kind_at(i)) != NULL; i++)
        if (k->kind < EVENT_KIND_MAX && r->nkinds < 0xff)
            r->dense[k->kind] = (uint8_t)r->nkinds++;
    r->bucket_ns = 250000000;
    r->load = calloc(REPORT_SAMPLES_MAX, sizeof(*r->load));
    r->stat_procs = calloc(REPORT_STAT_PROCS_MAX, sizeof(*r->stat_procs));
    r->dns_index = calloc(REPORT_DNS_SLOTS, sizeof(*r->dns_index));
    return r->load && r->stat_procs && r->dns_index ? 0 : -ENOMEM;
}

void collect_free(struct report *r)
{
    struct report_list *lists[] = {&r->files,  &r->flows,    &r->dns,   &r->http,       &r->listens, &r->scans,
                                   &r->memory, &r->captures, &r->notes, &r->indicators, &r->held,    &r->held_fields};
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
        free(lists[i]->items);
    for (size_t i = 0; i < r->nextra; i++)
        free(r->extra[i].kinds);
    free(r->extra);
    free(r->shown);
    free(r->file_index);
    free(r->dns_index);
    free(r->load);
    for (size_t i = 0; r->stat_procs && i < r->nstat_procs; i++)
        free(r->stat_procs[i].rows);
    free(r->stat_procs);
}

int report_event(struct report *r, const struct event *ev, const struct proc *p)
{
    int rc = 0;
    r->events++;
    if (ev->kind >= EVENT_KIND_MAX || r->dense[ev->kind] == 0xff) {
        r->unknown_kinds++;
        return 0;
    }
    r->kind_total[ev->kind]++;
    if (ev->time_ns > r->last_time)
        r->last_time = ev->time_ns;
    if (p && ev->source != EVENT_SOURCE_NET && ev->source != EVENT_SOURCE_HOST)
        rc = collect_process(r, ev, p);
    if (rc == 0 && ev->kind >= 40 && ev->kind < 70)
        rc = collect_file(r, ev, p);
    else if (rc == 0 && ev->kind >= 70 && ev->kind < 100)
        rc = collect_net(r, ev, p);
    else if (rc == 0 && ((ev->kind >= 100 && ev->kind < 120) || ev->kind == EVENT_PROCESS_PTRACE))
        rc = collect_memory(r, ev, p);
    if (rc == 0)
        rc = collect_stats(r, ev, p);
    if (rc == 0)
        rc = collect_held(r, ev, p);
    return rc;
}

/* Facts that come as JSON are put into the report as they are, so they must be JSON. */
static const char *checked_json(struct report *r, const char *json, const char *what)
{
    if (!json || !*json)
        return NULL;
    if (json_object_check(str_from(json)) == 0)
        return json;
    if (r->nproblems < sizeof(r->problems) / sizeof(*r->problems))
        snprintf(r->problems[r->nproblems++], sizeof(*r->problems), "%s is not a JSON object and was left out", what);
    return NULL;
}

/* What the report itself needs of run.json. */
static void run_facts(struct report *r)
{
    struct str run = str_from(r->run_json);
    struct str kind = json_member(json_member(run, "machine"), "accel");
    if (str_eqz(kind, "tcg") || str_eqz(kind, "kvm"))
        snprintf(r->machine, sizeof(r->machine), "%.*s", STR_ARG(kind));
    struct str clock = json_member(run, "clock");
    r->clock_known = str_eqz(json_member(clock, "known"), "true") &&
                     str_u64(json_member(clock, "error_us"), 10, &r->clock_error_us) == 0;
    if (str_u64(json_member(json_member(run, "artefacts"), "files_failed"), 10, &r->copies_failed) < 0)
        r->copies_failed = 0;
    r->ended = json_member(run, "ended");
    r->ended_text = json_member(run, "ended_text");
}

int report_finish(struct report *r, const struct report_facts *f, struct err *e)
{
    if (r->finished)
        return err_set(e, ERR_CONFLICT, "the report is finished already");
    if (!f->findings || !f->verdict || !f->completeness || !f->log)
        return err_set(e, ERR_MISSING, "the report needs findings, verdict, completeness and the log's status");
    r->facts = *f;
    r->submission_json = checked_json(r, f->submission_json, "submission.json");
    r->static_json = checked_json(r, f->static_json, "static.json");
    r->yara_json = checked_json(r, f->yara_json, "yara.json");
    r->run_json = checked_json(r, f->run_json, "run.json");
    run_facts(r);
    if (net_join(r) < 0)
        return err_set(e, -ENOMEM, "no memory for joining connections and processes");
    indicators_finish(r);
    process_choose(r);
    completeness_make(r);
    int rc = held_choose(r, e);
    if (rc < 0)
        return rc;
    r->finished = true;
    return 0;
}
