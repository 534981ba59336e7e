/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 200 processes at once, each leaves a file: nothing of it may be lost. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    char name[64];

    mkdir("/tmp/storm", 0755);
    for (int i = 0; i < 200; i++) {
        if (fork())
            continue;
        snprintf(name, sizeof(name), "/tmp/storm/%03d", i);
        int f = open(name, O_WRONLY | O_CREAT, 0644);
        _exit(f < 0 || write(f, name, 5) != 5);
    }
    while (wait(0) > 0)
        ;
    return 0;
}
