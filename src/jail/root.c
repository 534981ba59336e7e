/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "jail/stages.h"

#include <errno.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Any folder that exists everywhere and may be hidden in our own mount namespace. */
#define MOUNT_AT "/proc"

/* pivot_root(2), "pivot_root(".", ".")": the old root lies on top of the new one, and is then taken away. */
static int root_change(void)
{
    if (syscall(SYS_pivot_root, ".", ".") == 0)
        return umount2(".", MNT_DETACH);
    /* On an initramfs or below a chroot the root cannot be moved. chroot will do: without capabilities and without a
     * descriptor of a folder nobody gets out. */
    return errno == EINVAL ? chroot(".") : -1;
}

int jail_root(struct jail_state *s, struct err *e)
{
    if (s->profile->keep_root || !s->namespaces) /* without namespaces (weak) Landlock alone hides the files */
        return 0;
    if (mount("none", MOUNT_AT, "tmpfs", MS_NODEV | MS_NOSUID | MS_NOEXEC, "size=4k,nr_inodes=2,mode=0555") < 0)
        return err_errno(e, "cannot mount an empty root");
    if (chdir(MOUNT_AT) < 0)
        return err_errno(e, "cannot enter the empty root");
    if (root_change() < 0)
        return err_errno(e, "cannot change the root");
    if (chdir("/") < 0)
        return err_errno(e, "cannot enter the empty root");
    if (mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NODEV | MS_NOSUID | MS_NOEXEC, NULL) < 0)
        return err_errno(e, "cannot make the empty root read-only");
    return 0;
}
