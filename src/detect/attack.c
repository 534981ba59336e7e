/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/attack.h"

#include "base/err.h"

#include <pthread.h>
#include <stdlib.h>

/* Made at build from content/attack by embed.cmake; NUL-terminated. */
extern const char attack_techniques_tsv[], attack_tactics_tsv[];
extern const size_t attack_techniques_tsv_size, attack_tactics_tsv_size;

#define TACTICS_MAX 32
#define FOLLOW_MAX 8 /* an old id may lead to another old id */

struct row {
    struct attack_technique t;
    const char *superseded_by;
    bool active;
};

static struct {
    char *text, *tactic_text; /* writable copies, tabs and newlines turned into NULs */
    struct row *rows;
    size_t count;
    struct attack_tactic tactics[TACTICS_MAX];
    unsigned ntactics;
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

static void techniques_load(void)
{
    size_t lines = 0;
    for (const char *p = attack_techniques_tsv; (p = strchr(p, '\n')); p++)
        lines++;
    table.text = malloc(attack_techniques_tsv_size + 1);
    table.rows = calloc(lines + 1, sizeof(*table.rows));
    if (!table.text || !table.rows)
        return;
    memcpy(table.text, attack_techniques_tsv, attack_techniques_tsv_size + 1);
    for (char *line = table.text; line && *line;) {
        char *c[7];
        bool comment = line[0] != 'T';
        line = row_split(line, c, 7);
        if (comment)
            continue;
        table.rows[table.count++] =
            (struct row){.t = {c[0], c[1], c[2], c[3]}, .superseded_by = c[6], .active = strcmp(c[5], "active") == 0};
    }
    qsort(table.rows, table.count, sizeof(*table.rows), row_compare);
}

static void tactics_load(void)
{
    table.tactic_text = malloc(attack_tactics_tsv_size + 1);
    if (!table.tactic_text)
        return;
    memcpy(table.tactic_text, attack_tactics_tsv, attack_tactics_tsv_size + 1);
    for (char *line = table.tactic_text; line && *line && table.ntactics < TACTICS_MAX;) {
        char *c[3];
        bool comment = strncmp(line, "TA", 2) != 0;
        line = row_split(line, c, 3);
        if (!comment)
            table.tactics[table.ntactics++] = (struct attack_tactic){c[0], c[1], c[2]};
    }
}

static void table_load(void)
{
    techniques_load();
    tactics_load();
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
    const struct row *r = row_find(z);
    for (unsigned i = 0; r && !r->active && i < FOLLOW_MAX; i++)
        r = r->superseded_by[0] ? row_find(r->superseded_by) : NULL;
    return r && r->active ? &r->t : NULL;
}

const struct attack_tactic *attack_tactic_at(unsigned index)
{
    pthread_once(&once, table_load);
    return index < table.ntactics ? &table.tactics[index] : NULL;
}

const char *attack_version(void)
{
    return "19";
}
