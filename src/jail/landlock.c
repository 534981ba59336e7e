/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Landlock by raw system calls: headers and C library of the build may be older
 * than the kernel that we meet. Numbers: linux/landlock.h (Linux 6.12).
 */
#include "jail/stages.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

#define CREATE_VERSION 1u
#define RULE_PATH_BENEATH 1

enum {
    FS_EXECUTE = 1 << 0,
    FS_WRITE_FILE = 1 << 1,
    FS_READ_FILE = 1 << 2,
    FS_READ_DIR = 1 << 3,
    FS_ALL_ABI1 = (1 << 13) - 1,
    FS_REFER = 1 << 13,                 /* ABI 2 */
    FS_TRUNCATE = 1 << 14,              /* ABI 3 */
    FS_IOCTL_DEV = 1 << 15,             /* ABI 5 */
    FS_MAKE_DEVICES = 1 << 6 | 1 << 11, /* MAKE_CHAR, MAKE_BLOCK */
    /* What may be allowed for something that is no folder. */
    FS_OF_FILES = FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV,
    NET_ALL = 3,   /* ABI 4: bind and connect of TCP */
    SCOPE_ALL = 3, /* ABI 6: abstract unix sockets and signals stay inside */
};

struct ruleset_attr {
    uint64_t fs, net, scoped;
};

struct path_beneath_attr {
    uint64_t allowed;
    int32_t parent_fd;
} __attribute__((packed));

int jail_landlock_abi(void)
{
    long r = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_VERSION);

    return r < 0 ? 0 : (int)r;
}

static uint64_t fs_handled(int abi)
{
    return FS_ALL_ABI1 | (abi >= 2 ? FS_REFER : 0) | (abi >= 3 ? FS_TRUNCATE : 0) | (abi >= 5 ? FS_IOCTL_DEV : 0);
}

static int path_allow(int ruleset, const char *path, uint64_t access, struct err *e)
{
    int fd = open(path, O_PATH | O_CLOEXEC), folder, r = 0;

    if (fd < 0 && errno == ENOENT) /* nothing there, nothing to allow */
        return 0;
    if (fd < 0)
        return err_errno(e, "cannot open %s for the jail", path);
    folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        access &= FS_OF_FILES;
    else
        close(folder);
    struct path_beneath_attr a = {.allowed = access, .parent_fd = fd};
    if (syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &a, 0) < 0)
        r = err_errno(e, "cannot allow %s in the jail", path);
    close(fd);
    return r;
}

static int paths_allow(int ruleset, const char *const *paths, uint64_t access, struct err *e)
{
    int r = 0;

    for (; paths && *paths && r == 0; paths++)
        r = path_allow(ruleset, *paths, access, e);
    return r;
}

int jail_landlock(struct jail_state *s, struct err *e)
{
    const struct jail_profile *p = s->profile;
    int abi = jail_landlock_abi(), r = 0;

    if (abi == 0) {
        /* The empty root hides all files already; without it Landlock is all there is. */
        if (s->weak || (s->namespaces && !p->keep_root))
            return 0;
        return err_set(e, ERR_UNSUPPORTED,
                       "this kernel has no Landlock (Linux 5.13, CONFIG_SECURITY_LANDLOCK, lsm=landlock)");
    }
    struct ruleset_attr a = {.fs = fs_handled(abi), .net = abi >= 4 ? NET_ALL : 0, .scoped = abi >= 6 ? SCOPE_ALL : 0};
    size_t size = abi >= 6 ? sizeof(a) : abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &a, size, 0);
    if (ruleset < 0)
        return err_errno(e, "cannot make a Landlock ruleset");
    if (p->keep_root) {
        r = paths_allow(ruleset, p->read_paths, FS_READ_FILE | FS_READ_DIR, e);
        if (r == 0)
            r = paths_allow(ruleset, p->write_paths, a.fs & ~(uint64_t)(FS_EXECUTE | FS_MAKE_DEVICES | FS_IOCTL_DEV),
                            e);
    }
    if (r == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
        r = err_errno(e, "cannot enforce Landlock");
    close(ruleset);
    return r;
}
