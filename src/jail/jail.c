/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "jail/jail.h"

#include "jail/stages.h"
#include "os/sanitizer.h"

#if OS_SANITIZED
#include <sanitizer/common_interface_defs.h>
#endif

int jail_stages_run(struct jail_state *s, bool with_seccomp, struct err *e)
{
    static int (*const stages[])(struct jail_state *, struct err *) = {
        jail_initial, jail_user_enter, jail_root, jail_user_leave, jail_limits, jail_landlock,
    };

    for (unsigned i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
        int r = stages[i](s, e);
        if (r < 0)
            return r;
    }
    return with_seccomp ? jail_seccomp(s, e) : 0;
}

int jail_enter(const struct jail_profile *p, struct err *e)
{
    struct jail_state s = {.profile = p};

#if OS_SANITIZED
    /* It reads what it needs for its reports now; afterwards it cannot open files. */
    __sanitizer_sandbox_arguments a = {0};
    __sanitizer_sandbox_on_notify(&a);
#endif
    int r = jail_stages_run(&s, true, e);
    if (r < 0)
        err_prefix(e, "jail %s: ", p->name);
    return r;
}
