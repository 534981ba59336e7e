/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rules of all kinds from files and folders: loaded, checked, tested, listed. */
#include "cmd/rules-private.h"

#include "base/jsonw.h"
#include "cmd/text.h"
#include "detect/rulefiles.h"
#include "os/file.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

void rules_problem(void *context, const char *file, unsigned line, const char *reason)
{
    struct rules_sets *s = context;
    s->problems++;
    s->rejected[s->at]++;
    text_print(stderr, str_from(file));
    if (line)
        fprintf(stderr, ":%u", line);
    fputs(": ", stderr);
    text_print(stderr, str_from(reason));
    fputc('\n', stderr);
}

static unsigned kind_index(const struct rulekind *k)
{
    unsigned i = 0;
    while (rulekind_at(i) && rulekind_at(i) != k)
        i++;
    return i;
}

static int text_add(struct rules_sets *s, const struct rulekind *k, const char *path, struct str text, struct err *e)
{
    struct err bad = {0};
    s->at = kind_index(k);
    if (!s->set[s->at] && k->open(&s->set[s->at]) < 0)
        return err_set(e, -ENOMEM, "no memory for rules");
    /* A file that cannot be read at all was told to rules_problem. */
    int rc = k->add(s->set[s->at], path, text, rules_problem, s, &bad);
    return rc == -ENOMEM ? err_set(e, rc, "no memory for rules") : 0;
}

static int file_add(struct rules_sets *s, const char *path, const struct rulekind *only, struct err *e)
{
    struct buf text;
    struct err bad = {0};
    int rc = file_read(path, RULE_TEXT_MAX, &text, &bad);
    if (rc < 0) {
        s->at = only ? kind_index(only) : 0;
        rules_problem(s, path, 0, bad.text);
        return 0;
    }
    const struct rulekind *k = rulekind_of(path, buf_str(&text));
    if (!k)
        s->no_rules++;
    else if (!only || k == only)
        rc = text_add(s, k, path, buf_str(&text), e);
    buf_free(&text);
    return rc;
}

static int folder_add(struct rules_sets *s, const char *dir, const struct rulekind *only, struct err *e)
{
    struct rulefiles files;
    int rc = rulefiles_list(dir, rulekind_file, &files, e);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < files.count && rc >= 0; i++)
        rc = file_add(s, files.items[i], only, e);
    rulefiles_free(&files);
    return rc < 0 ? rc : 0;
}

int rules_sets_load(struct rules_sets *s, const char *path, const struct rulekind *only, struct err *e)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return err_errno(e, "cannot open %s", path);
    if (S_ISDIR(st.st_mode))
        return folder_add(s, path, only, e);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_UNSUPPORTED, "%s is neither a file nor a folder", path);
    unsigned before = s->no_rules;
    int rc = file_add(s, path, only, e);
    if (rc >= 0 && s->no_rules > before)
        return err_set(e, ERR_FORMAT, "%s does not look like rules of any kind that Belljar knows", path);
    return rc;
}

int rules_sets_load_own(struct rules_sets *s, const struct rulekind *only, struct err *e)
{
    const struct rulekind *k;
    char *share = path_share_dir();
    int rc = share ? 0 : err_set(e, ERR_MISSING, "the folder of rules is not known; give it as an argument");
    for (unsigned i = 0; rc >= 0 && (k = rulekind_at(i)); i++) {
        char *dir = path_join(share, k->content);
        if (!dir)
            rc = err_set(e, -ENOMEM, "no memory for rules");
        else if ((!only || k == only) && file_exists(dir))
            rc = folder_add(s, dir, k, e);
        free(dir);
    }
    free(share);
    return rc;
}

int rules_sets_finish(struct rules_sets *s, struct err *e)
{
    const struct rulekind *k;
    int rc = 0;
    for (s->at = 0; rc >= 0 && (k = rulekind_at(s->at)); s->at++)
        if (s->set[s->at] && k->finish)
            rc = k->finish(s->set[s->at], rules_problem, s, e);
    s->at = 0;
    if (s->no_rules)
        fprintf(stderr, "%u file%s without rules left out\n", s->no_rules, s->no_rules == 1 ? "" : "s");
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

int rules_check(struct rules_sets *s)
{
    const struct rulekind *k;
    size_t all = 0;
    for (unsigned i = 0; (k = rulekind_at(i)); i++) {
        if (!s->set[i])
            continue;
        all += k->count(s->set[i]);
        if (kinds_loaded(s) > 1)
            printf("%s: %zu loaded, %u rejected\n", k->name, k->count(s->set[i]), s->rejected[i]);
    }
    printf("%zu loaded, %u rejected\n", all, s->problems);
    return s->problems ? EXIT_FAILED : EXIT_FINE;
}

int rules_test(struct rules_sets *s)
{
    const struct rulekind *k;
    unsigned rejected = s->problems, bad = 0;
    struct err e = {0};
    for (unsigned i = 0; (k = rulekind_at(i)); i++) {
        unsigned run = 0, failed = 0, loaded_badly = s->rejected[i];
        if (!s->set[i])
            continue;
        s->at = i;
        int rc = k->test(s->set[i], &run, &failed, rules_problem, s);
        if (rc < 0) {
            err_set(&e, rc, "the tests of the %s rules could not be run: %s", k->name, err_name(rc));
            return cmd_failed(&e);
        }
        printf("%s: %zu rules, %u rejected, %u tests, %u failed\n", k->name, k->count(s->set[i]), loaded_badly, run,
               failed);
        bad += failed;
    }
    if (!kinds_loaded(s))
        printf("no rules\n");
    return bad || rejected ? EXIT_FAILED : EXIT_FINE;
}

static void item_json(struct jsonw *w, const struct rulekind *k, const struct rule_item *i)
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
    jsonw_object_end(w);
}

static size_t kind_list(const struct rulekind *k, const void *set, struct jsonw *w)
{
    struct rule_item i;
    size_t n = 0;
    for (; k->at(set, n, &i); n++) {
        if (w) {
            item_json(w, k, &i);
            continue;
        }
        text_print(stdout, i.id);
        printf("%*s %-13.*s %3u ", i.id.n < 44 ? (int)(44 - i.id.n) : 0, "", STR_ARG(i.level), i.points);
        for (unsigned a = 0; a < i.nattack; a++) {
            fputs(a ? "," : "", stdout);
            text_print(stdout, i.attack[a]);
        }
        fputs("  ", stdout);
        text_print(stdout, i.title);
        putchar('\n');
    }
    return n;
}

int rules_list(const struct rules_sets *s, bool json)
{
    const struct rulekind *k;
    struct jsonw w;
    size_t all = 0;
    fflush(stdout);
    if (json) {
        jsonw_to_fd(&w, STDOUT_FILENO, true);
        jsonw_array(&w);
    }
    for (unsigned i = 0; (k = rulekind_at(i)); i++)
        if (s->set[i])
            all += kind_list(k, s->set[i], json ? &w : NULL);
    if (!json) {
        printf("%zu rules\n", all);
        return EXIT_FINE;
    }
    jsonw_array_end(&w);
    if (jsonw_finish(&w) < 0 || write(STDOUT_FILENO, "\n", 1) != 1)
        return EXIT_FAILED;
    return EXIT_FINE;
}
