/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small static program, built for several processors: says where it runs, leaves a file, calls a documentation
 * address. */
#include "mini.h"

#define TEXT "foreign program was here\n"

void _start(void);
void _start(void)
{
    word fd;

    sys(NR_write, 1, (word)TEXT, sizeof(TEXT) - 1, 0);
    mini_write_file("/tmp/foreign-was-here", TEXT);
    fd = mini_connect(203, 0, 113, 77, 8081);
    if (fd >= 0)
        sys(NR_write, fd, (word)TEXT, sizeof(TEXT) - 1, 0);
    sys(NR_exit, 7, 0, 0, 0);
    for (;;)
        ;
}
