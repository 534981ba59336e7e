/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "event/baseline.h"
#include "event/proctab.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static struct proctab *t;
static int64_t now;

static int setup(void **unused)
{
    (void)unused;
    now = 0;
    return proctab_new(1000, &t);
}

static int teardown(void **unused)
{
    (void)unused;
    proctab_free(&t);
    proctab_free(&t);
    return 0;
}

static const struct proc *feed(struct event *ev, uint16_t kind, uint32_t pid)
{
    ev->kind = kind;
    ev->source = EVENT_SOURCE_TRACER;
    ev->pid = ev->tid = pid;
    ev->time_ns = now += 1000;
    const struct proc *p = proctab_event(t, ev);
    assert_non_null(p);
    return p;
}

static const struct proc *start(uint32_t pid, uint32_t parent)
{
    struct event ev = {.count = 2};
    ev.f[0].u = parent;
    return feed(&ev, EVENT_PROCESS_START, pid);
}

static void exec_fill(struct event *ev, uint32_t parent, const char *image, const char *cmdline)
{
    *ev = (struct event){.count = EVF_PROCESS_EXEC__COUNT};
    ev->f[EVF_PROCESS_EXEC_Image].s = str_from(image);
    ev->f[EVF_PROCESS_EXEC_CommandLine].s = str_from(cmdline);
    ev->f[EVF_PROCESS_EXEC_CurrentDirectory].s = STR_LIT("/home/user");
    ev->f[EVF_PROCESS_EXEC_ParentProcessId].u = parent;
    ev->f[EVF_PROCESS_EXEC_Uid].u = 1000;
    ev->f[EVF_PROCESS_EXEC_EUid].u = 0;
}

static const struct proc *exec(uint32_t pid, uint32_t parent, const char *image, const char *cmdline)
{
    struct event ev;
    exec_fill(&ev, parent, image, cmdline);
    return feed(&ev, EVENT_PROCESS_EXEC, pid);
}

static const struct proc *end(uint32_t pid, unsigned code, unsigned sig)
{
    struct event ev = {.count = 2};
    ev.f[0].u = code;
    ev.f[1].u = sig;
    return feed(&ev, EVENT_PROCESS_EXIT, pid);
}

static const struct proc *sample(uint32_t pid)
{
    struct event ev = {.count = 4};
    ev.f[0].s = STR_LIT("/home/user/sample");
    ev.f[1].s = STR_LIT("/home/user/sample -x");
    return feed(&ev, EVENT_RUN_SAMPLE, pid);
}

/* Any kind whose target is in slot 0 (1 for rename and link). */
static const struct proc *touch(uint32_t pid, uint16_t kind, const char *path)
{
    struct event ev = {.count = 2};
    ev.f[kind == EVENT_FILE_RENAME || kind == EVENT_FILE_LINK].s = str_from(path);
    return feed(&ev, kind, pid);
}

static void machine(void)
{
    exec(1, 0, "/usr/lib/systemd/systemd", "/sbin/init");
    start(300, 1);
    exec(300, 1, "/usr/sbin/cron", "/usr/sbin/cron -f");
    start(310, 1);
    exec(310, 1, "/usr/sbin/atd", "/usr/sbin/atd -f");
    start(400, 1);
    exec(400, 1, "/usr/sbin/agentd", "agentd");
    start(500, 400);
    sample(500);
    exec(500, 400, "/home/user/sample", "/home/user/sample -x");
}

static void test_life(void **unused)
{
    (void)unused;
    const struct proc *p = start(10, 9), *parent = proctab_parent(t, p);
    assert_int_equal(parent->pid, 9);
    assert_int_equal(parent->image.n, 0);
    exec(9, 8, "/bin/bash", "bash -l");
    assert_true(str_eqz(proctab_parent(t, parent)->image, ""));
    p = start(11, 9);
    assert_true(str_eqz(p->image, "/bin/bash"));
    assert_false(p->execed);
    p = exec(11, 9, "/bin/ls", "ls 'a b'");
    assert_true(str_eqz(p->image, "/bin/ls"));
    assert_true(str_eqz(p->cmdline, "ls 'a b'"));
    assert_true(str_eqz(p->cwd, "/home/user"));
    assert_int_equal(p->uid, 1000);
    assert_int_equal(p->euid, 0);
    assert_true(p->execed);
    struct event ev = {.count = 1};
    feed(&ev, EVENT_THREAD_START, 11);
    feed(&ev, EVENT_THREAD_START, 11);
    assert_int_equal(p->threads, 3);
    struct event setid = {.count = 5};
    setid.f[EVF_CRED_SETID_NewUid].u = 33;
    feed(&setid, EVENT_CRED_SETID, 11);
    assert_int_equal(p->euid, 33);
    assert_ptr_equal(end(11, 3, 9), p);
    assert_true(p->exited);
    assert_int_equal(p->exit_code, 3);
    assert_int_equal(p->signal, 9);
    assert_int_equal(p->events, 6);
    /* What comes late belongs to the dead process; a new fork is another one. */
    assert_ptr_equal(touch(11, EVENT_FILE_CAPTURED, "/x"), p);
    const struct proc *next = start(11, 9);
    assert_ptr_not_equal(next, p);
    assert_ptr_equal(proctab_by_pid(t, 11), next);
    /* The fork was lost, too: an exec behind the end is another process again. */
    end(11, 0, 0);
    assert_ptr_not_equal(exec(11, 9, "/bin/id", "id"), next);
    /* The end was lost. */
    const struct proc *last = proctab_by_pid(t, 11);
    assert_ptr_not_equal(start(11, 9), last);
    assert_null(proctab_get(t, 0));
    assert_null(proctab_get(t, proctab_count(t) + 1));
    assert_ptr_equal(proctab_get(t, p->n), p);
    assert_null(proctab_by_pid(t, 4242));
}

/* Two processes that call each other parent must not make a ring. */
static void test_no_ring(void **unused)
{
    (void)unused;
    exec(5, 6, "/a", "a");
    start(6, 5);
    exec(6, 5, "/b", "b");
    exec(7, 7, "/c", "c");
    start(8, 8);
    for (uint32_t n = 1; n <= proctab_count(t); n++) {
        unsigned depth = 0;
        for (const struct proc *p = proctab_get(t, n); p; p = proctab_parent(t, p))
            assert_true(depth++ < 10);
    }
}

static void test_descendants(void **unused)
{
    (void)unused;
    machine();
    assert_int_equal(proctab_by_pid(t, 500)->lineage, PROC_SAMPLE);
    assert_int_equal(proctab_by_pid(t, 400)->lineage, PROC_SYSTEM);
    /* Double fork and setsid: the parent is gone, the daemon has parent 1. */
    start(501, 500);
    start(502, 501);
    end(501, 0, 0);
    end(500, 0, 0);
    struct event none = {.count = 0};
    feed(&none, EVENT_PROCESS_SETSID, 502);
    assert_int_equal(exec(502, 1, "/usr/bin/python3", "python3 -c x")->lineage, PROC_SAMPLE);
    assert_int_equal(start(503, 502)->lineage, PROC_SAMPLE);
    assert_int_equal(proctab_parent(t, proctab_by_pid(t, 502))->pid, 501);
    /* Known by exec only. */
    assert_int_equal(exec(600, 503, "/bin/sh", "sh")->lineage, PROC_SAMPLE);
    assert_int_equal(start(700, 1)->lineage, PROC_SYSTEM);
    assert_int_equal(exec(700, 1, "/usr/bin/apt", "apt update")->lineage, PROC_SYSTEM);
}

/* The tracer was quicker than the agent: children came before run.sample. */
static void test_sample_announced_late(void **unused)
{
    (void)unused;
    start(500, 400);
    start(501, 500);
    start(502, 501);
    start(503, 400);
    sample(500);
    assert_int_equal(proctab_by_pid(t, 502)->lineage, PROC_SAMPLE);
    assert_int_equal(proctab_by_pid(t, 503)->lineage, PROC_SYSTEM);
    assert_true(str_eqz(proctab_by_pid(t, 500)->image, "/home/user/sample"));
}

static void adopted(const struct proc *p, const char *because)
{
    assert_int_equal(p->lineage, PROC_ADOPTED);
    assert_string_equal(p->adopted_because, because);
}

static void test_adopt_written_file(void **unused)
{
    static const struct {
        uint16_t kind;
        const char *written, *image, *cmdline;
        bool adopted;
    } rows[] = {
        {EVENT_FILE_CREATE, "/tmp/.x/miner", "/tmp/.x/miner", "miner", true},
        {EVENT_FILE_WRITE, "/usr/local/bin/up", "/bin/sh", "sh -c \"/usr/local/bin/up --now\"", true},
        {EVENT_FILE_RENAME, "/opt/a b", "/usr/bin/python3", "python3 '/opt/a b'", true},
        {EVENT_FILE_CHMOD, "/srv/run.sh", "/bin/sh", "sh -c 'cd /tmp&&/srv/run.sh>/tmp/log'", true},
        {EVENT_FILE_LINK, "/srv/link", "/srv/link", "x", true},
        {EVENT_FILE_CREATE, "/home/user/s.py", "/usr/bin/python3", "python3 -u s.py", true},
        {EVENT_FILE_CREATE, "/home/user/t.py", "/usr/bin/python3", "python3 -u ./t.py", true},
        {EVENT_FILE_CREATE, "/dev/shm/z", "/dev/shm/z", "z", true},
        {EVENT_FILE_WRITE, "/dev/null", "/bin/sh", "sh -c 'true >/dev/null'", false},
        {EVENT_FILE_WRITE, "/proc/self/comm", "/bin/cat", "cat /proc/self/comm", false},
        {EVENT_FILE_OPEN, "/var/log/only-opened", "/bin/cat", "cat /var/log/only-opened", false},
        {EVENT_FILE_CREATE, "/srv/other", "/bin/cat", "cat /srv/othe /srv/otherwise", false},
    };
    (void)unused;
    machine();
    for (uint32_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        touch(500, rows[i].kind, rows[i].written);
        start(1000 + i, 400);
        const struct proc *p = exec(1000 + i, 400, rows[i].image, rows[i].cmdline);
        if ((p->lineage == PROC_ADOPTED) != rows[i].adopted)
            fail_msg("row %u: lineage %d", i, p->lineage);
        if (rows[i].adopted) {
            char because[128];
            snprintf(because, sizeof(because), "runs %s, which the sample wrote", rows[i].written);
            assert_string_equal(p->adopted_because, because);
        }
    }
    /* Descendants follow, and what they write counts like the sample's. */
    adopted(start(1100, 1000), "runs /tmp/.x/miner, which the sample wrote");
    touch(1100, EVENT_FILE_CREATE, "/tmp/second");
    adopted(exec(1200, 1, "/tmp/second", "second"), "runs /tmp/second, which the sample wrote");
    /* A script through its interpreter. */
    struct event ev;
    touch(500, EVENT_FILE_CREATE, "/srv/script");
    exec_fill(&ev, 1, "/bin/sh", "sh");
    ev.f[EVF_PROCESS_EXEC_Script].s = STR_LIT("/srv/script");
    adopted(feed(&ev, EVENT_PROCESS_EXEC, 1300), "runs /srv/script, which the sample wrote");
}

static void test_adopt_cron(void **unused)
{
    (void)unused;
    machine();
    /* Before the sample changed anything, cron's children are the system's. */
    start(800, 300);
    assert_int_equal(exec(800, 300, "/bin/sh", "sh -c 'run-parts /etc/cron.hourly'")->lineage, PROC_SYSTEM);
    /* crontab(1) writes for the sample. */
    start(501, 500);
    exec(501, 500, "/usr/bin/crontab", "crontab -");
    touch(501, EVENT_FILE_CREATE, "/var/spool/cron/crontabs/tmp.abc");
    touch(501, EVENT_FILE_RENAME, "/var/spool/cron/crontabs/root");
    /* cron forks twice before it executes the shell. */
    start(801, 300);
    start(802, 801);
    adopted(exec(802, 801, "/bin/sh", "/bin/sh -c 'curl http://x'"),
            "started by cron after the sample changed /var/spool/cron/crontabs/root");
    adopted(start(803, 802), "started by cron after the sample changed /var/spool/cron/crontabs/root");
    start(804, 310);
    adopted(exec(804, 310, "/bin/sh", "sh"), "started by atd after the sample changed /var/spool/cron/crontabs/root");
    /* systemd is another matter. */
    start(805, 1);
    assert_int_equal(exec(805, 1, "/usr/bin/thing", "thing")->lineage, PROC_SYSTEM);
}

static void test_adopt_unit(void **unused)
{
    struct baseline *b;
    struct event ev;
    struct proc idle = {.image = STR_LIT("/usr/lib/systemd/systemd-executor")};
    (void)unused;

    assert_int_equal(baseline_new(&b), 0);
    exec_fill(&ev, 1, "/usr/lib/systemd/systemd-executor", "systemd-executor --deserialize 17");
    ev.kind = EVENT_PROCESS_EXEC;
    assert_int_equal(baseline_add_event(b, &ev, &idle), 1);
    proctab_baseline_set(t, b);
    machine();
    start(900, 1);
    assert_int_equal(exec(900, 1, "/usr/bin/ordinary", "ordinary")->lineage, PROC_SYSTEM);
    touch(500, EVENT_FILE_CREATE, "/etc/systemd/system/evil.service");
    start(901, 1);
    assert_int_equal(exec(901, 1, "/usr/lib/systemd/systemd-executor", "systemd-executor --deserialize 93")->lineage,
                     PROC_SYSTEM);
    adopted(exec(901, 1, "/bin/sh", "sh -c 'nc -e'"),
            "started by systemd after the sample changed /etc/systemd/system/evil.service");
    /* What systemd runs for itself after a reload. */
    start(903, 1);
    assert_int_equal(exec(903, 1, "/usr/lib/systemd/system-generators/systemd-fstab-generator", "generator")->lineage,
                     PROC_SYSTEM);
    /* Not a child of systemd. */
    start(902, 400);
    assert_int_equal(exec(902, 400, "/bin/sh", "sh -c 'nc -e'")->lineage, PROC_SYSTEM);
    baseline_free(&b);
    proctab_baseline_set(t, NULL);
}

static void test_adopt_unit_by_tool(void **unused)
{
    (void)unused;
    machine();
    start(501, 500);
    exec(501, 500, "/usr/bin/systemctl", "systemctl is-active ssh");
    start(901, 1);
    assert_int_equal(exec(901, 1, "/usr/bin/a", "a")->lineage, PROC_SYSTEM);
    exec(501, 500, "/usr/bin/systemd-run", "systemd-run --on-active=5 /bin/true");
    start(902, 1);
    adopted(exec(902, 1, "/bin/true", "true"), "started by systemd after the sample ran systemd-run");
    /* A user's own systemd. */
    start(903, 1);
    exec(904, 1, "/usr/lib/systemd/systemd", "systemd --user");
}

static void test_overflow(void **unused)
{
    struct proctab *whole = t;
    (void)unused;

    assert_int_equal(proctab_new(20, &t), 0);
    sample(500);
    for (uint32_t pid = 1000; pid < 1100; pid++) {
        const struct proc *p = start(pid, 500);
        assert_int_equal(p->lineage, PROC_SAMPLE);
        exec(pid, 500, "/bin/true", "true");
    }
    assert_int_equal(proctab_count(t), 20);
    assert_int_equal(proctab_overflow(t), 100 - 18);
    assert_int_equal(touch(1099, EVENT_FILE_CREATE, "/x")->n, 20);
    assert_int_equal(touch(99999, EVENT_FILE_CREATE, "/x")->n, 20);
    /* A re-used pid of a process that has an entry of its own goes there, too. */
    end(1000, 0, 0);
    assert_int_equal(start(1000, 500)->n, 20);
    assert_int_equal(touch(1000, EVENT_FILE_CREATE, "/x")->n, 20);
    proctab_free(&t);
    t = whole;
}

static void test_users(void **unused)
{
    char name[32];
    (void)unused;

    proctab_user_set(t, 0, STR_LIT("root"));
    proctab_user_set(t, 0, STR_LIT("toor"));
    assert_true(str_eqz(proctab_user(t, 0), "toor"));
    assert_true(str_eqz(proctab_user(t, 1234), "uid 1234"));
    assert_true(str_eqz(proctab_user(t, UINT32_MAX), "uid 4294967295"));
    for (uint32_t i = 0; i < 5000; i++) {
        snprintf(name, sizeof(name), "u%u", i);
        proctab_user_set(t, i * 4096, str_from(name));
    }
    assert_true(str_eqz(proctab_user(t, 4096 * 100), "u100"));
    assert_true(proctab_limited(t));
    assert_true(str_eqz(proctab_user(t, 4096 * 4999), "uid 20475904"));
}

/* Many processes and events: linear in time. */
static void test_many(void **unused)
{
    struct proctab *whole = t;
    char path[64];
    (void)unused;

    assert_int_equal(proctab_new(200000, &t), 0);
    sample(1);
    for (uint32_t i = 0; i < 100000; i++) {
        start(i + 2, i + 1); /* one long chain */
        if (i % 4 == 0) {
            snprintf(path, sizeof(path), "/tmp/%u", i);
            touch(i + 2, EVENT_FILE_CREATE, path);
        }
    }
    assert_int_equal(proctab_count(t), 100001);
    assert_int_equal(proctab_by_pid(t, 100001)->lineage, PROC_SAMPLE);
    proctab_free(&t);
    t = whole;
}

int main(void)
{
#define IN_TABLE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        IN_TABLE(test_life),
        IN_TABLE(test_no_ring),
        IN_TABLE(test_descendants),
        IN_TABLE(test_sample_announced_late),
        IN_TABLE(test_adopt_written_file),
        IN_TABLE(test_adopt_cron),
        IN_TABLE(test_adopt_unit),
        IN_TABLE(test_adopt_unit_by_tool),
        IN_TABLE(test_overflow),
        IN_TABLE(test_users),
        IN_TABLE(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
