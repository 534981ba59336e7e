/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report.json: files, network, memory, statistics, time line, captures, notes; and the page's events. */
#include "report/model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static uint32_t shown(const struct report *r, uint32_t n)
{
    return n && n < r->nextra && r->extra[n].shown ? n : 0;
}

typedef void row_fn(struct jsonw *w, const struct report *r, const void *row);

/* A list of the model: "key": [{row}...], "key_more": what its cap kept out. */
static void rows_json(struct jsonw *w, const struct report *r, const char *key, const struct report_list *list,
                      size_t size, row_fn *fn)
{
    char more[40];

    jsonw_karray(w, key);
    for (size_t i = 0; i < list->count; i++) {
        jsonw_object(w);
        fn(w, r, (const char *)list->items + i * size);
        jsonw_object_end(w);
    }
    jsonw_array_end(w);
    snprintf(more, sizeof(more), "%s_more", key);
    jsonw_ku64(w, more, list->more);
}

static void number_json(struct jsonw *w, const char *key, bool known, uint64_t n)
{
    jsonw_key(w, key);
    if (known)
        jsonw_u64(w, n);
    else
        jsonw_null(w);
}

static void file_row(struct jsonw *w, const struct report *r, const void *row)
{
    const struct file_row *f = row;
    report_json_text(w, r, "path", f->path);
    jsonw_karray(w, "operations");
    for (unsigned i = 0; i < FOP_COUNT; i++)
        if (f->ops & 1u << i)
            jsonw_z(w, report_file_op_names[i]);
    jsonw_array_end(w);
    jsonw_karray(w, "processes");
    for (uint32_t i = 0; i < f->nprocs; i++)
        if (shown(r, f->procs[i]))
            jsonw_u64(w, f->procs[i]);
    jsonw_array_end(w);
    jsonw_ku64(w, "processes_more", f->procs_more);
    report_json_time(w, "first", f->first);
    report_json_time(w, "last", f->last);
    jsonw_ku64(w, "events", f->events);
    number_json(w, "size", f->size_known, f->size);
    jsonw_ku64(w, "written", f->written);
    number_json(w, "mode", f->mode_known, f->mode);
    report_json_text(w, r, "sha256", f->sha256);
    report_json_text(w, r, "capture_reason", f->reason);
    jsonw_kbool(w, "truncated", f->truncated);
    jsonw_kbool(w, "executed", f->executed);
    jsonw_kbool(w, "system", f->system);
    report_json_text(w, r, "other", f->other);
}

static void flow_row(struct jsonw *w, const struct report *r, const void *row)
{
    const struct flow_row *f = row;
    report_json_time(w, "time", f->time);
    report_json_time(w, "duration", f->duration);
    jsonw_ku64(w, "process", shown(r, f->n));
    report_json_text(w, r, "protocol", f->protocol);
    report_json_text(w, r, "source_ip", f->source_ip);
    jsonw_ku64(w, "source_port", f->source_port);
    report_json_text(w, r, "ip", f->ip);
    jsonw_ku64(w, "port", f->port);
    report_json_text(w, r, "host", f->host);
    report_json_text(w, r, "application", f->application);
    number_json(w, "sent", f->bytes_known, f->sent);
    number_json(w, "received", f->bytes_known, f->received);
    report_json_text(w, r, "first_bytes", f->first_bytes);
    jsonw_kbool(w, "accepted", f->accepted);
    jsonw_kbool(w, "seen_in_guest", f->by_tracer);
    jsonw_kbool(w, "seen_on_wire", f->by_net);
}

static void http_row(struct jsonw *w, const struct report *r, const void *row)
{
    const struct http_row *h = row;
    report_json_time(w, "time", h->time);
    jsonw_ku64(w, "seq", h->seq);
    jsonw_ku64(w, "process", shown(r, h->n));
    report_json_text(w, r, "method", h->method);
    report_json_text(w, r, "host", h->host);
    report_json_text(w, r, "url", h->url);
    report_json_text(w, r, "user_agent", h->agent);
    report_json_text(w, r, "headers", h->headers);
    jsonw_ku64(w, "body_size", h->body_size);
    report_json_text(w, r, "body", h->body);
    jsonw_ku64(w, "status", h->status);
    report_json_text(w, r, "content_type", h->content_type);
    report_json_text(w, r, "ip", h->ip);
    jsonw_ku64(w, "port", h->port);
}

static void dns_row(struct jsonw *w, const struct report *r, const void *row)
{
    const struct dns_row *d = row;

    report_json_time(w, "time", d->time);
    jsonw_ku64(w, "process", shown(r, d->n));
    report_json_text(w, r, "name", d->name);
    report_json_text(w, r, "type", d->type);
    report_json_text(w, r, "results", d->results);
    jsonw_ku64(w, "count", d->count);
}

static void listen_row(struct jsonw *w, const struct report *r, const void *row)
{
    const struct listen_row *l = row;

    report_json_time(w, "time", l->time);
    jsonw_ku64(w, "process", shown(r, l->n));
    report_json_text(w, r, "protocol", l->protocol);
    report_json_text(w, r, "ip", l->ip);
    jsonw_ku64(w, "port", l->port);
}

static void scan_row(struct jsonw *w, const struct report *r, const void *row)
{
    const struct scan_row *s = row;

    report_json_time(w, "time", s->time);
    jsonw_ku64(w, "process", shown(r, s->n));
    jsonw_ku64(w, "hosts", s->hosts);
    jsonw_ku64(w, "ports", s->ports);
    report_json_text(w, r, "example", s->example);
}

static void network_json(struct jsonw *w, const struct report *r)
{
    jsonw_kobject(w, "network");
    rows_json(w, r, "conversations", &r->flows, sizeof(struct flow_row), flow_row);
    rows_json(w, r, "dns", &r->dns, sizeof(struct dns_row), dns_row);
    rows_json(w, r, "http", &r->http, sizeof(struct http_row), http_row);
    rows_json(w, r, "listens", &r->listens, sizeof(struct listen_row), listen_row);
    rows_json(w, r, "scans", &r->scans, sizeof(struct scan_row), scan_row);
    jsonw_object_end(w);
}

static void memory_row(struct jsonw *w, const struct report *r, const void *row)
{
    const struct memory_row *m = row;
    char address[24];
    const struct event_kind_info *k = event_kind_info(m->kind);
    snprintf(address, sizeof(address), "0x%llx", (unsigned long long)m->address);
    jsonw_kz(w, "kind", k ? k->name : "unknown");
    report_json_time(w, "time", m->time);
    jsonw_kz(w, "source", event_source_name(m->source));
    jsonw_ku64(w, "seq", m->seq);
    jsonw_ku64(w, "process", shown(r, m->n));
    jsonw_kz(w, "address", m->address ? address : NULL);
    jsonw_ku64(w, "length", m->length);
    report_json_text(w, r, "protection", m->protection);
    report_json_text(w, r, "detail", m->detail);
    report_json_text(w, r, "access", m->access);
    jsonw_ku64(w, "target_pid", m->target_pid);
    jsonw_ku64(w, "target", shown(r, m->target_n));
    report_json_text(w, r, "sha256", m->sha256);
    report_json_text(w, r, "reason", m->reason);
    jsonw_kbool(w, "truncated", m->truncated);
}

static void stats_json(struct jsonw *w, const struct report *r)
{
    jsonw_kobject(w, "stats");
    jsonw_karray(w, "system");
    for (uint32_t i = 0; i < r->nload; i++) {
        jsonw_object(w);
        report_json_time(w, "time", r->load[i].time);
        jsonw_ku64(w, "cpu_permille", r->load[i].cpu);
        jsonw_ku64(w, "used_kib", r->load[i].used);
        jsonw_ku64(w, "total_kib", r->load[i].total);
        jsonw_ku64(w, "processes", r->load[i].processes);
        jsonw_ku64(w, "disk_free_kib", r->load[i].disk_free);
        jsonw_object_end(w);
    }
    jsonw_array_end(w);
    jsonw_karray(w, "processes");
    for (uint32_t i = 0; i < r->nstat_procs; i++) {
        const struct stat_proc *s = &r->stat_procs[i];
        if (!shown(r, s->n))
            continue;
        jsonw_object(w);
        jsonw_ku64(w, "process", s->n);
        jsonw_karray(w, "samples");
        for (uint32_t k = 0; k < s->count; k++) {
            jsonw_object(w);
            report_json_time(w, "time", s->rows[k].time);
            jsonw_ku64(w, "cpu_ms", s->rows[k].cpu_ms);
            jsonw_ku64(w, "rss_kib", s->rows[k].rss);
            jsonw_ku64(w, "threads", s->rows[k].threads);
            jsonw_object_end(w);
        }
        jsonw_array_end(w);
        jsonw_object_end(w);
    }
    jsonw_array_end(w);
    jsonw_ku64(w, "processes_more", r->stat_procs_more);
    jsonw_kobject(w, "kinds");
    const struct event_kind_info *k;
    for (size_t i = 0; (k = event_kind_at(i)) != NULL; i++)
        if (k->kind < EVENT_KIND_MAX && r->kind_total[k->kind])
            jsonw_ku64(w, k->name, r->kind_total[k->kind]);
    jsonw_object_end(w);
    jsonw_object_end(w);
}

static void timeline_json(struct jsonw *w, const struct report *r)
{
    jsonw_kobject(w, "timeline");
    report_json_time(w, "step", r->bucket_ns);
    report_json_time(w, "last", r->last_time);
    for (unsigned g = 0; g < GROUP_COUNT; g++) {
        jsonw_karray(w, report_group_names[g]);
        for (unsigned i = 0; i < r->nbuckets; i++)
            jsonw_u64(w, r->buckets[i][g]);
        jsonw_array_end(w);
    }
    jsonw_object_end(w);
}

static void capture_row(struct jsonw *w, const struct report *r, const void *row)
{
    const struct capture_row *c = row;

    report_json_time(w, "time", c->time);
    report_json_text(w, r, "path", c->path);
    report_json_text(w, r, "sha256", c->sha256);
    jsonw_ku64(w, "size", c->size);
    report_json_text(w, r, "reason", c->reason);
    jsonw_kbool(w, "truncated", c->truncated);
    jsonw_kbool(w, "system", c->system);
    jsonw_ku64(w, "process", shown(r, c->n));
}

static void indicator_row(struct jsonw *w, const struct report *r, const void *row)
{
    const struct indicator_row *x = row;

    jsonw_kz(w, "kind", report_indicator_kinds[x->kind]);
    report_json_text(w, r, "value", x->value);
    jsonw_karray(w, "origins");
    for (unsigned k = 0; k < ORIGIN_COUNT; k++)
        if (x->origins & 1u << k)
            jsonw_z(w, report_origin_names[k]);
    jsonw_array_end(w);
    jsonw_ku64(w, "process", shown(r, x->n));
}

static void note_row(struct jsonw *w, const struct report *r, const void *row)
{
    const struct note_row *n = row;

    report_json_time(w, "time", n->time);
    jsonw_kz(w, "source", event_source_name(n->source));
    jsonw_ku64(w, "seq", n->seq);
    report_json_text(w, r, "code", n->code);
    report_json_text(w, r, "text", n->text);
    jsonw_ku64(w, "bytes", n->bytes);
}

void report_json_sections(struct jsonw *w, const struct report *r)
{
    struct report_list files = r->files;

    files.more = r->files_more_distinct; /* each path once, however often it was touched */
    rows_json(w, r, "files", &files, sizeof(struct file_row), file_row);
    network_json(w, r);
    rows_json(w, r, "indicators", &r->indicators, sizeof(struct indicator_row), indicator_row);
    rows_json(w, r, "memory", &r->memory, sizeof(struct memory_row), memory_row);
    stats_json(w, r);
    timeline_json(w, r);
    rows_json(w, r, "captures", &r->captures, sizeof(struct capture_row), capture_row);
    rows_json(w, r, "notes", &r->notes, sizeof(struct note_row), note_row);
}

/* ---- events of the page: one table of texts, rows of numbers --------------------------- */

static const char *const type_names[] = {"u64", "i64", "hex", "bool", "str", "text", "ns"};

static void kinds_json(struct jsonw *w)
{
    const struct event_kind_info *k;
    jsonw_kobject(w, "kinds");
    for (size_t i = 0; (k = event_kind_at(i)) != NULL; i++) {
        char number[8] = {0};
        snprintf(number, sizeof(number), "%u", (unsigned)k->kind);
        jsonw_kobject(w, number);
        jsonw_kz(w, "name", k->name);
        jsonw_kz(w, "doc", k->doc);
        jsonw_karray(w, "fields");
        for (unsigned f = 0; f < k->count; f++) {
            jsonw_array(w);
            jsonw_z(w, k->fields[f].name);
            jsonw_z(w, type_names[k->fields[f].type]);
            jsonw_array_end(w);
        }
        jsonw_array_end(w);
        jsonw_object_end(w);
    }
    jsonw_object_end(w);
}

static void held_row_json(struct jsonw *w, const struct report *r, const struct held_event *h, const uint32_t *place)
{
    const struct held_field *f = (const struct held_field *)r->held_fields.items + h->fields;
    const struct event_kind_info *k = event_kind_info(h->kind);
    jsonw_array(w);
    jsonw_u64(w, h->kind);
    jsonw_u64(w, h->source);
    jsonw_u64(w, h->seq);
    jsonw_i64(w, h->time / 1000);
    jsonw_u64(w, shown(r, h->n));
    jsonw_u64(w, h->pid);
    jsonw_u64(w, h->tid);
    for (unsigned i = 0; k && i < h->count && i < k->count; i++) {
        switch (k->fields[i].type) {
        case EV_STR:
        case EV_TEXT: /* a cut text is [index, missing bytes] */
            if (f[i].cut)
                jsonw_array(w);
            jsonw_i64(w, f[i].s ? (int64_t)place[f[i].s] : -1);
            if (f[i].cut) {
                jsonw_u64(w, f[i].cut);
                jsonw_array_end(w);
            }
            break;
        case EV_I64:
            jsonw_i64(w, (int64_t)f[i].u);
            break;
        case EV_HEX: { /* as text: 64 bits do not fit a JavaScript number */
            char hex[20];
            snprintf(hex, sizeof(hex), "0x%llx", (unsigned long long)f[i].u);
            jsonw_z(w, hex);
            break;
        }
        default:
            jsonw_u64(w, f[i].u);
            break;
        }
    }
    jsonw_array_end(w);
}

/* Numbers the texts that the rows use; place[id] = index. */
static uint32_t texts_number(const struct report *r, uint32_t *place)
{
    uint32_t count = 0;
    const struct held_event *h = r->held.items;
    for (size_t i = 0; i < r->held.count; i++)
        for (unsigned k = 0; k < h[i].count; k++) {
            uint32_t id = ((const struct held_field *)r->held_fields.items)[h[i].fields + k].s;
            if (id && place[id] == UINT32_MAX)
                place[id] = count++;
        }
    return count;
}

void report_json_events(struct jsonw *w, const struct report *r)
{
    uint32_t ids = intern_count(r->strings) + 1;
    uint32_t *place = malloc(ids * sizeof(*place)), *order = NULL, count = 0;
    if (place) {
        memset(place, 0xff, ids * sizeof(*place));
        count = texts_number(r, place);
        order = calloc(count ? count : 1, sizeof(*order));
    }
    if (!order) {
        w->failed = -ENOMEM;
        count = 0;
    }
    for (uint32_t id = 1; order && id < ids; id++)
        if (place[id] != UINT32_MAX)
            order[place[id]] = id;
    jsonw_object(w);
    jsonw_ku64(w, "total", r->events);
    kinds_json(w);
    jsonw_karray(w, "strings");
    for (uint32_t i = 0; i < count; i++)
        jsonw_bytes(w, report_get(r, order[i]));
    jsonw_array_end(w);
    jsonw_karray(w, "rows");
    const struct held_event *h = r->held.items;
    for (size_t i = 0; i < r->held.count && order; i++)
        held_row_json(w, r, &h[i], place);
    jsonw_array_end(w);
    jsonw_object_end(w);
    free(place);
    free(order);
}
