/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/cmd.h"

#include "base/str.h"
#include "case/case.h"
#include "cmd/text.h"
#include "os/file.h"

#include <jansson.h>
#include <stdlib.h>

static void print_one(void *context, const char *id, const char *dir, const char *state)
{
    json_t *s = case_json(dir, "submission.json", NULL), *r = case_json(dir, "report.json", NULL);
    const json_t *v = json_object_get(r, "verdict");
    const char *name = json_string_value(json_object_get(s, "name"));
    const char *word = json_string_value(json_object_get(v, "word"));
    char score[24] = "-"; /* without a verdict there is none */

    if (word)
        snprintf(score, sizeof(score), "%lld", (long long)json_integer_value(json_object_get(v, "score")));
    printf("%s  %-11s %-10s %3s  ", id, state ? state : "?", word ? word : "-", score);
    text_print(stdout, str_from(name));
    putchar('\n');
    ++*(unsigned *)context;
    json_decref(s);
    json_decref(r);
}

static int run(int argc, char **argv)
{
    unsigned n = 0;
    struct err e;

    if (argc > 1)
        return cmd_wrong(&cmd_cases, "\"%s\" is too much", argv[1]);
    if (case_each(print_one, &n, &e) < 0)
        return cmd_failed(&e);
    if (!n)
        fprintf(stderr, "There is no analysis yet. Start one with: %s analyze FILE\n", cmd_self());
    return EXIT_FINE;
}

const struct cmd cmd_cases = {"cases", "", "List the analyses, newest first: id, state, verdict, score, name", NULL,
                              run};
