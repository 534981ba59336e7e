/* SPDX-License-Identifier: GPL-3.0-or-later */
/* YAML, rule compiler and the tests inside rules: any bytes. */
#include "detect/behavior.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_problem(void *context, const char *file, unsigned line, const char *reason)
{
    unsigned *n = context;
    (void)file;
    (void)line;
    *n += reason[0] != '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct behavior_rules *r;
    unsigned problems = 0, run = 0, failed = 0;
    /* Repetitions make a test long, not deep. */
    if (size > 16384 || behavior_rules_new(&r) < 0)
        return 0;
    int n = behavior_rules_add(r, "fuzz", (struct str){(const char *)data, size}, on_problem, &problems, NULL);
    if (n > 0 && behavior_rules_count(r) != (size_t)n)
        abort();
    behavior_rules_test(r, &run, &failed, on_problem, &problems);
    behavior_rules_free(&r);
    return 0;
}
