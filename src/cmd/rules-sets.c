/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules of all kinds from texts: loaded, checked, tested, listed. Runs in a jail: rules may come from strangers. */
#include "cmd/rules-private.h"

#include "base/jsonw.h"
#include "cmd/text.h"
#include "detect/attack.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static void problem_tell(void *context, const char *file, unsigned line, const char *reason)
{
    struct rules_sets *s = context;
    s->problems++;
    s->rejected[s->at]++;
    text_print(s->problems_to, str_from(file));
    if (line)
        fprintf(s->problems_to, ":%u", line);
    fputs(": ", s->problems_to);
    text_print(s->problems_to, str_from(reason));
    fputc('\n', s->problems_to);
}

static int text_add(struct rules_sets *s, const struct ruletext *t, const char *name, uint32_t only, struct err *e)
{
    struct err bad = {0};
    const struct rulekind *k = rulekind_at(t->kind);
    if (t->kind == RULETEXT_NONE) {
        k = rulekind_of(name, t->text);
        s->no_rules += !k;
    }
    if (!k)
        return 0;
    for (s->at = 0; rulekind_at(s->at) != k;)
        s->at++;
    if (only != RULETEXT_NONE && only != s->at)
        return 0;
    if (!s->set[s->at] && k->open(&s->set[s->at]) < 0)
        return err_set(e, -ENOMEM, "no memory for rules");
    /* A file that cannot be read at all was told to problem_tell. */
    int rc = k->add(s->set[s->at], name, t->text, problem_tell, s, &bad);
    return rc == -ENOMEM ? err_set(e, rc, "no memory for rules") : 0;
}

static int texts_add(struct rules_sets *s, uint32_t only, struct err *e)
{
    const struct rulekind *k;
    int rc = 0;
    for (size_t i = 0; i < s->texts->count && rc >= 0; i++) {
        char name[RULETEXTS_NAME_MAX + 1];
        snprintf(name, sizeof(name), "%.*s", STR_ARG(s->texts->items[i].name));
        rc = text_add(s, &s->texts->items[i], name, only, e);
    }
    for (s->at = 0; rc >= 0 && (k = rulekind_at(s->at)); s->at++)
        if (s->set[s->at] && k->finish)
            rc = k->finish(s->set[s->at], problem_tell, s, e);
    s->at = 0;
    return rc;
}

void rules_sets_clear(struct rules_sets *s)
{
    const struct rulekind *k;
    for (unsigned i = 0; (k = rulekind_at(i)); i++)
        if (s->set[i])
            k->close(&s->set[i]);
}

static unsigned kinds_loaded(const struct rules_sets *s)
{
    unsigned n = 0;
    for (unsigned i = 0; rulekind_at(i); i++)
        n += s->set[i] != NULL;
    return n;
}

uint64_t rules_sets_count(const struct rules_sets *s)
{
    const struct rulekind *k;
    uint64_t n = 0;
    for (unsigned i = 0; (k = rulekind_at(i)); i++)
        n += s->set[i] ? k->count(s->set[i]) : 0;
    return n;
}

/* Such a rule works, but its findings name what nobody can look up. */
static void attack_warn(struct rules_sets *s, const struct rulekind *k, const void *set)
{
    struct rule_item item;
    for (size_t n = 0; k->at(set, n, &item); n++)
        for (unsigned a = 0; a < item.nattack; a++) {
            if (attack_technique(item.attack[a]))
                continue;
            text_print(s->problems_to, item.file);
            if (item.line)
                fprintf(s->problems_to, ":%u", item.line);
            fputs(": warning: ATT&CK ", s->problems_to);
            fprintf(s->problems_to, "%s has no technique '", attack_version());
            text_print(s->problems_to, item.attack[a]);
            fputs("'\n", s->problems_to);
        }
}

static int check(struct rules_sets *s)
{
    const struct rulekind *k;
    for (unsigned i = 0; (k = rulekind_at(i)); i++)
        if (s->set[i])
            attack_warn(s, k, s->set[i]);
    for (unsigned i = 0; kinds_loaded(s) > 1 && (k = rulekind_at(i)); i++)
        if (s->set[i])
            fprintf(s->out, "%s: %zu loaded, %u rejected\n", k->name, k->count(s->set[i]), s->rejected[i]);
    fprintf(s->out, "%llu loaded, %u rejected\n", (unsigned long long)rules_sets_count(s), s->problems);
    return s->problems ? EXIT_FAILED : EXIT_FINE;
}

static int test(struct rules_sets *s, struct err *e)
{
    const struct rulekind *k;
    unsigned bad = s->problems;
    for (unsigned i = 0; (k = rulekind_at(i)); i++) {
        unsigned run = 0, failed = 0, rejected = s->rejected[i];
        if (!s->set[i])
            continue;
        s->at = i;
        int rc = k->test(s->set[i], &run, &failed, problem_tell, s);
        if (rc < 0)
            return err_set(e, rc, "the tests of the %s rules could not be run: %s", k->name, err_name(rc));
        fprintf(s->out, "%s: %zu rules, %u rejected, %u tests, %u failed\n", k->name, k->count(s->set[i]), rejected,
                run, failed);
        bad += failed;
    }
    if (!kinds_loaded(s))
        fprintf(s->out, "no rules\n");
    return bad ? EXIT_FAILED : EXIT_FINE;
}

static bool is_off(const struct rules_sets *s, struct str id)
{
    for (size_t i = 0; i < s->texts->count; i++)
        if (s->texts->items[i].kind == RULETEXT_OFF && str_eq(s->texts->items[i].name, id))
            return true;
    return false;
}

static void item_json(struct jsonw *w, const struct rulekind *k, const struct rule_item *i, bool off)
{
    jsonw_object(w);
    jsonw_kz(w, "kind", k->name);
    jsonw_kbytes(w, "id", i->id);
    jsonw_kbytes(w, "title", i->title);
    jsonw_kbytes(w, "category", i->category);
    jsonw_kbytes(w, "severity", i->level);
    jsonw_ku64(w, "points", i->points);
    jsonw_karray(w, "attack");
    for (unsigned a = 0; a < i->nattack; a++)
        jsonw_bytes(w, i->attack[a]);
    jsonw_array_end(w);
    jsonw_kbytes(w, "file", i->file);
    jsonw_ku64(w, "line", i->line);
    jsonw_ku64(w, "positive_tests", i->positive_tests);
    jsonw_ku64(w, "negative_tests", i->negative_tests);
    jsonw_kbool(w, "off", off);
    jsonw_object_end(w);
}

static void item_print(FILE *out, const struct rule_item *i, bool off)
{
    text_print(out, i->id);
    fprintf(out, "%*s %-13.*s %3u ", i->id.n < 44 ? (int)(44 - i->id.n) : 0, "", STR_ARG(i->level), i->points);
    for (unsigned a = 0; a < i->nattack; a++) {
        fputs(a ? "," : "", out);
        text_print(out, i->attack[a]);
    }
    fputs(off ? "  (off) " : "  ", out);
    text_print(out, i->title);
    fputc('\n', out);
}

static size_t kind_list(const struct rules_sets *s, const struct rulekind *k, const void *set, struct jsonw *w)
{
    struct rule_item i;
    size_t n = 0;
    for (; k->at(set, n, &i); n++) {
        bool off = is_off(s, i.id);
        if (w)
            item_json(w, k, &i, off);
        else
            item_print(s->out, &i, off);
    }
    return n;
}

static int list(const struct rules_sets *s)
{
    const struct rulekind *k;
    struct jsonw w;
    size_t all = 0;
    fflush(s->out);
    if (s->json) {
        jsonw_to_fd(&w, fileno(s->out), true);
        jsonw_array(&w);
    }
    for (unsigned i = 0; (k = rulekind_at(i)); i++)
        if (s->set[i])
            all += kind_list(s, k, s->set[i], s->json ? &w : NULL);
    if (!s->json) {
        fprintf(s->out, "%zu rules\n", all);
        return EXIT_FINE;
    }
    jsonw_array_end(&w);
    int rc = jsonw_finish(&w);
    fputc('\n', s->out);
    return rc < 0 ? EXIT_FAILED : EXIT_FINE;
}

int rules_sets_work(struct rules_sets *s, enum rules_verb verb, uint32_t only, struct err *e)
{
    int rc = texts_add(s, only, e), code = EXIT_FINE;
    if (rc < 0)
        return rc;
    if (s->no_rules)
        fprintf(s->problems_to, "%u file%s without rules left out\n", s->no_rules, s->no_rules == 1 ? "" : "s");
    if (verb == RULES_CHECK)
        code = check(s);
    else if (verb == RULES_TEST)
        code = test(s, e);
    else if (verb == RULES_LIST)
        code = list(s);
    if (code >= 0 && (fflush(s->out) != 0 || ferror(s->out)))
        code = text_reader_gone(fileno(s->out)) ? (verb == RULES_LIST ? EXIT_FINE : code)
                                                : err_set(e, -EIO, "standard output could not be written");
    return code;
}
