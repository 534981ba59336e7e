/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two forks and a dead parent: the grandchild works on as an orphan and starts a program. */
#include <unistd.h>

int main(void)
{
    if (fork())
        _exit(0);
    if (fork())
        _exit(0);
    sleep(1);
    execl("/bin/sh", "sh", "-c", "echo orphan > /tmp/doublefork-was-here", (char *)0);
    return 1;
}
