/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "jail/stages.h"

#include "base/hash.h"
#include "os/file.h"
#include "os/role-wire.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NAMESPACES (CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS | CLONE_NEWCGROUP)

static int text_write(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    int r = file_write_all(fd, text, strlen(text));
    close(fd);
    return r;
}

/* One line that maps the id which we have: all that an unprivileged process may write (user_namespaces(7)). */
static int map_ids(uid_t uid, gid_t gid)
{
    char map[64];
    int r = text_write("/proc/self/setgroups", "deny");

    if (r < 0 && r != -ENOENT)
        return r;
    snprintf(map, sizeof(map), "%u %u 1\n", JAIL_UID_FIRST, (unsigned)uid);
    r = text_write("/proc/self/uid_map", map);
    if (r < 0)
        return r;
    snprintf(map, sizeof(map), "%u %u 1\n", JAIL_UID_FIRST, (unsigned)gid);
    return text_write("/proc/self/gid_map", map);
}

static int uid_drop(uid_t uid)
{
    if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
        return -errno;
    return 0;
}

static int user_namespace_enter(struct jail_state *s)
{
    if (s->own_uid) {
        /* Root that may not make namespaces itself (a container): first the uid, then a user namespace as anybody. */
        int r = uid_drop(s->uid);
        if (r < 0)
            return r;
        s->own_uid = false;
        prctl(PR_SET_DUMPABLE, 1); /* else /proc/self/uid_map would belong to root; taken back in the last stage */
    }
    uid_t uid = geteuid();
    gid_t gid = getegid();
    if (unshare(CLONE_NEWUSER | NAMESPACES) < 0)
        return -errno;
    return map_ids(uid, gid);
}

int jail_user_enter(struct jail_state *s, struct err *e)
{
    uint16_t slot;

    random_bytes(&slot, sizeof(slot));
    s->uid = JAIL_UID_FIRST + slot % JAIL_UID_COUNT;
    s->own_uid = geteuid() == 0;
    if (s->own_uid && unshare(NAMESPACES) == 0) {
        s->namespaces = true;
        s->own_uid = !s->profile->keep_user;
    } else if (s->own_uid && s->profile->keep_user && !s->weak) {
        return err_errno(e, "cannot make namespaces");
    } else {
        int r = user_namespace_enter(s);
        s->namespaces = r == 0;
        if (r < 0 && !s->weak)
            return err_set(e, r == -EPERM || r == -ENOSPC || r == -EACCES ? ERR_UNSUPPORTED : r,
                           "cannot make a user namespace (%s); permit them (sysctl kernel.unprivileged_userns_clone=1, "
                           "kernel.apparmor_restrict_unprivileged_userns=0, user.max_user_namespaces > 0), "
                           "or run as root, or accept less isolation with BELLJAR_JAIL=weak",
                           strerror(-r));
    }
    /* Otherwise our mounts would show up in the namespace that we came from. */
    if (s->namespaces && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return errno == EINVAL ? err_set(e, -EINVAL,
                                         "the root folder is no mount point, as in a chroot: bind-mount it over "
                                         "itself and enter it by pivot_root")
                               : err_errno(e, "cannot make the mounts private");
    return 0;
}

/* What could ever give capabilities back. EPERM: an ordinary user in weak mode, who has none to lose. */
static int privileges_lock(void)
{
    for (int cap = 0; cap < 64; cap++)
        if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1 && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno != EPERM)
            return -errno;
    if (prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                                     SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                                     SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED) < 0 &&
        errno != EPERM)
        return -errno;
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return 0;
}

static int capabilities_drop(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {0};

    return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

/*
 * A change of user or capabilities clears the parent-death signal. Between
 * that and setting it again the parent may have died: then our channel is
 * hung up (a process closes its descriptors before it signals its children).
 */
static int tie_to_parent_again(const struct jail_state *s, struct err *e)
{
    struct pollfd p = {.fd = ROLE_CHANNEL_FD};

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        return err_errno(e, "cannot tie the process to its parent");
    if (getppid() != s->parent || (poll(&p, 1, 0) > 0 && (p.revents & POLLHUP)))
        return err_set(e, ERR_PEER, "the parent is gone");
    return 0;
}

int jail_user_leave(struct jail_state *s, struct err *e)
{
    int r = privileges_lock(); /* needs CAP_SETPCAP, so before the change of user */

    if (r < 0) {
        errno = -r;
        return err_errno(e, "cannot lock capabilities away");
    }
    if (s->own_uid) {
        r = uid_drop(s->uid);
        if (r < 0 && !s->weak) {
            errno = -r;
            return err_errno(e, "cannot change to user %u", (unsigned)s->uid);
        }
    }
    r = capabilities_drop();
    if (r < 0) {
        errno = -r;
        return err_errno(e, "cannot drop capabilities");
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return err_errno(e, "cannot set no_new_privs");
    return tie_to_parent_again(s, e);
}
