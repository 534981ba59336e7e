/* SPDX-License-Identifier: GPL-3.0-or-later */
/* belljar rules: rules of all kinds, and packs of them. */
#include "cmd/rules-private.h"

#include "detect/rulepack.h"

#include <string.h>

#define PATHS_MAX 256

struct words { /* of test, check and list */
    const char *paths[PATHS_MAX];
    unsigned npaths;
    const struct rulekind *kind;
    bool json;
};

static int words_read(int argc, char **argv, struct words *w)
{
    bool plain = false;
    for (int i = 2; i < argc; i++) {
        if (!plain && !strcmp(argv[i], "--")) {
            plain = true;
        } else if (!plain && !strcmp(argv[i], "--json") && !strcmp(argv[1], "list")) {
            w->json = true;
        } else if (!plain && !strcmp(argv[i], "--kind")) {
            if (++i == argc)
                return cmd_wrong(&cmd_rules, "--kind wants a kind of rules");
            if (!(w->kind = rulekind_find(argv[i])))
                return cmd_wrong(&cmd_rules, "there is no kind of rules '%s'", argv[i]);
        } else if (!plain && argv[i][0] == '-') {
            return cmd_wrong(&cmd_rules, "unknown option '%s'", argv[i]);
        } else if (w->npaths == PATHS_MAX) {
            return cmd_wrong(&cmd_rules, "more than %d folders and files", PATHS_MAX);
        } else {
            w->paths[w->npaths++] = argv[i];
        }
    }
    return EXIT_FINE;
}

static int texts_read(const struct words *w, struct buf *ret, struct err *e)
{
    int rc = 0;
    if (!w->npaths)
        return rulepacks_pack(w->kind ? 1u << rulekind_index(w->kind) : ~0u, ret, e);
    buf_init(ret, RULETEXTS_BYTES_MAX);
    for (unsigned i = 0; i < w->npaths && rc >= 0; i++)
        rc = rulepack_read_path(w->paths[i], true, ret, e);
    if (rc < 0)
        buf_free(ret);
    return rc;
}

static int run_sets(int argc, char **argv)
{
    static const char *const verbs[] = {"check", "test", "list"}; /* in the order of enum rules_verb */
    struct rules_result result = {0};
    struct words w = {0};
    struct buf texts;
    struct err e = {0};
    int code = words_read(argc, argv, &w), rc;
    unsigned verb = 0;
    if (code != EXIT_FINE)
        return code;
    while (strcmp(argv[1], verbs[verb]))
        verb++;
    if (texts_read(&w, &texts, &e) < 0)
        return cmd_failed(&e);
    rc = rules_role_work(buf_str(&texts), (enum rules_verb)verb, w.kind ? rulekind_index(w.kind) : RULETEXT_NONE,
                         w.json, &result, &e);
    buf_free(&texts);
    if (rc == 0 && w.npaths && !result.loaded && !result.rejected)
        rc = err_set(&e, ERR_MISSING, "no rules%s%s were found in %s%s", w.kind ? " of the kind " : "",
                     w.kind ? w.kind->name : " of any kind that Belljar knows", w.paths[0],
                     w.npaths > 1 ? " and the others" : "");
    return rc < 0 ? cmd_failed(&e) : result.code;
}

static const struct verb {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[1] is the verb */
} verbs[] = {
    {"test", run_sets},         {"check", run_sets},          {"list", run_sets},     {"add", rules_add_run},
    {"packs", rules_packs_run}, {"update", rules_update_run}, {"use", rules_use_run}, {"remove", rules_remove_run},
    {"on", rules_switch_run},   {"off", rules_switch_run},
};

static int rules_run(int argc, char **argv)
{
    if (argc < 2)
        return cmd_wrong(&cmd_rules, "what is to be done with the rules?");
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
        if (!strcmp(argv[1], verbs[i].name))
            return verbs[i].run(argc, argv);
    return cmd_wrong(&cmd_rules, "there is nothing '%s' to be done with rules", argv[1]);
}

const struct cmd cmd_rules = {
    .name = "rules",
    .arguments = "test|check|list|add|packs|update|use|remove|on|off ...",
    .doc = "Test, check or list rules; add packs of rules",
    .help = "  test [PATH]...    run the tests that are written with the rules\n"
            "  check [PATH]...   compile all rules; names file, line and reason of each bad one,\n"
            "                    and warns of ATT&CK techniques that nobody knows\n"
            "  list [PATH]...    one line per rule; with --json a list with an object per rule\n"
            "     --kind KIND    only rules of one kind\n"
            "     PATH is a file or a folder; what a file holds is told by its content. Without one: the rules that\n"
            "     came with Belljar and those of the packs that are on.\n"
            "\n"
            "  add KIND PATH|URL   add a pack from a folder, a file or an archive (.zip, .tar, .tar.gz, .tar.xz)\n"
            "     --name NAME      call it so; otherwise by the name of the file\n"
            "     --weight PERCENT what its points count, 0-100 (100)\n"
            "  packs [--json]      the packs, their versions and licences, and the rules that are off\n"
            "  update PACK...      add the present content of the place that a pack came from\n"
            "  use PACK VERSION    make an older version the current one again\n"
            "  remove PACK [VERSION]  remove a pack, or one of its older versions\n"
            "  on|off PACK|RULE    switch a pack, or a rule by its id\n"
            "\n"
            "KIND is behavior, sigma or yara. Changes count from the next run on.\n"
            "Exit codes: 0 all good, 1 a rule is bad, a test failed or it could not be done, 2 wrong words.\n",
    .run = rules_run,
};
