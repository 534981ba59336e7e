/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "agent.h"

#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    /* "-t TRANSPORT" runs the daemon half by hand, on machines that are not ours to boot. */
    if (argc == 3 && strcmp(argv[1], "-t") == 0)
        return agent_daemon(argv[2]) < 0;
    if (getpid() == 1)
        return agent_boot() < 0;
    if (argc == 1 && strcmp(argv[0], AGENT_DISGUISE) == 0)
        return agent_daemon(NULL) < 0;
    return 2;
}
