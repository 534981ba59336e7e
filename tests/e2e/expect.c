/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "expect.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const json_t *at(const json_t *o, const char *a, const char *b)
{
    o = json_object_get(o, a);
    return b ? json_object_get(o, b) : o;
}

/* Does any member of `list` have a text in `key` that contains `text`? */
static bool any(const json_t *list, const char *key, const char *text)
{
    const json_t *v;
    size_t i;

    json_array_foreach(list, i, v)
    {
        const char *s = json_string_value(json_object_get(v, key));
        if (s && strstr(s, text))
            return true;
    }
    return false;
}

static bool word_allowed(const json_t *words, const char *own)
{
    const json_t *v;
    size_t i;

    if (json_is_string(words))
        return own && !strcmp(json_string_value(words), own);
    json_array_foreach(words, i, v) if (own && !strcmp(json_string_value(v), own)) return true;
    return false;
}

static unsigned check_word(const json_t *expect, const char *name, const char *own)
{
    const json_t *words = json_object_get(expect, name);

    if (!words || word_allowed(words, own))
        return 0;
    char *text = json_dumps(words, JSON_ENCODE_ANY);
    printf("  %s is \"%s\", not %s\n", name, own ? own : "(nothing)", text);
    return 1;
}

static bool technique_seen(const json_t *report, const char *id)
{
    const json_t *f, *a;
    size_t i, k;

    json_array_foreach(json_object_get(report, "findings"), i, f) json_array_foreach(json_object_get(f, "attack"), k, a)
    {
        const char *own = json_is_string(a) ? json_string_value(a) : json_string_value(json_object_get(a, "id"));
        if (own && !strcmp(own, id))
            return true;
    }
    return false;
}

static bool process_seen(const json_t *report, const char *text)
{
    const json_t *p;
    size_t i;

    json_array_foreach(json_object_get(report, "processes"), i, p)
    {
        const char *lineage = json_string_value(json_object_get(p, "lineage"));
        const char *line = json_string_value(json_object_get(p, "cmdline")),
                   *image = json_string_value(json_object_get(p, "image"));
        if (lineage && strcmp(lineage, "system") && ((line && strstr(line, text)) || (image && strstr(image, text))))
            return true;
    }
    return false;
}

static bool adopted_seen(const json_t *report, const char *text)
{
    const json_t *p;
    size_t i;

    json_array_foreach(json_object_get(report, "processes"), i, p)
    {
        const char *lineage = json_string_value(json_object_get(p, "lineage"));
        const char *line = json_string_value(json_object_get(p, "cmdline"));
        if (lineage && !strcmp(lineage, "adopted") && line && strstr(line, text))
            return true;
    }
    return false;
}

static bool conversation_seen(const json_t *report, const char *text)
{
    const json_t *f;
    size_t i;
    char own[256];

    json_array_foreach(at(report, "network", "conversations"), i, f)
    {
        const char *ip = json_string_value(json_object_get(f, "ip"));
        snprintf(own, sizeof(own), "%s:%lld", ip ? ip : "", (long long)json_integer_value(json_object_get(f, "port")));
        if (!strcmp(own, text))
            return true;
    }
    return false;
}

static bool file_seen(const json_t *report, const char *text)
{
    return any(json_object_get(report, "files"), "path", text);
}
static bool dns_seen(const json_t *report, const char *text)
{
    return any(at(report, "network", "dns"), "name", text);
}
static bool http_seen(const json_t *report, const char *text)
{
    return any(at(report, "network", "http"), "url", text);
}
static bool rule_seen(const json_t *report, const char *text)
{
    return any(json_object_get(report, "findings"), "rule", text);
}
/* "dropped /tmp/x": a finding shows this artefact */
static bool artefact_seen(const json_t *report, const char *text)
{
    const json_t *f, *a;
    size_t i, k;
    char own[1024];

    json_array_foreach(json_object_get(report, "findings"), i, f)
    {
        json_array_foreach(json_object_get(f, "artefacts"), k, a)
        {
            const char *kind = json_string_value(json_object_get(a, "kind"));
            const char *name = json_string_value(json_object_get(a, "name"));
            snprintf(own, sizeof(own), "%s %s", kind ? kind : "", name ? name : "");
            if (!strcmp(own, text))
                return true;
        }
    }
    return false;
}
static bool note_seen(const json_t *report, const char *text)
{
    return any(json_object_get(report, "notes"), "text", text);
}
static bool capture_seen(const json_t *report, const char *text)
{
    return any(json_object_get(report, "captures"), "path", text);
}
static bool memory_seen(const json_t *report, const char *text)
{
    return any(json_object_get(report, "memory"), "kind", text);
}
static bool listen_seen(const json_t *report, const char *text)
{
    const json_t *l;
    size_t i;
    char own[32];

    json_array_foreach(at(report, "network", "listens"), i, l)
    {
        snprintf(own, sizeof(own), "%lld", (long long)json_integer_value(json_object_get(l, "port")));
        if (!strcmp(own, text))
            return true;
    }
    return false;
}

static const struct kind {
    const char *name;
    bool (*seen)(const json_t *report, const char *text);
} kinds[] = {
    {"techniques", technique_seen},
    {"processes", process_seen},
    {"adopted", adopted_seen},
    {"files", file_seen},
    {"dns", dns_seen},
    {"http", http_seen},
    {"rules", rule_seen},
    {"artefacts", artefact_seen},
    {"conversations", conversation_seen},
    {"notes", note_seen},
    {"captures", capture_seen},
    {"memory", memory_seen},
    {"listens", listen_seen},
};

static unsigned check_counts(const json_t *expect, const json_t *report)
{
    unsigned bad = 0;
    const json_t *files = json_object_get(expect, "files_min"), *lost = json_object_get(expect, "lost");
    const json_t *files_seen = json_object_get(report, "files");
    const json_t *processes = json_object_get(expect, "processes_min");

    if (files && (json_int_t)json_array_size(files_seen) < json_integer_value(files)) {
        printf("  only %zu files\n", json_array_size(files_seen));
        bad++;
    }
    if (processes && json_integer_value(at(report, "completeness", "processes")) < json_integer_value(processes)) {
        printf("  only %lld processes\n", (long long)json_integer_value(at(report, "completeness", "processes")));
        bad++;
    }
    if (lost && json_integer_value(at(report, "completeness", "lost")) != json_integer_value(lost)) {
        printf("  %lld events lost\n", (long long)json_integer_value(at(report, "completeness", "lost")));
        bad++;
    }
    return bad;
}

/* A part of the verdict's reason. */
static unsigned check_reason(const json_t *expect, const json_t *report)
{
    const char *want = json_string_value(json_object_get(expect, "reason"));
    const char *own = json_string_value(at(report, "verdict", "reason"));

    if (!want || (own && strstr(own, want)))
        return 0;
    printf("  the reason is \"%s\", without \"%s\"\n", own ? own : "(nothing)", want);
    return 1;
}

/* Files that must not be there. */
static unsigned check_absent(const json_t *expect, const json_t *report)
{
    const json_t *v;
    unsigned bad = 0;
    size_t i;

    json_array_foreach(json_object_get(expect, "absent"), i, v) if (file_seen(report, json_string_value(v)))
    {
        printf("  the file \"%s\" is there\n", json_string_value(v));
        bad++;
    }
    return bad;
}

/* Whatever ran was watched by a tracer without holes. */
static unsigned check_tracer(const json_t *report)
{
    const char *state = json_string_value(json_object_get(at(report, "run", "channel"), "tracer"));

    if (!json_is_true(at(report, "run", "started")) || (state && !strcmp(state, "ok")))
        return 0;
    printf("  the tracer has holes: %s\n", state ? state : "(nothing)");
    return 1;
}

unsigned expect_check(const json_t *expect, const json_t *report)
{
    const json_t *v;
    size_t i;
    unsigned bad = 0;

    bad += check_word(expect, "verdict", json_string_value(at(report, "verdict", "word")));
    bad += check_word(expect, "ended", json_string_value(at(report, "run", "ended")));
    bad += check_counts(expect, report);
    bad += check_tracer(report) + check_reason(expect, report) + check_absent(expect, report);
    for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++)
        json_array_foreach(json_object_get(expect, kinds[k].name), i,
                           v) if (!kinds[k].seen(report, json_string_value(v)))
        {
            printf("  %s: \"%s\" is missing\n", kinds[k].name, json_string_value(v));
            bad++;
        }
    return bad;
}
