/* SPDX-License-Identifier: GPL-3.0-or-later */
/* belljar rules: rules of all kinds, listed, checked and tested. */
#include "cmd/rules-private.h"

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
        if (!plain && !strcmp(argv[i], "--"))
            plain = true;
        else if (!plain && !strcmp(argv[i], "--json") && !strcmp(argv[1], "list"))
            w->json = true;
        else if (!plain && !strcmp(argv[i], "--kind")) {
            if (++i == argc)
                return cmd_wrong(&cmd_rules, "--kind wants a kind of rules");
            if (!(w->kind = rulekind_find(argv[i])))
                return cmd_wrong(&cmd_rules, "there is no kind of rules '%s'", argv[i]);
        } else if (!plain && argv[i][0] == '-')
            return cmd_wrong(&cmd_rules, "unknown option '%s'", argv[i]);
        else if (w->npaths == PATHS_MAX)
            return cmd_wrong(&cmd_rules, "more than %d folders and files", PATHS_MAX);
        else
            w->paths[w->npaths++] = argv[i];
    }
    return EXIT_FINE;
}

static int rules_load(const struct words *w, struct rules_sets *s, struct err *e)
{
    int rc = w->npaths ? 0 : rules_sets_load_own(s, w->kind, e);
    for (unsigned i = 0; i < w->npaths && rc >= 0; i++)
        rc = rules_sets_load(s, w->paths[i], w->kind, e);
    return rc < 0 ? rc : rules_sets_finish(s, e);
}

static int run_sets(int argc, char **argv)
{
    struct words w = {0};
    struct rules_sets s = {0};
    struct err e = {0};
    int code = words_read(argc, argv, &w);
    if (code != EXIT_FINE)
        return code;
    if (rules_load(&w, &s, &e) < 0)
        code = cmd_failed(&e);
    else if (!strcmp(argv[1], "test"))
        code = rules_test(&s);
    else if (!strcmp(argv[1], "check"))
        code = rules_check(&s);
    else
        code = rules_list(&s, w.json);
    rules_sets_clear(&s);
    return code;
}

static const struct verb {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[1] is the verb */
} verbs[] = {
    {"test", run_sets},
    {"check", run_sets},
    {"list", run_sets},
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
    .arguments = "test|check|list [--kind KIND] [--json] [FOLDER|FILE]...",
    .doc = "Test, check or list rules",
    .help = "  test    run the tests that are written with the rules\n"
            "  check   compile all rules; names file, line and reason of each bad one\n"
            "  list    one line per rule; with --json one object per rule\n"
            "\n"
            "  --kind KIND  only rules of one kind: behavior\n"
            "\n"
            "What a file holds is told by its content. Without FOLDER or FILE: the rules that came with Belljar.\n"
            "Exit codes: 0 all good, 1 a rule is bad or a test failed, 2 wrong words.\n",
    .run = rules_run,
};
