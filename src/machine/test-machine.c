/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Real machines: restored again and again, two at once, powered off, rebooted
 * and panicked from inside, with a full disk, and with their owner killed.
 * Makes the image and its snapshot when they are missing. Skipped (77) where
 * there is no QEMU.
 */
#include "machine/image.h"
#include "machine/machine.h"
#include "machine/session.h"
#include "os/file.h"
#include "os/proc.h"
#include "os/time.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define RESTORES 5
#define RUN_MS 120000
#define PRIVATE_MAX (150ull * 1000 * 1000)

static struct image image;
static struct snapshot snapshot;

struct guest {
    char dir[64];
    struct machine *m;
    struct session *s;
};

static const struct session_identity identity = {
    .hostname = "atlas", .machine_id = "00112233445566778899aabbccddeeff", .mac = {0x3c, 0x52, 0x82, 9, 8, 7}};

static void guest_start(struct guest *g, uint64_t disk_max, int net_fd)
{
    struct machine_options o = {.image = &image, .snapshot = &snapshot, .net_fd = net_fd, .disk_max = disk_max};
    struct session_handlers h = {0};
    struct err e = {0};

    *g = (struct guest){.dir = "/tmp/belljar-test-XXXXXX"};
    assert_non_null(mkdtemp(g->dir));
    o.run_dir = g->dir;
    if (machine_start(&o, &g->m, &e) < 0 || session_new(machine_agent_fd(g->m), g->dir, &h, &g->s, &e) < 0 ||
        session_hello(g->s, &identity, 60000, &e) < 0 || session_ping(g->s, 20000, &e) < 0)
        fail_msg("%s", e.text);
}

static void guest_stop(struct guest *g)
{
    char *overlay = path_join(g->dir, "disk.qcow2");

    session_free(&g->s);
    machine_stop(&g->m);
    assert_null(g->m);
    assert_false(file_exists(overlay));
    free(overlay);
    assert_int_equal(file_remove_tree(g->dir, NULL), 0);
}

/* The command's output; its exit status goes to *ret_code when that is wanted. */
static const char *guest_run(struct guest *g, const char *command, int *ret_code)
{
    static char text[65536];
    struct buf out;
    struct err e;
    int code;

    buf_init(&out, sizeof(text) - 1);
    if (session_run(g->s, command, &out, &code, RUN_MS, &e) < 0)
        fail_msg("%s: %s", command, e.text);
    snprintf(text, sizeof(text), "%s", buf_z(&out));
    buf_free(&out);
    if (ret_code)
        *ret_code = code;
    return text;
}

static void restores(void **state)
{
    (void)state;
    for (int i = 0; i < RESTORES; i++) {
        struct guest g;
        uint64_t start = time_monotonic_ns();
        guest_start(&g, 1ull << 30, -1);
        printf("restore %d: %llu ms, %.1f MB private\n", i + 1,
               (unsigned long long)((time_monotonic_ns() - start) / 1000000), (double)machine_private_bytes(g.m) / 1e6);
        assert_int_equal(machine_poll(g.m, NULL, 0), MACHINE_RUNNING);
        assert_true(machine_private_bytes(g.m) > 0 && machine_private_bytes(g.m) < PRIVATE_MAX);
        if (i == 0) {
            assert_string_equal(guest_run(&g, "cat /etc/machine-id; hostname; cat /sys/class/net/e*/address", NULL),
                                "00112233445566778899aabbccddeeff\natlas\n3c:52:82:09:08:07\n");
            long long off = atoll(guest_run(&g, "date +%s", NULL)) - (long long)time(NULL);
            assert_true(off > -30 && off < 30);
        }
        guest_stop(&g);
    }
}

/* Same snapshot, two machines: what one writes the other does not see, nor does a third one later. */
static void two_at_once(void **state)
{
    struct guest a, b;
    struct stat before, after;
    int code;
    (void)state;

    assert_int_equal(stat(snapshot.ram, &before), 0);
    guest_start(&a, 1ull << 30, -1);
    guest_start(&b, 1ull << 30, -1);
    guest_run(&a, "echo from-a >/home/jonas/mark; echo from-a >/tmp/mark; sync", &code);
    assert_int_equal(code, 0);
    guest_run(&b, "cat /home/jonas/mark /tmp/mark", &code);
    assert_int_not_equal(code, 0);
    guest_stop(&a);
    assert_string_equal(guest_run(&b, "echo still here", NULL), "still here\n");
    guest_stop(&b);
    guest_start(&a, 1ull << 30, -1);
    guest_run(&a, "cat /home/jonas/mark /tmp/mark", &code);
    assert_int_not_equal(code, 0);
    guest_stop(&a);
    assert_int_equal(stat(snapshot.ram, &after), 0);
    assert_int_equal(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
}

static enum machine_state wait_end(struct guest *g, char *why, size_t n)
{
    struct err e;

    for (uint64_t end = time_monotonic_ns() + 60000000000ull; time_monotonic_ns() < end;) {
        struct pollfd p = {.fd = machine_event_fd(g->m), .events = POLLIN};
        poll(&p, 1, 100);
        session_turn(g->s, 0, &e);
        enum machine_state s = machine_poll(g->m, why, n);
        if (s != MACHINE_RUNNING)
            return s;
    }
    return MACHINE_RUNNING;
}

static void ends_are_told_apart(void **state)
{
    static const struct {
        const char *command;
        enum machine_state end;
        const char *word;
    } cases[] = {
        {"setsid sh -c 'sleep 0.3; echo b >/proc/sysrq-trigger' >/dev/null 2>&1 &", MACHINE_RESET, "rebooted"},
        {"setsid sh -c 'sleep 0.3; echo o >/proc/sysrq-trigger' >/dev/null 2>&1 &", MACHINE_SHUT_DOWN, "powered off"},
        {"setsid sh -c 'sleep 0.3; echo c >/proc/sysrq-trigger' >/dev/null 2>&1 &", MACHINE_PANICKED, "Kernel panic"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct guest g;
        char why[256] = "";
        guest_start(&g, 1ull << 30, -1);
        guest_run(&g, cases[i].command, NULL);
        enum machine_state end = wait_end(&g, why, sizeof(why));
        printf("%s -> %d %s\n", cases[i].command, (int)end, why);
        assert_int_equal(end, cases[i].end);
        assert_non_null(strstr(why, cases[i].word));
        guest_stop(&g);
    }
    struct guest g; /* and QEMU killed from outside */
    char why[256] = "";
    guest_start(&g, 1ull << 30, -1);
    kill(machine_pid(g.m), SIGKILL);
    assert_int_equal(wait_end(&g, why, sizeof(why)), MACHINE_BROKEN);
    assert_non_null(strstr(why, "signal 9"));
    guest_stop(&g);
}

/* The overlay stays below its limit, the guest gets errors, the machine lives. */
static void disk_has_an_end(void **state)
{
    const uint64_t max = 64ull << 20;
    struct guest g;
    struct stat st;
    int code;
    (void)state;

    guest_start(&g, max, -1);
    guest_run(&g, "dd if=/dev/urandom of=/var/tmp/fill bs=1M count=120 conv=fsync 2>&1", &code);
    assert_int_not_equal(code, 0);
    char *overlay = path_join(g.dir, "disk.qcow2");
    assert_int_equal(stat(overlay, &st), 0);
    assert_true((uint64_t)st.st_size <= max);
    free(overlay);
    assert_string_equal(guest_run(&g, "echo alive", NULL), "alive\n");
    assert_int_equal(machine_poll(g.m, NULL, 0), MACHINE_RUNNING);
    guest_stop(&g);
}

static void read_whole(int fd, void *p, size_t n)
{
    struct pollfd w = {.fd = fd, .events = POLLIN};

    for (size_t have = 0; have < n;) {
        assert_int_equal(poll(&w, 1, 20000), 1);
        ssize_t got = recv(fd, (uint8_t *)p + have, n - have, 0);
        assert_true(got > 0);
        have += (size_t)got;
    }
}

/* The other end of the cable sees 4-byte lengths and Ethernet frames, soon with the run's own address as the sender. */
static void the_cable_carries_frames(void **state)
{
    uint8_t head[4], frame[2048];
    bool ours = false;
    struct guest g;
    int pair[2];
    (void)state;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    guest_start(&g, 1ull << 30, pair[1]);
    close(pair[1]);
    guest_run(&g, "ping -c 1 -W 1 192.168.178.1", NULL);
    for (int i = 0; i < 50 && !ours; i++) {
        read_whole(pair[0], head, sizeof(head));
        size_t n = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
        assert_true(n >= 14 && n <= sizeof(frame));
        read_whole(pair[0], frame, n);
        ours = !memcmp(frame + 6, identity.mac, 6);
    }
    assert_true(ours);
    guest_stop(&g);
    close(pair[0]);
}

static void killed_owner_leaves_no_qemu(void **state)
{
    int fds[2];
    pid_t qemu = 0;
    char boot[PROC_BOOT_ID_SIZE];
    struct proc_stat ps;
    (void)state;

    assert_int_equal(pipe(fds), 0);
    pid_t owner = fork();
    if (owner == 0) {
        struct guest g;
        guest_start(&g, 1ull << 30, -1);
        pid_t pid = machine_pid(g.m);
        if (write(fds[1], &pid, sizeof(pid)) != sizeof(pid))
            _exit(1);
        pause();
        _exit(0);
    }
    close(fds[1]);
    assert_int_equal(read(fds[0], &qemu, sizeof(qemu)), sizeof(qemu));
    close(fds[0]);
    assert_int_equal(proc_boot_id(boot, NULL), 0);
    assert_int_equal(proc_stat_read(qemu, &ps, NULL), 0);
    assert_non_null(strstr(ps.name, "qemu"));
    kill(owner, SIGKILL);
    assert_int_equal(waitpid(owner, NULL, 0), owner);
    bool gone = false;
    for (int i = 0; i < 100 && !gone; i++) {
        struct proc_stat now;
        gone = proc_stat_read(qemu, &now, NULL) < 0 || now.start_ticks != ps.start_ticks || now.state == 'Z';
        poll(NULL, 0, 50);
    }
    assert_true(gone);
}

static void show(void *context, const char *step, uint64_t done, uint64_t total)
{
    (void)context;
    (void)total;
    if (!done)
        printf("  %s\n", step);
}

static int setup(void **state)
{
    struct err e;

    (void)state;
    const struct image_work work = {.progress = show};

    if (image_build("debian13", &work, &image, &e) < 0 || snapshot_ensure(&image, &work, &snapshot, &e) < 0) {
        printf("%s\n", e.text);
        return -1;
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    snapshot_clear(&snapshot);
    image_clear(&image);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(restores),
        cmocka_unit_test(two_at_once),
        cmocka_unit_test(ends_are_told_apart),
        cmocka_unit_test(disk_has_an_end),
        cmocka_unit_test(the_cable_carries_frames),
        cmocka_unit_test(killed_owner_leaves_no_qemu),
    };
    char version[32];
    struct err e;

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (machine_qemu_version(version, sizeof(version), &e) < 0) {
        printf("skipped: %s\n", e.text);
        return 77;
    }
    return cmocka_run_group_tests(tests, setup, teardown);
}
