/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "jail/stages.h"

#include "os/role-wire.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

/* clearenv only forgets the pointers: the text would stay readable in our stack. */
static void environment_wipe(void)
{
    for (char **v = environ; v && *v; v++)
        memset(*v, 0, strlen(*v));
    clearenv();
}

int jail_initial(struct jail_state *s, struct err *e)
{
    struct rlimit none = {0, 0};
    const char *mode = getenv("BELLJAR_JAIL");

    s->weak = mode && strcmp(mode, "weak") == 0;
    s->parent = getppid();
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        return err_errno(e, "cannot tie the process to its parent");
    if (syscall(SYS_close_range, ROLE_CHANNEL_FD + 1u, ~0u, 0) < 0)
        return err_errno(e, "cannot close inherited descriptors");
    environment_wipe();
    umask(077);
    if (setsid() < 0 && errno != EPERM) /* EPERM: leads its group already, then it has no terminal of ours to lose */
        return err_errno(e, "cannot start a session");
    if (setrlimit(RLIMIT_CORE, &none) < 0)
        return err_errno(e, "cannot forbid core dumps");
    return 0;
}
