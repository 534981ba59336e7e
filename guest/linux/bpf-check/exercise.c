/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Does each thing that the tracer has a kind for, once, so that the check can
 * compare what was seen with what was done. Static; runs as root in a guest
 * that is thrown away. `exercise part...` does only those parts.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/fs.h>
#include <linux/if_packet.h>
#include <linux/keyctl.h>
#include <linux/reboot.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

static void wait_for(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
}

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0640);
    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        perror(path);
    close(fd);
}

static void strcpy_low(char *to, const char *text)
{
    memcpy(to, text, strlen(text) + 1);
}

static void *thread(void *arg)
{
    return arg;
}

static void part_process(void)
{
    pthread_t t;
    char *args[] = {"/tmp/ex/script", "two words", "it's", "", NULL};
    char *env[] = {"LD_PRELOAD=/nowhere.so", "OTHER=1", "HISTFILE=/dev/null", NULL};

    pthread_create(&t, NULL, thread, NULL);
    pthread_join(t, NULL);
    put("/tmp/ex/script", "#!/bin/exercise --exit=3\n");
    chmod("/tmp/ex/script", 0755);
    pid_t pid = fork();
    if (pid == 0) {
        if (chdir("/tmp/ex") == 0)
            execve("./script", args, env);
        _exit(1);
    }
    wait_for(pid);
    pid = fork();
    if (pid == 0) {
        setsid();
        execve("/nowhere/prog", args, env);
        _exit(4);
    }
    wait_for(pid);
    pid = fork();
    if (pid == 0)
        raise(SIGKILL);
    wait_for(pid);
    prctl(PR_SET_NAME, "kworker/9:1");
    prctl(PR_SET_DUMPABLE, 0);
    prctl(PR_SET_DUMPABLE, 1);
    personality(ADDR_NO_RANDOMIZE);
    personality(0);
}

static void part_long(void)
{
    size_t n = 20000;
    char *big = malloc(n + 1);
    memset(big, 'A', n);
    big[n] = 0;
    char *args[] = {"exercise", "--exit=0", big, big, NULL};
    pid_t pid = fork();
    if (pid == 0) {
        execv("/bin/exercise", args);
        _exit(1);
    }
    wait_for(pid);
    free(big);
}

static void part_ptrace(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        pause();
        _exit(0);
    }
    usleep(20000);
    ptrace(PTRACE_ATTACH, pid, 0, 0);
    wait_for(pid);
    ptrace(PTRACE_PEEKDATA, pid, &errno, 0);
    ptrace(PTRACE_PEEKDATA, pid, &errno, 0);
    ptrace(PTRACE_DETACH, pid, 0, 0);
    char word[16];
    struct iovec local = {word, sizeof(word)}, remote = {word, sizeof(word)};
    process_vm_readv(pid, &local, 1, &remote, 1, 0);
    process_vm_writev(pid, &local, 1, &remote, 1, 0);
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/mem", pid);
    int fd = open(path, O_RDWR);
    if (pread(fd, word, 8, (off_t)(uintptr_t)word) < 0 || pwrite(fd, word, 8, (off_t)(uintptr_t)word) < 0)
        perror("mem");
    close(fd);
    kill(pid, SIGUSR1);
    wait_for(pid);
    pid = fork();
    if (pid == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        _exit(0);
    }
    wait_for(pid);
}

static void part_file(void)
{
    char name[64];

    put("/tmp/ex/new", "0123456789");
    int fd = open("/tmp/ex/new", O_WRONLY | O_APPEND);
    if (write(fd, "abcde", 5) != 5)
        perror("write");
    close(fd);
    fd = open("/tmp/ex/new", O_RDWR); /* opened, but nothing written */
    close(fd);
    fd = open("/tmp/ex/new", O_RDWR); /* written through a mapping */
    char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    usleep(20000); /* times have the grain of a tick */
    p[0] = 'X';
    munmap(p, 4096);
    close(fd);
    chmod("/tmp/ex/new", 04755);
    if (chown("/tmp/ex/new", 1000, (gid_t)-1) < 0)
        perror("chown");
    if (truncate("/tmp/ex/new", 3) < 0)
        perror("truncate");
    struct timespec times[2] = {{1000000000, 0}, {1234567890, 0}};
    utimensat(AT_FDCWD, "/tmp/ex/new", times, 0);
    setxattr("/tmp/ex/new", "security.capability", "\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20, 0);
    setxattr("/tmp/ex/new", "trusted.mark", "1", 1, 0);
    mkdir("/tmp/ex/dir", 0700);
    rename("/tmp/ex/new", "/tmp/ex/dir/moved");
    rename("/tmp/ex/absent", "/tmp/ex/absent2"); /* fails: no event */
    if (link("/tmp/ex/dir/moved", "/tmp/ex/hard") < 0 || symlink("../where", "/tmp/ex/soft") < 0)
        perror("link");
    mkfifo("/tmp/ex/fifo", 0600);
    DIR *d = opendir("/tmp/ex");
    while (readdir(d))
        ;
    closedir(d);
    int in = inotify_init();
    inotify_add_watch(in, "/tmp/ex/dir", IN_CREATE);
    close(in);
    fd = open("/etc/shadow", O_RDONLY);
    close(fd);
    fd = open("/proc/cpuinfo", O_RDONLY);
    close(fd);
    snprintf(name, sizeof(name), "/proc/%d/environ", getppid());
    fd = open(name, O_RDONLY);
    close(fd);
    fd = open("/tmp/ex/dir/moved", O_RDONLY); /* not sensitive: no event */
    int flags = FS_IMMUTABLE_FL;
    ioctl(fd, FS_IOC_SETFLAGS, &flags);
    flags = 0;
    ioctl(fd, FS_IOC_SETFLAGS, &flags);
    close(fd);
    fd = open("/bin/exercise", O_RDONLY);
    p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
    munmap(p, 4096);
    close(fd);
    unlink("/tmp/ex/hard");
    unlink("/tmp/ex/soft");
    unlink("/tmp/ex/fifo");
    unlink("/tmp/ex/dir/moved");
    rmdir("/tmp/ex/dir");
}

static void part_net(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(5555), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 a6 = {.sin6_family = AF_INET6, .sin6_port = htons(5556), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/tmp/ex/sock"};
    char buf[100] = "x";
    int one = 1;

    int l = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(l, (void *)&a, sizeof(a)) < 0 || listen(l, 5) < 0)
        perror("bind");
    int c = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(c, (void *)&a, sizeof(a)) < 0)
        perror("connect");
    int s = accept(l, NULL, NULL);
    if (write(c, buf, 70) != 70 || read(s, buf, 70) != 70 || write(s, buf, 30) != 30 || read(c, buf, 30) != 30)
        perror("stream");
    close(c);
    close(s);
    close(l);
    int u = socket(AF_INET, SOCK_DGRAM, 0);
    sendto(u, buf, 40, 0, (void *)&a, sizeof(a));
    sendto(u, buf, 2, 0, (void *)&a, sizeof(a));
    close(u);
    int u6 = socket(AF_INET6, SOCK_DGRAM, 0);
    connect(u6, (void *)&a6, sizeof(a6));
    if (write(u6, buf, 11) != 11)
        perror("udp6");
    close(u6);
    a.sin_port = htons(5557);
    c = socket(AF_INET, SOCK_STREAM, 0);
    connect(c, (void *)&a, sizeof(a)); /* refused: begun all the same */
    close(c);
    l = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(l, (void *)&un, sizeof(un)) < 0 || listen(l, 1) < 0)
        perror("unix");
    c = socket(AF_UNIX, SOCK_STREAM, 0);
    connect(c, (void *)&un, sizeof(un));
    close(c);
    close(l);
    unlink(un.sun_path);
    close(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
    close(socket(AF_PACKET, SOCK_RAW, htons(3)));
}

static void part_memory(void)
{
    static const unsigned char code[] = {0xb8, 0x2a, 0, 0, 0, 0xc3}; /* mov eax,42; ret */
    void *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(p, code, sizeof(code));
    prctl(PR_SET_NAME, "held"); /* the visible act after which it is held */
    if (((int (*)(void))p)() != 42)
        puts("no 42");
    void *q = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(q, code, sizeof(code));
    mprotect(q, 4096, PROT_READ | PROT_EXEC);
    int fd = memfd_create("payload", MFD_CLOEXEC);
    int in = open("/bin/exercise", O_RDONLY);
    char buf[65536];
    ssize_t n;
    while ((n = read(in, buf, sizeof(buf))) > 0)
        if (write(fd, buf, (size_t)n) != n)
            perror("memfd");
    close(in);
    pid_t pid = fork();
    if (pid == 0) {
        char *args[] = {"exercise", "--exit=5", NULL}, *env[] = {NULL};
        fexecve(fd, args, env);
        _exit(1);
    }
    wait_for(pid);
    close(fd);
}

static void part_cred(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct {
            unsigned version;
            int pid;
        } h = {0x20080522, 0};
        unsigned data[6] = {1u << 7 | 1u << 6, 1u << 7 | 1u << 6, 0, 0, 0, 0};
        syscall(SYS_capset, &h, data);
        if (setresgid(1000, 1000, 1000) < 0 || setuid(1000) < 0)
            perror("setuid");
        _exit(0);
    }
    wait_for(pid);
    syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
    syscall(SYS_add_key, "user", "k", "v", 1, KEY_SPEC_PROCESS_KEYRING);
}

static void part_kernel(void)
{
    struct timex tx = {.modes = 0};
    int fd = open("/bin/exercise", O_RDONLY);

    syscall(SYS_finit_module, fd, "", 0);
    close(fd);
    syscall(SYS_init_module, "x", 1, "");
    syscall(SYS_delete_module, "rootkit", 0);
    struct {
        unsigned type, count;
        unsigned long long insns, license;
        char rest[96];
    } attr = {1, 1, 0, 0, {0}};
    syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));
    mkdir("/tmp/ex/mnt", 0700);
    mount("none", "/tmp/ex/mnt", "tmpfs", MS_NOSUID, NULL);
    put("/tmp/ex/mnt/inside", "x"); /* a path across a mount */
    umount("/tmp/ex/mnt");
    pid_t pid = fork();
    if (pid == 0) {
        unshare(CLONE_NEWUTS);
        sethostname("evil", 4);
        if (chroot("/tmp/ex") == 0 && chdir("/") == 0)
            put("/in-chroot", "x"); /* shown from the real root */
        _exit(0);
    }
    wait_for(pid);
    syscall(SYS_kexec_load, 0, 99, NULL, 0);
    syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_CAD_OFF, NULL);
    adjtimex(&tx); /* only asks: no event */
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    clock_settime(CLOCK_REALTIME, &t);
    syscall(SYS_swapon, "/nowhere", 0);
    rmdir("/tmp/ex/mnt");
}

static void part_signal(void)
{
    struct timespec t = {0, 150000000}, abs;
    pid_t pid = fork();
    if (pid == 0) {
        pause();
        _exit(0);
    }
    kill(pid, SIGUSR1);
    wait_for(pid);
    nanosleep(&t, NULL);
    clock_gettime(CLOCK_MONOTONIC, &abs);
    abs.tv_sec += 1;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &abs, NULL);
    poll(NULL, 0, 200);
    struct timeval tv = {0, 300000};
    select(0, NULL, NULL, NULL, &tv);
    usleep(1000); /* short: no event */
}

/* The 32-bit gate works from 64-bit programs too. Pointers must be below 4 GiB. */
static long call32(long nr, long a, long b, long c)
{
    long r;
    __asm__ volatile("int $0x80" : "=a"(r) : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory", "r8", "r9", "r10", "r11");
    return r;
}

static void part_compat(void)
{
    char *low = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    long at = (long)low;

    strcpy_low(low, "/nowhere/32");
    call32(11, at, 0, 0); /* execve */
    strcpy_low(low, "name32");
    call32(172, PR_SET_NAME, at, 0);
    strcpy_low(low, "/tmp/ex/dir32");
    call32(39, at, 0700, 0); /* mkdir */
    call32(40, at, 0, 0);    /* rmdir */
    call32(356, at, 0, 0);   /* memfd_create */
    call32(129, at, 0, 0);   /* delete_module */
}

/* The parent is the tracer's process, which is hidden. */
static void part_hide(void)
{
    char path[64], name[16];
    int shown = 0, entries = 0;
    struct stat st;
    pid_t p = getppid();
    struct dirent *e;

    snprintf(name, sizeof(name), "%d", p);
    snprintf(path, sizeof(path), "/proc/%d", p);
    int killed = kill(p, SIGKILL) < 0 ? errno : 0;
    int queued = sigqueue(p, SIGKILL, (union sigval){0}) < 0 ? errno : 0;
    int all = kill(-1, 0) < 0 ? errno : 0;
    int seen = stat(path, &st) < 0 ? errno : 0;
    int reached = access(path, F_OK) < 0 ? errno : 0;
    snprintf(path, sizeof(path), "/proc/%d/status", p);
    int opened = open(path, O_RDONLY) < 0 ? errno : 0;
    int traced = ptrace(PTRACE_ATTACH, p, 0, 0) < 0 ? errno : 0;
    int session = getsid(p) < 0 ? errno : 0;
    DIR *d = opendir("/proc");
    while ((e = readdir(d))) {
        entries++;
        shown += strcmp(e->d_name, name) == 0;
    }
    closedir(d);
    printf("hide\tkill=%d\tsigqueue=%d\tall=%d\tstat=%d\taccess=%d\topen=%d\tptrace=%d\tgetsid=%d\tlisted=%d\tlisting=%"
           "s\n",
           killed, queued, all, seen, reached, opened, traced, session, shown, entries > 20 ? "long" : "short");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*fn)(void);
    } parts[] = {{"process", part_process}, {"long", part_long},     {"ptrace", part_ptrace}, {"file", part_file},
                 {"net", part_net},         {"memory", part_memory}, {"cred", part_cred},     {"kernel", part_kernel},
                 {"signal", part_signal},   {"compat", part_compat}, {"hide", part_hide}};

    if (argc > 1 && strncmp(argv[1], "--exit=", 7) == 0)
        return atoi(argv[1] + 7);

    mkdir("/tmp/ex", 0755);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        bool wanted = argc == 1;
        for (int k = 1; k < argc; k++)
            wanted |= strcmp(argv[k], parts[i].name) == 0;
        if (wanted)
            parts[i].fn();
    }
    return 7;
}
