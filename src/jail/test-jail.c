/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a taken-over role would try. Every attempt runs in a real role of this
 * program. Two rounds: the whole jail, and everything but seccomp, so that the
 * layers below it are proved on their own. As root all of it is run once more
 * as an ordinary user.
 */
#include "jail/jail.h"

#include "jail/stages.h"
#include "os/file.h"
#include "os/role-wire.h"
#include "os/role.h"
#include "os/sanitizer.h"
#include "os/spawn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define MEMORY_MAX (256u << 20)
#define FILE_MAX 65536
#define LEAKED_FD 77
#define SECRET_NAME "BELLJAR_TEST_SECRET"

enum { ASK = 1, ANSWER = 2 };

extern char **environ;

/* What an attempt is told by the parent. */
struct target {
    int32_t parent, port;
    int fds[2]; /* a file to write, an unconnected TCP socket */
};

/* 0 = it worked, else -errno. Many never come back. */
typedef int (*attempt_fn)(const struct target *t);

static int result(long r)
{
    return r < 0 ? -errno : 0;
}

/* ---- attempts ---- */

static int open_passwd(const struct target *t)
{
    (void)t;
    return result(open("/etc/passwd", O_RDONLY));
}

static int open_root(const struct target *t)
{
    (void)t;
    return result(open("/", O_RDONLY | O_DIRECTORY));
}

static int create_file(const struct target *t)
{
    (void)t;
    return result(open("/x", O_CREAT | O_WRONLY, 0600));
}

static int read_environ_file(const struct target *t)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/environ", (int)t->parent);
    return result(open(path, O_RDONLY));
}

static int socket_inet(const struct target *t)
{
    (void)t;
    return result(socket(AF_INET, SOCK_STREAM, 0));
}

static int connect_address(int fd, int port)
{
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    return result(connect(fd, (struct sockaddr *)&a, sizeof(a)));
}

/* A socket of the parent's network namespace, handed in by mistake. */
static int connect_given(const struct target *t)
{
    return connect_address(t->fds[1], t->port);
}

static int connect_loopback(const struct target *t)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd < 0 ? -errno : connect_address(fd, t->port);
}

/* Landlock knows nothing of stat and UDP: here the empty root and the network namespace stand alone. */
static int see_passwd(const struct target *t)
{
    struct stat st;
    (void)t;
    return result(stat("/etc/passwd", &st));
}

static int send_udp(const struct target *t)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    (void)t;
    return fd < 0 ? -errno : result(sendto(fd, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)));
}

static int change_hostname(const struct target *t)
{
    (void)t;
    return result(sethostname("x", 1));
}

static int ptrace_parent(const struct target *t)
{
    return result(ptrace(PTRACE_ATTACH, t->parent, NULL, NULL));
}

static int kill_parent(const struct target *t)
{
    return result(kill(t->parent, SIGTERM));
}

static int kill_everybody(const struct target *t)
{
    (void)t;
    return result(kill(-1, SIGTERM));
}

static int fork_once(const struct target *t)
{
    (void)t;
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return result(pid);
}

static int vfork_raw(const struct target *t)
{
    (void)t;
    long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        _exit(0);
    return result(pid);
}

static int exec_shell(const struct target *t)
{
    char *argv[] = {"/bin/sh", "-c", "exit 0", NULL};
    (void)t;
    return result(execv("/bin/sh", argv));
}

/* The program itself, by descriptor: no path needed. */
static int exec_memory(const struct target *t)
{
    char *argv[] = {"x", NULL}, *envp[] = {NULL};
    int fd = memfd_create("x", 0);
    (void)t;
    if (fd < 0)
        return -errno;
    return result(fexecve(fd, argv, envp));
}

static int allocate(const struct target *t)
{
    (void)t;
    size_t got = 0;
    for (int i = 0; i < 64; i++, got += 16u << 20) {
        void *p = mmap(NULL, 16u << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED)
            return got <= MEMORY_MAX ? -errno : -ERANGE;
        memset(p, 1, 4096);
    }
    return 0;
}

static int write_much(const struct target *t)
{
    char block[4096] = {0};
    for (int i = 0; i < 2 * FILE_MAX / 4096; i++)
        if (write(t->fds[0], block, sizeof(block)) < 0)
            return -errno;
    return 0;
}

static int memfd_much(const struct target *t)
{
    (void)t;
    int fd = memfd_create("x", 0);
    return fd < 0 ? -errno : write_much(&(struct target){.fds = {fd, -1}});
}

static int spin(const struct target *t)
{
    (void)t;
    for (volatile uint64_t i = 0;; i++)
        ;
    return 0;
}

/* The number of descriptors that it has beyond its own; none may be left. */
static int leaked_descriptors(const struct target *t)
{
    int n = 0;
    for (int fd = 4; fd < 4096; fd++)
        n += fd != t->fds[0] && fd != t->fds[1] && fcntl(fd, F_GETFD) >= 0;
    return n ? 0 : -EBADF;
}

static int read_leaked(const struct target *t)
{
    char c;
    (void)t;
    return result(read(LEAKED_FD, &c, 1));
}

static int see_environment(const struct target *t)
{
    (void)t;
    return (environ && environ[0]) || getenv(SECRET_NAME) || getenv("PATH") ? 0 : -ENOENT;
}

static int map_code(const struct target *t)
{
    (void)t;
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
               ? -errno
               : 0;
}

static int make_code(const struct target *t)
{
    (void)t;
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? 0 : result(mprotect(p, 4096, PROT_READ | PROT_EXEC));
}

static int new_namespace(const struct target *t)
{
    (void)t;
    return result(unshare(CLONE_NEWUSER));
}

static int mount_something(const struct target *t)
{
    (void)t;
    return result(mount("none", "/", "tmpfs", 0, NULL));
}

static int become_root(const struct target *t)
{
    (void)t;
    return result(setresuid(0, 0, 0));
}

static int raise_limit(const struct target *t)
{
    struct rlimit l = {RLIM_INFINITY, RLIM_INFINITY};
    (void)t;
    return result(setrlimit(RLIMIT_FSIZE, &l));
}

static int many_descriptors(const struct target *t)
{
    (void)t;
    for (int i = 0; i < 100; i++)
        if (dup(0) < 0)
            return -errno;
    return 0;
}

static int bad_memory(const struct target *t)
{
    volatile uintptr_t nowhere = 16 + (t->port < 0); /* the compiler must not know */
    return *(volatile char *)nowhere;
}

static int give_up(const struct target *t)
{
    (void)t;
    abort();
}

static void *thread_main(void *context)
{
    *(int *)context = 42;
    return NULL;
}

static int start_thread(const struct target *t)
{
    pthread_t thread;
    int value = 0;
    (void)t;
    int r = pthread_create(&thread, NULL, thread_main, &value);
    if (r)
        return -r;
    pthread_join(thread, NULL);
    return value == 42 ? 0 : -EINVAL;
}

/* What roles really do must work. */
static int ordinary_work(const struct target *t)
{
    char text[64];
    struct tm tm;
    time_t now = time(NULL);
    if (!gmtime_r(&now, &tm) || snprintf(text, sizeof(text), "%d", tm.tm_year) <= 0)
        return -1;
    if (!localtime_r(&now, &tm)) /* looks for a time zone file, and lives without */
        return -2;
    for (size_t n = 16; n <= (64u << 20); n *= 4) {
        char *p = malloc(n);
        if (!p)
            return -3;
        memset(p, 1, n);
        free(p);
    }
    if (pwrite(t->fds[0], "ok", 2, 0) != 2 || isatty(0))
        return -4;
    int fd = memfd_create("result", MFD_CLOEXEC);
    if (fd < 0 || file_write_all(fd, text, 3) < 0 || lseek(fd, 0, SEEK_SET) != 0)
        return -5;
    struct buf b;
    if (file_read_fd(fd, 100, &b, NULL) < 0 || b.len != 3)
        return -6;
    buf_free(&b);
    FILE *f = fdopen(fd, "r");
    if (!f || fgetc(f) != EOF)
        return -7;
    fclose(f);
    return 0;
}

/* Who we are. Needs capget and others, so only without seccomp. */
static int privileges_left(const struct target *t)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct caps[2];
    gid_t groups[64];
    (void)t;
    if (syscall(SYS_capget, &header, caps) < 0)
        return -1;
    for (int i = 0; i < 2; i++)
        if (caps[i].effective | caps[i].permitted | caps[i].inheritable)
            return -2;
    for (int cap = 0; cap < 41; cap++)
        if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
            return -3;
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || getuid() == 0 || getgid() == 0 || geteuid() == 0)
        return -4;
    int n = getgroups(64, groups);
    for (int i = 0; i < n; i++) /* unmapped groups of an ordinary user show as 65534: they cannot be given up */
        if (groups[i] == 0)
            return -5;
    if (getuid() < JAIL_UID_FIRST || getuid() >= JAIL_UID_FIRST + JAIL_UID_COUNT)
        return -6;
    int sig = 0;
    prctl(PR_GET_PDEATHSIG, &sig);
    return sig == SIGKILL ? -EPERM : -7;
}

#define CODE_KILLED(signo) (1000 + (signo))
#define CODE_ENDED(status) (2000 + (status)) /* without an answer */

struct attempt {
    const char *name;
    attempt_fn fn;
    const char *profile; /* NULL = plain */
    int whole;           /* what must come of it in the whole jail: -errno, 0 = works, CODE_KILLED */
    int bare;            /* without seccomp; NOT_TRIED: seccomp alone stands there, or it makes no difference */
    int bare_other;      /* also right */
};

#define NOT_TRIED 9999

static const struct attempt attempts[] = {
    {"ordinary_work", ordinary_work, NULL, 0, 0, 0},
    {"open_passwd", open_passwd, NULL, -EACCES, -ENOENT, -EACCES},
    {"open_root", open_root, NULL, -EACCES, -EACCES, -EACCES},
    {"create_file", create_file, NULL, -EACCES, -EACCES, -EROFS},
    {"read_environ_file", read_environ_file, NULL, -EACCES, -ENOENT, -EACCES},
    {"socket_inet", socket_inet, NULL, CODE_KILLED(SIGSYS), NOT_TRIED, 0},
    {"connect_given", connect_given, NULL, CODE_KILLED(SIGSYS), NOT_TRIED, 0},
    {"connect_loopback", connect_loopback, NULL, CODE_KILLED(SIGSYS), -ENETUNREACH, -EACCES},
    {"see_passwd", see_passwd, NULL, -EACCES, -ENOENT, -ENOENT},
    {"send_udp", send_udp, NULL, CODE_KILLED(SIGSYS), -ENETUNREACH, -ENETUNREACH},
    {"change_hostname", change_hostname, NULL, CODE_KILLED(SIGSYS), -EPERM, -EPERM},
    {"ptrace_parent", ptrace_parent, NULL, CODE_KILLED(SIGSYS), -ESRCH, -EPERM},
    {"kill_parent", kill_parent, NULL, CODE_KILLED(SIGSYS), -ESRCH, -EPERM},
    {"kill_everybody", kill_everybody, NULL, CODE_KILLED(SIGSYS), -ESRCH, -EPERM},
    {"fork_once", fork_once, NULL, CODE_KILLED(SIGSYS), -EAGAIN, -EAGAIN},
    {"fork_threads", fork_once, "threads", CODE_KILLED(SIGSYS), NOT_TRIED, 0},
    {"clone_raw", vfork_raw, NULL, CODE_KILLED(SIGSYS), -EAGAIN, -EAGAIN},
    {"exec_shell", exec_shell, NULL, CODE_KILLED(SIGSYS), -ENOENT, -EACCES},
    {"exec_memory", exec_memory, NULL, CODE_KILLED(SIGSYS), NOT_TRIED, 0},
    {"allocate", allocate, NULL, -ENOMEM, -ENOMEM, -ENOMEM},
    {"write_much", write_much, NULL, -EFBIG, -EFBIG, -EFBIG},
    {"memfd_much", memfd_much, NULL, -EFBIG, -EFBIG, -EFBIG},
    {"spin", spin, NULL, CODE_ENDED(128 + SIGXCPU), NOT_TRIED, 0},
    {"leaked_descriptors", leaked_descriptors, NULL, -EBADF, -EBADF, -EBADF},
    {"read_leaked", read_leaked, NULL, -EBADF, -EBADF, -EBADF},
    {"see_environment", see_environment, NULL, -ENOENT, -ENOENT, -ENOENT},
    {"map_code", map_code, NULL, -EACCES, NOT_TRIED, 0},
    {"make_code", make_code, NULL, -EACCES, NOT_TRIED, 0},
    {"new_namespace", new_namespace, NULL, CODE_KILLED(SIGSYS), NOT_TRIED, 0},
    {"mount_something", mount_something, NULL, CODE_KILLED(SIGSYS), -EPERM, -EACCES},
    {"become_root", become_root, NULL, CODE_KILLED(SIGSYS), -EPERM, -EINVAL},
    {"raise_limit", raise_limit, NULL, CODE_KILLED(SIGSYS), -EPERM, -EPERM},
    {"many_descriptors", many_descriptors, NULL, -EMFILE, -EMFILE, -EMFILE},
    {"start_thread", start_thread, "threads", 0, NOT_TRIED, 0},
    {"thread_forbidden", start_thread, NULL, CODE_KILLED(SIGSYS), -EAGAIN, -EAGAIN},
    {"privileges_left", privileges_left, NULL, CODE_KILLED(SIGSYS), -EPERM, -EPERM},
    {"bad_memory", bad_memory, NULL, OS_SANITIZED ? CODE_ENDED(99) : CODE_KILLED(SIGSEGV), NOT_TRIED, 0},
    {"give_up", give_up, NULL, CODE_ENDED(128 + SIGABRT), NOT_TRIED, 0},
};

#define NATTEMPTS (sizeof(attempts) / sizeof(attempts[0]))

/* ---- the roles ---- */

static const struct jail_profile plain = {
    .name = "plain", .memory_max = MEMORY_MAX, .cpu_seconds = 1, .files_max = 32, .file_size_max = FILE_MAX};
static const struct jail_profile threads = {.name = "threads",
                                            .memory_max = MEMORY_MAX,
                                            .cpu_seconds = 1,
                                            .files_max = 32,
                                            .file_size_max = FILE_MAX,
                                            .threads = true};

static int attack_run(struct ipc *parent)
{
    struct ipc_message m;
    struct target t;

    if (ipc_receive(parent, 20000, &m, NULL) != 1 || m.type != ASK || m.nfds != 2 || m.length != 12)
        return 100;
    uint32_t which;
    memcpy(&which, m.payload, 4);
    memcpy(&t.parent, m.payload + 4, 8);
    memcpy(t.fds, m.fds, sizeof(t.fds));
    int32_t code = which < NATTEMPTS ? attempts[which].fn(&t) : -1;
    if (ipc_send(parent, ANSWER, &code, sizeof(code), NULL, 0, NULL) < 0)
        return 101;
    return 0;
}

static const struct role plain_role = {"plain", "", &plain, attack_run};
static const struct role threads_role = {"threads", "", &threads, attack_run};

/* Everything but the last stage: what holds when a system call that we allow has a hole. */
static int bare_run(struct ipc *parent)
{
    struct jail_state s = {.profile = &plain};
    struct err e = {0};
    /* What role_start keeps away from a role anyway, so that the first stage is seen to do it too. */
    setenv(SECRET_NAME, "hush", 1);
    dup2(0, LEAKED_FD);
    if (jail_stages_run(&s, false, &e) < 0) {
        ipc_send(parent, ROLE_REFUSED, e.text, strlen(e.text), NULL, 0, NULL);
        return 126;
    }
    ipc_send(parent, ROLE_READY, NULL, 0, NULL, 0, NULL);
    return attack_run(parent);
}

static const struct role bare_role = {"bare", "", &plain, NULL}; /* handled by main below */

static int write_keep(struct ipc *parent);
static char keep_read[64] = "/etc", keep_write[256] = "/dev/shm/belljar-test-jail";
static const char *const keep_reads[] = {keep_read, NULL}, *const keep_writes[] = {keep_write, NULL};
static const struct jail_profile keep = {.name = "keep",
                                         .files_max = 32,
                                         .file_size_max = FILE_MAX,
                                         .keep_root = true,
                                         .read_paths = keep_reads,
                                         .write_paths = keep_writes};
static const struct role keep_role = {"keep", "", &keep, write_keep};

static int write_keep(struct ipc *parent)
{
    char path[300];
    int32_t bits = 0;
    bits |= open("/etc/passwd", O_RDONLY) >= 0 ? 1 : 0;
    bits |= open("/etc/passwd", O_WRONLY) >= 0 ? 2 : 0;
    bits |= open("/usr/bin/env", O_RDONLY) >= 0 ? 4 : 0;
    snprintf(path, sizeof(path), "%s/made", keep_write);
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    bits |= fd >= 0 && write(fd, "x", 1) == 1 ? 8 : 0;
    bits |= open("/dev/shm/belljar-test-other", O_RDWR | O_CREAT, 0600) >= 0 ? 16 : 0;
    bits |= open("/proc/self/status", O_RDONLY) >= 0 ? 32 : 0;
    bits |= unlink(path) == 0 ? 64 : 0;
    ipc_send(parent, ANSWER, &bits, sizeof(bits), NULL, 0, NULL);
    return 0;
}

static const struct role *const roles[] = {&plain_role, &threads_role, &keep_role, NULL};

/* ---- the parent ---- */

struct listener {
    int fd, port;
};

static struct listener listen_loopback(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, n), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    return (struct listener){fd, ntohs(a.sin_port)};
}

static int outcome(struct role_process *p)
{
    struct ipc_message m;
    int status = 0;
    int r = ipc_receive(p->ipc, 20000, &m, NULL);
    if (r == 1) {
        int32_t code = -9999;
        assert_int_equal(m.type, ANSWER);
        assert_int_equal(m.length, 4);
        memcpy(&code, m.payload, 4);
        assert_int_equal(role_wait(p, 10000, &status), 0);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        return code;
    }
    assert_int_equal(r, 0);
    assert_int_equal(role_wait(p, 10000, &status), 0);
    return WIFSIGNALED(status) ? CODE_KILLED(WTERMSIG(status)) : CODE_ENDED(WEXITSTATUS(status));
}

static int attack(const struct role *role, uint32_t which)
{
    struct role_process p = {0};
    struct err e = {0};
    struct listener l = listen_loopback();
    char name[] = "/tmp/belljar-test-XXXXXX";
    int fds[2] = {mkstemp(name), socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};

    assert_true(fds[0] >= 0 && fds[1] >= 0);
    unlink(name);
    int leak = open("/etc/passwd", O_RDONLY); /* on purpose without close-on-exec */
    assert_int_equal(dup2(leak, LEAKED_FD), LEAKED_FD);
    if (role_start(role, &p, &e) < 0)
        fail_msg("role_start: %s", e.text);
    int32_t ask[3] = {(int32_t)which, getpid(), l.port};
    assert_int_equal(ipc_send(p.ipc, ASK, ask, sizeof(ask), fds, 2, &e), 0);
    int code = outcome(&p);
    role_stop(&p);
    close(leak);
    close(LEAKED_FD);
    close(fds[0]);
    close(fds[1]);
    close(l.fd);
    return code;
}

static const char *words(int code, char *buffer, size_t n)
{
    if (code >= 2000)
        snprintf(buffer, n, "ended with status %d", code - 2000);
    else if (code >= 1000)
        snprintf(buffer, n, "killed by signal %d", code - 1000);
    else
        snprintf(buffer, n, "%d (%s)", code, code < 0 ? strerror(-code) : "worked");
    return buffer;
}

static bool is_limit_of_memory(const struct attempt *a)
{
    return OS_SANITIZED && a->fn == allocate;
}

static void test_whole(void **state)
{
    char a[64], b[64];
    int bad = 0;
    (void)state;
    for (uint32_t i = 0; i < NATTEMPTS; i++) {
        const struct attempt *t = &attempts[i];
        if (is_limit_of_memory(t))
            continue;
        int code = attack(t->profile ? &threads_role : &plain_role, i);
        if (code == t->whole)
            continue;
        print_error("%s: %s, expected %s\n", t->name, words(code, a, sizeof(a)), words(t->whole, b, sizeof(b)));
        bad++;
    }
    assert_int_equal(bad, 0);
}

static void test_without_seccomp(void **state)
{
    char a[64], b[64];
    int bad = 0;
    (void)state;
    for (uint32_t i = 0; i < NATTEMPTS; i++) {
        const struct attempt *t = &attempts[i];
        if (is_limit_of_memory(t) || t->bare == NOT_TRIED)
            continue;
        int code = attack(&bare_role, i);
        if (code == t->bare || code == t->bare_other)
            continue;
        print_error("%s: %s, expected %s\n", t->name, words(code, a, sizeof(a)), words(t->bare, b, sizeof(b)));
        bad++;
    }
    assert_int_equal(bad, 0);
}

static void test_paths(void **state)
{
    struct role_process p = {0};
    struct err e = {0};
    (void)state;
    file_remove_tree(keep_write, NULL);
    assert_int_equal(mkdir(keep_write, 0777), 0);
    assert_int_equal(chmod(keep_write, 0777), 0); /* the role has another uid */
    if (role_start(&keep_role, &p, &e) < 0)
        fail_msg("%s", e.text);
    int bits = outcome(&p);
    role_stop(&p);
    assert_int_equal(file_remove_tree(keep_write, NULL), 0);
    assert_int_equal(bits, 1 | 8 | 64);
}

static void test_probe(void **state)
{
    struct jail_support s = {0};
    (void)state;
    jail_probe(&s);
    assert_true(s.seccomp);
    assert_true(s.own_uid == (geteuid() == 0));
    assert_true(s.user_namespace || geteuid() == 0);
    assert_true(s.network_namespace);
    assert_int_equal(s.landlock_abi, jail_landlock_abi());
}

/* Every stage leaves a sentence, not a crash, when it may not do its work. */
static void test_refusal(void **state)
{
    int status = 0;
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        struct jail_state s = {.profile = &plain};
        struct err e = {0};
        /* A second user namespace of somebody without any right to one: inside a chroot they are forbidden. */
        if (geteuid() != 0 || chroot("/proc") < 0 || setresuid(65534, 65534, 65534) < 0)
            _exit(77);
        int r = jail_user_enter(&s, &e);
        _exit(r == ERR_UNSUPPORTED && strstr(e.text, "BELLJAR_JAIL=weak") ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_weak(void **state)
{
    struct role_process p = {0};
    struct err e = {0};
    (void)state;
    setenv("BELLJAR_JAIL", "weak", 1);
    int r = role_start(&plain_role, &p, &e);
    unsetenv("BELLJAR_JAIL");
    if (r < 0)
        fail_msg("%s", e.text);
    role_stop(&p);
}

/* As root: everything again as nobody, in a process that was started as nobody. */
static int run_as_nobody(void)
{
    const char *argv[] = {"/proc/self/exe", "--as-user", NULL};
    struct spawn_options o = {.argv = argv, .in = -1, .out = 1, .err = 2, .uid = 65534};
    struct err e = {0};
    pid_t pid;
    int status = 0;

    if (spawn(&o, &pid, &e) < 0) {
        print_error("as nobody: %s\n", e.text);
        return 1;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], ROLE_FLAG) == 0 && strcmp(argv[2], "bare") == 0) {
        struct ipc *parent;
        if (ipc_new(ROLE_CHANNEL_FD, &parent) < 0)
            return 1;
        _exit(bare_run(parent));
    }
    int role = role_main(argc, argv, roles);
    if (role >= 0)
        return role;
    setenv(SECRET_NAME, "hush", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probe), cmocka_unit_test(test_whole),   cmocka_unit_test(test_without_seccomp),
        cmocka_unit_test(test_paths), cmocka_unit_test(test_refusal), cmocka_unit_test(test_weak),
    };
    if (argc == 2 && strcmp(argv[1], "--as-user") == 0)
        return cmocka_run_group_tests_name("jail as an ordinary user", tests, NULL, NULL);
    int bad = cmocka_run_group_tests_name("jail", tests, NULL, NULL);
    if (geteuid() == 0)
        bad += run_as_nobody();
    return bad;
}
