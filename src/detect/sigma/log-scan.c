/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/sigma/log-scan.h"

#include <errno.h>
#include <stdlib.h>

#define SOURCES_MAX 512 /* different ones of a log: the table's, and the one that was given */

struct known_source {
    struct sigma_source source;
    uint32_t number;
    bool idle;
};

struct scan {
    struct sigma_engine *engine;
    struct known_source known[SOURCES_MAX];
    size_t nknown;
    struct sigma_field fields[SIGMA_EVENT_FIELDS_MAX], sorted[SIGMA_EVENT_FIELDS_MAX];
    uint64_t idle;
};

static bool same_text(struct str a, struct str b)
{
    return a.n == b.n && (a.p == b.p || str_eq(a, b));
}

/* Sources come from a table: the same texts again and again. */
static const struct known_source *source_find(struct scan *s, const struct sigma_source *want, struct err *e)
{
    struct known_source *k;
    int rc;

    for (size_t i = 0; i < s->nknown; i++) {
        k = &s->known[i];
        if (same_text(k->source.category, want->category) && same_text(k->source.service, want->service) &&
            same_text(k->source.product, want->product))
            return k;
    }
    if (s->nknown == SOURCES_MAX) {
        err_set(e, ERR_LIMIT, "the log has too many different sources");
        return NULL;
    }
    k = &s->known[s->nknown];
    if ((rc = sigma_engine_source(s->engine, want, &k->number)) < 0) {
        err_set(e, rc, "a log source could not be made known: %s", err_name(rc));
        return NULL;
    }
    k->source = *want;
    k->idle = sigma_engine_source_idle(s->engine, k->number);
    s->nknown++;
    return k;
}

static bool together(const struct sigma_field *f, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        if (!f[i].name || f[i].name == f[i - 1].name)
            continue;
        for (size_t k = 0; k + 1 < i; k++)
            if (f[k].name == f[i].name)
                return false;
    }
    return true;
}

/* Values of one field are to stand one behind the other; they do nearly always. */
static const struct sigma_field *fields_join(struct scan *s, size_t n)
{
    size_t out = 0;

    if (n > 256 || !together(s->fields, n)) {
        for (size_t i = 0; i < n; i++) {
            uint32_t name = s->fields[i].name;
            if (name == UINT32_MAX)
                continue;
            s->sorted[out++] = s->fields[i];
            for (size_t k = i + 1; name && k < n; k++)
                if (s->fields[k].name == name) {
                    s->sorted[out++] = s->fields[k];
                    s->fields[k].name = UINT32_MAX; /* taken */
                }
        }
        return s->sorted;
    }
    return s->fields;
}

static int record_scan(struct scan *s, const struct sigma_log_record *r, struct err *e)
{
    struct sigma_event ev = {.index = r->index, .time_ns = r->time_ns, .nfields = r->nvalues};
    bool idle = true;
    int rc;

    for (unsigned i = 0; i < r->nsources; i++) {
        const struct known_source *k = source_find(s, &r->sources[i], e);
        if (!k)
            return ERR_LIMIT;
        ev.sources[ev.nsources++] = k->number;
        idle = idle && k->idle;
    }
    if (idle) {
        s->idle++;
        return 0;
    }
    for (size_t i = 0; i < r->nvalues; i++)
        s->fields[i] = (struct sigma_field){sigma_engine_name(s->engine, r->values[i].name), r->values[i].value};
    ev.fields = fields_join(s, r->nvalues);
    rc = sigma_engine_event(s->engine, &ev);
    /* ERR_LIMIT: this record only was too large; the engine goes on. */
    return rc < 0 && rc != ERR_LIMIT
               ? err_set(e, rc, "record %llu could not be evaluated: %s", (unsigned long long)r->index, err_name(rc))
               : 0;
}

int sigma_log_scan(const struct sigma_rules *rules, const struct sigma_options *options,
                   const struct sigma_log_options *log, sigma_match_fn *fn, void *context,
                   struct sigma_log_scan_stats *ret, struct err *e)
{
    struct scan *s = calloc(1, sizeof(*s));
    struct sigma_log *l = NULL;
    struct sigma_log_record r;
    int rc;

    memset(ret, 0, sizeof(*ret));
    if (!s)
        return err_set(e, -ENOMEM, "out of memory");
    if ((rc = sigma_engine_new(rules, options, fn, context, &s->engine)) < 0) {
        err_set(e, rc, "the rules could not be made ready: %s", err_name(rc));
        goto out;
    }
    if ((rc = sigma_log_open(log, &l, e)) < 0)
        goto out;
    while ((rc = sigma_log_next(l, &r, e)) == 1)
        if ((rc = record_scan(s, &r, e)) < 0)
            goto out;
    if (rc == 0 && (rc = sigma_engine_finish(s->engine)) < 0)
        err_set(e, rc, "the correlations could not be ended: %s", err_name(rc));
    sigma_log_stats(l, &ret->log);
    sigma_engine_stats(s->engine, &ret->engine);
    ret->idle = s->idle;
out:
    sigma_log_free(&l);
    sigma_engine_free(&s->engine);
    free(s);
    return rc;
}
