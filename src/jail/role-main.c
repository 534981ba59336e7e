/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The child's side of os/role.h. It is here because os may not depend on jail. */
#include "jail/jail.h"
#include "os/role-wire.h"
#include "os/role.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Somebody typed --role by hand: descriptor 3 is no channel of ours, and closing or writing it could do harm. */
static bool has_channel(void)
{
    int type = 0;
    socklen_t n = sizeof(type);

    return getsockopt(ROLE_CHANNEL_FD, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_STREAM;
}

static int role_run(const struct role *r)
{
    struct ipc *parent = NULL;
    struct err e = {0};

    fcntl(ROLE_CHANNEL_FD, F_SETFD, FD_CLOEXEC);
    if (ipc_new(ROLE_CHANNEL_FD, &parent) < 0)
        return ROLE_EXIT_JAIL;
    if (r->jail && jail_enter(r->jail, &e) < 0) {
        ipc_send(parent, ROLE_REFUSED, e.text, strlen(e.text), NULL, 0, NULL);
        ipc_free(&parent);
        return ROLE_EXIT_JAIL;
    }
    if (ipc_send(parent, ROLE_READY, NULL, 0, NULL, 0, NULL) < 0) { /* the parent is gone */
        ipc_free(&parent);
        return ROLE_EXIT_JAIL;
    }
    int status = r->run(parent);
    ipc_free(&parent);
    return status < 0 || status > 125 ? 125 : status;
}

int role_main(int argc, char **argv, const struct role *const *table)
{
    if (argc != 3 || strcmp(argv[1], ROLE_FLAG) != 0)
        return -1;
    int status = ROLE_EXIT_USAGE;
    if (has_channel())
        for (; *table; table++)
            if (strcmp((*table)->name, argv[2]) == 0) {
                status = role_run(*table);
                break;
            }
    /* Not exit(): handlers of libraries would run in a jail that was made for something else. */
    fflush(NULL);
    _exit(status);
}
