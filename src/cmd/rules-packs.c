/* SPDX-License-Identifier: GPL-3.0-or-later */
/* belljar rules add, packs, update, use, remove, on, off. See docs/admin/rules.md. */
#include "cmd/rules-private.h"

#include "base/jsonw.h"
#include "cmd/text.h"
#include "detect/rulefetch.h"
#include "detect/rulepack.h"
#include "detect/unpack.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- where rules come from --------------------------------------------------------------------------------------- */

/* An archive, or a file of rules by its name. */
static int fd_read(int fd, const char *name, struct buf *texts, struct err *e)
{
    struct unpack_stats stats = {0};
    int rc;
    if (!rulekind_file(name)) {
        if ((rc = unpack_fd(fd, texts, &stats, e)) == 0 && stats.links)
            fprintf(stderr, "%u link%s or other things that are no files were left out\n", stats.links,
                    stats.links == 1 ? "" : "s");
        return rc;
    }
    struct buf text;
    if ((rc = file_read_fd(fd, RULE_TEXT_MAX, &text, e)) < 0)
        return rc;
    buf_init(texts, RULETEXTS_BYTES_MAX);
    rc = ruletexts_add(texts, &(struct ruletext){RULETEXT_NONE, 100, str_from(name), buf_str(&text)});
    buf_free(&text);
    return rc < 0 ? err_set(e, rc, "no memory for rules") : 0;
}

static int url_read(const char *url, struct buf *texts, struct err *e)
{
    char path[] = "/tmp/belljar-rules-XXXXXX";
    struct str address = str_from(url);
    ptrdiff_t query = str_find(address, STR_LIT("?"));
    char *name = str_dup(str_basename(query >= 0 ? str_sub(address, 0, (size_t)query) : address));
    int fd = mkostemp(path, O_CLOEXEC), rc = 0;
    if (fd < 0)
        rc = err_errno(e, "cannot make a file in /tmp");
    else
        unlink(path);
    if (rc == 0 && !name)
        rc = err_set(e, -ENOMEM, "no memory for rules");
    if (rc == 0 && (rc = rulefetch_to_fd(url, UNPACK_ARCHIVE_MAX, fd, e)) == 0)
        rc = fd_read(fd, name, texts, e);
    if (fd >= 0)
        close(fd);
    free(name);
    return rc;
}

static int source_read(const char *source, struct buf *texts, struct err *e)
{
    struct stat st;
    int rc, fd;
    if (rulefetch_is_url(source))
        return url_read(source, texts, e);
    if (stat(source, &st) < 0)
        return err_errno(e, "cannot open %s", source);
    if (S_ISDIR(st.st_mode)) {
        buf_init(texts, RULETEXTS_BYTES_MAX);
        if ((rc = rulepack_read_path(source, false, texts, e)) < 0)
            buf_free(texts);
        return rc;
    }
    fd = open(source, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_errno(e, "cannot open %s", source);
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        rc = err_set(e, ERR_UNSUPPORTED, "%s is neither a file nor a folder", source);
    else
        rc = fd_read(fd, str_basename(str_from(source)).p, texts, e);
    close(fd);
    if (rc < 0 && e->code == ERR_FORMAT)
        err_prefix(e, "%s: ", source);
    return rc;
}

/* ---- add, update, use -------------------------------------------------------------------------------------------- */

struct adding {
    const char *source; /* as it is kept */
    char *name;
    const struct rulekind *kind;
    unsigned weight;
};

static void pack_print(const struct rulepack *k)
{
    printf("%-20s %-9s %s  %s%llu rule%s in %llu file%s", k->name, k->kind->name, k->version, k->enabled ? "" : "off, ",
           (unsigned long long)k->rules, k->rules == 1 ? "" : "s", (unsigned long long)k->files,
           k->files == 1 ? "" : "s");
    if (k->rejected)
        printf(", %llu rejected", (unsigned long long)k->rejected);
    if (k->weight != 100)
        printf(", weight %u %%", k->weight);
    printf(", added %s\n", k->added);
    printf("    from ");
    text_print(stdout, str_from(k->source));
    printf("\n    licence: ");
    text_print(stdout, str_from(*k->licences ? k->licences : "none was found"));
    putchar('\n');
    for (size_t i = 0; i < k->nolder; i++)
        printf("%s%s%s", i ? ", " : "    older versions: ", k->older[i], i + 1 == k->nolder ? "\n" : "");
}

/* Compiles them in the jail before anything is stored. */
static int texts_check(struct ruletexts *t, const struct rulekind *k, struct rules_result *ret, struct err *e)
{
    struct buf only;
    int rc;
    buf_init(&only, RULETEXTS_BYTES_MAX);
    for (size_t i = 0; i < t->count; i++)
        if (t->items[i].kind != RULETEXT_NONE)
            ruletexts_add(&only, &t->items[i]);
    rc = only.failed ? err_set(e, only.failed, "the rules are larger than %u bytes", RULETEXTS_BYTES_MAX)
                     : rules_role_work(buf_str(&only), RULES_COUNT, rulekind_index(k), false, ret, e);
    buf_free(&only);
    if (rc == 0 && !ret->loaded)
        rc = err_set(e, ERR_FORMAT, "not one of these %s rules can be used", k->name);
    return rc;
}

static int texts_store(const struct adding *a, struct str bytes, struct err *e)
{
    struct ruletexts t = {0};
    struct rules_result result = {0};
    struct rulepacks packs = {.lock_fd = -1};
    struct rulepack *k = NULL;
    bool same = false;
    int rc = ruletexts_read(bytes, &t, e);
    if (rc == 0 && !rulepack_sort_out(&t, a->kind))
        rc = err_set(e, ERR_MISSING, "there are no %s rules in %s", a->kind->name, a->source);
    if (rc == 0) {
        ruletexts_sort(&t);
        rc = texts_check(&t, a->kind, &result, e);
    }
    if (rc == 0 && (rc = rulepacks_change(&packs, e)) == 0) {
        struct rulepack_new n = {a->name, a->source, a->kind, a->weight, result.loaded, result.rejected};
        rc = rulepacks_store(&packs, &n, &t, &k, &same, e);
        if (rc == 0) {
            if (same)
                printf("nothing new: this version is the current one already\n");
            pack_print(k);
        }
    }
    rulepacks_clear(&packs);
    ruletexts_free(&t);
    return rc;
}

static int pack_add(const struct adding *a, const char *from, struct err *e)
{
    struct buf texts = {0};
    int rc = source_read(from, &texts, e);
    if (rc == 0)
        rc = texts_store(a, buf_str(&texts), e);
    buf_free(&texts);
    return rc;
}

static int weight_read(const char *word, unsigned *ret)
{
    uint64_t v;
    if (!word || str_u64(str_from(word), 10, &v) < 0 || v > 100)
        return cmd_wrong(&cmd_rules, "--weight wants a number from 0 to 100");
    *ret = (unsigned)v;
    return EXIT_FINE;
}

static int add_words(int argc, char **argv, struct adding *a, const char **ret_name)
{
    const char *kind = NULL;
    int code;
    for (int i = 2; i < argc; i++) {
        if (!strcmp(argv[i], "--name")) {
            if (++i == argc || !rulepack_name_ok(argv[i]))
                return cmd_wrong(&cmd_rules,
                                 "--name wants a name of a-z, 0-9, '.', '_' and '-' with at most %d letters",
                                 RULEPACK_NAME_MAX);
            *ret_name = argv[i];
        } else if (!strcmp(argv[i], "--weight")) {
            if ((code = weight_read(++i < argc ? argv[i] : NULL, &a->weight)) != EXIT_FINE)
                return code;
        } else if (argv[i][0] == '-') {
            return cmd_wrong(&cmd_rules, "unknown option '%s'", argv[i]);
        } else if (!kind) {
            kind = argv[i];
        } else if (!a->source) {
            a->source = argv[i];
        } else {
            return cmd_wrong(&cmd_rules, "'%s' is one word too many", argv[i]);
        }
    }
    if (!kind || !a->source)
        return cmd_wrong(&cmd_rules, "add wants a kind of rules, and a folder, a file, an archive or a URL");
    if (!(a->kind = rulekind_find(kind)))
        return cmd_wrong(&cmd_rules, "there is no kind of rules '%s'", kind);
    return EXIT_FINE;
}

int rules_add_run(int argc, char **argv)
{
    struct adding a = {.weight = 100};
    const char *name = NULL, *given;
    char *whole = NULL;
    struct err e = {0};
    int code = add_words(argc, argv, &a, &name);
    if (code != EXIT_FINE)
        return code;
    given = a.source;
    if (!rulefetch_is_url(a.source)) /* kept for `update`, which may be called from elsewhere */
        a.source = whole = realpath(a.source, NULL);
    if (!a.source) {
        err_errno(&e, "cannot open %s", given);
        return cmd_failed(&e);
    }
    a.name = name ? strdup(name) : rulepack_name_from(a.source);
    if (!a.name)
        code = cmd_wrong(&cmd_rules, "'%s' gives no name for the pack: use --name", given);
    else if (pack_add(&a, a.source, &e) < 0)
        code = cmd_failed(&e);
    free(a.name);
    free(whole);
    return code;
}

/* From the place it came from, or from an older version. */
static int pack_again(const char *name, const char *version, struct err *e)
{
    struct rulepacks packs;
    struct adding a = {0};
    char *source = NULL, *from = NULL;
    int rc = rulepacks_open(&packs, e);
    if (rc < 0)
        return rc;
    const struct rulepack *k = rulepacks_find(&packs, name);
    if (!k)
        rc = err_set(e, ERR_MISSING, "there is no rule pack '%s'", name);
    if (rc == 0 && version)
        rc = rulepacks_version_dir(&packs, name, version, &from, e);
    if (rc == 0) {
        a = (struct adding){source = strdup(k->source), strdup(name), k->kind, k->weight};
        if (!source || !a.name)
            rc = err_set(e, -ENOMEM, "no memory for rule packs");
    }
    rulepacks_clear(&packs);
    if (rc == 0)
        rc = pack_add(&a, from ? from : source, e);
    free(a.name);
    free(source);
    free(from);
    return rc;
}

int rules_update_run(int argc, char **argv)
{
    struct err e = {0};
    int code = EXIT_FINE;
    if (argc < 3)
        return cmd_wrong(&cmd_rules, "which pack is to be updated?");
    for (int i = 2; i < argc; i++)
        if (pack_again(argv[i], NULL, &e) < 0)
            code = cmd_failed(&e);
    return code;
}

int rules_use_run(int argc, char **argv)
{
    struct err e = {0};
    if (argc != 4)
        return cmd_wrong(&cmd_rules, "use wants a pack and one of its versions");
    return pack_again(argv[2], argv[3], &e) < 0 ? cmd_failed(&e) : EXIT_FINE;
}

/* ---- packs ------------------------------------------------------------------------------------------------------- */

static void pack_json(struct jsonw *w, const struct rulepack *k)
{
    jsonw_object(w);
    jsonw_kz(w, "name", k->name);
    jsonw_kz(w, "kind", k->kind->name);
    jsonw_kz(w, "version", k->version);
    jsonw_kbool(w, "on", k->enabled);
    jsonw_ku64(w, "weight", k->weight);
    jsonw_ku64(w, "files", k->files);
    jsonw_ku64(w, "rules", k->rules);
    jsonw_ku64(w, "rejected", k->rejected);
    jsonw_kz(w, "added", k->added);
    jsonw_kbytes(w, "source", str_from(k->source));
    jsonw_kbytes(w, "licences", str_from(k->licences));
    jsonw_karray(w, "older");
    for (size_t i = 0; i < k->nolder; i++)
        jsonw_z(w, k->older[i]);
    jsonw_array_end(w);
    jsonw_object_end(w);
}

static int packs_json(const struct rulepacks *p)
{
    struct jsonw w;
    fflush(stdout);
    jsonw_to_fd(&w, STDOUT_FILENO, true);
    jsonw_object(&w);
    jsonw_karray(&w, "packs");
    for (size_t i = 0; i < p->count; i++)
        pack_json(&w, &p->items[i]);
    jsonw_array_end(&w);
    jsonw_karray(&w, "off");
    for (size_t i = 0; i < p->noff; i++)
        jsonw_bytes(&w, str_from(p->off[i]));
    jsonw_array_end(&w);
    jsonw_object_end(&w);
    int rc = jsonw_finish(&w);
    putchar('\n'); /* a failure of the output shows here too, and is told */
    return rc < 0 && !text_reader_gone(STDOUT_FILENO) ? EXIT_FAILED : EXIT_FINE;
}

int rules_packs_run(int argc, char **argv)
{
    bool json = argc == 3 && !strcmp(argv[2], "--json");
    struct rulepacks p;
    struct err e = {0};
    int code = EXIT_FINE;
    if (argc > 3 || (argc == 3 && !json))
        return cmd_wrong(&cmd_rules, "packs takes --json and nothing else");
    if (rulepacks_open(&p, &e) < 0)
        return cmd_failed(&e);
    if (json) {
        code = packs_json(&p);
    } else {
        for (size_t i = 0; i < p.count; i++)
            pack_print(&p.items[i]);
        if (!p.count)
            printf("no rule packs; add one with: %s rules add KIND PATH|URL\n", cmd_self());
        for (size_t i = 0; i < p.noff; i++) {
            printf("%s", i ? ", " : "rules that are off: ");
            text_print(stdout, str_from(p.off[i]));
        }
        if (p.noff)
            putchar('\n');
    }
    rulepacks_clear(&p);
    return code;
}

int rules_remove_run(int argc, char **argv)
{
    struct rulepacks p;
    struct err e = {0};
    if (argc != 3 && argc != 4)
        return cmd_wrong(&cmd_rules, "remove wants a pack, and perhaps one of its versions");
    int rc = rulepacks_change(&p, &e);
    if (rc < 0)
        return cmd_failed(&e);
    rc = rulepacks_remove(&p, argv[2], argc == 4 ? argv[3] : NULL, &e);
    rulepacks_clear(&p);
    return rc < 0 ? cmd_failed(&e) : EXIT_FINE;
}

/* ---- on, off ----------------------------------------------------------------------------------------------------- */

struct looking {
    const char *id;
    bool found;
};

static bool id_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_';
}

static int id_look(void *context, const struct ruletext *t)
{
    struct looking *l = context;
    struct str rest = t->text, id = str_from(l->id);
    ptrdiff_t at;
    while (!l->found && (at = str_find(rest, id)) >= 0) {
        size_t end = (size_t)at + id.n;
        l->found = (at == 0 || !id_letter(rest.p[at - 1])) && (end == rest.n || !id_letter(rest.p[end]));
        rest = str_sub(rest, end, rest.n);
    }
    return 0;
}

/* A misspelt id must not look as if it had worked. Ids stand in the rules' texts as they are. */
static int id_known(const char *id, struct err *e)
{
    const struct rulekind *k;
    const char *slash = strrchr(id, '/'); /* YARA: file/rule */
    struct looking l = {.id = slash ? slash + 1 : id};
    struct rulepacks_reader r = {id_look, NULL, &l};
    int rc = 0;
    for (unsigned i = 0; rc >= 0 && !l.found && (k = rulekind_at(i)); i++)
        rc = rulepacks_collect(k, &r, e);
    return rc < 0 || l.found ? rc : err_set(e, ERR_MISSING, "there is neither a pack nor a rule '%s'", id);
}

/* Findings name rules as "sigma:ID" and "yara:ID". */
static const char *id_plain(const char *word)
{
    const struct rulekind *k;
    for (unsigned i = 0; (k = rulekind_at(i)); i++) {
        size_t n = strlen(k->name);
        if (!strncmp(word, k->name, n) && word[n] == ':')
            return word + n + 1;
    }
    return word;
}

int rules_switch_run(int argc, char **argv)
{
    bool off = !strcmp(argv[1], "off");
    struct rulepacks p = {.lock_fd = -1};
    struct err e = {0};
    if (argc != 3 || !*id_plain(argv[2]))
        return cmd_wrong(&cmd_rules, "%s wants a pack or the id of a rule", argv[1]);
    const char *id = id_plain(argv[2]);
    int rc = rulepacks_open(&p, &e);
    bool pack = rc == 0 && rulepacks_find(&p, argv[2]);
    rulepacks_clear(&p);
    if (rc == 0 && !pack && off)
        rc = id_known(id, &e);
    if (rc >= 0 && (rc = rulepacks_change(&p, &e)) == 0) {
        struct rulepack *k = pack ? rulepacks_find(&p, argv[2]) : NULL;
        if (k && k->enabled != off)
            rc = err_set(&e, ERR_CONFLICT, "the pack '%s' is %s already", k->name, argv[1]);
        else if (k)
            k->enabled = !off;
        else
            rc = rulepacks_set_off(&p, id, off, &e);
        if (rc == 0)
            rc = rulepacks_save(&p, &e);
    }
    rulepacks_clear(&p);
    if (rc == ERR_CONFLICT && !pack)
        (void)id_known(id, &e); /* its sentence is the better one when there is no such rule */
    return rc < 0 ? cmd_failed(&e) : EXIT_FINE;
}
