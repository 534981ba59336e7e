/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/rulekind-private.h"

#include "detect/behavior.h"
#include "detect/yara/kind.h"

/* ---- telling YAML rules apart: by the keys at the beginning of their lines --------------------------------------- */

static bool word_in(struct str w, const char *const *words)
{
    for (; *words; words++)
        if (str_eqz(w, *words))
            return true;
    return false;
}

/* Lines of the form "key:" without indentation whose key is one of the words. */
unsigned rulekind_keys(struct str text, const char *const *words)
{
    struct str line;
    unsigned n = 0;
    while (str_split(&text, '\n', &line)) {
        size_t k = 0;
        while (k < line.n && ((line.p[k] >= 'a' && line.p[k] <= 'z') || line.p[k] == '_'))
            k++;
        if (k && k < line.n && line.p[k] == ':')
            n += word_in(str_sub(line, 0, k), words);
    }
    return n;
}

const char *const rulekind_yaml_suffixes[] = {".yml", ".yaml", NULL};

/* ---- behaviour rules --------------------------------------------------------------------------------------------- */

static unsigned behavior_looks(struct str text)
{
    static const char *const keys[] = {"severity", "points",   "platforms", "category", "classes",
                                       "event",    "sequence", "count",     "attack",   NULL};
    return rulekind_keys(text, keys);
}

static int behavior_open(void **ret)
{
    struct behavior_rules *r;
    int rc = behavior_rules_new(&r);
    if (rc == 0)
        *ret = r;
    return rc;
}

static void behavior_close(void **set)
{
    struct behavior_rules *r = *set;
    behavior_rules_free(&r);
    *set = NULL;
}

static int behavior_add(void *set, const char *file, struct str text, rule_problem *problem, void *context,
                        struct err *e)
{
    return behavior_rules_add(set, file, text, problem, context, e);
}

static size_t behavior_count(const void *set)
{
    return behavior_rules_count(set);
}

static bool behavior_at(const void *set, size_t index, struct rule_item *ret)
{
    struct behavior_rule_info i;
    if (!behavior_rules_at(set, index, &i))
        return false;
    *ret = (struct rule_item){.id = i.id,
                              .title = i.title,
                              .file = i.file,
                              .level = str_from(severity_name(i.severity)),
                              .category = i.category,
                              .line = i.line,
                              .points = i.points,
                              .attack = i.attack,
                              .nattack = i.nattack,
                              .positive_tests = i.positive_tests,
                              .negative_tests = i.negative_tests};
    return true;
}

static int behavior_test(const void *set, unsigned *ret_run, unsigned *ret_failed, rule_problem *problem, void *context)
{
    return behavior_rules_test(set, ret_run, ret_failed, problem, context);
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static const struct rulekind behavior_rulekind = {.name = "behavior",
                                                  .doc = "Belljar's own rules over the events of a run",
                                                  .content = "content/behavior",
                                                  .suffixes = rulekind_yaml_suffixes,
                                                  .looks = behavior_looks,
                                                  .open = behavior_open,
                                                  .close = behavior_close,
                                                  .add = behavior_add,
                                                  .count = behavior_count,
                                                  .at = behavior_at,
                                                  .test = behavior_test};

static const struct rulekind *const kinds[] = {&behavior_rulekind, &sigma_rulekind, &yara_rulekind};

const struct rulekind *rulekind_at(unsigned index)
{
    return index < sizeof(kinds) / sizeof(kinds[0]) ? kinds[index] : NULL;
}

const struct rulekind *rulekind_find(const char *name)
{
    const struct rulekind *k;
    for (unsigned i = 0; (k = rulekind_at(i)); i++)
        if (strcmp(k->name, name) == 0)
            return k;
    return NULL;
}

bool rulekind_has_file(const struct rulekind *k, const char *name)
{
    /* Tests of YARA rules lie beside them, and are no YAML rules. */
    bool test = str_iends(str_from(name), STR_LIT(".test.yml"));
    for (const char *const *s = k->suffixes; *s; s++)
        if (test ? !strcmp(*s, ".test.yml") : str_iends(str_from(name), str_from(*s)))
            return true;
    return false;
}

bool rulekind_file(const char *name)
{
    const struct rulekind *k;
    for (unsigned i = 0; (k = rulekind_at(i)); i++)
        if (rulekind_has_file(k, name))
            return true;
    return false;
}

const struct rulekind *rulekind_of(const char *name, struct str text)
{
    const struct rulekind *k, *best = NULL;
    unsigned most = 0;
    for (unsigned i = 0; (k = rulekind_at(i)); i++) {
        unsigned n = rulekind_has_file(k, name) ? k->looks(text) : 0;
        if (n > most) {
            most = n;
            best = k;
        }
    }
    return best;
}
