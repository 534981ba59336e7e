/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/cmd.h"

#include "conf/conf.h"
#include "os/file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *cmd_settings_file(void)
{
    const char *given = getenv("BELLJAR_CONFIG"), *home = getenv("HOME");
    char *path = NULL;

    if (given && *given)
        return strdup(given);
    if (geteuid() == 0)
        path = strdup("/etc/belljar.conf");
    else if (home)
        path = path_join(home, ".config/belljar.conf");
    if (path && !file_exists(path)) {
        free(path);
        path = NULL;
    }
    return path;
}

static int run(int argc, char **argv)
{
    struct conf *c = NULL;
    struct err e;
    int r;

    if (argc > 2)
        return cmd_wrong(&cmd_settings, "\"%s\" is too much", argv[2]);
    char *own = argc > 1 ? strdup(argv[1]) : cmd_settings_file();
    r = conf_load(own, &c, &e);
    free(own);
    if (r < 0)
        return cmd_failed(&e);
    r = conf_write(c, stdout);
    conf_free(&c);
    return r < 0 ? EXIT_FAILED : EXIT_FINE;
}

const struct cmd cmd_settings = {
    "settings", "[FILE]", "Print all settings with their values, as a file that can be changed and read again",
    "Settings come from a file ($BELLJAR_CONFIG, /etc/belljar.conf for root, ~/.config/belljar.conf), and the "
    "environment\n"
    "(BELLJAR_DISK_MAX for disk-max, ...) goes over it. With FILE, that file is read and checked instead.\n",
    run};
