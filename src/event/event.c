/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "event/event.h"
#include "base/jsonw.h"

#include <stdio.h>

const char *event_source_name(uint8_t source)
{
    switch (source) {
    case EVENT_SOURCE_TRACER:
        return "tracer";
    case EVENT_SOURCE_AGENT:
        return "agent";
    case EVENT_SOURCE_NET:
        return "net";
    case EVENT_SOURCE_HOST:
        return "host";
    default:
        return "unknown";
    }
}

static void field_json(struct jsonw *w, const struct event_field_info *f, const struct event_value *v)
{
    char text[32];

    switch (f->type) {
    case EV_STR:
    case EV_TEXT:
        jsonw_bytes(w, v->s);
        break;
    case EV_BOOL:
        jsonw_bool(w, v->u != 0);
        break;
    case EV_I64:
        jsonw_i64(w, (int64_t)v->u);
        break;
    case EV_HEX:
        /* Permission bits are read by people in octal only. */
        snprintf(text, sizeof(text), strcmp(f->name, "Mode") == 0 ? "0%llo" : "0x%llx", (unsigned long long)v->u);
        jsonw_z(w, text);
        break;
    case EV_U64:
    case EV_NS:
        jsonw_u64(w, v->u);
        break;
    }
}

/* A kind (or fields) from a newer producer: values without names, in order. */
static void nameless_json(struct jsonw *w, const struct event *e, unsigned from)
{
    jsonw_karray(w, "fields");
    for (unsigned i = from; i < e->count && i < EVENT_FIELDS_MAX; i++) {
        if (e->f[i].s.p)
            jsonw_bytes(w, e->f[i].s);
        else
            jsonw_u64(w, e->f[i].u);
    }
    jsonw_array_end(w);
}

void event_json(struct jsonw *w, const struct event *e)
{
    const struct event_kind_info *k = event_kind_info(e->kind);
    unsigned known = k ? k->count : 0;
    char number[16];

    jsonw_object(w);
    jsonw_ku64(w, "seq", e->seq);
    jsonw_kz(w, "source", event_source_name(e->source));
    jsonw_ki64(w, "time", e->time_ns);
    snprintf(number, sizeof(number), "kind-%u", e->kind);
    jsonw_kz(w, "kind", k ? k->name : number);
    jsonw_ku64(w, "pid", e->pid);
    jsonw_ku64(w, "tid", e->tid);
    for (unsigned i = 0; i < known && i < e->count; i++) {
        jsonw_key(w, k->fields[i].name);
        field_json(w, &k->fields[i], &e->f[i]);
    }
    if (e->count > known)
        nameless_json(w, e, known);
    jsonw_object_end(w);
}
