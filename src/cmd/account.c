/* SPDX-License-Identifier: GPL-3.0-or-later */
/* belljar account: the accounts of the server, from the command line. */
#include "cmd/cmd.h"

#include "os/file.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>

static int add(struct store *s, const char *name, enum account_role role, struct err *e)
{
    int64_t id;
    int r = account_create(s, name, "", role, &id, e);

    if (r == 0)
        printf("Account %s (%s).\n", name, account_role_name(role));
    return r;
}

static int key(struct store *s, const char *name, const char *scope, struct err *e)
{
    char secret[STORE_SECRET_HEX];
    struct account a;
    int r = account_find(s, name, &a, e);

    if (r == 0 && (r = account_key_create(s, a.id, "command line", scope, secret, e)) == 0)
        printf("%s\n", secret);
    return r;
}

static int run(int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "", *name = NULL, *scope = "write";
    enum account_role role = ROLE_ANALYST;
    struct store *s = NULL;
    struct err e = {0};
    char *data;
    int r;

    if (strcmp(verb, "add") != 0 && strcmp(verb, "key") != 0)
        return cmd_wrong(&cmd_account, "add or key is wanted");
    for (int i = 2; i < argc; i++) {
        if (!strcmp(argv[i], "--admin"))
            role = ROLE_ADMIN;
        else if (!strcmp(argv[i], "--viewer"))
            role = ROLE_VIEWER;
        else if (!strcmp(argv[i], "--read"))
            scope = "read";
        else if (argv[i][0] == '-' || name)
            return cmd_wrong(&cmd_account, "\"%s\" is too much", argv[i]);
        else
            name = argv[i];
    }
    if (!name)
        return cmd_wrong(&cmd_account, "the account's name is missing");
    data = path_data_dir();
    r = data ? store_open(data, &s, &e) : err_set(&e, -1, "out of memory");
    if (r == 0)
        r = *verb == 'a' ? add(s, name, role, &e) : key(s, name, scope, &e);
    store_close(&s);
    free(data);
    return r < 0 ? cmd_failed(&e) : EXIT_FINE;
}

const struct cmd cmd_account = {
    .name = "account",
    .arguments = "add NAME [--admin|--viewer] | key NAME [--read]",
    .doc = "Make accounts of the server and keys of its API",
    .help = "  add NAME   makes an account: an analyst's, or --admin, or --viewer (who only reads)\n"
            "  key NAME   makes an API key of 64 hex digits and prints it, once; --read: it may not submit or delete\n",
    .run = run,
};
