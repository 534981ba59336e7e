/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From channel and number of a Windows event to Sigma's log sources, and the names of fields that come with them. */
#include "detect/sigma/log-private.h"

static const struct sigma_log_row rows[] = {
#define LOG_SERVICE(product_, channel_, service_) {channel_, 0, {STR_LIT(product_), STR_NONE, STR_LIT(service_)}},
#define LOG_CATEGORY(product_, channel_, event_, category_, service_)                                                  \
    {channel_, event_, {STR_LIT(product_), STR_LIT(category_), STR_LIT(service_)}},
#include "detect/sigma/log-map.def"
#undef LOG_SERVICE
#undef LOG_CATEGORY
};

/* The channel of providers that write into one, for records that do not say it. */
static const struct {
    const char *provider, *channel;
} providers[] = {
    {"Microsoft-Windows-Sysmon", "Microsoft-Windows-Sysmon/Operational"},
    {"Linux-Sysmon", "Linux-Sysmon/Operational"},
    {"Microsoft-Windows-Security-Auditing", "Security"},
    {"Microsoft-Windows-PowerShell", "Microsoft-Windows-PowerShell/Operational"},
    {"PowerShellCore", "PowerShellCore/Operational"},
    {"PowerShell", "Windows PowerShell"},
    {"Service Control Manager", "System"},
    {"Microsoft-Windows-Windows Defender", "Microsoft-Windows-Windows Defender/Operational"},
    {"Microsoft-Windows-TaskScheduler", "Microsoft-Windows-TaskScheduler/Operational"},
    {"Microsoft-Windows-WMI-Activity", "Microsoft-Windows-WMI-Activity/Operational"},
};

bool sigma_log_row_at(unsigned index, struct sigma_log_row *ret)
{
    if (index >= sizeof(rows) / sizeof(*rows))
        return false;
    *ret = rows[index];
    return true;
}

/* ---- fields -------------------------------------------------------------------------------------------------- */

/* A second name for a value, unless there is one already. */
static void alias(struct sigma_log *l, const char *name, const char *from)
{
    const struct sigma_log_value *v = log_get(l, from);

    if (v && !log_get(l, name))
        log_add(l, str_from(name), v->value);
}

/* SigmaHQ, logsource guide process_creation: event 4688's fields beside Sysmon's names. */
static void process_creation_4688(struct sigma_log *l)
{
    const struct sigma_log_value *name = log_get(l, "SubjectUserName"), *domain = log_get(l, "SubjectDomainName");

    alias(l, "Image", "NewProcessName");
    alias(l, "ParentImage", "ParentProcessName");
    alias(l, "CommandLine", "ProcessCommandLine");
    alias(l, "IntegrityLevel", "MandatoryLabel");
    alias(l, "LogonId", "SubjectLogonId");
    if (name && !log_get(l, "User"))
        log_add_text(l, STR_LIT("User"),
                     domain ? log_join(l, domain->value.text, "\\", name->value.text) : name->value.text);
}

/* Defender's "Threat Name" is ThreatName in SigmaHQ's rules. */
static void names_without_spaces(struct sigma_log *l)
{
    size_t n = l->nvalues;

    for (size_t i = 0; i < n; i++) {
        struct str name = l->values[i].name, rest = name, part;
        if (!memchr(name.p ? name.p : "", ' ', name.n))
            continue;
        struct str joined = STR_LIT("");
        while (str_split(&rest, ' ', &part))
            joined = log_join(l, joined, "", part);
        if (joined.n)
            log_add(l, joined, l->values[i].value);
    }
}

static void antivirus(struct sigma_log *l)
{
    alias(l, "Signature", "ThreatName");
    alias(l, "Filename", "Path");
    alias(l, "Action", "ActionName");
}

/* "MD5=..,SHA256=..,IMPHASH=..": each also under its own name. */
static void hashes_split(struct sigma_log *l, const char *from)
{
    static const char *const names[] = {"md5", "sha1", "sha256", "Imphash", NULL};
    const struct sigma_log_value *v = log_get(l, from);
    struct str rest = v ? v->value.text : STR_NONE, part, key;

    while (str_split(&rest, ',', &part)) {
        struct str value = part;
        if (!str_split(&value, '=', &key) || !value.p)
            continue;
        for (const char *const *n = names; *n; n++)
            if (str_ieq(str_trim(key), str_from(*n)) && !log_get(l, *n))
                log_add_text(l, str_from(*n), str_trim(value));
    }
}

/* ---- sources ------------------------------------------------------------------------------------------------- */

static void add_source(struct sigma_log_record *r, const struct sigma_source *s)
{
    if (r->nsources < SIGMA_EVENT_SOURCES_MAX)
        r->sources[r->nsources++] = *s;
}

/* Sysmon writes keys that are made and keys and values that go under one number. */
static bool fits(struct sigma_log *l, const struct sigma_log_row *row)
{
    const struct sigma_log_value *type;

    if (row->event != 12 || !(type = log_get(l, "EventType")))
        return true;
    if (str_eqz(row->source.category, "registry_add"))
        return str_istarts(type->value.text, STR_LIT("Create"));
    if (str_eqz(row->source.category, "registry_delete"))
        return str_istarts(type->value.text, STR_LIT("Delete"));
    return true;
}

static void windows_sources(struct sigma_log *l, struct sigma_log_record *r)
{
    struct sigma_source windows = {.product = STR_LIT("windows")};
    struct str channel = l->channel;

    for (size_t i = 0; !channel.n && i < sizeof(providers) / sizeof(*providers); i++)
        if (str_ieq(l->provider, str_from(providers[i].provider)))
            channel = str_from(providers[i].channel);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if ((rows[i].event && rows[i].event != l->event) || !str_ieq(channel, str_from(rows[i].channel)) ||
            !fits(l, &rows[i]))
            continue;
        add_source(r, &rows[i].source);
        if (rows[i].event == 4688)
            process_creation_4688(l);
        else if (!rows[i].event && str_eqz(rows[i].source.service, "windefend"))
            names_without_spaces(l);
        else if (str_eqz(rows[i].source.category, "antivirus"))
            antivirus(l);
    }
    if (!r->nsources)
        add_source(r, &windows);
}

void log_map(struct sigma_log *l, struct sigma_log_record *ret)
{
    const struct sigma_source *given = &l->o.given;

    if (l->windows)
        windows_sources(l, ret);
    else if (given->product.n || given->category.n || given->service.n)
        add_source(ret, given);
    hashes_split(l, "Hashes");
    hashes_split(l, "Hash");
}
