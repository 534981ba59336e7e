/* SPDX-License-Identifier: GPL-3.0-or-later */
/* In the jail: rules that may come from strangers, over logs that do. */
#include "cmd/sigma-wire.h"

#include "base/reader.h"
#include "cmd/logfile.h"
#include "cmd/roles.h"
#include "detect/rulekind.h"
#include "detect/ruletexts.h"
#include "detect/sigma/log-scan.h"
#include "detect/yaml.h"
#include "jail/jail.h"
#include "os/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLACEHOLDERS_MAX (8u << 20)
#define PLACEHOLDER_VALUES_MAX 10000
#define TROUBLES_MAX 100 /* told of one log */
#define LEVEL_OFF 255    /* the rule is switched off */
#define HITS_SIZE (64u << 10)

struct work {
    struct ipc *parent;
    struct sigma_rules *rules;
    struct sigma_options options;
    enum sigma_level level;
    uint8_t *levels; /* of each rule */
    struct sigma_source source;
    struct buf source_text, hits;
    struct sigma_loaded loaded;
    struct sigma_scanned scanned;
    unsigned troubles;
    int failed; /* of sending */
};

static void tell(struct work *w, uint32_t type, const struct buf *b)
{
    if (!w->failed)
        w->failed = b->failed ? b->failed : ipc_send(w->parent, type, b->data, b->len, NULL, 0, NULL);
}

static void add_str(struct buf *b, struct str s)
{
    buf_u32le(b, (uint32_t)s.n);
    buf_add_str(b, s);
}

/* ---- rules --------------------------------------------------------------------------------------------------- */

static void on_bad_rule(void *context, const char *file, unsigned line, const char *reason)
{
    struct work *w = context;
    struct buf b;

    w->loaded.rejected++;
    buf_init(&b, 1u << 20);
    buf_u32le(&b, line);
    add_str(&b, str_from(file));
    add_str(&b, str_from(reason));
    tell(w, SIGMA_BAD_RULE, &b);
    buf_free(&b);
}

static int placeholder_add(struct work *w, const struct yaml_tree *n, struct err *e)
{
    struct str *values = calloc(n->count + 1, sizeof(*values));
    size_t count = 0;
    int rc = 0;

    if (!values)
        return err_set(e, -ENOMEM, "out of memory");
    if (n->kind == YAML_TREE_SCALAR) {
        values[count++] = n->text;
    } else if (n->kind == YAML_TREE_LIST && n->count <= PLACEHOLDER_VALUES_MAX) {
        for (const struct yaml_tree *c = n->child; c && rc == 0; c = c->next)
            if (c->kind == YAML_TREE_SCALAR)
                values[count++] = c->text;
            else
                rc = err_set(e, ERR_FORMAT, "placeholders, line %u: a value of \"%.*s\" is no text", c->line,
                             STR_ARG(n->key));
    } else {
        rc = err_set(e, ERR_FORMAT, "placeholders, line %u: \"%.*s\" is neither a text nor a list of at most %u",
                     n->line, STR_ARG(n->key), PLACEHOLDER_VALUES_MAX);
    }
    if (rc == 0 && (rc = sigma_rules_placeholder(w->rules, n->key, values, count)) < 0)
        err_set(e, rc, "the placeholder \"%.*s\" cannot be taken: %s", STR_ARG(n->key), err_name(rc));
    free(values);
    return rc;
}

/* A map of names to a value or a list of values. */
static int placeholders_read(struct work *w, int fd, struct err *e)
{
    struct yaml_documents docs = {0};
    struct arena a;
    struct buf text = {0};
    unsigned line = 0;
    int rc;

    arena_init(&a, 64u << 20);
    if ((rc = file_read_fd(fd, PLACEHOLDERS_MAX, &text, e)) == 0 && text.len) {
        if ((rc = yaml_tree_parse(buf_str(&text), &a, &docs, &line, e)) < 0)
            err_prefix(e, "placeholders, line %u: ", line);
        else if (docs.first && docs.first->kind != YAML_TREE_MAP)
            rc = err_set(e, ERR_FORMAT, "placeholders: a map of names to lists of values is wanted");
        for (const struct yaml_tree *n = rc == 0 && docs.first ? docs.first->child : NULL; n && rc == 0; n = n->next)
            rc = placeholder_add(w, n, e);
    }
    arena_free(&a);
    buf_free(&text);
    return rc;
}

static bool is_off(const struct ruletexts *t, struct str id)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->items[i].kind == RULETEXT_OFF && str_eq(t->items[i].name, id))
            return true;
    return false;
}

/* What each rule says, once: a match then costs no look at the rule. */
static int rules_note(struct work *w, const struct ruletexts *t, struct err *e)
{
    struct sigma_rule_info info;
    size_t n = sigma_rules_count(w->rules);

    if (!(w->levels = calloc(n + 1, sizeof(*w->levels))))
        return err_set(e, -ENOMEM, "no memory for rules");
    for (size_t i = 0; i < n && sigma_rules_at(w->rules, i, &info); i++) {
        bool off = t->count && is_off(t, info.id);
        w->loaded.inert += info.inert;
        w->levels[i] = off ? LEVEL_OFF : (uint8_t)sigma_level_of(info.level);
    }
    w->loaded.rules = n;
    return 0;
}

static int texts_add(struct work *w, const struct ruletexts *t, struct err *e)
{
    const struct rulekind *sigma = rulekind_find("sigma");
    int rc = 0;

    for (size_t i = 0; i < t->count && rc >= 0; i++) {
        const struct ruletext *text = &t->items[i];
        char name[RULETEXTS_NAME_MAX + 1];
        struct err bad;
        if (text->kind == RULETEXT_OFF)
            continue;
        snprintf(name, sizeof(name), "%.*s", STR_ARG(text->name));
        if (text->kind == RULETEXT_NONE && rulekind_of(name, text->text) != sigma) {
            w->loaded.no_rules++;
            continue;
        }
        /* A file of which nothing can be read was told to on_bad_rule. */
        rc = sigma_rules_add(w->rules, name, text->text, on_bad_rule, w, &bad);
        rc = rc == -ENOMEM ? err_set(e, rc, "no memory for rules") : 0;
    }
    if (rc < 0 || (rc = sigma_rules_compile(w->rules, on_bad_rule, w, e)) < 0)
        return rc;
    return rules_note(w, t, e);
}

static int rules_read(struct work *w, const struct ipc_message *m, struct err *e)
{
    struct ruletexts texts = {0};
    struct buf bytes = {0};
    struct reader r;
    int rc;

    reader_init(&r, m->payload, m->length);
    w->options.no_index = reader_u32le(&r) != 0;
    w->level = (enum sigma_level)reader_u32le(&r);
    buf_init(&w->source_text, 4096);
    buf_add_str(&w->source_text, reader_str(&r, reader_left(&r)));
    if (w->source_text.len && (rc = sigma_log_source_parse(buf_str(&w->source_text), &w->source, e)) < 0)
        return rc;
    if ((rc = sigma_rules_new(&w->rules)) < 0)
        return err_set(e, rc, "no memory for rules");
    if ((rc = placeholders_read(w, m->fds[1], e)) < 0)
        return rc;
    if ((rc = file_read_fd(m->fds[0], RULETEXTS_BYTES_MAX, &bytes, e)) == 0 &&
        (rc = ruletexts_read(buf_str(&bytes), &texts, e)) == 0)
        rc = texts_add(w, &texts, e);
    ruletexts_free(&texts);
    buf_free(&bytes);
    return rc;
}

/* ---- logs ---------------------------------------------------------------------------------------------------- */

static void on_trouble(void *context, uint64_t record, uint64_t line, uint64_t offset, const char *text)
{
    struct work *w = context;
    struct buf b;

    if (w->troubles >= TROUBLES_MAX) {
        w->scanned.troubles_more++;
        return;
    }
    w->troubles++;
    buf_init(&b, 1u << 20);
    buf_u64le(&b, record);
    buf_u64le(&b, line);
    buf_u64le(&b, offset);
    add_str(&b, str_from(text));
    tell(w, SIGMA_TROUBLE, &b);
    buf_free(&b);
}

static void hits_send(struct work *w)
{
    if (w->hits.len)
        tell(w, SIGMA_HITS, &w->hits);
    buf_clear(&w->hits);
}

static void on_match(void *context, const struct sigma_match *m)
{
    struct work *w = context;
    struct sigma_rule_info info;
    size_t n = m->nevents < SIGMA_HIT_RECORDS_MAX ? m->nevents : SIGMA_HIT_RECORDS_MAX;

    if (w->levels[m->rule] == LEVEL_OFF || w->levels[m->rule] < w->level || !sigma_rules_at(w->rules, m->rule, &info))
        return;
    w->scanned.matches++;
    buf_u64le(&w->hits, m->event->index);
    buf_u32le(&w->hits, (uint32_t)m->rule);
    buf_u32le(&w->hits, w->levels[m->rule]);
    add_str(&w->hits, str_sub(info.id, 0, 1024));
    add_str(&w->hits, str_sub(info.title, 0, 4096));
    buf_u32le(&w->hits, m->events != NULL);
    buf_u32le(&w->hits, m->events ? (uint32_t)n : 0);
    for (size_t i = 0; m->events && i < n; i++)
        buf_u64le(&w->hits, m->events[i]);
    if (w->hits.len >= HITS_SIZE)
        hits_send(w);
}

static int log_scan(struct work *w, const struct ipc_message *m, struct err *e)
{
    struct sigma_log_options o = {.given = w->source, .trouble = on_trouble, .context = w};
    struct sigma_log_scan_stats st;
    struct logfile f;
    struct reader r;
    int rc;

    reader_init(&r, m->payload, m->length);
    o.lines = reader_u32le(&r) != 0;
    o.source = logfile_source(&f, m->fds[0]);
    w->scanned = (struct sigma_scanned){0};
    w->troubles = 0;
    rc = sigma_log_scan(w->rules, &w->options, &o, on_match, w, &st, e);
    hits_send(w);
    w->scanned.records = st.log.records;
    w->scanned.broken = st.log.broken;
    w->scanned.dropped = st.log.dropped;
    w->scanned.unknown = st.log.unknown;
    w->scanned.idle = st.idle;
    w->scanned.evaluated = st.engine.evaluated;
    w->scanned.over_budget = st.engine.over_budget;
    w->scanned.evicted = st.engine.evicted;
    return rc;
}

/* ---- the role ------------------------------------------------------------------------------------------------ */

static void numbers_tell(struct work *w, uint32_t type, const uint64_t *numbers, size_t n)
{
    struct buf b;

    buf_init(&b, 4096);
    for (size_t i = 0; i < n; i++)
        buf_u64le(&b, numbers[i]);
    tell(w, type, &b);
    buf_free(&b);
}

static void failure_tell(struct work *w, const struct err *e)
{
    if (!w->failed)
        w->failed = ipc_send(w->parent, SIGMA_FAILED, e->text, strlen(e->text), NULL, 0, NULL);
}

static void serve(struct work *w)
{
    struct ipc_message m;
    struct err e = {0};

    while (!w->failed && ipc_receive(w->parent, -1, &m, NULL) == 1 && m.type == SIGMA_LOG && m.nfds == 1) {
        const struct sigma_scanned *s = &w->scanned;
        if (log_scan(w, &m, &e) < 0)
            failure_tell(w, &e);
        else
            numbers_tell(w, SIGMA_DONE,
                         (const uint64_t[]){s->records, s->broken, s->dropped, s->unknown, s->idle, s->matches,
                                            s->evaluated, s->over_budget, s->evicted, s->troubles_more},
                         SIGMA_DONE_NUMBERS);
        ipc_message_close(&m);
    }
}

static int sigma_role_run(struct ipc *parent)
{
    struct work w = {.parent = parent};
    struct ipc_message m;
    struct err e = {0};

    if (ipc_receive(parent, 10000, &m, NULL) != 1 || m.type != SIGMA_RULES || m.nfds != 2)
        return 2;
    ipc_set_send_timeout(parent, -1); /* a reader of our output may take its time */
    buf_init(&w.hits, 1u << 20);
    if (rules_read(&w, &m, &e) < 0) {
        failure_tell(&w, &e);
    } else {
        ipc_message_close(&m);
        numbers_tell(&w, SIGMA_READY,
                     (const uint64_t[]){w.loaded.rules, w.loaded.rejected, w.loaded.inert, w.loaded.no_rules},
                     SIGMA_READY_NUMBERS);
        serve(&w);
    }
    sigma_rules_free(&w.rules);
    free(w.levels);
    buf_free(&w.hits);
    buf_free(&w.source_text);
    return w.failed != 0;
}

static const struct jail_profile sigma_jail = {
    .name = "sigma",
    .memory_max = 4ull << 30,
    .cpu_seconds = 86400,
    .files_max = 16,
};

const struct role sigma_role = {
    .name = "sigma",
    .doc = "evaluates Sigma rules over logs, both of which may come from strangers",
    .jail = &sigma_jail,
    .run = sigma_role_run,
};
