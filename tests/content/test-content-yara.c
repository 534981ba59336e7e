/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The YARA rules that come with Belljar: complete, true to their own tests, and silent on the programs of this system:
 * on a spread of them by default, on all files of /usr/bin and /usr/lib with BELLJAR_CONTENT_ALL=1 (minutes).
 */
#include "detect/attack.h"
#include "detect/finding.h"
#include "detect/rulefiles.h"
#include "detect/yara/kind.h"
#include "detect/yara/yara.h"

#include "base/buf.h"
#include "os/file.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define CONTENT "../../content/yara"
#define SPREAD 400                /* files that are scanned by default */
#define SPREAD_SIZE_MAX (4 << 20) /* of one of them */
#define TEXTS_MAX 64
#define FILES_MAX 400000

static void on_problem(void *context, const char *file, unsigned line, const char *reason)
{
    (void)context;
    fail_msg("%s:%u: %s", file, line, reason);
}

static void on_yara_problem(void *context, bool warning, struct str file, unsigned line, const char *reason)
{
    (void)context;
    fail_msg("%.*s:%u: %s%s", STR_ARG(file), line, warning ? "warning: " : "", reason);
}

/* ---- rules --------------------------------------------------------------------------------------------------- */

static bool is_yara(const char *name)
{
    struct str s = str_from(name);
    return s.n > 4 && str_eqz(str_sub(s, s.n - 4, s.n), ".yar");
}

struct set {
    struct rulefiles files;
    struct buf bytes[TEXTS_MAX];
    struct yara_text texts[TEXTS_MAX];
    struct yara_rules *rules;
};

static void set_open(struct set *s)
{
    struct err e = {0};
    struct yara_handlers h = {.problem = on_yara_problem};
    assert_int_equal(rulefiles_list(CONTENT, is_yara, &s->files, &e), 0);
    assert_in_range(s->files.count, 5, TEXTS_MAX);
    for (size_t i = 0; i < s->files.count; i++) {
        assert_int_equal(file_read(s->files.items[i], 1 << 20, &s->bytes[i], &e), 0);
        s->texts[i] = (struct yara_text){
            .ns = str_from(s->files.items[i]), .file = str_from(s->files.items[i]), .text = buf_str(&s->bytes[i])};
    }
    if (yara_compile(s->texts, s->files.count, NULL, 0, &h, &s->rules, &e) < 0)
        fail_msg("%s", e.text);
}

static void set_close(struct set *s)
{
    yara_rules_free(&s->rules);
    for (size_t i = 0; i < s->files.count; i++)
        buf_free(&s->bytes[i]);
    rulefiles_free(&s->files);
}

static void attack_check(const struct yara_hit *h, struct str list)
{
    struct str id;
    unsigned n = 0;
    while (str_split(&list, ',', &id)) {
        const struct attack_technique *t = attack_technique(id);
        n++;
        if (!t || !str_eqz(id, t->id))
            fail_msg("%.*s: the technique %.*s is unknown or has another number now", STR_ARG(h->rule), STR_ARG(id));
    }
    if (!n || n > FINDING_ATTACK_MAX)
        fail_msg("%.*s has no techniques, or too many", STR_ARG(h->rule));
}

struct names {
    char (*items)[96];
    unsigned count, max;
};

static int meta_check(void *context, const struct yara_hit *h)
{
    static const struct {
        const char *name;
        int64_t least, most;
    } range[] = {{"info", 0, 3}, {"low", 1, 10}, {"medium", 8, 30}, {"high", 20, 65}}; /* docs/user/verdict.md */
    struct names *names = context;
    struct str description = yara_hit_text(h, "description"), severity = yara_hit_text(h, "severity");
    const struct yara_meta *score = yara_hit_meta(h, "score");
    bool good = false;

#define NEED(x, what)                                                                                                  \
    if (!(x))                                                                                                          \
    fail_msg("%.*s: %s", STR_ARG(h->rule), what)
    NEED(description.n > 20 && description.p[description.n - 1] == '.', "the description is no sentence");
    NEED(str_eqz(yara_hit_text(h, "author"), "Belljar"), "it is not ours");
    NEED(str_eqz(yara_hit_text(h, "license"), "GPL-3.0-or-later"), "the licence is missing");
    NEED(score && score->kind == YARA_META_INTEGER, "the score is missing");
    for (size_t i = 0; i < sizeof(range) / sizeof(*range); i++)
        good = good ||
               (str_eqz(severity, range[i].name) && score->number >= range[i].least && score->number <= range[i].most);
    NEED(good, "severity and score do not fit together");
    NEED(finding_category_find(yara_hit_text(h, "category")) >= 0, "unknown category");
    for (unsigned i = 0; i < names->count; i++)
        NEED(!str_eqz(h->rule, names->items[i]), "two rules have this name");
    NEED(names->count < names->max && h->rule.n < sizeof(*names->items), "too many rules for this test");
#undef NEED
    attack_check(h, yara_hit_text(h, "attack"));
    snprintf(names->items[names->count++], sizeof(*names->items), "%.*s", STR_ARG(h->rule));
    return 0;
}

static void every_rule_is_complete(void **state)
{
    static char items[1000][96];
    struct names names = {.items = items, .max = 1000};
    struct set s = {0};
    (void)state;
    set_open(&s);
    assert_int_equal(yara_rules_each(s.rules, meta_check, &names), 0);
    assert_true(names.count >= 100);
    set_close(&s);
}

static bool is_content(const char *name)
{
    return rulekind_has_file(&yara_rulekind, name);
}

static void every_test_passes(void **state)
{
    const struct rulekind *k = &yara_rulekind;
    struct rulefiles files;
    struct err e = {0};
    struct buf text;
    unsigned run = 0, failed = 0;
    struct rule_item item;
    void *set;
    (void)state;
    assert_int_equal(k->open(&set), 0);
    assert_int_equal(rulefiles_list(CONTENT, is_content, &files, &e), 0);
    for (size_t i = 0; i < files.count; i++) {
        assert_int_equal(file_read(files.items[i], 1 << 20, &text, &e), 0);
        if (k->add(set, files.items[i], buf_str(&text), on_problem, NULL, &e) < 0)
            fail_msg("%s: %s", files.items[i], e.text);
        buf_free(&text);
    }
    if (k->finish)
        assert_int_equal(k->finish(set, on_problem, NULL, &e), 0);
    assert_int_equal(k->test(set, &run, &failed, on_problem, NULL), 0);
    assert_int_equal(failed, 0);
    assert_true(run >= 2 * k->count(set));
    for (size_t i = 0; i < k->count(set) && k->at(set, i, &item); i++)
        if (!item.positive_tests || !item.negative_tests)
            fail_msg("%.*s needs a text that matches and one that nearly matches", STR_ARG(item.id));
    k->close(&set);
    rulefiles_free(&files);
}

/* ---- the programs of this system ----------------------------------------------------------------------------- */

static struct {
    char **items;
    size_t count, cap;
    bool all;
} found;

static int on_file(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)ftw;
    if (kind != FTW_F || !S_ISREG(st->st_mode) || st->st_size == 0 || found.count >= FILES_MAX ||
        (!found.all && st->st_size > SPREAD_SIZE_MAX))
        return 0;
    if (found.count == found.cap) {
        found.cap = found.cap ? found.cap * 2 : 4096;
        found.items = realloc(found.items, found.cap * sizeof(*found.items));
        assert_non_null(found.items);
    }
    found.items[found.count] = strdup(path);
    assert_non_null(found.items[found.count++]);
    return 0;
}

/* How many rules hit; each is told. */
static unsigned file_scan(struct yara_rules *rules, const char *path)
{
    const char *name = strrchr(path, '/') + 1, *dot = strrchr(name, '.');
    struct yara_target t = {.filename = name, .filepath = path, .extension = dot ? dot : "", .timeout_s = 900};
    struct yara_result result;
    struct stat st;
    unsigned hits = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return 0;
    void *p = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0
                  ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)
                  : MAP_FAILED;
    close(fd);
    if (p == MAP_FAILED)
        return 0;
    yara_scan(rules, p, (size_t)st.st_size, &t, NULL, 0, &result);
    if (result.status != YARA_DONE)
        fail_msg("%s: %.*s", path, STR_ARG(result.text));
    for (uint32_t i = 0; i < result.nhits; i++, hits++)
        print_message("%s: %.*s\n", path, STR_ARG(result.hits[i].rule));
    yara_result_free(&result);
    munmap(p, (size_t)st.st_size);
    return hits;
}

static void ordinary_files_are_silent(void **state)
{
    static const char *const folders[] = {"/usr/bin", "/usr/lib"};
    struct set s = {0};
    unsigned hits = 0;
    size_t scanned = 0;
    const char *all = getenv("BELLJAR_CONTENT_ALL");
    (void)state;
    set_open(&s);
    found.all = all && *all && strcmp(all, "0") != 0;
    for (size_t i = 0; i < 2; i++) {
        found.count = 0;
        assert_int_equal(nftw(folders[i], on_file, 32, FTW_PHYS | FTW_MOUNT), 0);
        size_t step = found.all || found.count < SPREAD / 2 ? 1 : found.count / (SPREAD / 2);
        for (size_t k = 0; k < found.count; k++) {
            if (k % step == 0) {
                hits += file_scan(s.rules, found.items[k]);
                scanned++;
            }
            free(found.items[k]);
        }
    }
    free(found.items);
    set_close(&s);
    print_message("%zu files scanned, %u hits\n", scanned, hits);
    assert_true(scanned >= 100);
    assert_int_equal(hits, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule_is_complete),
        cmocka_unit_test(every_test_passes),
        cmocka_unit_test(ordinary_files_are_silent),
    };
    return cmocka_run_group_tests_name("content-yara", tests, NULL, NULL);
}
