/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/cmd.h"

#include "conf/conf.h"

static int run(int argc, char **argv)
{
    struct conf *c = NULL;
    struct err e;
    int r;

    if (argc > 2)
        return cmd_wrong(&cmd_settings, "\"%s\" is too much", argv[2]);
    if (conf_load(argc > 1 ? argv[1] : NULL, &c, &e) < 0)
        return cmd_failed(&e);
    r = conf_write(c, stdout);
    conf_free(&c);
    return r < 0 ? EXIT_FAILED : EXIT_FINE;
}

const struct cmd cmd_settings = {"settings", "[FILE]",
                                 "Print all settings with their values, as a file that can be changed and read again",
                                 "Settings come from the environment (BELLJAR_MEMORY_MIB for memory-mib, ...); with "
                                 "FILE, that file is checked, too.\n",
                                 run};
