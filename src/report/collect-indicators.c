/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Addresses to look for elsewhere: each once, with where it was seen. What the simulated internet made up (the
 * addresses of names) is none; nor is what stays inside the machine.
 */
#include "report/model.h"

#include "triage/indicators.h"

#include <stdlib.h>

#define NAME_MAX_BYTES 253

const char *const report_indicator_kinds[] = {"url", "ip", "domain", "email"};
const char *const report_origin_names[ORIGIN_COUNT] = {"file", "submission", "command line",
                                                       "dns",  "http",       "connection"};

struct found {
    struct report *r;
    enum indicator_origin origin;
    uint32_t n;
};

static struct indicator_row *row_of(struct report *r, uint32_t text, uint8_t kind)
{
    uint32_t at = (text * 0x9e3779b1u ^ kind) % REPORT_INDICATOR_SLOTS;
    struct indicator_row *row;

    for (; r->indicator_slots[at]; at = (at + 1) % REPORT_INDICATOR_SLOTS) {
        row = (struct indicator_row *)r->indicators.items + (r->indicator_slots[at] - 1);
        if (row->value == text && row->kind == kind)
            return row;
    }
    row = report_list_add(&r->indicators, sizeof(*row), REPORT_INDICATORS_MAX);
    if (row) {
        *row = (struct indicator_row){.value = text, .kind = kind};
        r->indicator_slots[at] = (uint32_t)r->indicators.count;
    }
    return row;
}

static void keep(void *context, enum indicator_kind kind, struct str value)
{
    const struct found *f = context;
    char lower[NAME_MAX_BYTES];

    if (kind == INDICATOR_PATH || (kind == INDICATOR_IP && indicator_ip_is_local(value)))
        return;
    if (kind == INDICATOR_DOMAIN && value.n <= sizeof(lower)) { /* names do not know capitals */
        for (size_t i = 0; i < value.n; i++)
            lower[i] = value.p[i] >= 'A' && value.p[i] <= 'Z' ? (char)(value.p[i] | 32) : value.p[i];
        value = (struct str){lower, value.n};
    }
    uint32_t text = report_text(f->r, value);
    struct indicator_row *row = text ? row_of(f->r, text, (uint8_t)kind) : NULL;
    if (!row)
        return;
    row->origins |= (uint8_t)(1u << f->origin);
    if (!row->n)
        row->n = f->n;
}

void indicators_command(struct report *r, struct str line, const struct proc *p)
{
    struct found f = {r, ORIGIN_COMMAND, p->n};

    if (p->lineage != PROC_SYSTEM)
        indicators_find(line, keep, &f);
}

/* ["a","b"] as our own writer makes it: values with an escape in them are no addresses. */
static void from_list(struct found *f, struct str list, enum indicator_kind kind)
{
    for (ptrdiff_t at; (at = str_find(list, STR_LIT("\""))) >= 0;) {
        list = str_sub(list, (size_t)at + 1, list.n);
        if ((at = str_find(list, STR_LIT("\""))) < 0)
            return;
        struct str value = str_sub(list, 0, (size_t)at);
        if (value.n && str_find(value, STR_LIT("\\")) < 0)
            keep(f, kind, value);
        list = str_sub(list, (size_t)at + 1, list.n);
    }
}

static void from_facts(struct report *r)
{
    static const char *const lists[] = {"urls", "ips", "domains", "emails"};
    struct found file = {.r = r, .origin = ORIGIN_FILE}, asked = {.r = r, .origin = ORIGIN_SUBMISSION};
    struct str found = json_member(str_from(r->static_json), "indicators");
    struct str submission = str_from(r->submission_json), kind = json_member(submission, "kind");

    for (unsigned i = 0; i < sizeof(lists) / sizeof(*lists); i++)
        from_list(&file, json_member(found, lists[i]), (enum indicator_kind)i);
    if (str_eqz(kind, "url") || str_eqz(kind, "command"))
        indicators_find(json_member(submission, "target"), keep, &asked);
}

static bool of_system(const struct report *r, uint32_t n)
{
    const struct proc *p = n ? proctab_get(r->procs, n) : NULL;
    return p && p->lineage == PROC_SYSTEM;
}

void indicators_finish(struct report *r)
{
    const struct flow_row *flows = r->flows.items;
    const struct dns_row *dns = r->dns.items;
    const struct http_row *http = r->http.items;
    struct found f = {.r = r};

    from_facts(r);
    for (size_t i = 0; i < r->dns.count; i++) {
        f = (struct found){r, ORIGIN_DNS, dns[i].n};
        if (dns[i].name && !of_system(r, dns[i].n))
            keep(&f, INDICATOR_DOMAIN, report_get(r, dns[i].name));
    }
    for (size_t i = 0; i < r->http.count; i++) {
        f = (struct found){r, ORIGIN_HTTP, http[i].n};
        if (http[i].url && !of_system(r, http[i].n))
            indicators_find(report_get(r, http[i].url), keep, &f);
    }
    for (size_t i = 0; i < r->flows.count; i++) {
        struct str ip = report_get(r, flows[i].ip);
        f = (struct found){r, ORIGIN_CONNECTION, flows[i].n};
        /* With a name, the address was made up by us. Names are asked for at port 53 of the simulated internet. */
        if (flows[i].n && !of_system(r, flows[i].n) && !flows[i].host && !flows[i].accepted && flows[i].port != 53 &&
            indicator_is_ip(ip))
            keep(&f, INDICATOR_IP, ip);
    }
}
