/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rule text: YAML, compiler, the tests inside rules with and without the index. */
#include "detect/sigma/sigma.h"

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
    static const struct str values[] = {{"adm_*", 5}, {"x", 1}};
    struct sigma_rules *r;
    unsigned problems = 0, run = 0, failed = 0;
    struct sigma_rule_info info;
    if (size > 16384 || sigma_rules_new(&r) < 0)
        return 0;
    sigma_rules_placeholder(r, STR_LIT("known"), values, 2);
    int n = sigma_rules_add(r, "fuzz", (struct str){(const char *)data, size}, on_problem, &problems, NULL);
    if (n > 0 && sigma_rules_count(r) != (size_t)n)
        abort();
    if (sigma_rules_compile(r, on_problem, &problems, NULL) >= 0) {
        for (size_t i = 0; sigma_rules_at(r, i, &info); i++)
            if (!info.title.n)
                abort();
        sigma_rules_test(r, &run, &failed, on_problem, &problems);
        if (failed > run)
            abort();
    }
    sigma_rules_free(&r);
    return 0;
}
