/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Many short analyses in real guests, several at once, and a table at the end.
 *
 *   suite BELLJAR TABLE.json FOLDER...
 *
 * The table is {"about": sentence, "time": seconds, "cases": [case...], "goals": {...}}; a case is {"file": name in one
 * of the folders or absolute path of a program of this machine, or "command": line, "technique": ATT&CK id that its
 * report must name, "user", "args", "time"}. Goals: techniques_percent (of the cases with a technique, how many must be
 * named), malicious_max, suspicious_max and unknown_max (how many reports may have that verdict). Each that does not
 * hold fails the suite, and so does an analysis that could not be done.
 *
 * BELLJAR_E2E_MACHINES says how many machines run at once (default 2), BELLJAR_E2E_ONLY runs only the cases whose name
 * contains it (then no goal is checked), BELLJAR_E2E_KEEP names a folder in which every analysis stays; otherwise only
 * those that missed do.
 */
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MACHINES_MAX 16
#define IDS_MAX 512

struct one {
    const json_t *test;
    const char *name, *technique;
    char *out; /* folder of the analysis */
    pid_t pid;
    double begun, seconds;
    bool done, failed, hit, lost;
    char verdict[16], ids[IDS_MAX], about[160];
    long long score;
};

struct suite {
    const char *belljar, *keep;
    char **folders;
    int nfolders;
    const json_t *table;
    struct one *all;
    size_t count;
    char root[64];
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const char *text(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static char *find_file(const struct suite *s, const char *name)
{
    if (name[0] == '/')
        return file_exists(name) ? strdup(name) : NULL;
    for (int i = 0; i < s->nfolders; i++) {
        char *p = path_join(s->folders[i], name);
        if (p && file_exists(p))
            return p;
        free(p);
    }
    return NULL;
}

/* ---- running ----------------------------------------------------------------------------------- */

/* In the child: becomes belljar, its words in out.log beside the analysis. */
static void become(const struct suite *s, const struct one *o)
{
    static const char *const options[] = {"user", "args"};
    const char *argv[16], *file = text(o->test, "file");
    const json_t *time = json_object_get(o->test, "time");
    char seconds[16], option[2][16], *log = path_format("%s.log", o->out), *found = file ? find_file(s, file) : NULL;
    int n = 0, in = open("/dev/null", O_RDONLY), to = log ? open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;

    dup2(in, 0);
    dup2(to, 1);
    dup2(to, 2);
    snprintf(seconds, sizeof(seconds), "%lld",
             (long long)json_integer_value(time ? time : json_object_get(s->table, "time")));
    argv[n++] = s->belljar;
    argv[n++] = "analyze";
    argv[n++] = "--out";
    argv[n++] = o->out;
    argv[n++] = "--time";
    argv[n++] = seconds;
    for (int i = 0; i < 2; i++) {
        snprintf(option[i], sizeof(option[i]), "--%s", options[i]);
        if (text(o->test, options[i])) {
            argv[n++] = option[i];
            argv[n++] = text(o->test, options[i]);
        }
    }
    argv[n++] = file ? "--" : "--command";
    argv[n++] = file ? found : text(o->test, "command");
    argv[n] = NULL;
    if (argv[n - 1])
        execv(s->belljar, (char *const *)(uintptr_t)argv);
    fprintf(stderr, "the suite cannot start this: %s\n", file && !found ? "the file is missing" : strerror(errno));
    _exit(127);
}

static int start(const struct suite *s, struct one *o)
{
    o->begun = now();
    o->pid = fork();
    if (o->pid == 0)
        become(s, o);
    return o->pid < 0 ? -1 : 0;
}

/* ---- reading the report ------------------------------------------------------------------------ */

static void note_technique(struct one *o, const char *id)
{
    size_t n = strlen(o->ids);

    if (!id)
        return;
    if (o->technique && !strcmp(id, o->technique))
        o->hit = true;
    if (!strstr(o->ids, id) && n + strlen(id) + 2 < sizeof(o->ids))
        snprintf(o->ids + n, sizeof(o->ids) - n, "%s%s", n ? " " : "", id);
}

static void read_report(struct one *o)
{
    char *path = path_join(o->out, "report.json");
    json_t *report = path ? json_load_file(path, JSON_ALLOW_NUL, NULL) : NULL;
    const json_t *verdict = json_object_get(report, "verdict"), *tactic, *t;
    const char *word = text(verdict, "word"), *tracer;
    size_t i, k;

    free(path);
    json_array_foreach(json_object_get(json_object_get(report, "attack"), "tactics"), i, tactic)
        json_array_foreach(json_object_get(tactic, "techniques"), k, t) note_technique(o, text(t, "id"));
    snprintf(o->verdict, sizeof(o->verdict), "%s", word ? word : "no report");
    o->score = (long long)json_integer_value(json_object_get(verdict, "score"));
    o->lost = json_integer_value(json_object_get(json_object_get(report, "completeness"), "lost")) != 0;
    tracer = text(json_object_get(json_object_get(report, "run"), "channel"), "tracer");
    if (!word || !tracer || strcmp(tracer, "ok") != 0)
        o->failed = true;
    snprintf(o->about, sizeof(o->about), "%s", text(verdict, "reason") ? text(verdict, "reason") : "");
    json_decref(report);
}

static void tell(const struct one *o)
{
    printf("%-3s %5.1f s  %-10s %3lld  %s%s%s  [%s]%s\n",
           o->failed      ? "BAD"
           : o->technique ? o->hit ? "hit" : "-"
                          : "",
           o->seconds, o->verdict, o->score, o->technique ? o->technique : "", o->technique ? " " : "", o->name, o->ids,
           o->lost ? "  events lost" : "");
    if (strcmp(o->verdict, "clean") != 0 && !o->technique)
        printf("        %s\n", o->about);
    fflush(stdout);
}

static void finish(const struct suite *s, struct one *o, int status)
{
    bool keep;
    char *log = path_format("%s.log", o->out);

    o->done = true;
    o->seconds = now() - o->begun;
    o->failed = status != 0;
    read_report(o);
    tell(o);
    keep = s->keep || o->failed || (o->technique ? !o->hit : strcmp(o->verdict, "clean") != 0);
    if (keep && !s->keep)
        printf("        the analysis is kept in %s\n", o->out);
    if (!keep) {
        file_remove_tree(o->out, NULL);
        if (log)
            unlink(log);
    }
    free(log);
}

static void wait_one(const struct suite *s)
{
    int status;
    pid_t pid = wait(&status);

    for (size_t i = 0; pid > 0 && i < s->count; i++)
        if (s->all[i].pid == pid && !s->all[i].done)
            finish(s, &s->all[i], status);
}

static void run_all(const struct suite *s, unsigned machines)
{
    unsigned running = 0;

    for (size_t i = 0; i < s->count; i++) {
        if (running == machines) {
            wait_one(s);
            running--;
        }
        if (start(s, &s->all[i]) == 0)
            running++;
        else
            s->all[i].failed = true;
    }
    for (; running; running--)
        wait_one(s);
}

/* ---- the end ----------------------------------------------------------------------------------- */

static unsigned verdicts(const struct suite *s, const char *word)
{
    unsigned n = 0;

    for (size_t i = 0; i < s->count; i++)
        n += !strcmp(s->all[i].verdict, word);
    return n;
}

static unsigned check_goals(const struct suite *s)
{
    static const char *const words[] = {"malicious", "suspicious", "unknown"};
    const json_t *goals = json_object_get(s->table, "goals"), *g;
    unsigned bad = 0, asked = 0, hit = 0, failed = 0;
    char key[32];

    for (size_t i = 0; i < s->count; i++) {
        asked += s->all[i].technique != NULL;
        hit += s->all[i].hit;
        failed += s->all[i].failed;
    }
    printf("%zu analyses: %u clean, %u suspicious, %u malicious, %u unknown", s->count, verdicts(s, "clean"),
           verdicts(s, "suspicious"), verdicts(s, "malicious"), verdicts(s, "unknown"));
    if (asked)
        printf("; the technique was named in %u of %u (%.1f %%)", hit, asked, 100.0 * hit / asked);
    printf("; %u failed\n", failed);
    if (getenv("BELLJAR_E2E_ONLY"))
        return failed;
    g = json_object_get(goals, "techniques_percent");
    if (g && 100 * hit < json_integer_value(g) * asked) {
        printf("too few techniques: %u of %u, and %lld %% are wanted\n", hit, asked, (long long)json_integer_value(g));
        bad++;
    }
    for (size_t i = 0; i < 3; i++) {
        snprintf(key, sizeof(key), "%s_max", words[i]);
        g = json_object_get(goals, key);
        if (g && verdicts(s, words[i]) > json_integer_value(g)) {
            printf("too many are %s: %u, and at most %lld may be\n", words[i], verdicts(s, words[i]),
                   (long long)json_integer_value(g));
            bad++;
        }
    }
    return bad + failed;
}

static int fill(struct suite *s)
{
    const json_t *cases = json_object_get(s->table, "cases"), *c;
    const char *only = getenv("BELLJAR_E2E_ONLY"), *name;
    size_t i;

    s->all = calloc(json_array_size(cases) + 1, sizeof(*s->all));
    if (!s->all)
        return -1;
    json_array_foreach(cases, i, c)
    {
        name = text(c, "file") ? text(c, "file") : text(c, "command");
        if (!name || (only && !strstr(name, only)))
            continue;
        s->all[s->count] = (struct one){.test = c,
                                        .name = name,
                                        .technique = text(c, "technique"),
                                        .out = path_format("%s/%03zu", s->keep ? s->keep : s->root, i)};
        if (!s->all[s->count++].out)
            return -1;
    }
    return s->count ? 0 : -1;
}

int main(int argc, char **argv)
{
    const char *wanted = getenv("BELLJAR_E2E_MACHINES");
    long machines = wanted ? strtol(wanted, NULL, 10) : 2;
    struct suite s = {.keep = getenv("BELLJAR_E2E_KEEP"), .root = "/tmp/belljar-suite-XXXXXX"};
    json_error_t je = {.text = "too few words"};
    json_t *table = argc > 3 ? json_load_file(argv[2], JSON_REJECT_DUPLICATES, &je) : NULL;
    double begun = now();
    struct rusage used;
    unsigned bad;

    if (!table || machines < 1 || machines > MACHINES_MAX) {
        fprintf(stderr, "usage: suite BELLJAR TABLE.json FOLDER...  (%s)\n",
                table ? "BELLJAR_E2E_MACHINES is 1 to 16" : je.text);
        json_decref(table);
        return 2;
    }
    s.belljar = argv[1];
    s.folders = argv + 3;
    s.nfolders = argc - 3;
    s.table = table;
    if (!mkdtemp(s.root) || fill(&s) < 0) {
        fprintf(stderr, "there is nothing to run\n");
        return 2;
    }
    printf("%s: %zu analyses, %ld at a time\n", text(table, "about"), s.count, machines);
    fflush(stdout);
    setenv("BELLJAR_MACHINES", wanted ? wanted : "2", 1);
    run_all(&s, (unsigned)machines);
    bad = check_goals(&s);
    getrusage(RUSAGE_CHILDREN, &used);
    printf("%.0f s, %.0f s of processor time\n", now() - begun,
           (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
               (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
    rmdir(s.root); /* only when nothing is kept */
    for (size_t i = 0; i < s.count; i++)
        free(s.all[i].out);
    free(s.all);
    json_decref(table);
    return bad != 0;
}
