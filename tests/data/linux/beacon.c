/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What dropper.sh carries inside: calls a documentation address on an odd port, three times. */
#include "mini.h"

#define TEXT "NICK beacon-0001\r\n"

void _start(void);
void _start(void)
{
    word pause[2] = {1, 0};

    for (int i = 0; i < 3; i++) {
        word fd = mini_connect(203, 0, 113, 66, 6667);
        if (fd >= 0) {
            sys(NR_write, fd, (word)TEXT, sizeof(TEXT) - 1, 0);
            sys(NR_close, fd, 0, 0, 0);
        }
        sys(NR_nanosleep, (word)pause, 0, 0, 0);
    }
    sys(NR_exit, 0, 0, 0, 0);
    for (;;)
        ;
}
