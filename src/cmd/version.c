/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/cmd.h"

#include "detect/attack.h"
#include "machine/machine.h"

static int run(int argc, char **argv)
{
    char qemu[32] = "not installed";

    (void)argc;
    (void)argv;
    machine_qemu_version(qemu, sizeof(qemu), NULL);
    printf("belljar %s (ATT&CK %s, QEMU %s)\n", BELLJAR_VERSION, attack_version(), qemu);
    return EXIT_FINE;
}

const struct cmd cmd_version = {"version", "", "Print the version", NULL, run};
