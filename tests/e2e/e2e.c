/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One analysis in a real guest, and what its report must say.
 *
 *   e2e BELLJAR CASE.json FOLDER...
 *
 * A case is {"about": sentence, "sample": file name in one of the folders, or "path": absolute path of a program of
 * this machine, or "command": line, or "commands": [lines, each an analysis of its own], "args", "user", "name",
 * "settings": {"BELLJAR_...": text}, "time": seconds, "exit": exit status of belljar (default 0), "expect": {...}}.
 * Expectations: verdict and ended (a word or a list of words), lost, files_min, processes_min, and lists of texts that
 * must be seen: techniques, processes, adopted, files, dns, http, rules, artefacts ("dropped /tmp/x"), conversations
 * ("ip:port"), listens ("port"), notes, captures, memory. reason is a part of the verdict's reason, absent a list of
 * files that must not be seen. See expect.c.
 *
 * A sample that was not built on this machine skips the test with a message (exit 77).
 */
#include "base/err.h"
#include "expect.h"
#include "os/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS_MAX 32
#define SKIP 77

struct call {
    const char *argv[ARGS_MAX];
    unsigned n;
};

static void add(struct call *c, const char *a, const char *b)
{
    c->argv[c->n++] = a;
    if (b)
        c->argv[c->n++] = b;
}

static int run(const struct call *c)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        int null_fd = open("/dev/null", O_RDONLY);
        dup2(null_fd, 0);
        execv(c->argv[0], (char *const *)(uintptr_t)c->argv);
        _exit(127);
    }
    return pid < 0 || waitpid(pid, &status, 0) < 0 ? -1
           : WIFEXITED(status)                     ? WEXITSTATUS(status)
                                                   : 128 + WTERMSIG(status);
}

static char *find_sample(const char *name, char **folders, int n)
{
    for (int i = 0; i < n; i++) {
        char *p = path_join(folders[i], name);
        if (p && file_exists(p))
            return p;
        free(p);
    }
    return NULL;
}

static int check(const char *out, const json_t *test, const char *what)
{
    char *path = path_join(out, "report.json");
    json_error_t je;
    json_t *report = path ? json_load_file(path, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &je) : NULL;
    unsigned bad;

    if (!report) {
        printf("  no report: %s\n", path ? je.text : "out of memory");
        free(path);
        return 1;
    }
    bad = expect_check(json_object_get(test, "expect"), report);
    if (bad) {
        printf("%s: %u expectations do not hold; the verdict was %s, score %lld: %s\n", what, bad,
               json_string_value(json_object_get(json_object_get(report, "verdict"), "word")),
               (long long)json_integer_value(json_object_get(json_object_get(report, "verdict"), "score")),
               json_string_value(json_object_get(json_object_get(report, "verdict"), "reason")));
        const json_t *f;
        size_t i;
        json_array_foreach(json_object_get(report, "findings"), i, f)
            printf("    finding %s: %s\n", json_string_value(json_object_get(f, "rule")),
                   json_string_value(json_object_get(f, "title")));
        const json_t *s = json_object_get(json_object_get(report, "completeness"), "sentence");
        printf("    %s\n", json_string_value(s) ? json_string_value(s) : "");
    }
    json_decref(report);
    free(path);
    return bad != 0;
}

/* One analysis; the folder stays for a look when it failed. */
static int analyse(const char *belljar, json_t *test, const char *flag, const char *target)
{
    static const char *const options[] = {"args", "user", "name"};
    const json_t *time = json_object_get(test, "time"), *status = json_object_get(test, "exit");
    struct call c = {.n = 0};
    const char *name;
    json_t *setting;
    char out[] = "/tmp/belljar-e2e-XXXXXX", seconds[16], option[3][16];
    int r, bad;

    if (!mkdtemp(out))
        return 1;
    json_object_foreach(json_object_get(test, "settings"), name, setting)
        setenv(name, json_string_value(setting) ? json_string_value(setting) : "", 1);
    snprintf(seconds, sizeof(seconds), "%lld", time ? (long long)json_integer_value(time) : 30);
    add(&c, belljar, "analyze");
    add(&c, "--out", out);
    add(&c, "--time", seconds);
    for (unsigned i = 0; i < 3; i++) {
        const char *v = json_string_value(json_object_get(test, options[i]));
        snprintf(option[i], sizeof(option[i]), "--%s", options[i]);
        if (v)
            add(&c, option[i], v);
    }
    if (flag)
        add(&c, flag, target);
    else
        add(&c, "--", target);
    c.argv[c.n] = NULL;
    printf("%s\n", target);
    fflush(stdout);
    r = run(&c);
    bad = r != (status ? (int)json_integer_value(status) : 0);
    if (bad)
        printf("  belljar ended with %d\n", r);
    bad |= check(out, test, target);
    if (bad)
        printf("  the analysis is kept in %s\n", out);
    else
        file_remove_tree(out, NULL);
    return bad;
}

int main(int argc, char **argv)
{
    const char *sample, *path, *command;
    const json_t *commands, *line;
    json_error_t je;
    json_t *test = argc > 3 ? json_load_file(argv[2], JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &je) : NULL;
    size_t i;
    int bad = 0;

    if (!test) {
        fprintf(stderr, "usage: e2e BELLJAR CASE.json FOLDER...  (%s)\n", argc > 3 ? je.text : "too few words");
        return 2;
    }
    sample = json_string_value(json_object_get(test, "sample"));
    path = json_string_value(json_object_get(test, "path"));
    command = json_string_value(json_object_get(test, "command"));
    commands = json_object_get(test, "commands");
    if (sample) {
        char *found = find_sample(sample, argv + 3, argc - 3);
        if (!found) {
            printf("skipped: the sample %s is not built on this machine\n", sample);
            return SKIP;
        }
        bad = analyse(argv[1], test, NULL, found);
        free(found);
    }
    if (path)
        bad |= analyse(argv[1], test, NULL, path);
    if (command)
        bad |= analyse(argv[1], test, "--command", command);
    json_array_foreach(commands, i, line) bad |= analyse(argv[1], test, "--command", json_string_value(line));
    json_decref(test);
    return bad;
}
