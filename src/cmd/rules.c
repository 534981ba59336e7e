/* SPDX-License-Identifier: GPL-3.0-or-later */
/* belljar rules: the behaviour rules, listed, checked and tested. */
#include "cmd/cmd.h"

#include "base/jsonw.h"
#include "detect/behavior.h"
#include "os/file.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct problems {
    unsigned count;
};

static void problem_print(void *context, const char *file, unsigned line, const char *reason)
{
    struct problems *p = context;
    p->count++;
    if (line)
        fprintf(stderr, "%s:%u: %s\n", file, line, reason);
    else
        fprintf(stderr, "%s: %s\n", file, reason);
}

/* A folder or one file; without a name what came with Belljar. */
static int rules_load(const char *path, struct behavior_rules *r, struct problems *p, struct err *e)
{
    struct stat st;
    struct buf text;
    char *share = NULL, *own = NULL;
    if (!path) {
        share = path_share_dir();
        path = own = share ? path_join(share, "content/behavior") : NULL;
        free(share);
        if (!own)
            return err_set(e, ERR_MISSING, "the folder of rules is not known; give it as an argument");
    }
    int rc = stat(path, &st) < 0 ? err_errno(e, "cannot open %s", path) : 0;
    if (rc >= 0 && S_ISDIR(st.st_mode)) {
        rc = behavior_rules_load_dir(r, path, problem_print, p, e);
    } else if (rc >= 0 && (rc = file_read(path, 8 << 20, &text, e)) >= 0) {
        rc = behavior_rules_add(r, path, buf_str(&text), problem_print, p, e);
        buf_free(&text);
    }
    free(own);
    return rc;
}

static int rules_check(const struct behavior_rules *r, const struct problems *p)
{
    printf("%zu rules loaded, %u rejected\n", behavior_rules_count(r), p->count);
    return p->count ? EXIT_FAILED : EXIT_FINE;
}

static int rules_test(const struct behavior_rules *r, struct problems *p)
{
    unsigned run = 0, failed = 0, rejected = p->count;
    struct err e = {0};
    int rc = behavior_rules_test(r, &run, &failed, problem_print, p);
    if (rc < 0) {
        err_set(&e, rc, "the tests of the rules could not be run: %s", err_name(rc));
        return cmd_failed(&e);
    }
    printf("%zu rules, %u rejected, %u tests, %u failed\n", behavior_rules_count(r), rejected, run, failed);
    return failed || rejected ? EXIT_FAILED : EXIT_FINE;
}

static void rule_json(struct jsonw *w, const struct behavior_rule_info *i)
{
    jsonw_object(w);
    jsonw_kstr(w, "id", i->id);
    jsonw_kstr(w, "title", i->title);
    jsonw_kstr(w, "category", i->category);
    jsonw_kz(w, "severity", severity_name(i->severity));
    jsonw_ku64(w, "points", i->points);
    jsonw_karray(w, "attack");
    for (unsigned k = 0; k < i->nattack; k++)
        jsonw_str(w, i->attack[k]);
    jsonw_array_end(w);
    jsonw_kbytes(w, "file", i->file);
    jsonw_ku64(w, "line", i->line);
    jsonw_ku64(w, "positive_tests", i->positive_tests);
    jsonw_ku64(w, "negative_tests", i->negative_tests);
    jsonw_object_end(w);
}

static int rules_list(const struct behavior_rules *r, bool json)
{
    struct behavior_rule_info i;
    struct jsonw w;
    if (!json) {
        for (size_t n = 0; behavior_rules_at(r, n, &i); n++) {
            printf("%-44.*s %-6s %3u ", STR_ARG(i.id), severity_name(i.severity), i.points);
            for (unsigned k = 0; k < i.nattack; k++)
                printf("%s%.*s", k ? "," : "", STR_ARG(i.attack[k]));
            printf("  %.*s\n", STR_ARG(i.title));
        }
        printf("%zu rules\n", behavior_rules_count(r));
        return EXIT_FINE;
    }
    fflush(stdout);
    jsonw_to_fd(&w, STDOUT_FILENO, true);
    jsonw_array(&w);
    for (size_t n = 0; behavior_rules_at(r, n, &i); n++)
        rule_json(&w, &i);
    jsonw_array_end(&w);
    if (jsonw_finish(&w) < 0 || write(STDOUT_FILENO, "\n", 1) != 1)
        return EXIT_FAILED;
    return EXIT_FINE;
}

static int rules_run(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : NULL, *path = NULL;
    bool json = false;
    if (!verb || (strcmp(verb, "test") != 0 && strcmp(verb, "check") != 0 && strcmp(verb, "list") != 0))
        return cmd_wrong(&cmd_rules, verb ? "'%s' is not test, check or list" : "test, check or list is wanted", verb);
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--json") == 0 && strcmp(verb, "list") == 0)
            json = true;
        else if (argv[i][0] == '-')
            return cmd_wrong(&cmd_rules, "unknown option '%s'", argv[i]);
        else if (path)
            return cmd_wrong(&cmd_rules, "one folder or file at the most");
        else
            path = argv[i];
    }
    struct behavior_rules *r = NULL;
    struct problems problems = {0};
    struct err e = {0};
    int rc = behavior_rules_new(&r), code;
    if (rc < 0)
        err_set(&e, rc, "no memory for rules");
    else
        rc = rules_load(path, r, &problems, &e);
    if (rc < 0)
        code = cmd_failed(&e);
    else if (verb[0] == 't')
        code = rules_test(r, &problems);
    else if (verb[0] == 'c')
        code = rules_check(r, &problems);
    else
        code = rules_list(r, json);
    behavior_rules_free(&r);
    return code;
}

const struct cmd cmd_rules = {
    .name = "rules",
    .arguments = "test|check|list [--json] [FOLDER|FILE]",
    .doc = "Test, check or list the behaviour rules",
    .help = "  test    run the tests that are written inside the rules\n"
            "  check   compile all rules; names file, line and reason of each bad one\n"
            "  list    one line per rule; with --json one object per rule\n"
            "\n"
            "Without FOLDER or FILE: the rules that came with Belljar.\n"
            "Exit codes: 0 all good, 1 a rule is bad or a test failed, 2 wrong words.\n",
    .run = rules_run,
};
