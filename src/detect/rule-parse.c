/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One YAML document -> one rule. */
#include "detect/attack.h"
#include "detect/rule.h"

#include <errno.h>

static int severity_parse(struct str s, enum severity *ret)
{
    for (int i = 0; i <= SEVERITY_HIGH; i++)
        if (str_eqz(s, severity_name((enum severity)i))) {
            *ret = (enum severity)i;
            return 0;
        }
    return ERR_FORMAT;
}

static int scope_parse(struct str s, enum rule_scope *ret)
{
    static const char *const names[] = {"process", "siblings", "tree", "run"};
    for (int i = 0; i < 4; i++)
        if (str_eqz(s, names[i])) {
            *ret = (enum rule_scope)i;
            return 0;
        }
    return ERR_FORMAT;
}

static int class_find(struct str s)
{
    static const char *const names[CLASS_COUNT] = {"ransomware", "spreading", "phishing",  "banker", "trojan",
                                                   "adware",     "spyware",   "exploiter", "evader", "miner"};
    for (int i = 0; i < CLASS_COUNT; i++)
        if (str_eqz(s, names[i]))
            return i;
    return ERR_MISSING;
}

/* Every key of a map must be known: a misspelt one must not vanish. */
static int keys_check(struct compile *c, const struct yaml_tree *map, const char *what, const char *const *known)
{
    if (map->kind != YAML_TREE_MAP)
        return compile_fail(c, map->line, "%s must be a map", what);
    for (const struct yaml_tree *k = map->child; k; k = k->next) {
        const char *const *n = known;
        while (*n && !str_eqz(k->key, *n))
            n++;
        if (!*n)
            return compile_fail(c, k->line, "%s has no key '%.*s'", what, STR_ARG(k->key));
    }
    return 0;
}

static int text_get(struct compile *c, const struct yaml_tree *map, const char *key, bool needed, struct str *ret)
{
    const struct yaml_tree *n = yaml_tree_get(map, key);
    if (!n && !needed)
        return 0;
    if (!n || n->kind != YAML_TREE_SCALAR || n->text.n == 0)
        return compile_fail(c, n ? n->line : map->line, "'%s' is missing or is not text", key);
    *ret = n->text;
    return 0;
}

static int number_get(struct compile *c, const struct yaml_tree *map, const char *key, bool is_time, int64_t min,
                      int64_t max, int64_t *ret)
{
    const struct yaml_tree *n = yaml_tree_get(map, key);
    int64_t v;
    if (!n)
        return 0;
    if (n->kind != YAML_TREE_SCALAR || number_parse(n->text, is_time, &v) < 0)
        return compile_fail(c, n->line, "'%s' is not a number%s", key, is_time ? " with a unit of time" : "");
    if (v < min || v > max)
        return compile_fail(c, n->line, "'%s' must be between %lld and %lld", key, (long long)min, (long long)max);
    *ret = v;
    return 0;
}

/* A scalar as a list of one. The copy has no neighbour. */
static const struct yaml_tree *list_first(const struct yaml_tree *n, struct yaml_tree *copy)
{
    if (n->kind == YAML_TREE_LIST)
        return n->child;
    *copy = *n;
    copy->next = NULL;
    return copy;
}

static int attack_parse(struct compile *c, const struct yaml_tree *n)
{
    struct yaml_tree one;
    for (const struct yaml_tree *t = n ? list_first(n, &one) : NULL; t; t = t->next) {
        const struct attack_technique *k = attack_technique(t->text);
        if (!k)
            return compile_fail(c, t->line, "'%.*s' is no ATT&CK technique of version %s", STR_ARG(t->text),
                                attack_version());
        if (c->rule->nattack == FINDING_ATTACK_MAX)
            return compile_fail(c, t->line, "more than %d techniques", FINDING_ATTACK_MAX);
        c->rule->attack[c->rule->nattack++] = str_from(k->id);
    }
    return 0;
}

static int classes_parse(struct compile *c, const struct yaml_tree *n)
{
    if (n && n->kind != YAML_TREE_MAP)
        return compile_fail(c, n->line, "classes must be a map of class and weight");
    for (const struct yaml_tree *k = n ? n->child : NULL; k; k = k->next) {
        int cls = class_find(k->key);
        int64_t w;
        if (cls < 0)
            return compile_fail(c, k->line, "unknown class '%.*s'", STR_ARG(k->key));
        if (number_parse(k->text, false, &w) < 0 || w < 0 || w > 10)
            return compile_fail(c, k->line, "the weight of a class is 0 to 10");
        c->rule->classes[cls] = (uint8_t)w;
    }
    return 0;
}

static int lineage_parse(struct compile *c, const struct yaml_tree *n, uint8_t *ret)
{
    static const struct {
        const char *name;
        unsigned bits;
    } words[] = {{"sample", 1u << PROC_SAMPLE},
                 {"adopted", 1u << PROC_ADOPTED},
                 {"system", 1u << PROC_SYSTEM},
                 {"network", 1u << LINEAGE_NETWORK},
                 {"any", LINEAGE_ANY}};
    struct yaml_tree one;
    unsigned bits = 0;
    *ret = LINEAGE_DEFAULT;
    if (!n)
        return 0;
    for (const struct yaml_tree *w = list_first(n, &one); w; w = w->next) {
        unsigned i = 0;
        while (i < 5 && !str_eqz(w->text, words[i].name))
            i++;
        if (i == 5)
            return compile_fail(c, w->line, "lineage is sample, adopted, system, network or any");
        bits |= words[i].bits;
    }
    if (!bits)
        return compile_fail(c, n->line, "an empty list of lineages");
    *ret = (uint8_t)bits;
    return 0;
}

static int events_parse(struct compile *c, const struct yaml_tree *n)
{
    struct yaml_tree one;
    bool any = false;
    for (const struct yaml_tree *k = list_first(n, &one); k; k = k->next) {
        const struct event_kind_info *info;
        bool found = false;
        for (size_t i = 0; (info = event_kind_at(i)); i++)
            if (info->kind < EVENT_KIND_MAX && str_glob(k->text, str_from(info->name), false)) {
                c->detector->kinds[info->kind / 8] |= (uint8_t)(1u << (info->kind % 8));
                found = any = true;
            }
        if (!found)
            return compile_fail(c, k->line, "there is no kind of event '%.*s'", STR_ARG(k->text));
    }
    return any ? 0 : compile_fail(c, n->line, "an empty list of events");
}

static int var_index(struct compile *c, unsigned line, struct str name, bool make, uint8_t *ret)
{
    struct rule *r = c->rule;
    for (unsigned i = 0; i < r->nvars; i++)
        if (str_eq(r->vars[i], name)) {
            *ret = (uint8_t)i;
            return 0;
        }
    if (!make)
        return compile_fail(c, line, "the variable '%.*s' is not set by an earlier step", STR_ARG(name));
    if (r->nvars == RULE_VARS_MAX)
        return compile_fail(c, line, "more than %d variables", RULE_VARS_MAX);
    r->vars[r->nvars] = name;
    *ret = (uint8_t)r->nvars++;
    return 0;
}

/* let: {variable: Field} */
static int lets_parse(struct compile *c, const struct yaml_tree *n)
{
    struct detector *d = c->detector;
    enum field_class cls;
    if (n && n->kind != YAML_TREE_MAP)
        return compile_fail(c, n->line, "let must be a map of variable and field");
    for (const struct yaml_tree *v = n ? n->child : NULL; v; v = v->next) {
        if (d->nlets == RULE_VARS_MAX)
            return compile_fail(c, v->line, "more than %d variables", RULE_VARS_MAX);
        int rc = var_index(c, v->line, v->key, true, &d->lets[d->nlets].var);
        if (rc >= 0)
            rc = field_find(c, v->line, v->text, &d->lets[d->nlets].field);
        if (rc >= 0)
            rc = field_class_of(c, v->line, d->lets[d->nlets].field, &cls, NULL);
        if (rc < 0)
            return rc;
        d->nlets++;
    }
    return 0;
}

/* join: {variable: Field} or {variable: [Field, Field]} */
static int joins_parse(struct compile *c, const struct yaml_tree *n)
{
    struct detector *d = c->detector;
    enum field_class cls;
    if (n && n->kind != YAML_TREE_MAP)
        return compile_fail(c, n->line, "join must be a map of variable and field");
    for (const struct yaml_tree *v = n ? n->child : NULL; v; v = v->next) {
        struct yaml_tree one;
        struct join *j = &d->joins[d->njoins];
        if (d->njoins == RULE_VARS_MAX)
            return compile_fail(c, v->line, "more than %d variables", RULE_VARS_MAX);
        int rc = var_index(c, v->line, v->key, false, &j->var);
        for (const struct yaml_tree *f = list_first(v, &one); f && rc >= 0; f = f->next) {
            if (j->count == RULE_JOIN_FIELDS_MAX)
                return compile_fail(c, f->line, "more than %d fields for one variable", RULE_JOIN_FIELDS_MAX);
            rc = field_find(c, f->line, f->text, &j->fields[j->count]);
            if (rc >= 0)
                rc = field_class_of(c, f->line, j->fields[j->count++], &cls, NULL);
        }
        if (rc < 0)
            return rc;
        d->njoins++;
    }
    return 0;
}

/* What a rule of one event, a counting rule and a step have in common. */
static int detector_parse(struct compile *c, const struct yaml_tree *n)
{
    struct detector *d = c->detector;
    const struct yaml_tree *event = yaml_tree_get(n, "event"), *refs = yaml_tree_get(n, "rule");
    const struct yaml_tree *detection = yaml_tree_get(n, "detection");
    struct yaml_tree one;
    if (!event == !refs)
        return compile_fail(c, n->line, "either 'event' or 'rule' must say what is looked at");
    int rc = lineage_parse(c, yaml_tree_get(n, "lineage"), &d->lineage);
    if (rc < 0)
        return rc;
    if (refs) {
        if (detection || yaml_tree_get(n, "let") || yaml_tree_get(n, "join"))
            return compile_fail(c, refs->line, "a step that names rules has no detection, let or join");
        for (const struct yaml_tree *r = list_first(refs, &one); r; r = r->next) {
            if (d->nrefs == RULE_REFS_MAX)
                return compile_fail(c, r->line, "more than %d rules", RULE_REFS_MAX);
            if (r->kind != YAML_TREE_SCALAR || r->text.n == 0)
                return compile_fail(c, r->line, "the id of a rule is wanted");
            d->refs[d->nrefs++] = r->text;
        }
        return 0;
    }
    rc = events_parse(c, event);
    if (rc >= 0 && detection)
        rc = detection_compile(c, detection);
    if (rc >= 0)
        rc = joins_parse(c, yaml_tree_get(n, "join"));
    if (rc >= 0)
        rc = lets_parse(c, yaml_tree_get(n, "let"));
    return rc;
}

static int steps_parse(struct compile *c, const struct yaml_tree *steps)
{
    static const char *const known[] = {"event", "rule", "detection", "let", "join", "absent", "lineage", "name", NULL};
    struct rule *r = c->rule;
    if (!steps || steps->kind != YAML_TREE_LIST || steps->count < 2 || steps->count > RULE_STEPS_MAX)
        return compile_fail(c, steps ? steps->line : c->line, "a sequence has 2 to %d steps", RULE_STEPS_MAX);
    for (const struct yaml_tree *s = steps->child; s; s = s->next) {
        struct detector *d = &r->detectors[r->ndetectors];
        int rc = keys_check(c, s, "a step", known);
        if (rc < 0)
            return rc;
        const struct yaml_tree *absent = yaml_tree_get(s, "absent");
        if (absent && yaml_tree_bool(absent, &d->absent) < 0)
            return compile_fail(c, absent->line, "'absent' is true or false");
        d->gap = (uint8_t)r->nsteps;
        d->step = (uint8_t)r->nsteps;
        c->detector = d;
        rc = detector_parse(c, s);
        if (rc < 0)
            return rc;
        if (r->nsteps == 0 && d->njoins)
            return compile_fail(c, s->line, "the first step has nothing to join with");
        if (d->absent && d->nlets)
            return compile_fail(c, s->line, "an absent step cannot set variables");
        r->absent_first = r->absent_first || (d->absent && r->nsteps == 0);
        r->absent_last = d->absent && r->nsteps > 0;
        if (!d->absent)
            r->nsteps++;
        r->ndetectors++;
    }
    return r->nsteps ? 0 : compile_fail(c, steps->line, "at least one step must not be absent");
}

static int sequence_parse(struct compile *c, const struct yaml_tree *n)
{
    static const char *const known[] = {"within", "scope", "ordered", "steps", NULL};
    struct rule *r = c->rule;
    bool ordered = true;
    r->scope = SCOPE_TREE;
    int rc = keys_check(c, n, "sequence", known);
    if (rc >= 0)
        rc = number_get(c, n, "within", true, 1, INT64_MAX, &r->within);
    if (rc < 0)
        return rc;
    const struct yaml_tree *k = yaml_tree_get(n, "scope");
    if (k && scope_parse(k->text, &r->scope) < 0)
        return compile_fail(c, k->line, "scope is process, siblings, tree or run");
    k = yaml_tree_get(n, "ordered");
    if (k && yaml_tree_bool(k, &ordered) < 0)
        return compile_fail(c, k->line, "'ordered' is true or false");
    r->type = ordered ? RULE_SEQUENCE : RULE_UNORDERED;
    c->line = n->line;
    rc = steps_parse(c, yaml_tree_get(n, "steps"));
    if (rc < 0)
        return rc;
    for (unsigned i = 0; !ordered && i < r->ndetectors; i++)
        if (r->detectors[i].absent || r->detectors[i].njoins)
            return compile_fail(c, n->line, "steps without order can neither be absent nor join");
    return 0;
}

static int count_field(struct compile *c, const struct yaml_tree *n, const char *key, bool number, bool *ret_has,
                       uint16_t *ret)
{
    const struct yaml_tree *k = yaml_tree_get(n, key);
    enum field_class cls;
    if (!k)
        return 0;
    int rc = field_find(c, k->line, k->text, ret);
    if (rc >= 0)
        rc = field_class_of(c, k->line, *ret, &cls, NULL);
    if (rc < 0)
        return rc;
    if (number && cls != FIELD_NUMBER)
        return compile_fail(c, k->line, "'%s' needs a number", key);
    *ret_has = true;
    return 0;
}

static int count_parse(struct compile *c, const struct yaml_tree *n)
{
    static const char *const known[] = {"at-least", "distinct", "sum", "per", "within", "scope", NULL};
    struct rule *r = c->rule;
    int64_t least = 0;
    r->type = RULE_COUNT;
    r->scope = SCOPE_TREE;
    int rc = keys_check(c, n, "count", known);
    if (rc >= 0)
        rc = number_get(c, n, "within", true, 1, INT64_MAX, &r->within);
    if (rc >= 0)
        rc = number_get(c, n, "at-least", false, 1, INT64_MAX, &least);
    if (rc >= 0)
        rc = count_field(c, n, "distinct", false, &r->has_distinct, &r->distinct);
    if (rc >= 0)
        rc = count_field(c, n, "sum", true, &r->has_sum, &r->sum);
    if (rc >= 0)
        rc = count_field(c, n, "per", false, &r->has_per, &r->per);
    if (rc < 0)
        return rc;
    const struct yaml_tree *k = yaml_tree_get(n, "scope");
    if (k && scope_parse(k->text, &r->scope) < 0)
        return compile_fail(c, k->line, "scope is process, siblings, tree or run");
    if (least == 0)
        return compile_fail(c, n->line, "'at-least' is missing");
    if (r->has_sum && r->has_distinct)
        return compile_fail(c, n->line, "either 'sum' or 'distinct'");
    if (!r->has_sum && (r->has_distinct || r->within) && least > RULE_COUNT_MAX)
        return compile_fail(c, n->line, "'at-least' is more than %d", RULE_COUNT_MAX);
    r->at_least = (uint64_t)least;
    return 0;
}

static int title_part_add(struct compile *c, unsigned line, struct title_part part)
{
    if (c->rule->nparts == RULE_TITLE_PARTS_MAX)
        return compile_fail(c, line, "more than %d parts in the title", RULE_TITLE_PARTS_MAX);
    c->rule->parts[c->rule->nparts++] = part;
    return 0;
}

/* {Field}, {variable}, {count} */
static int title_var(struct compile *c, unsigned line, struct str name)
{
    struct title_part p = {.kind = PART_COUNT};
    struct rule *r = c->rule;
    uint8_t var;
    struct err scratch = {0};
    struct compile quiet = *c;
    quiet.err = &scratch;
    if (str_eqz(name, "count"))
        return title_part_add(c, line, p);
    if (var_index(&quiet, line, name, false, &var) >= 0) {
        p.kind = PART_VAR;
        p.index = var;
        return title_part_add(c, line, p);
    }
    p.kind = PART_FIELD;
    int rc = field_find(c, line, name, &p.index);
    if (rc < 0)
        return rc;
    /* The event at hand is that of the last step that must happen. */
    for (unsigned i = 0; i < r->ndetectors; i++)
        if (!r->detectors[i].absent)
            c->detector = &r->detectors[i];
    enum field_class cls;
    rc = c->detector->nrefs ? 0 : field_class_of(c, line, p.index, &cls, NULL);
    return rc < 0 ? rc : title_part_add(c, line, p);
}

static int title_parse(struct compile *c, unsigned line)
{
    struct str rest = c->rule->title;
    int rc = 0;
    while (rest.n && rc >= 0) {
        ptrdiff_t open = str_find(rest, STR_LIT("{"));
        struct str text = open < 0 ? rest : str_sub(rest, 0, (size_t)open);
        if (text.n)
            rc = title_part_add(c, line, (struct title_part){.text = text, .kind = PART_TEXT});
        if (open < 0 || rc < 0)
            break;
        rest = str_sub(rest, (size_t)open + 1, rest.n);
        ptrdiff_t close = str_find(rest, STR_LIT("}"));
        if (close < 0)
            return compile_fail(c, line, "a '}' is missing in the title");
        rc = title_var(c, line, str_sub(rest, 0, (size_t)close));
        rest = str_sub(rest, (size_t)close + 1, rest.n);
    }
    return rc;
}

static int id_check(struct compile *c, unsigned line)
{
    struct str id = c->rule->id;
    for (size_t i = 0; i < id.n; i++)
        if (!((id.p[i] >= 'a' && id.p[i] <= 'z') || (id.p[i] >= '0' && id.p[i] <= '9') || id.p[i] == '.' ||
              id.p[i] == '-'))
            return compile_fail(c, line, "an id is made of a-z, 0-9, '.' and '-'");
    if (id.n > 128)
        return compile_fail(c, line, "an id has at most 128 characters");
    return 0;
}

uint8_t platform_bit(struct str name)
{
    static const char *const names[] = {"linux", "windows", "macos", "android"};
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (str_eqz(name, names[i]))
            return (uint8_t)(1u << i);
    return str_eqz(name, "any") ? 0xff : 0;
}

static int platforms_parse(struct compile *c, const struct yaml_tree *n)
{
    struct yaml_tree one;
    for (const struct yaml_tree *p = n ? list_first(n, &one) : NULL; p; p = p->next) {
        uint8_t bit = platform_bit(p->text);
        if (!bit)
            return compile_fail(c, p->line, "unknown platform '%.*s'", STR_ARG(p->text));
        c->rule->platforms |= bit;
    }
    return c->rule->platforms ? 0 : compile_fail(c, n ? n->line : c->rule->line, "'platforms' is missing");
}

static int head_parse(struct compile *c, const struct yaml_tree *doc)
{
    struct rule *r = c->rule;
    struct str severity = STR_NONE;
    int64_t points = 0, titles = RULE_TITLES_DEFAULT;
    int rc = text_get(c, doc, "id", true, &r->id);
    if (rc >= 0)
        rc = id_check(c, doc->line);
    if (rc >= 0)
        rc = text_get(c, doc, "title", true, &r->title);
    if (rc >= 0)
        rc = text_get(c, doc, "description", false, &r->description);
    if (rc >= 0)
        rc = text_get(c, doc, "malware", false, &r->threat);
    if (rc >= 0)
        rc = text_get(c, doc, "category", true, &r->category);
    if (rc >= 0 && finding_category_find(r->category) < 0)
        rc = compile_fail(c, yaml_tree_get(doc, "category")->line,
                          "unknown category '%.*s' (docs/user/verdict.md lists them)", STR_ARG(r->category));
    if (rc >= 0)
        rc = text_get(c, doc, "severity", true, &severity);
    if (rc >= 0 && severity_parse(severity, &r->severity) < 0)
        rc = compile_fail(c, yaml_tree_get(doc, "severity")->line, "severity is info, low, medium or high");
    if (rc >= 0 && !yaml_tree_get(doc, "points"))
        rc = compile_fail(c, doc->line, "'points' is missing");
    if (rc >= 0)
        rc = number_get(c, doc, "points", false, 0, 100, &points);
    if (rc >= 0)
        rc = number_get(c, doc, "findings", false, 1, RULE_TITLES_MAX, &titles);
    if (rc >= 0)
        rc = attack_parse(c, yaml_tree_get(doc, "attack"));
    if (rc >= 0)
        rc = classes_parse(c, yaml_tree_get(doc, "classes"));
    if (rc >= 0)
        rc = platforms_parse(c, yaml_tree_get(doc, "platforms"));
    r->points = (unsigned)points;
    r->titles_max = (unsigned)titles;
    return rc;
}

int rule_parse(struct compile *c, const struct yaml_tree *doc)
{
    static const char *const known[] = {
        "id",        "title",     "description",    "category",   "severity", "points",  "attack",  "classes",
        "platforms", "findings",  "falsepositives", "references", "author",   "license", "malware", "event",
        "rule",      "detection", "lineage",        "sequence",   "count",    "tests",   NULL};
    struct rule *r = c->rule;
    const struct yaml_tree *sequence = yaml_tree_get(doc, "sequence"), *count = yaml_tree_get(doc, "count");
    r->line = doc->line;
    int rc = keys_check(c, doc, "a rule", known);
    if (rc >= 0)
        rc = head_parse(c, doc);
    if (rc < 0)
        return rc;
    if (sequence) {
        if (count || yaml_tree_get(doc, "event") || yaml_tree_get(doc, "rule") || yaml_tree_get(doc, "detection"))
            return compile_fail(c, sequence->line, "a sequence has its events in its steps");
        rc = sequence_parse(c, sequence);
    } else {
        r->ndetectors = r->nsteps = 1;
        c->detector = &r->detectors[0];
        rc = detector_parse(c, doc);
        if (rc >= 0 && count)
            rc = count_parse(c, count);
    }
    if (rc >= 0)
        rc = title_parse(c, yaml_tree_get(doc, "title")->line);
    r->falsepositives = yaml_tree_get(doc, "falsepositives");
    r->tests = yaml_tree_get(doc, "tests");
    return rc;
}
