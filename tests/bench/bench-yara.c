/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * belljar yara scan beside the yara command: the same rules (content/yara) over
 * the same files, wall time, one scanner each and two each. Both must name the
 * same pairs of rule and file.
 *
 * usage: bench-yara [FOLDER]   (default /usr/bin)
 */
#include "base/buf.h"
#include "base/err.h"
#include "os/file.h"
#include "os/spawn.h"
#include "os/time.h"

#include <dirent.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RUNS 3
#define ARGS_MAX 256
#define OUTPUT_MAX (64u << 20)
#define TIMEOUT_MS 600000

static uint64_t bytes, files;

static int count(const char *path, const struct stat *st, int flag, struct FTW *f)
{
    (void)path;
    (void)f;
    if (flag == FTW_F && S_ISREG(st->st_mode)) {
        bytes += (uint64_t)st->st_size;
        files++;
    }
    return 0;
}

static int rule_file(const struct dirent *d)
{
    return str_ends(str_from(d->d_name), STR_LIT(".yar"));
}

struct line {
    const char *argv[ARGS_MAX];
    unsigned n;
};

static void add(struct line *l, const char *word)
{
    if (l->n + 1 < ARGS_MAX)
        l->argv[l->n++] = word;
}

/* Median wall time of RUNS; lines of the last output in *ret_pairs. */
static double measure(const struct line *l, unsigned *ret_pairs, bool json)
{
    double t[RUNS];
    for (int i = 0; i < RUNS; i++) {
        struct buf out;
        struct err e = {0};
        struct str rest, row;
        buf_init(&out, OUTPUT_MAX);
        uint64_t begun = time_monotonic_ns();
        if (spawn_run(l->argv, &out, TIMEOUT_MS, &e) < 0) {
            fprintf(stderr, "%s: %s\n", l->argv[0], e.text);
            exit(1);
        }
        t[i] = (double)(time_monotonic_ns() - begun) / 1e9;
        *ret_pairs = 0;
        rest = buf_str(&out);
        while (str_split(&rest, '\n', &row))
            *ret_pairs += json ? str_find(row, STR_LIT("\"rule\":")) >= 0 : row.n && !str_starts(row, STR_LIT("error"));
        buf_free(&out);
    }
    for (int i = 1; i < RUNS; i++)
        for (int k = i; k > 0 && t[k] < t[k - 1]; k--) {
            double x = t[k];
            t[k] = t[k - 1];
            t[k - 1] = x;
        }
    return t[RUNS / 2];
}

static struct line ours(const char *jobs, const char *rules, const char *what)
{
    struct line l = {0};
    add(&l, "belljar");
    add(&l, "yara");
    add(&l, "scan");
    add(&l, "--json");
    add(&l, "--jobs");
    add(&l, jobs);
    add(&l, "--rules");
    add(&l, rules);
    add(&l, what);
    return l;
}

static struct line theirs(const char *jobs, char *const *rule_files, int n, const char *what)
{
    static const char *const externals[] = {"filename=", "filepath=", "extension=", "filetype=", "owner="};
    struct line l = {0};
    add(&l, "yara");
    add(&l, "-w");
    add(&l, "-N");
    add(&l, "-r");
    add(&l, "-p");
    add(&l, jobs);
    for (size_t i = 0; i < sizeof(externals) / sizeof(*externals); i++) {
        add(&l, "-d");
        add(&l, externals[i]);
    }
    for (int i = 0; i < n; i++)
        add(&l, rule_files[i]);
    add(&l, what);
    return l;
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : "/usr/bin", *rules = BENCH_YARA_RULES;
    struct dirent **list = NULL;
    char *paths[ARGS_MAX];
    int n = scandir(rules, &list, rule_file, alphasort), bad = 0;

    if (access("/usr/bin/yara", X_OK) != 0) {
        printf("skipped: needs the package yara\n");
        return 0;
    }
    if (n <= 0 || n > 200 || nftw(folder, count, 32, FTW_PHYS) != 0) {
        fprintf(stderr, "no rules in %s, or %s cannot be read\n", rules, folder);
        return 1;
    }
    for (int i = 0; i < n; i++) /* each with its own namespace, as we do */
        paths[i] = path_format("n%d:%s/%s", i, rules, list[i]->d_name);
    unsigned pairs = 0, other = 0;
    struct line l = ours("1", rules, rules); /* fills the cache of compiled rules, and says what starting costs */
    double warm = measure(&l, &pairs, true);
    l = theirs("1", paths, n, rules);
    double warm_other = measure(&l, &other, false);
    printf("start and the rules' own folder: belljar %.2f s, yara %.2f s; hits %u and %u\n", warm, warm_other, pairs,
           other);
    bad |= pairs != other;
    printf("%s: %llu files, %.0f MB\n", folder, (unsigned long long)files, (double)bytes / 1e6);
    for (unsigned jobs = 1; jobs <= 2; jobs++) {
        const char *word = jobs == 1 ? "1" : "2";
        l = ours(word, rules, folder);
        double a = measure(&l, &pairs, true);
        l = theirs(word, paths, n, folder);
        double b = measure(&l, &other, false);
        printf("%u scanner%s: belljar %.2f s (%.0f MB/s), yara %.2f s (%.0f MB/s), ratio %.2f; hits %u and %u\n", jobs,
               jobs == 1 ? " " : "s", a, (double)bytes / 1e6 / a, b, (double)bytes / 1e6 / b, b / a, pairs, other);
        bad |= pairs != other;
    }
    for (int i = 0; i < n; i++) {
        free(paths[i]);
        free(list[i]);
    }
    free(list);
    if (bad)
        printf("the hits differ\n");
    return bad;
}
