/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The shapes in which Windows events are written as JSON. log.h lists them. */
#include "detect/sigma/log-private.h"

#include <stddef.h>

/* Members that hold an element's own text, and those that hold its attributes. */
static const char *const text_keys[] = {"#text", "Value", "_value", "text", "$", "content", NULL};

static bool is_one_of(struct str key, const char *const *names)
{
    for (; *names; names++)
        if (str_eqz(key, *names))
            return true;
    return false;
}

static struct sigma_value value_of(const struct json_node *n)
{
    static const enum sigma_kind kinds[] = {
        [JSON_NULL] = SIGMA_NULL, [JSON_BOOL] = SIGMA_BOOL, [JSON_NUMBER] = SIGMA_NUMBER, [JSON_TEXT] = SIGMA_TEXT};

    return (struct sigma_value){kinds[n->kind], n->text, n->number};
}

static bool is_scalar(const struct json_node *n)
{
    return n->kind != JSON_ARRAY && n->kind != JSON_OBJECT;
}

/* A scalar or the scalars of a list. */
static void add_scalars(struct sigma_log *l, struct str name, const struct json_node *n)
{
    if (is_scalar(n)) {
        log_add(l, name, value_of(n));
        return;
    }
    if (n->kind != JSON_ARRAY)
        return;
    for (const struct json_node *i = n->child; i; i = i->next)
        if (is_scalar(i))
            log_add(l, name, value_of(i));
}

static void add_joined(struct sigma_log *l, struct str a, const char *between, struct str b, const struct json_node *n)
{
    struct str name = log_join(l, a, between, b);

    if (name.n && n->kind != JSON_NULL)
        add_scalars(l, name, n);
}

static void add_attributes(struct sigma_log *l, struct str name, const struct json_node *object)
{
    for (const struct json_node *a = object->child; a; a = a->next)
        add_joined(l, name, "_", a->key, a);
}

/* ---- anything else: names with dots ------------------------------------------------------------------------------ */

static void flat(struct sigma_log *l, struct str prefix, const struct json_node *n)
{
    if (is_scalar(n)) {
        log_add(l, prefix, value_of(n));
        return;
    }
    for (const struct json_node *c = n->child; c; c = c->next) {
        struct str name = n->kind == JSON_ARRAY ? prefix : prefix.n ? log_join(l, prefix, ".", c->key) : c->key;
        flat(l, name, c);
    }
}

/* ---- {"Event":{"System":..,"EventData":..}} ---------------------------------------------------------------------- */

/* "EventID": 1 | "1" | {"#text":1} | {"Value":1}; "Provider": {"#attributes":{..}} | {"@Name":..} | {"Name":..} */
static void system_member(struct sigma_log *l, const struct json_node *n)
{
    static const struct str suffix = STR_LIT("_attributes");

    if (n->kind == JSON_NULL)
        return;
    if (n->kind != JSON_OBJECT) {
        add_scalars(l, n->key, n);
        return;
    }
    if (str_ends(n->key, suffix)) {
        add_attributes(l, str_sub(n->key, 0, n->key.n - suffix.n), n);
        return;
    }
    for (const struct json_node *c = n->child; c; c = c->next) {
        if (str_eqz(c->key, "#attributes"))
            add_attributes(l, n->key, c);
        else if (is_one_of(c->key, text_keys))
            add_scalars(l, n->key, c);
        else
            add_joined(l, n->key, "_", str_starts(c->key, STR_LIT("@")) ? str_sub(c->key, 1, c->key.n) : c->key, c);
    }
}

static const struct json_node *own_text(const struct json_node *object)
{
    const struct json_node *n;

    for (const char *const *k = text_keys; *k; k++)
        if ((n = json_get(object, *k)))
            return n;
    return NULL;
}

/* The name in {"@Name":"x","#text":"v"}, {"#attributes":{"Name":"x"},..}, {"Name":"x","Value":"v"}. */
static const struct json_node *own_name(const struct json_node *object)
{
    const struct json_node *n = json_get(object, "@Name");

    if (!n)
        n = json_get(json_get(object, "#attributes"), "Name");
    if (!n)
        n = json_get(object, "Name");
    return n && n->kind == JSON_TEXT ? n : NULL;
}

static void data_member(struct sigma_log *l, struct str name, const struct json_node *n);

/* One of a list of <Data>: a text, or an object with a name of its own. False: neither. */
static bool named_item(struct sigma_log *l, struct str name, const struct json_node *n)
{
    const struct json_node *own, *text;

    if (is_scalar(n)) {
        log_add(l, name, value_of(n));
        return true;
    }
    own = own_name(n);
    text = own_text(n);
    if (!own || (!text && n->child && n->child->next))
        return false;
    if (text)
        add_scalars(l, own->text, text);
    else
        log_add_text(l, own->text, STR_LIT(""));
    return true;
}

static void data_members(struct sigma_log *l, const struct json_node *object)
{
    for (const struct json_node *c = object->child; c; c = c->next)
        if (!str_eqz(c->key, "#attributes") && !str_starts(c->key, STR_LIT("@")) &&
            !str_ends(c->key, STR_LIT("_attributes")) && !str_eqz(c->key, "xmlns"))
            data_member(l, c->key, c);
}

static void data_member(struct sigma_log *l, struct str name, const struct json_node *n)
{
    const struct json_node *text, *attributes;

    if (n->kind == JSON_ARRAY) {
        for (const struct json_node *i = n->child; i; i = i->next)
            data_member(l, name, i);
        return;
    }
    if (named_item(l, name, n))
        return;
    attributes = json_get(n, "#attributes");
    if (attributes)
        add_attributes(l, name, attributes);
    text = own_text(n);
    if (text)
        add_scalars(l, name, text);
    else
        data_members(l, n);
}

static void event_shape(struct sigma_log *l, const struct json_node *event)
{
    const struct json_node *system = json_get(event, "System");

    for (const struct json_node *c = system->child; c; c = c->next)
        system_member(l, c);
    for (const struct json_node *c = event->child; c; c = c->next) {
        if (c == system || str_eqz(c->key, "RenderingInfo"))
            continue;
        if (c->kind == JSON_OBJECT && !str_eqz(c->key, "#attributes") && !str_ends(c->key, STR_LIT("_attributes")))
            data_members(l, c);
        else if (str_eqz(c->key, "EventData") || str_eqz(c->key, "UserData"))
            data_member(l, STR_LIT("Data"), c);
    }
}

/* ---- winlogbeat ------------------------------------------------------------------------------------------------ */

static void winlog_shape(struct sigma_log *l, const struct json_node *root, const struct json_node *winlog)
{
    static const struct {
        const char *theirs, *ours;
    } names[] = {{"channel", "Channel"},
                 {"event_id", "EventID"},
                 {"provider_name", "Provider_Name"},
                 {"provider_guid", "Provider_Guid"},
                 {"computer_name", "Computer"},
                 {"record_id", "EventRecordID"},
                 {"opcode", "Opcode"},
                 {"task", "Task"},
                 {"keywords", "Keywords"},
                 {"version", "Version"},
                 {"activity_id", "Correlation_ActivityID"}};
    const struct json_node *n;

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if ((n = json_get(winlog, names[i].theirs)))
            add_scalars(l, str_from(names[i].ours), n);
    if (!json_get(winlog, "event_id") && (n = json_get(json_get(root, "event"), "code")))
        add_scalars(l, STR_LIT("EventID"), n);
    if ((n = json_get(json_get(winlog, "process"), "pid")))
        add_scalars(l, STR_LIT("Execution_ProcessID"), n);
    if ((n = json_get(json_get(winlog, "user"), "identifier")))
        add_scalars(l, STR_LIT("Security_UserID"), n);
    if ((n = json_get(winlog, "event_data")))
        data_member(l, STR_LIT("Data"), n);
    if ((n = json_get(winlog, "user_data")))
        data_member(l, STR_LIT("Data"), n);
}

/* ---- what all have -------------------------------------------------------------------------------------------- */

static void flat_names(struct sigma_log *l)
{
    static const struct str prefixes[] = {STR_LIT("winlog.event_data."), STR_LIT("winlog.user_data."),
                                          STR_LIT("Event.EventData."), STR_LIT("Event.System."), STR_LIT("EventData.")};

    for (size_t i = 0; i < l->nvalues; i++)
        for (size_t k = 0; k < sizeof(prefixes) / sizeof(*prefixes); k++)
            if (str_starts(l->values[i].name, prefixes[k])) {
                l->values[i].name = str_sub(l->values[i].name, prefixes[k].n, l->values[i].name.n);
                break;
            }
}

static void time_find(struct sigma_log *l, const struct json_node *root)
{
    static const char *const names[] = {
        "TimeCreated_SystemTime", "TimeCreated", "SystemTime", "UtcTime", "EventTime", "timestamp", "eventTime", "time",
        "TimeGenerated",          "@timestamp",  "_time",      NULL};
    const struct json_node *n = json_get(root, "@timestamp");

    if (n && n->kind == JSON_TEXT)
        l->time_ns = log_time(n->text);
    for (const char *const *name = names; l->time_ns < 0 && *name; name++) {
        const struct sigma_log_value *v = log_get(l, *name);
        if (v)
            l->time_ns = log_time(v->value.text);
    }
}

/* First value of one of several names, which then also stands under the name that rules use. */
static struct str windows_value(struct sigma_log *l, const char *const *names)
{
    const struct sigma_log_value *v = NULL;

    for (const char *const *n = names; *n && !v; n++)
        v = log_get(l, *n);
    if (!v)
        return STR_NONE;
    if (!str_ieq(v->name, str_from(names[0])))
        log_add(l, str_from(names[0]), v->value);
    return v->value.text;
}

void log_shape(struct sigma_log *l, const struct json_node *root)
{
    static const char *const channel[] = {"Channel", "winlog.channel", "log_name", "LogName", NULL};
    static const char *const number[] = {"EventID", "winlog.event_id", "event_id", "Event_ID", NULL};
    static const char *const provider[] = {"Provider_Name", "winlog.provider_name", "ProviderName",
                                           "SourceName",    "provider_name",        NULL};
    const struct json_node *event = json_get(root, "Event"), *winlog = json_get(root, "winlog");

    if (json_get(event, "System") && json_get(event, "System")->kind == JSON_OBJECT)
        event_shape(l, event);
    else if (json_get(root, "System") && json_get(root, "System")->kind == JSON_OBJECT)
        event_shape(l, root);
    else if (winlog && winlog->kind == JSON_OBJECT)
        winlog_shape(l, root, winlog);
    else {
        flat(l, STR_NONE, root);
        flat_names(l);
        time_find(l, root);
        if (l->o.given.product.n || l->o.given.category.n || l->o.given.service.n)
            return;
        if (!(log_get(l, "EventID") || log_get(l, "event_id") || log_get(l, "winlog.event_id") ||
              log_get(l, "Event_ID")))
            return;
        if (!(log_get(l, "Channel") || log_get(l, "winlog.channel") || log_get(l, "log_name") ||
              log_get(l, "LogName") || log_get(l, "SourceName") || log_get(l, "Provider_Name") ||
              log_get(l, "ProviderName")))
            return;
    }
    l->windows = true;
    l->channel = windows_value(l, channel);
    l->provider = windows_value(l, provider);
    str_u64(windows_value(l, number), 10, &l->event);
    if (l->time_ns < 0)
        time_find(l, root);
}
