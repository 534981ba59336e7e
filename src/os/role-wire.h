/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between role_start (os/role.c) and role_main (jail/role-main.c) only. */
#ifndef BELLJAR_OS_ROLE_WIRE_H
#define BELLJAR_OS_ROLE_WIRE_H

#define ROLE_CHANNEL_FD 3

enum {
    ROLE_READY = 0xfffffff0u,   /* the child is in its jail */
    ROLE_REFUSED = 0xfffffff1u, /* it could not enter; the payload is the sentence */
};

/* Exit statuses of role_main itself; roles use 0..125. */
enum { ROLE_EXIT_JAIL = 126, ROLE_EXIT_USAGE = 127 };

#endif
