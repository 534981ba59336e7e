/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/attack.h"

#include "base/err.h"

#include <pthread.h>
#include <stdlib.h>

/* Made at build from content/attack by embed.cmake; NUL-terminated. */
extern const char attack_techniques_tsv[], attack_tactics_tsv[], attack_mobile_tsv[], attack_mobile_tactics_tsv[];
extern const size_t attack_techniques_tsv_size, attack_tactics_tsv_size, attack_mobile_tsv_size,
    attack_mobile_tactics_tsv_size;

#define TACTICS_MAX 32
#define FOLLOW_MAX 8 /* an old id may lead to another old id */

struct row {
    struct attack_technique t;
    const char *superseded_by;
    bool active;
};

static struct {
    struct row *rows; /* of all domains; their texts are writable copies, tabs and newlines turned into NULs */
    size_t count;
    struct {
        struct attack_tactic items[TACTICS_MAX];
        unsigned count;
    } tactics[ATTACK_DOMAINS];
} table;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Cuts one line into columns in place. Returns the start of the next line or NULL. */
static char *row_split(char *line, char **cols, unsigned max)
{
    char *next = strchr(line, '\n');
    if (next)
        *next++ = '\0';
    for (unsigned i = 0; i < max; i++) {
        cols[i] = line;
        char *tab = strchr(line, '\t');
        if (tab) {
            *tab = '\0';
            line = tab + 1;
        } else {
            line += strlen(line);
        }
    }
    return next;
}

static int row_compare(const void *a, const void *b)
{
    return strcmp(((const struct row *)a)->t.id, ((const struct row *)b)->t.id);
}

static char *text_copy(const char *text, size_t n)
{
    char *copy = malloc(n + 1);
    if (copy)
        memcpy(copy, text, n + 1);
    return copy;
}

static void techniques_load(const char *tsv, size_t size, enum attack_domain domain)
{
    size_t lines = table.count + 1;
    for (const char *p = tsv; (p = strchr(p, '\n')); p++)
        lines++;
    char *text = text_copy(tsv, size);
    struct row *rows = realloc(table.rows, lines * sizeof(*rows));
    if (rows)
        table.rows = rows;
    if (!text || !rows) {
        free(text);
        return;
    }
    for (char *line = text; line && *line;) {
        char *c[7];
        bool comment = line[0] != 'T';
        line = row_split(line, c, 7);
        if (comment)
            continue;
        table.rows[table.count++] = (struct row){
            .t = {c[0], c[1], c[2], c[3], c[4], domain}, .superseded_by = c[6], .active = strcmp(c[5], "active") == 0};
    }
}

static void tactics_load(const char *tsv, size_t size, enum attack_domain domain)
{
    char *text = text_copy(tsv, size);
    for (char *line = text; line && *line && table.tactics[domain].count < TACTICS_MAX;) {
        char *c[3];
        bool comment = strncmp(line, "TA", 2) != 0;
        line = row_split(line, c, 3);
        if (!comment)
            table.tactics[domain].items[table.tactics[domain].count++] = (struct attack_tactic){c[0], c[1], c[2]};
    }
    if (!table.tactics[domain].count)
        free(text);
}

static void table_load(void)
{
    techniques_load(attack_techniques_tsv, attack_techniques_tsv_size, ATTACK_ENTERPRISE);
    techniques_load(attack_mobile_tsv, attack_mobile_tsv_size, ATTACK_MOBILE);
    if (table.count)
        qsort(table.rows, table.count, sizeof(*table.rows), row_compare);
    tactics_load(attack_tactics_tsv, attack_tactics_tsv_size, ATTACK_ENTERPRISE);
    tactics_load(attack_mobile_tactics_tsv, attack_mobile_tactics_tsv_size, ATTACK_MOBILE);
}

static const struct row *row_find(const char *id)
{
    struct row key = {.t.id = id};
    return table.count ? bsearch(&key, table.rows, table.count, sizeof(key), row_compare) : NULL;
}

const struct attack_technique *attack_technique(struct str id)
{
    char z[16];
    pthread_once(&once, table_load);
    if (id.n == 0 || id.n >= sizeof(z))
        return NULL;
    memcpy(z, id.p, id.n);
    z[id.n] = '\0';
    if (z[0] == 't')
        z[0] = 'T';
    const struct row *r = row_find(z);
    for (unsigned i = 0; r && !r->active && i < FOLLOW_MAX; i++)
        r = r->superseded_by[0] ? row_find(r->superseded_by) : NULL;
    return r && r->active ? &r->t : NULL;
}

const struct attack_tactic *attack_tactic_in(enum attack_domain domain, unsigned index)
{
    pthread_once(&once, table_load);
    return (unsigned)domain < ATTACK_DOMAINS && index < table.tactics[domain].count
               ? &table.tactics[domain].items[index]
               : NULL;
}

const struct attack_tactic *attack_tactic_at(unsigned index)
{
    return attack_tactic_in(ATTACK_ENTERPRISE, index);
}

/* Short names compared without regard to case and to what stands between the words. */
static bool name_same(struct str name, const char *z)
{
    if (name.n != strlen(z))
        return false;
    for (size_t i = 0; i < name.n; i++) {
        char a = name.p[i], b = z[i];
        a = a == '_' || a == ' ' ? '-' : a >= 'A' && a <= 'Z' ? (char)(a - 'A' + 'a') : a;
        b = b == ' ' ? '-' : b >= 'A' && b <= 'Z' ? (char)(b - 'A' + 'a') : b;
        if (a != b)
            return false;
    }
    return true;
}

const struct attack_tactic *attack_tactic_named(struct str name)
{
    const struct attack_tactic *t;
    /* TA0005 was called so until version 18; what it held is now in TA0005 and TA0112. */
    if (name_same(name, "defense-evasion"))
        name = STR_LIT("stealth");
    for (unsigned i = 0; (t = attack_tactic_at(i)); i++)
        if (name_same(name, t->shortname) || name_same(name, t->id) || name_same(name, t->name))
            return t;
    return NULL;
}

bool attack_technique_has_tactic(const struct attack_technique *t, const char *shortname)
{
    struct str rest = str_from(t->tactics), part;
    while (str_split(&rest, ',', &part))
        if (str_eqz(str_trim(part), shortname))
            return true;
    return false;
}

const char *attack_version_in(enum attack_domain domain)
{
    return domain == ATTACK_MOBILE ? "18.1" : "19";
}

const char *attack_version(void)
{
    return attack_version_in(ATTACK_ENTERPRISE);
}
