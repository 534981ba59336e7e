/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Copies a program into anonymous memory and runs it from there: no file, no name. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

int main(void)
{
    char buffer[65536];
    char *const argv[] = {"[kworker/u8:3]", "-c", "echo from memory > /tmp/memfd-was-here", 0};
    char *const envp[] = {"PATH=/usr/bin:/bin", 0};
    int in = open("/bin/dash", O_RDONLY), out = memfd_create("", 0);
    ssize_t n;

    if (in < 0 || out < 0)
        return 1;
    while ((n = read(in, buffer, sizeof(buffer))) > 0)
        if (write(out, buffer, (size_t)n) != n)
            return 1;
    fexecve(out, argv, envp);
    return 1;
}
