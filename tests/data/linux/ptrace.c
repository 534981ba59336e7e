/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The oldest trick: only one tracer can trace us, so if this fails somebody watches. Also asks the firmware for its
 * maker. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <unistd.h>

int main(void)
{
    char maker[64] = "";
    int f = open("/sys/class/dmi/id/sys_vendor", O_RDONLY);

    if (f >= 0 && read(f, maker, sizeof(maker) - 1) > 0)
        close(f);
    if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0) {
        puts("watched");
        return 3;
    }
    f = open("/tmp/not-watched", O_WRONLY | O_CREAT, 0644);
    return f < 0;
}
