/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which events the HTML page carries. All of a small log; of a large one the
 * evidence of every finding, a fair share of every kind and of every process,
 * and the first ones, in this order of importance.
 */
#include "report/model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#define SHARE_KIND 300       /* per kind, of the sample's processes */
#define SHARE_KIND_SYSTEM 40 /* per kind, of the guest's own */
#define SHARE_PROC 12        /* per process */
#define TEXT_MAX 1024        /* bytes of one text in the page */

enum { RANK_EVIDENCE, RANK_SHARE, RANK_PROCESS, RANK_FIRST };

static int held_add(struct report *r, const struct event *ev, const struct proc *p, uint8_t rank, uint64_t ordinal)
{
    /* evidence may go beyond what streaming may fill */
    size_t max = rank == RANK_EVIDENCE ? (size_t)REPORT_EVENTS_HELD * 2 : REPORT_EVENTS_HELD;
    struct held_event *h = report_list_add(&r->held, sizeof(*h), max);
    if (!h)
        return 0;
    h->kind = ev->kind;
    h->source = ev->source;
    h->seq = ev->seq;
    h->time = ev->time_ns;
    h->pid = ev->pid;
    h->tid = ev->tid;
    h->n = p && ev->source != EVENT_SOURCE_NET ? p->n : 0;
    h->rank = rank;
    h->ordinal = ordinal;
    h->fields = (uint32_t)r->held_fields.count;
    const struct event_kind_info *k = event_kind_info(ev->kind);
    for (unsigned i = 0; k && i < ev->count && i < k->count; i++) {
        struct held_field *f =
            report_list_add(&r->held_fields, sizeof(*f), (size_t)REPORT_EVENTS_HELD * 2 * EVENT_FIELDS_MAX);
        if (!f)
            break;
        h->count++;
        f->u = ev->f[i].u;
        if (k->fields[i].type == EV_STR || k->fields[i].type == EV_TEXT)
            f->s = report_text_max(r, ev->f[i].s, TEXT_MAX, &f->cut);
    }
    return 0;
}

int collect_held(struct report *r, const struct event *ev, const struct proc *p)
{
    bool net = ev->source == EVENT_SOURCE_NET;
    bool sample = net || (p && p->lineage != PROC_SYSTEM);
    uint32_t *kind = &r->kind_kept[ev->kind][sample];
    struct proc_extra *x = p && !net ? report_extra(r, p->n) : NULL;
    uint8_t rank = RANK_FIRST;
    if (*kind < (sample ? SHARE_KIND : SHARE_KIND_SYSTEM)) {
        ++*kind;
        rank = RANK_SHARE;
    } else if (sample && x && x->kept < SHARE_PROC) {
        rank = RANK_PROCESS;
    } else if (r->events > REPORT_EVENTS_MAX) {
        return 0;
    }
    if (x && sample)
        x->kept++;
    return held_add(r, ev, p, rank, r->events);
}

static int by_ordinal(const void *a, const void *b)
{
    const struct held_event *x = a, *y = b;
    return x->ordinal < y->ordinal ? -1 : x->ordinal > y->ordinal;
}

static int by_name(const void *a, const void *b)
{
    const struct held_event *x = *(struct held_event *const *)a, *y = *(struct held_event *const *)b;
    if (x->source != y->source)
        return x->source < y->source ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

struct wanted {
    uint8_t source;
    bool found;
    uint64_t seq;
};

static int wanted_order(const void *a, const void *b)
{
    const struct wanted *x = a, *y = b;
    if (x->source != y->source)
        return x->source < y->source ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* Evidence of findings and of advice. */
static struct wanted *wanted_list(const struct findings *f, const struct verdict *v, size_t *ret_count)
{
    size_t n = ADVICE_MAX * ADVICE_EVENTS_MAX;
    for (size_t i = 0; i < f->count; i++)
        n += f->items[i].nevidence;
    struct wanted *w = calloc(n ? n : 1, sizeof(*w));
    n = 0;
    for (size_t i = 0; w && i < f->count; i++)
        for (unsigned k = 0; k < f->items[i].nevidence; k++)
            w[n++] = (struct wanted){.source = f->items[i].evidence[k].source, .seq = f->items[i].evidence[k].seq};
    for (unsigned i = 0; w && i < v->nadvice; i++)
        for (unsigned k = 0; k < v->advice[i].nevents; k++)
            w[n++] = (struct wanted){.source = v->advice[i].events[k].source, .seq = v->advice[i].events[k].seq};
    if (w)
        qsort(w, n, sizeof(*w), wanted_order);
    size_t unique = 0;
    for (size_t i = 0; w && i < n; i++)
        if (unique == 0 || wanted_order(&w[unique - 1], &w[i]) != 0)
            w[unique++] = w[i];
    *ret_count = unique;
    return w;
}

/* Marks the evidence among the held events; returns how many are missing. */
static size_t evidence_mark(struct report *r, struct wanted *w, size_t nw)
{
    size_t missing = 0, at = 0;
    struct held_event *held = r->held.items, **sorted = calloc(r->held.count ? r->held.count : 1, sizeof(*sorted));
    if (!sorted)
        return nw;
    for (size_t i = 0; i < r->held.count; i++)
        sorted[i] = &held[i];
    if (held)
        qsort(sorted, r->held.count, sizeof(*sorted), by_name);
    for (size_t i = 0; i < nw; i++) {
        while (at < r->held.count &&
               (sorted[at]->source < w[i].source || (sorted[at]->source == w[i].source && sorted[at]->seq < w[i].seq)))
            at++;
        w[i].found = at < r->held.count && sorted[at]->source == w[i].source && sorted[at]->seq == w[i].seq;
        if (w[i].found)
            sorted[at]->rank = RANK_EVIDENCE;
        missing += !w[i].found;
    }
    free(sorted);
    return missing;
}

static uint32_t evidence_proc(const struct report *r, const struct event *ev)
{
    const struct findings *f = r->facts.findings;
    const struct verdict *v = r->facts.verdict;
    for (unsigned i = 0; i < v->nadvice; i++)
        for (unsigned k = 0; k < v->advice[i].nevents; k++)
            if (v->advice[i].events[k].source == ev->source && v->advice[i].events[k].seq == ev->seq)
                return v->advice[i].events[k].proc;
    for (size_t i = 0; i < f->count; i++)
        for (unsigned k = 0; k < f->items[i].nevidence; k++)
            if (f->items[i].evidence[k].source == ev->source && f->items[i].evidence[k].seq == ev->seq)
                return f->items[i].evidence[k].proc;
    return 0;
}

static int log_open(const struct report_facts *f, struct evlog_reader **ret, struct err *e)
{
    if (f->log_fd <= 0)
        return evlog_open(f->log_path, ret, e);
    int fd = fcntl(f->log_fd, F_DUPFD_CLOEXEC, 3); /* the reader owns and closes its descriptor; it uses pread */
    return fd < 0 ? err_errno(e, "cannot read the event log again") : evlog_open_fd(fd, ret, e);
}

/* Evidence that streaming did not keep is fetched from the log, once, stopping at the last one. */
static int evidence_fetch(struct report *r, struct wanted *w, size_t nw, size_t missing, struct err *e)
{
    struct evlog_reader *reader = NULL;
    struct event ev;
    uint64_t ordinal = 0;
    int rc = log_open(&r->facts, &reader, e);
    if (rc < 0)
        return rc;
    while (missing && (rc = evlog_next(reader, &ev, e)) > 0) {
        struct wanted key = {.source = ev.source, .seq = ev.seq};
        struct wanted *hit = bsearch(&key, w, nw, sizeof(*w), wanted_order);
        ordinal++;
        if (!hit || hit->found || ev.kind >= EVENT_KIND_MAX || r->dense[ev.kind] == 0xff)
            continue;
        hit->found = true;
        missing--;
        held_add(r, &ev, proctab_get(r->procs, evidence_proc(r, &ev)), RANK_EVIDENCE, ordinal);
    }
    evlog_reader_free(&reader);
    return rc < 0 ? rc : 0;
}

int held_choose(struct report *r, struct err *e)
{
    size_t nw, missing, kept = 0, by_rank[4] = {0};
    struct wanted *w = wanted_list(r->facts.findings, r->facts.verdict, &nw);
    if (!w)
        return err_set(e, -ENOMEM, "no memory for the evidence of the findings");
    missing = evidence_mark(r, w, nw);
    int rc = 0;
    if (missing && (r->facts.log_path || r->facts.log_fd > 0))
        rc = evidence_fetch(r, w, nw, missing, e);
    free(w);
    if (rc < 0)
        return rc;
    struct held_event *held = r->held.items;
    for (size_t i = 0; i < r->held.count; i++)
        by_rank[held[i].rank]++;
    size_t room[4], left = REPORT_EVENTS_MAX;
    for (int k = 0; k < 4; k++) {
        room[k] = by_rank[k] < left ? by_rank[k] : left;
        left -= room[k];
    }
    if (held)
        qsort(held, r->held.count, sizeof(*held), by_ordinal);
    for (size_t i = 0; i < r->held.count; i++)
        if (room[held[i].rank]) {
            room[held[i].rank]--;
            held[kept++] = held[i];
        }
    r->held_over = r->held.more;
    r->held.count = kept;
    return 0;
}
