/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/yara/yara.h"

#include "os/file.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <yara.h>

#if YR_VERSION_HEX < 0x040500
#error "libyara 4.5 or newer is wanted"
#endif

struct yara_rules {
    YR_RULES *rules;
    YR_SCANNER *scanner; /* made at the first scan, used again */
};

const char *yara_version(void)
{
    return YR_VERSION;
}

/* For good: a process that scans does nothing else. */
static int library_begin(struct err *e)
{
    static bool begun;
    if (begun)
        return 0;
    if (yr_initialize() != ERROR_SUCCESS)
        return err_set(e, -ENOMEM, "libyara cannot be made ready");
    yr_set_configuration_uint32(YR_CONFIG_MAX_MATCH_DATA, YARA_EXCERPT_MAX);
    begun = true;
    return 0;
}

/* ---- compiling ------------------------------------------------------------------------------- */

struct warning {
    struct str file;
    unsigned line;
    struct str text;
    struct warning *next;
};

struct compilation {
    const struct yara_text *texts;
    size_t n;
    const struct yara_define *defines;
    size_t ndefines;
    const struct yara_handlers *h;
    bool *bad;
    size_t current; /* index in texts */
    unsigned includes;
    size_t include_bytes;
    struct arena arena; /* of warnings */
    struct warning *first, *last;
};

static void report_problem(const struct compilation *c, bool warning, struct str file, unsigned line, const char *text)
{
    if (c->h && c->h->problem)
        c->h->problem(c->h->context, warning, file, line, text);
}

/* Warnings wait until the pass is known to be the last one: else they would be told twice. */
static void on_message(int level, const char *file_name, int line, const YR_RULE *rule, const char *message, void *user)
{
    struct compilation *c = user;
    struct str file = file_name ? str_from(file_name) : c->texts[c->current].file;
    unsigned number = line > 0 ? (unsigned)line : 0;

    (void)rule;
    if (level != YARA_ERROR_LEVEL_WARNING) {
        report_problem(c, false, file, number, message ? message : "unknown error");
        return;
    }
    struct warning *w = arena_alloc(&c->arena, sizeof(*w));
    if (!w)
        return;
    *w = (struct warning){arena_str(&c->arena, file), number, arena_str(&c->arena, str_from(message)), NULL};
    *(c->last ? &c->last->next : &c->first) = w;
    c->last = w;
}

/* "a/b/../c" and "./c" to their plain form; false when it leaves the pack. */
static bool path_plain(struct str path, char *ret, size_t n)
{
    struct str part;
    size_t at = 0;
    while (str_split(&path, '/', &part)) {
        if (part.n == 0 || str_eqz(part, "."))
            continue;
        if (str_eqz(part, "..")) {
            if (at == 0)
                return false;
            while (at > 0 && ret[--at] != '/')
                ;
            continue;
        }
        if (at + part.n + 2 > n)
            return false;
        if (at)
            ret[at++] = '/';
        memcpy(ret + at, part.p, part.n);
        at += part.n;
    }
    ret[at] = '\0';
    return at > 0;
}

static const struct yara_text *text_find(const struct compilation *c, struct str dir, const char *name)
{
    char joined[2 * PATH_MAX], wanted[PATH_MAX], other[PATH_MAX];
    snprintf(joined, sizeof(joined), "%.*s/%.*s", (int)(dir.n < PATH_MAX ? dir.n : 0), dir.p ? dir.p : "", PATH_MAX,
             name);
    if (!path_plain(str_from(joined), wanted, sizeof(wanted)))
        return NULL;
    struct str base = str_basename(str_from(wanted)); /* cheap to compare */
    for (size_t i = 0; i < c->n; i++)
        if (str_ends(c->texts[i].file, base) && path_plain(c->texts[i].file, other, sizeof(other)) &&
            strcmp(wanted, other) == 0)
            return &c->texts[i];
    return NULL;
}

/* Among the pack's own texts, beside the including file or beside the file that began. */
static const char *on_include(const char *name, const char *calling, const char *ns, void *user)
{
    struct compilation *c = user;
    struct str top = str_dirname(c->texts[c->current].file);
    const struct yara_text *t = NULL;

    (void)ns;
    if (c->includes++ >= YARA_INCLUDES_MAX)
        return NULL;
    if (calling) {
        char beside[2 * PATH_MAX];
        struct str dir = str_dirname(str_from(calling));
        snprintf(beside, sizeof(beside), "%.*s/%.*s", (int)(top.n < PATH_MAX ? top.n : 0), top.p ? top.p : "",
                 (int)(dir.n < PATH_MAX ? dir.n : 0), dir.p);
        t = text_find(c, str_from(beside), name);
    }
    if (!t)
        t = text_find(c, top, name);
    if (!t || t->text.n > YARA_INCLUDE_BYTES_MAX - c->include_bytes)
        return NULL;
    c->include_bytes += t->text.n;
    return str_dup(t->text);
}

static void on_include_free(const char *text, void *user)
{
    (void)user;
    free((void *)(uintptr_t)text);
}

static int define_one(YR_COMPILER *k, const struct yara_define *d)
{
    switch (d->kind) {
    case YARA_DEFINE_INTEGER:
        return yr_compiler_define_integer_variable(k, d->name, d->number);
    case YARA_DEFINE_BOOLEAN:
        return yr_compiler_define_boolean_variable(k, d->name, d->number != 0);
    case YARA_DEFINE_FLOAT:
        return yr_compiler_define_float_variable(k, d->name, d->real);
    default:
        return yr_compiler_define_string_variable(k, d->name, d->text);
    }
}

static int compiler_new(struct compilation *c, YR_COMPILER **ret, struct err *e)
{
    static const char *const own[] = {"filename", "filepath", "extension", "filetype", "owner"};
    YR_COMPILER *k = NULL;

    if (yr_compiler_create(&k) != ERROR_SUCCESS)
        return err_set(e, -ENOMEM, "no memory to compile YARA rules");
    yr_compiler_set_callback(k, on_message, c);
    yr_compiler_set_include_callback(k, on_include, on_include_free, c);
    int x = ERROR_SUCCESS;
    for (size_t i = 0; i < sizeof(own) / sizeof(*own) && x == ERROR_SUCCESS; i++)
        x = yr_compiler_define_string_variable(k, own[i], "");
    if (x != ERROR_SUCCESS) {
        yr_compiler_destroy(k);
        return err_set(e, -ENOMEM, "no memory to compile YARA rules");
    }
    for (size_t i = 0; i < c->ndefines && x == ERROR_SUCCESS; i++)
        if ((x = define_one(k, &c->defines[i])) != ERROR_SUCCESS)
            err_set(e, ERR_USAGE, "the external variable %s cannot be defined%s", c->defines[i].name,
                    x == ERROR_DUPLICATED_EXTERNAL_VARIABLE ? ": it is there already" : "");
    if (x != ERROR_SUCCESS) {
        yr_compiler_destroy(k);
        return ERR_USAGE;
    }
    *ret = k;
    return 0;
}

/* True when the text is good. A compiler that saw a bad text must not be used again. */
static bool add_text(struct compilation *c, YR_COMPILER *k, size_t index)
{
    const struct yara_text *t = &c->texts[index];
    char *ns = str_dup(t->ns);
    c->current = index;
    c->includes = 0;
    c->include_bytes = 0;
    if (c->h && c->h->at)
        c->h->at(c->h->context, (uint32_t)index);
    int errors = ns ? yr_compiler_add_bytes(k, t->text.p ? t->text.p : "", t->text.n, ns) : 1;
    free(ns);
    if (errors)
        c->bad[index] = true;
    return errors == 0;
}

/* After the first bad text, each of the others is tried alone, so that one pass more is enough. */
static int bad_find(struct compilation *c, size_t from, struct err *e)
{
    for (size_t i = from; i < c->n; i++) {
        YR_COMPILER *k = NULL;
        if (c->texts[i].included_only || c->bad[i])
            continue;
        int x = compiler_new(c, &k, e);
        if (x < 0)
            return x;
        add_text(c, k, i);
        yr_compiler_destroy(k);
    }
    return 0;
}

/* All good texts into one set. 1 done, 0 once more without what is bad now. */
static int pass(struct compilation *c, YR_RULES **ret, struct err *e)
{
    YR_COMPILER *k = NULL;
    size_t used = 0;

    c->first = c->last = NULL;
    int x = compiler_new(c, &k, e);
    if (x < 0)
        return x;
    for (size_t i = 0; i < c->n; i++) {
        if (c->texts[i].included_only || c->bad[i])
            continue;
        if (!add_text(c, k, i)) {
            yr_compiler_destroy(k);
            x = bad_find(c, i + 1, e);
            return x < 0 ? x : 0;
        }
        used++;
    }
    if (!used)
        x = err_set(e, ERR_MISSING, "there is not one YARA rule file that can be used");
    else if (yr_compiler_get_rules(k, ret) != ERROR_SUCCESS)
        x = err_set(e, -ENOMEM, "no memory for the compiled YARA rules");
    yr_compiler_destroy(k);
    return x < 0 ? x : 1;
}

int yara_compile(const struct yara_text *texts, size_t n, const struct yara_define *defines, size_t ndefines,
                 const struct yara_handlers *h, struct yara_rules **ret, struct err *e)
{
    struct compilation c = {.texts = texts, .n = n, .defines = defines, .ndefines = ndefines, .h = h};
    YR_RULES *rules = NULL;
    int x = library_begin(e);

    if (x < 0)
        return x;
    arena_init(&c.arena, 16u << 20);
    struct yara_rules *r = calloc(1, sizeof(*r));
    c.bad = calloc(n + 1, sizeof(*c.bad));
    x = r && c.bad ? 0 : err_set(e, -ENOMEM, "no memory to compile YARA rules");
    while (x == 0)
        x = pass(&c, &rules, e);
    for (struct warning *w = x == 1 ? c.first : NULL; w; w = w->next)
        report_problem(&c, true, w->file, w->line, w->text.p ? w->text.p : "");
    arena_free(&c.arena);
    free(c.bad);
    if (x < 0) {
        free(r);
        return x;
    }
    r->rules = rules;
    *ret = r;
    return 0;
}

void yara_rules_free(struct yara_rules **p)
{
    struct yara_rules *r = *p;
    if (!r)
        return;
    if (r->scanner)
        yr_scanner_destroy(r->scanner);
    if (r->rules)
        yr_rules_destroy(r->rules);
    free(r);
    *p = NULL;
}

uint32_t yara_rules_count(const struct yara_rules *r)
{
    return r->rules->num_rules;
}

/* ---- the compiled form --------------------------------------------------------------------------- */

struct saving {
    int fd, failed;
    size_t bytes;
};

static size_t save_write(const void *p, size_t size, size_t count, void *user)
{
    struct saving *s = user;
    size_t n = size * count;
    if (!s->failed && n > YARA_COMPILED_MAX - s->bytes)
        s->failed = ERR_LIMIT;
    if (!s->failed)
        s->failed = file_write_all(s->fd, p, n);
    s->bytes += n;
    return s->failed ? 0 : count;
}

int yara_rules_save(struct yara_rules *r, int fd, struct err *e)
{
    struct saving s = {.fd = fd};
    YR_STREAM stream = {.user_data = &s, .write = save_write};
    int x = yr_rules_save_stream(r->rules, &stream);

    if (s.failed == 0 && x == ERROR_SUCCESS)
        return 0;
    return err_set(e, s.failed ? s.failed : -ENOMEM, "the compiled YARA rules cannot be kept: %s",
                   err_name(s.failed ? s.failed : -ENOMEM));
}

static size_t load_read(void *p, size_t size, size_t count, void *user)
{
    struct reader *in = user;
    size_t n = size * count;
    if (!n)
        return count;
    const uint8_t *from = reader_bytes(in, n);
    if (!from)
        return 0;
    memcpy(p, from, n);
    return count;
}

int yara_rules_load(const void *p, size_t n, struct yara_rules **ret, struct err *e)
{
    struct reader in;
    YR_STREAM stream = {.user_data = &in, .read = load_read};
    int x = library_begin(e);

    if (x < 0)
        return x;
    struct yara_rules *r = calloc(1, sizeof(*r));
    if (!r)
        return err_set(e, -ENOMEM, "no memory for YARA rules");
    reader_init(&in, p, n);
    if (yr_rules_load_stream(&stream, &r->rules) != ERROR_SUCCESS) {
        free(r);
        return err_set(e, ERR_FORMAT, "the compiled YARA rules cannot be read");
    }
    *ret = r;
    return 0;
}

/* ---- scanning --------------------------------------------------------------------------------------- */

static void tags_copy(struct yara_result *r, const YR_RULE *rule, struct yara_hit *h)
{
    const char *tag;
    yr_rule_tags_foreach(rule, tag) if (h->ntags < YARA_TAGS_MAX) h->ntags++;
    h->tags = arena_array(&r->arena, h->ntags + 1, sizeof(*h->tags));
    uint32_t i = 0;
    yr_rule_tags_foreach(rule, tag) if (h->tags && i < h->ntags) h->tags[i++] =
        yara_result_text(r, str_from(tag), YARA_TEXT_MAX);
    h->ntags = h->tags ? h->ntags : 0;
}

static void metas_copy(struct yara_result *r, const YR_RULE *rule, struct yara_hit *h)
{
    const YR_META *m;
    uint32_t n = 0;
    yr_rule_metas_foreach(rule, m) n += n < YARA_METAS_MAX;
    h->metas = arena_array(&r->arena, n + 1, sizeof(*h->metas));
    yr_rule_metas_foreach(rule, m)
    {
        if (!h->metas || h->nmetas == n)
            break;
        struct yara_meta *to = &h->metas[h->nmetas++];
        to->kind = m->type == META_TYPE_INTEGER   ? YARA_META_INTEGER
                   : m->type == META_TYPE_BOOLEAN ? YARA_META_BOOLEAN
                                                  : YARA_META_TEXT;
        to->name = yara_result_text(r, str_from(m->identifier), YARA_TEXT_MAX);
        if (to->kind == YARA_META_TEXT)
            to->text = yara_result_text(r, str_from(m->string), YARA_TEXT_MAX);
        else
            to->number = m->integer;
    }
}

static void match_copy(struct yara_result *r, const YR_STRING *s, const YR_MATCH *m, struct yara_hit *h)
{
    struct yara_match *to = &h->matches[h->nmatches++];
    size_t n = m->data_length > 0 ? (size_t)m->data_length : 0;
    to->string = yara_result_text(r, str_from(s->identifier), YARA_TEXT_MAX);
    to->offset = (uint64_t)(m->base + m->offset);
    to->length = m->match_length > 0 ? (uint32_t)m->match_length : 0;
    to->xor_key = m->xor_key;
    to->bytes = arena_str(
        &r->arena, (struct str){(const char *)m->data, m->data ? (n < YARA_EXCERPT_MAX ? n : YARA_EXCERPT_MAX) : 0});
}

static void matches_copy(struct yara_result *r, YR_SCAN_CONTEXT *context, const YR_RULE *rule, struct yara_hit *h)
{
    const YR_MATCH *kept[YARA_MATCHES_MAX];
    const YR_STRING *of[YARA_MATCHES_MAX], *s;
    const YR_MATCH *m;
    uint32_t n = 0;

    yr_rule_strings_foreach(rule, s)
    {
        unsigned of_string = 0;
        yr_string_matches_foreach(context, s, m)
        {
            if (n == YARA_MATCHES_MAX || of_string == YARA_MATCHES_STRING_MAX) {
                h->more_matches++;
                continue;
            }
            of_string++;
            of[n] = s;
            kept[n++] = m;
        }
    }
    h->matches = arena_array(&r->arena, n + 1, sizeof(*h->matches));
    for (uint32_t i = 0; h->matches && i < n; i++)
        match_copy(r, of[i], kept[i], h);
}

static void rule_copy(struct yara_result *r, const YR_RULE *rule, struct yara_hit *h)
{
    h->ns = yara_result_text(r, str_from(rule->ns->name), YARA_TEXT_MAX);
    h->rule = yara_result_text(r, str_from(rule->identifier), YARA_TEXT_MAX);
    tags_copy(r, rule, h);
    metas_copy(r, rule, h);
}

static void note_add(struct yara_result *r, YR_SCAN_CONTEXT *context, enum yara_note_kind kind, const YR_STRING *s)
{
    const YR_RULE *rule = &context->rules->rules_table[s->rule_idx];
    for (uint32_t i = 0; i < r->nnotes; i++)
        if (r->notes[i].kind == kind && str_eqz(r->notes[i].string, s->identifier) &&
            str_eqz(r->notes[i].rule, rule->identifier))
            return;
    struct yara_note *n = yara_result_note(r);
    if (n)
        *n = (struct yara_note){kind, yara_result_text(r, str_from(rule->ns->name), YARA_TEXT_MAX),
                                yara_result_text(r, str_from(rule->identifier), YARA_TEXT_MAX),
                                yara_result_text(r, str_from(s->identifier), YARA_TEXT_MAX)};
}

struct scan_state {
    struct yara_result *result;
    const char *part;
};

static int on_scan(YR_SCAN_CONTEXT *context, int message, void *data, void *user)
{
    const struct scan_state *state = user;
    struct yara_result *r = state->result;
    struct yara_hit *h;

    switch (message) {
    case CALLBACK_MSG_RULE_MATCHING:
        if ((h = yara_result_hit(r)) != NULL) {
            rule_copy(r, data, h);
            h->part = yara_result_text(r, str_from(state->part), YARA_TEXT_MAX);
            matches_copy(r, context, data, h);
            if (r->arena.failed) { /* half a hit is none */
                r->nhits--;
                r->more_hits++;
            }
        }
        break;
    case CALLBACK_MSG_TOO_MANY_MATCHES:
        note_add(r, context, YARA_NOTE_TOO_MANY, data);
        break;
    case CALLBACK_MSG_TOO_SLOW_SCANNING:
        note_add(r, context, YARA_NOTE_SLOW, data);
        break;
    default:
        break;
    }
    return CALLBACK_CONTINUE;
}

static const char *failure(int code)
{
    switch (code) {
    case ERROR_INSUFFICIENT_MEMORY:
        return "libyara had too little memory";
    case ERROR_COULD_NOT_MAP_FILE:
        return "the file could not be read to its end";
    case ERROR_EXEC_STACK_OVERFLOW:
        return "a condition needs more stack than libyara gives";
    case ERROR_TOO_MANY_RE_FIBERS:
        return "a regular expression branches too often";
    case ERROR_TOO_MANY_MATCHES:
        return "a string matches too often";
    case ERROR_TOO_SLOW_SCANNING:
        return "a string makes the scan too slow";
    default:
        return NULL;
    }
}

static int externals_set(YR_SCANNER *s, const struct yara_target *t, const struct yara_define *defines, size_t n)
{
    const struct {
        const char *name, *value;
    } own[] = {{"filename", t->filename},
               {"filepath", t->filepath},
               {"extension", t->extension},
               {"filetype", t->filetype},
               {"owner", t->owner}};
    int x = ERROR_SUCCESS;
    for (size_t i = 0; i < sizeof(own) / sizeof(*own) && x == ERROR_SUCCESS; i++)
        x = yr_scanner_define_string_variable(s, own[i].name, own[i].value ? own[i].value : "");
    for (size_t i = 0; i < n && x == ERROR_SUCCESS; i++) {
        const struct yara_define *d = &defines[i];
        x = d->kind == YARA_DEFINE_INTEGER   ? yr_scanner_define_integer_variable(s, d->name, d->number)
            : d->kind == YARA_DEFINE_BOOLEAN ? yr_scanner_define_boolean_variable(s, d->name, d->number != 0)
            : d->kind == YARA_DEFINE_FLOAT   ? yr_scanner_define_float_variable(s, d->name, d->real)
                                             : yr_scanner_define_string_variable(s, d->name, d->text);
    }
    return x;
}

void yara_scan(struct yara_rules *r, const void *p, size_t n, const struct yara_target *t,
               const struct yara_define *defines, size_t ndefines, struct yara_result *ret)
{
    yara_result_init(ret);
    yara_scan_more(r, p, n, t, defines, ndefines, ret);
}

void yara_scan_more(struct yara_rules *r, const void *p, size_t n, const struct yara_target *t,
                    const struct yara_define *defines, size_t ndefines, struct yara_result *ret)
{
    struct scan_state state = {ret, t->part};
    char text[128];
    int x = ERROR_SUCCESS;

    if (ret->status != YARA_DONE)
        return;
    if (!r->scanner)
        x = yr_scanner_create(r->rules, &r->scanner);
    if (x == ERROR_SUCCESS)
        x = externals_set(r->scanner, t, defines, ndefines);
    if (x == ERROR_SUCCESS) {
        yr_scanner_set_callback(r->scanner, on_scan, &state);
        yr_scanner_set_timeout(r->scanner, t->timeout_s <= INT_MAX ? (int)t->timeout_s : INT_MAX);
        /* A fault in here shall end the process, not hide: the parent tells it and starts another. */
        yr_scanner_set_flags(r->scanner, SCAN_FLAGS_REPORT_RULES_MATCHING | SCAN_FLAGS_NO_TRYCATCH);
        x = yr_scanner_scan_mem(r->scanner, n ? p : (const void *)"", n);
    }
    if (x == ERROR_SUCCESS)
        return;
    if (x == ERROR_SCAN_TIMEOUT) {
        ret->status = YARA_TIMEOUT;
        snprintf(text, sizeof(text), "the scan took longer than %u s and was ended", t->timeout_s);
    } else {
        const char *why = failure(x);
        ret->status = YARA_FAILED;
        if (why)
            snprintf(text, sizeof(text), "%s", why);
        else
            snprintf(text, sizeof(text), "libyara failed with error %d", x);
    }
    ret->text = yara_result_text(ret, str_from(text), YARA_TEXT_MAX);
}

int yara_rules_each(struct yara_rules *r, int (*fn)(void *context, const struct yara_hit *rule), void *context)
{
    const YR_RULE *rule;
    int x = 0;

    yr_rules_foreach(r->rules, rule)
    {
        struct yara_result one;
        struct yara_hit h = {0};
        if (RULE_IS_PRIVATE(rule))
            continue;
        yara_result_init(&one);
        rule_copy(&one, rule, &h);
        x = one.arena.failed ? one.arena.failed : fn(context, &h);
        yara_result_free(&one);
        if (x < 0)
            break;
    }
    return x;
}

int yara_define_parse(char *spec, struct yara_define *ret, struct err *e)
{
    char *equals = strchr(spec, '='), *end;
    struct yara_define d = {.name = spec};

    for (const char *c = spec; equals && c < equals; c++)
        if (!(*c == '_' || (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
              (c > spec && *c >= '0' && *c <= '9')))
            equals = NULL;
    if (!equals || equals == spec)
        return err_set(e, ERR_USAGE, "'%s' is not NAME=VALUE", spec);
    *equals = '\0';
    d.text = equals + 1;
    errno = 0;
    d.number = strtoll(d.text, &end, 0);
    if (*d.text && !*end && !errno) {
        d.kind = YARA_DEFINE_INTEGER;
    } else if (strcmp(d.text, "true") == 0 || strcmp(d.text, "false") == 0) {
        d.kind = YARA_DEFINE_BOOLEAN;
        d.number = d.text[0] == 't';
    } else {
        errno = 0;
        d.real = strtod(d.text, &end);
        d.kind = *d.text && !*end && !errno ? YARA_DEFINE_FLOAT : YARA_DEFINE_TEXT;
    }
    *ret = d;
    return 0;
}
