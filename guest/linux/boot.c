/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pid 1 of the initrd: mounts, finds the root, leaves the daemon behind and
 * becomes the guest's init. The daemon is started inside the new root, so that
 * paths mean the same to it as to the sample.
 */
#include "agent.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/module.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROOT_WAIT_MS 20000

static void say(const char *what, int code)
{
    dprintf(1, "init: %s: %s\n", what, strerror(code < 0 ? -code : code));
}

static void pause_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

/* Value of "name=" on the kernel's command line; false when it is not there. */
static bool option(const char *line, const char *name, char *ret, size_t cap)
{
    size_t len = strlen(name);

    for (; *line; line += strcspn(line, " \n"), line += strspn(line, " \n"))
        if (strncmp(line, name, len) == 0 && line[len] == '=') {
            size_t n = strcspn(line + len + 1, " \n");
            if (n >= cap)
                return false;
            memcpy(ret, line + len + 1, n);
            ret[n] = 0;
            return true;
        }
    return false;
}

static void mount_kernel(void)
{
    mkdir("/proc", 0555);
    mkdir("/sys", 0555);
    mkdir("/dev", 0755);
    mkdir("/newroot", 0700);
    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    mount("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    if (mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=0755") < 0 && errno != EBUSY)
        mknod("/dev/console", S_IFCHR | 0600, makedev(5, 1));
    int fd = open("/dev/console", O_RDWR | O_NOCTTY);
    for (int i = 0; fd >= 0 && i < 3; i++)
        dup2(fd, i);
    if (fd > 2)
        close(fd);
}

static int mount_root(const char *device, const char *type)
{
    int r = -ENODEV;

    for (int waited = 0; waited < ROOT_WAIT_MS; waited += 20) {
        if (mount(device, "/newroot", type, 0, NULL) == 0)
            return 0;
        r = -errno;
        if (errno != ENOENT && errno != ENODEV && errno != ENXIO)
            return r;
        pause_ms(20);
    }
    return r;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* /modules of the initrd, in the order of their names: what the kernel needs to reach its root and has not built in. */
static void load_modules(void)
{
    struct dirent **list = NULL;
    int n = scandir("/modules", &list, NULL, by_name);

    for (int i = 0; i < n; i++) {
        char path[512];
        const char *name = list[i]->d_name, *dot = strrchr(name, '.');
        snprintf(path, sizeof(path), "/modules/%s", name);
        int fd = name[0] == '.' ? -1 : open(path, O_RDONLY | O_CLOEXEC);
        /* .ko.xz and the like: the kernel unpacks it itself */
        int flags = dot && strcmp(dot, ".ko") ? MODULE_INIT_COMPRESSED_FILE : 0;
        if (fd >= 0 && syscall(SYS_finit_module, fd, "", flags) < 0 && errno != EEXIST)
            say(path, errno);
        if (fd >= 0)
            close(fd);
        free(list[i]);
    }
    free(list);
}

static int enter_root(void)
{
    static const char *const moved[] = {"/proc", "/sys", "/dev"};

    for (size_t i = 0; i < sizeof(moved) / sizeof(*moved); i++) {
        char to[32];
        snprintf(to, sizeof(to), "/newroot%s", moved[i]);
        if (mount(moved[i], to, NULL, MS_MOVE, NULL) < 0)
            umount2(moved[i], MNT_DETACH);
    }
    if (chdir("/newroot") < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 || chdir("/") < 0)
        return -errno;
    return 0;
}

/*
 * Our file in the initrd takes a path that the guest's root also has: the link
 * /proc/PID/exe then tells nothing. An open descriptor survives the change of root.
 */
static int rename_self(void)
{
    const char *self = "/init";

    make_parents(AGENT_FILE, 0, 0);
    if (rename(self, AGENT_FILE) == 0)
        self = AGENT_FILE;
    return open(self, O_RDONLY | O_CLOEXEC);
}

static void leave_daemon(int self_fd)
{
    static char *const argv[] = {AGENT_DISGUISE, NULL};
    static char *const envp[] = {NULL};
    pid_t pid = fork();

    if (pid != 0)
        return;
    setsid();
    int null = open("/dev/null", O_RDWR);
    for (int i = 0; null >= 0 && i < 3; i++)
        dup2(null, i);
    fexecve(self_fd, argv, envp);
    execve("/proc/self/exe", argv, envp);
    _exit(127);
}

/* Without a root of its own (tests with a bare initrd): we stay pid 1 and collect the dead. */
static void reap_for_ever(void)
{
    for (;;)
        if (waitpid(-1, NULL, 0) < 0)
            pause_ms(200);
}

int agent_boot(void)
{
    char line[4096], device[256], type[32] = "ext4", init[256] = "/sbin/init";

    mount_kernel();
    if (file_get("/proc/cmdline", line, sizeof(line)) < 0)
        line[0] = 0;
    int self = rename_self();
    load_modules();
    if (option(line, "root", device, sizeof(device))) {
        option(line, "rootfstype", type, sizeof(type));
        int r = mount_root(device, type);
        if (r < 0) {
            say(device, r);
            return r;
        }
        r = enter_root();
        if (r < 0) {
            say("change of root", r);
            return r;
        }
    }
    leave_daemon(self);
    close(self);
    option(line, "init", init, sizeof(init));
    if (access(init, X_OK) != 0)
        reap_for_ever();
    char *const argv[] = {init, NULL};
    char *const envp[] = {"HOME=/", "TERM=linux", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                          NULL};
    execve(init, argv, envp);
    say(init, errno);
    return -errno;
}
