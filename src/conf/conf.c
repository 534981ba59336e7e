/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/conf.h"
#include "base/buf.h"
#include "os/file.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define VALUE_MAX 4096
#define NAME_MAX_BYTES 64

enum conf_type { CONF_NUMBER, CONF_SIZE, CONF_CHOICE, CONF_PATH };

struct conf_row {
    const char *name;
    enum conf_type type;
    const char *value; /* default */
    uint64_t min, max;
    const char *choices, *doc;
};

static const struct conf_row rows[CONF_COUNT] = {
#define CONF(sym, name, type, value, min, max, choices, doc) {name, CONF_##type, value, min, max, choices, doc},
#include "conf/conf.def"
#undef CONF
};

struct conf {
    uint64_t number[CONF_COUNT];
    char *text[CONF_COUNT];
    char *source[CONF_COUNT];               /* "default", "file:3", "BELLJAR_X", "command line" */
    char *data_dir, *cache_dir, *share_dir; /* for settings that were not set */
    char *home;                             /* from the environment, or NULL */
};

const char *conf_name(enum conf_id id)
{
    return rows[id].name;
}

void conf_free(struct conf **conf)
{
    struct conf *c = conf ? *conf : NULL;

    if (!c)
        return;
    for (int i = 0; i < CONF_COUNT; i++) {
        free(c->text[i]);
        free(c->source[i]);
    }
    free(c->data_dir);
    free(c->cache_dir);
    free(c->share_dir);
    free(c->home);
    free(c);
    *conf = NULL;
}

/* Replaces a string of c by a copy. */
static int text_set(char **slot, struct str s, struct err *e)
{
    char *copy = str_dup(s);

    if (!copy)
        return err_set(e, -ENOMEM, "no memory for settings");
    free(*slot);
    *slot = copy;
    return 0;
}

/* Number of single-byte edits between two names, for suggestions; both are short. */
static unsigned distance(struct str a, struct str b)
{
    unsigned row[NAME_MAX_BYTES + 1];

    if (a.n > NAME_MAX_BYTES || b.n > NAME_MAX_BYTES)
        return NAME_MAX_BYTES;
    for (unsigned k = 0; k <= b.n; k++)
        row[k] = k;
    for (size_t i = 0; i < a.n; i++) {
        unsigned corner = row[0];
        row[0] = (unsigned)i + 1;
        for (size_t k = 0; k < b.n; k++) {
            unsigned best = corner + (a.p[i] != b.p[k]);
            corner = row[k + 1];
            if (corner + 1 < best)
                best = corner + 1;
            if (row[k] + 1 < best)
                best = row[k] + 1;
            row[k + 1] = best;
        }
    }
    return row[b.n];
}

static int name_unknown(struct str name, struct err *e)
{
    unsigned best = NAME_MAX_BYTES;
    int nearest = -1;

    for (int i = 0; i < CONF_COUNT; i++) {
        unsigned d = distance(name, str_from(rows[i].name));
        if (d < best) {
            best = d;
            nearest = i;
        }
    }
    struct str shown = str_sub(name, 0, NAME_MAX_BYTES);
    /* A name that shares less than half with ours helps nobody. */
    if (nearest >= 0 && best * 2 <= strlen(rows[nearest].name))
        return err_set(e, ERR_USAGE, "unknown setting \"%.*s\"; did you mean \"%s\"?", STR_ARG(shown),
                       rows[nearest].name);
    return err_set(e, ERR_USAGE, "unknown setting \"%.*s\"", STR_ARG(shown));
}

static int name_find(struct str name)
{
    for (int i = 0; i < CONF_COUNT; i++) {
        if (str_eqz(name, rows[i].name))
            return i;
    }
    return -1;
}

/* A size: a number with K, M or G (1024) behind it, also KiB, KB and so on. */
static int size_parse(struct str s, uint64_t *ret)
{
    unsigned shift = 0;
    uint64_t v;

    if (str_iends(s, STR_LIT("iB")))
        s.n -= 2;
    else if (s.n > 1 && str_iends(s, STR_LIT("B")))
        s.n--;
    if (s.n && strchr("kKmMgGtT", s.p[s.n - 1])) {
        char unit = (char)(s.p[--s.n] | 32);
        shift = unit == 'k' ? 10 : unit == 'm' ? 20 : unit == 'g' ? 30 : 40;
        s = str_trim(s);
    }
    int r = str_u64(s, 10, &v);
    if (r < 0)
        return r;
    if (v > UINT64_MAX >> shift)
        return ERR_LIMIT;
    *ret = v << shift;
    return 0;
}

static void size_format(uint64_t v, char *text, size_t n)
{
    static const char units[] = "\0KMGT";
    unsigned unit = 0;

    while (unit < 4 && v && v % 1024 == 0) {
        v /= 1024;
        unit++;
    }
    snprintf(text, n, unit ? "%llu%c" : "%llu", (unsigned long long)v, units[unit]);
}

static int number_set(struct conf *c, int id, struct str value, struct err *e)
{
    const struct conf_row *row = &rows[id];
    char low[32], high[32];
    uint64_t v;
    int r = row->type == CONF_SIZE ? size_parse(value, &v) : str_u64(value, 10, &v);

    if (r == ERR_FORMAT)
        return err_set(e, ERR_USAGE, "%s: \"%.*s\" is not a %s", row->name, STR_ARG(str_sub(value, 0, 64)),
                       row->type == CONF_SIZE ? "size (a number, with K, M or G if you like)" : "number");
    if (r < 0 || v < row->min || v > row->max) {
        if (row->type == CONF_SIZE) {
            size_format(row->min, low, sizeof(low));
            size_format(row->max, high, sizeof(high));
        } else {
            snprintf(low, sizeof(low), "%llu", (unsigned long long)row->min);
            snprintf(high, sizeof(high), "%llu", (unsigned long long)row->max);
        }
        return err_set(e, ERR_USAGE, "%s: %.*s is not between %s and %s", row->name, STR_ARG(str_sub(value, 0, 64)),
                       low, high);
    }
    c->number[id] = v;
    return 0;
}

static int choice_set(struct conf *c, int id, struct str value, struct err *e)
{
    struct str rest = str_from(rows[id].choices), word;

    while (str_split(&rest, ' ', &word)) {
        if (str_eq(word, value))
            return text_set(&c->text[id], value, e);
    }
    return err_set(e, ERR_USAGE, "%s: \"%.*s\" is none of: %s", rows[id].name, STR_ARG(str_sub(value, 0, 64)),
                   rows[id].choices);
}

static int path_set(struct conf *c, int id, struct str value, struct err *e)
{
    bool home = str_starts(value, STR_LIT("~/"));

    if (value.n && memchr(value.p, 0, value.n))
        return err_set(e, ERR_USAGE, "%s: a path cannot hold a NUL byte", rows[id].name);
    if (value.n && value.p[0] != '/' && !home)
        return err_set(e, ERR_USAGE, "%s: \"%.*s\" is not an absolute path", rows[id].name,
                       STR_ARG(str_sub(value, 0, 128)));
    if (!home)
        return text_set(&c->text[id], value, e);
    if (!c->home)
        return err_set(e, ERR_USAGE, "%s: \"~\" is of no use without HOME in the environment", rows[id].name);
    struct buf b;
    buf_init(&b, 2 * VALUE_MAX);
    buf_addz(&b, c->home);
    buf_add_str(&b, str_sub(value, 1, value.n));
    int r = b.failed ? err_set(e, b.failed, "%s: too long", rows[id].name) : text_set(&c->text[id], buf_str(&b), e);
    buf_free(&b);
    return r;
}

static int value_set(struct conf *c, int id, struct str value, const char *source, struct err *e)
{
    int r;

    if (value.n > VALUE_MAX)
        return err_set(e, ERR_LIMIT, "%s: the value is longer than %d bytes", rows[id].name, VALUE_MAX);
    switch (rows[id].type) {
    case CONF_NUMBER:
    case CONF_SIZE:
        r = number_set(c, id, value, e);
        break;
    case CONF_CHOICE:
        r = choice_set(c, id, value, e);
        break;
    default:
        r = path_set(c, id, value, e);
        break;
    }
    return r < 0 ? r : text_set(&c->source[id], str_from(source), e);
}

int conf_set(struct conf *c, struct str name, struct str value, struct err *e)
{
    int id = name_find(name);

    return id < 0 ? name_unknown(name, e) : value_set(c, id, value, "command line", e);
}

/* Takes the value out of the text behind '=': quotes and comments. */
static int value_read(struct str text, struct str *ret, struct err *e)
{
    text = str_trim(text);
    if (text.n && text.p[0] == '"') {
        const char *end = memchr(text.p + 1, '"', text.n - 1);
        if (!end)
            return err_set(e, ERR_FORMAT, "the value's closing quote is missing");
        struct str behind = str_trim(str_sub(text, (size_t)(end - text.p) + 1, text.n));
        if (behind.n && behind.p[0] != '#')
            return err_set(e, ERR_FORMAT, "text behind the value's closing quote");
        *ret = (struct str){text.p + 1, (size_t)(end - text.p) - 1};
        return 0;
    }
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '#' && (i == 0 || text.p[i - 1] == ' ' || text.p[i - 1] == '\t')) {
            text.n = i;
            break;
        }
    }
    *ret = str_trim(text);
    return 0;
}

static int line_read(struct conf *c, struct str line, const char *source, bool seen[CONF_COUNT], struct err *e)
{
    struct str name, value, rest = str_trim(line);

    if (rest.n == 0 || rest.p[0] == '#')
        return 0;
    str_split(&rest, '=', &name);
    if (!rest.p)
        return err_set(e, ERR_FORMAT, "expected: name = value");
    name = str_trim(name);
    int id = name_find(name);
    if (id < 0)
        return name_unknown(name, e);
    if (seen[id])
        return err_set(e, ERR_FORMAT, "%s was set before in this file", rows[id].name);
    seen[id] = true;
    int r = value_read(rest, &value, e);
    return r < 0 ? r : value_set(c, id, value, source, e);
}

static int text_read(struct conf *c, const char *name, struct str text, struct err *e)
{
    bool seen[CONF_COUNT] = {false};
    char source[256];
    struct str line;
    int r = 0;

    /* An editor's byte order mark is no part of the first name. */
    if (str_starts(text, STR_LIT("\xef\xbb\xbf")))
        text = str_sub(text, 3, text.n);
    for (unsigned number = 1; r == 0 && str_split(&text, '\n', &line); number++) {
        snprintf(source, sizeof(source), "%.200s:%u", name, number);
        r = line_read(c, line, source, seen, e);
        if (r < 0)
            err_prefix(e, "%s: ", source);
    }
    return r;
}

static void variable_name(int id, char *ret, size_t n)
{
    snprintf(ret, n, "BELLJAR_%s", rows[id].name);
    for (char *p = ret; *p; p++)
        *p = *p == '-' ? '_' : *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p;
}

/* The value of a variable in a list like environ, or NULL when it is not there or empty. */
static const char *variable(char *const *environment, const char *name)
{
    size_t n = strlen(name);

    for (; environment && *environment; environment++) {
        if (strncmp(*environment, name, n) == 0 && (*environment)[n] == '=')
            return (*environment)[n + 1] ? *environment + n + 1 : NULL;
    }
    return NULL;
}

static int environment_read(struct conf *c, char *const *environment, struct err *e)
{
    char name[128];

    for (int i = 0; i < CONF_COUNT; i++) {
        variable_name(i, name, sizeof(name));
        const char *value = variable(environment, name);
        int r = value ? value_set(c, i, str_from(value), name, e) : 0;
        if (r < 0) {
            err_prefix(e, "environment variable %s: ", name);
            return r;
        }
    }
    return 0;
}

/* HOME is what "~/" means. */
static int home_read(struct conf *c, char *const *environment, struct err *e)
{
    const char *value = variable(environment, "HOME");

    return value && value[0] == '/' ? text_set(&c->home, str_from(value), e) : 0;
}

static int places_make(struct conf *c, struct err *e)
{
    c->data_dir = path_data_dir();
    c->cache_dir = path_cache_dir();
    c->share_dir = path_share_dir();
    if (!c->data_dir || !c->cache_dir || !c->share_dir)
        return err_set(e, -ENOMEM, "no memory for settings");
    return 0;
}

int conf_parse(const char *name, struct str text, char *const *environment, struct conf **ret, struct err *e)
{
    struct conf *c = calloc(1, sizeof(*c));
    int r = c ? 0 : err_set(e, -ENOMEM, "no memory for settings");

    if (r == 0)
        r = home_read(c, environment, e);
    for (int i = 0; i < CONF_COUNT && r == 0; i++)
        r = value_set(c, i, str_from(rows[i].value), "default", e);
    if (r == 0)
        r = text_read(c, name, text, e);
    if (r == 0)
        r = environment_read(c, environment, e);
    if (r == 0)
        r = places_make(c, e);
    if (r == 0)
        *ret = c;
    else
        conf_free(&c);
    return r;
}

int conf_load(const char *path, struct conf **ret, struct err *e)
{
    struct buf text;
    int r = 0;

    buf_init(&text, CONF_FILE_MAX);
    if (path)
        r = file_read(path, CONF_FILE_MAX, &text, e);
    if (r >= 0)
        r = conf_parse(path ? path : "settings", buf_str(&text), environ, ret, e);
    buf_free(&text);
    return r;
}

uint64_t conf_number(const struct conf *c, enum conf_id id)
{
    return c->number[id];
}

const char *conf_text(const struct conf *c, enum conf_id id)
{
    return c->text[id] ? c->text[id] : "";
}

const char *conf_data_dir(const struct conf *c)
{
    const char *set = conf_text(c, CONF_DATA_DIR);
    return *set ? set : c->data_dir;
}

const char *conf_cache_dir(const struct conf *c)
{
    const char *set = conf_text(c, CONF_CACHE_DIR);
    return *set ? set : c->cache_dir;
}

const char *conf_share_dir(const struct conf *c)
{
    const char *set = conf_text(c, CONF_SHARE_DIR);
    return *set ? set : c->share_dir;
}

static void value_format(const struct conf *c, int id, char *ret, size_t n)
{
    if (rows[id].type == CONF_SIZE)
        size_format(c->number[id], ret, n);
    else if (rows[id].type == CONF_NUMBER)
        snprintf(ret, n, "%llu", (unsigned long long)c->number[id]);
    else
        snprintf(ret, n, "\"%s\"", conf_text(c, (enum conf_id)id));
}

int conf_write(const struct conf *c, FILE *out)
{
    char value[2 * VALUE_MAX + 8];

    for (int i = 0; i < CONF_COUNT; i++) {
        value_format(c, i, value, sizeof(value));
        fprintf(out, "# %s (%s)\n%s = %s\n", rows[i].doc, c->source[i], rows[i].name, value);
    }
    return ferror(out) ? -EIO : 0;
}

/* Folders also under the short names that path_*_dir() asks for. */
static int export_one(const struct conf *c, int id)
{
    char name[128], value[2 * VALUE_MAX + 8];

    variable_name(id, name, sizeof(name));
    if (rows[id].type == CONF_NUMBER || rows[id].type == CONF_SIZE)
        snprintf(value, sizeof(value), "%llu", (unsigned long long)conf_number(c, (enum conf_id)id));
    else
        snprintf(value, sizeof(value), "%s", conf_text(c, (enum conf_id)id));
    return setenv(name, value, 1) < 0 ? -errno : 0;
}

int conf_export(const struct conf *c)
{
    int r = 0;

    for (int i = 0; i < CONF_COUNT && r == 0; i++)
        r = export_one(c, i);
    if (r == 0 &&
        (setenv("BELLJAR_DATA", conf_data_dir(c), 1) < 0 || setenv("BELLJAR_CACHE", conf_cache_dir(c), 1) < 0))
        r = -errno;
    if (r == 0 && *conf_share_dir(c) && setenv("BELLJAR_SHARE", conf_share_dir(c), 1) < 0)
        r = -errno;
    return r;
}

static void range_write(FILE *out, const struct conf_row *row)
{
    char low[32], high[32];

    switch (row->type) {
    case CONF_NUMBER:
        fprintf(out, "%llu to %llu", (unsigned long long)row->min, (unsigned long long)row->max);
        break;
    case CONF_SIZE:
        size_format(row->min, low, sizeof(low));
        size_format(row->max, high, sizeof(high));
        fprintf(out, "%s to %s", low, high);
        break;
    case CONF_CHOICE:
        for (const char *p = row->choices; *p; p++)
            fputs(*p == ' ' ? ", " : (char[]){*p, 0}, out);
        break;
    case CONF_PATH:
        fputs("absolute path or ~/…", out);
        break;
    }
}

int conf_docs_write(FILE *out)
{
    char name[128];

    fputs("<!-- SPDX-License-Identifier: GPL-3.0-or-later -->\n"
          "# Settings\n\n"
          "Made from `src/conf/conf.def`; do not edit.\n\n"
          "A settings file has lines `name = value`; `#` starts a comment; a value with `#` or outer white space "
          "stands in\n"
          "double quotes. Sizes may end in K, M, G or T (powers of 1024). A variable of the environment goes over the "
          "file,\n"
          "the command line over both. Unknown names and values out of range are refused with file and line.\n\n"
          "| setting | default | values | environment | meaning |\n|---|---|---|---|---|\n",
          out);
    for (int i = 0; i < CONF_COUNT; i++) {
        variable_name(i, name, sizeof(name));
        fprintf(out, "| `%s` | %s%s%s | ", rows[i].name, *rows[i].value ? "`" : "", rows[i].value,
                *rows[i].value ? "`" : "");
        range_write(out, &rows[i]);
        fprintf(out, " | `%s` | %s |\n", name, rows[i].doc);
    }
    return ferror(out) ? -EIO : 0;
}
