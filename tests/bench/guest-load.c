/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The loads of the overhead benchmark, and the first process of its guest.
 *
 *   load dd N      N times read and write of one byte (like dd bs=1)
 *   load find N    walks a tree of N files, as find -xdev does
 *   load exec N    N times fork, exec, wait
 *   load true
 *
 * As process 1 it runs each load untraced, traced, and (where /bin/strace is) under strace -f, in turns, and powers
 * off.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int copy_bytes(long n)
{
    int in = open("/dev/zero", O_RDONLY), out = open("/dev/null", O_WRONLY);
    char byte;

    while (n-- > 0)
        if (read(in, &byte, 1) != 1 || write(out, &byte, 1) != 1)
            return 1;
    return 0;
}

static long walk(const char *path)
{
    struct dirent *e;
    struct stat st;
    char below[512];
    long n = 0;
    DIR *d = opendir(path);

    while (d && (e = readdir(d))) {
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
            continue;
        snprintf(below, sizeof(below), "%s/%s", path, e->d_name);
        n++;
        if (lstat(below, &st) == 0 && S_ISDIR(st.st_mode))
            n += walk(below);
    }
    if (d)
        closedir(d);
    return n;
}

static void plant(long files)
{
    char path[128];

    mkdir("/tree", 0755);
    for (long i = 0; i < files; i++) {
        snprintf(path, sizeof(path), "/tree/%ld", i / 50);
        if (i % 50 == 0)
            mkdir(path, 0755);
        snprintf(path, sizeof(path), "/tree/%ld/%ld", i / 50, i);
        close(open(path, O_WRONLY | O_CREAT, 0644));
    }
}

static int run(const char *const *argv)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        execv(argv[0], (char *const *)(unsigned long)argv);
        _exit(127);
    }
    waitpid(pid, &status, 0);
    return status;
}

static int many_execs(long n)
{
    const char *const argv[] = {"/bin/load", "true", NULL};

    while (n-- > 0)
        if (run(argv) != 0)
            return 1;
    return 0;
}

static void measure(const char *load, const char *n, const char *strace_n)
{
    char plain[64], traced[64], straced[64];

    snprintf(plain, sizeof(plain), "-l%s plain", load);
    snprintf(traced, sizeof(traced), "-l%s traced", load);
    snprintf(straced, sizeof(straced), "-l%s strace", load);
    for (int i = 0; i < 5; i++) {
        run((const char *const[]){"/bin/watch", "-q", "-n", plain, "/bin/load", load, n, NULL});
        run((const char *const[]){"/bin/watch", "-q", traced, "/bin/load", load, n, NULL});
    }
    if (access("/bin/strace", X_OK) == 0) {
        snprintf(plain, sizeof(plain), "-l%s plain-short", load);
        run((const char *const[]){"/bin/watch", "-q", "-n", plain, "/bin/load", load, strace_n, NULL});
        run((const char *const[]){"/bin/watch", "-q", "-n", straced, "/bin/strace", "-f", "-o", "/dev/null",
                                  "/bin/load", load, strace_n, NULL});
    }
}

static int first_process(void)
{
    mount("proc", "/proc", "proc", 0, NULL);
    mount("sys", "/sys", "sysfs", 0, NULL);
    mount("dev", "/dev", "devtmpfs", 0, NULL);
    mount("securityfs", "/sys/kernel/security", "securityfs", 0, NULL);
    dup2(open("/dev/console", O_RDWR), 1);
    dup2(1, 2);
    plant(5000);
    measure("dd", "20000", "500");
    measure("find", "5000", "5000");
    measure("exec", "200", "20");
    puts("end");
    fflush(stdout);
    reboot(LINUX_REBOOT_CMD_POWER_OFF);
    return 0;
}

int main(int argc, char **argv)
{
    long n = argc > 2 ? atol(argv[2]) : 0;

    if (getpid() == 1)
        return first_process();
    if (argc > 1 && !strcmp(argv[1], "dd"))
        return copy_bytes(n);
    if (argc > 1 && !strcmp(argv[1], "find"))
        return walk("/tree") < n;
    if (argc > 1 && !strcmp(argv[1], "exec"))
        return many_execs(n);
    return 0;
}
