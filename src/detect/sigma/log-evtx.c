/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records of an event log as values: names are those that SigmaHQ's rules use. */
#include "detect/sigma/log-private.h"

#include <stdio.h>

int log_evtx_open(struct sigma_log *l, struct err *e)
{
    l->mode = LOG_EVTX;
    return evtx_new(&l->o.source, &l->evtx, e);
}

static struct sigma_value value_of(const struct evtx_value *v)
{
    switch (v->kind) {
    case EVTX_NULL:
        return (struct sigma_value){.kind = SIGMA_NULL};
    case EVTX_INT:
        return (struct sigma_value){SIGMA_NUMBER, v->text, (double)v->i};
    case EVTX_UNSIGNED:
        return (struct sigma_value){SIGMA_NUMBER, v->text, (double)v->u};
    case EVTX_REAL:
        return (struct sigma_value){SIGMA_NUMBER, v->text, v->d};
    case EVTX_BOOL:
        return (struct sigma_value){SIGMA_BOOL, v->text, 0};
    default:
        return (struct sigma_value){.kind = SIGMA_TEXT, .text = v->text};
    }
}

static void add_values(struct sigma_log *l, struct str name, const struct evtx_value *v)
{
    if (!v) /* an element without contents is an empty text, as Windows shows it */
        log_add_text(l, name, STR_LIT(""));
    for (; v; v = v->next)
        log_add(l, name, value_of(v));
}

/* "Provider" and "Name" give Provider_Name. */
static void add_attributes(struct sigma_log *l, const struct evtx_element *e)
{
    for (const struct evtx_attribute *a = e->attributes; a; a = a->next) {
        struct str name = log_join(l, e->name, "_", a->name);
        if (a->value.kind == EVTX_NULL || !name.n)
            continue;
        log_add(l, name, value_of(&a->value));
        if (a->value.kind == EVTX_TIME && str_eqz(name, "TimeCreated_SystemTime"))
            l->time_ns = a->value.i;
        else if (str_eqz(name, "Provider_Name"))
            l->provider = a->value.text;
    }
}

static void system_element(struct sigma_log *l, const struct evtx_element *e)
{
    add_attributes(l, e);
    if (!e->value)
        return;
    add_values(l, e->name, e->value);
    if (str_eqz(e->name, "Channel"))
        l->channel = e->value->text;
    else if (str_eqz(e->name, "EventID") && e->value->kind == EVTX_UNSIGNED)
        l->event = e->value->u;
    else if (str_eqz(e->name, "EventID"))
        str_u64(e->value->text, 10, &l->event);
}

static struct str data_name(const struct evtx_element *e)
{
    for (const struct evtx_attribute *a = e->attributes; a; a = a->next)
        if (str_eqz(a->name, "Name") && str_eqz(e->name, "Data"))
            return a->value.text;
    return e->name;
}

/* Leaves below EventData, UserData and the like; their depth is bounded by the parser. */
static void data_elements(struct sigma_log *l, const struct evtx_element *e)
{
    for (; e; e = e->next) {
        struct str name = data_name(e);
        if (str_eq(name, e->name)) /* else the attribute was the name */
            add_attributes(l, e);
        if (!e->child)
            add_values(l, name, e->value);
        else
            data_elements(l, e->child);
    }
}

static void event_element(struct sigma_log *l, const struct evtx_element *event)
{
    for (const struct evtx_element *part = event->child; part; part = part->next) {
        if (str_eqz(part->name, "System"))
            for (const struct evtx_element *e = part->child; e; e = e->next)
                system_element(l, e);
        else
            data_elements(l, part->child);
    }
}

/* What is odd in the file is told once, where it was met. */
static void tell(struct sigma_log *l)
{
    const struct anomalies *a = evtx_anomalies(l->evtx);

    for (; l->told < a->count; l->told++)
        log_trouble(l, 0, a->items[l->told].offset, a->items[l->told].text);
}

int log_evtx_next(struct sigma_log *l, struct err *e)
{
    struct evtx_record r;
    int rc = evtx_next(l->evtx, &r, e);

    if (rc != 1) {
        const struct anomalies *a = evtx_anomalies(l->evtx);
        char text[64];
        tell(l);
        if (rc == 0 && a->more) {
            snprintf(text, sizeof(text), "%llu more oddities are not shown", (unsigned long long)a->more);
            log_trouble(l, 0, 0, text);
        }
        return rc;
    }
    arena_reset(&l->memory);
    l->windows = true;
    l->time_ns = r.written_ns;
    for (const struct evtx_element *root = r.root; root; root = root->next)
        event_element(l, root);
    tell(l);
    l->stats.broken += r.damaged;
    return 1;
}
