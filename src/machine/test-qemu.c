/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/qemu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char line[16384];

static const char *line_of(const struct qemu_options *o)
{
    struct arena a;
    size_t n = 0;

    arena_init(&a, 1 << 20);
    const char *const *v = qemu_arguments(o, &a);
    assert_non_null(v);
    for (; *v; v++)
        n += (size_t)snprintf(line + n, sizeof(line) - n, " %s", *v);
    assert_true(n < sizeof(line));
    arena_free(&a);
    return line;
}

static void has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in:%s", part, text);
}

static void has_not(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("\"%s\" is in:%s", part, text);
}

static struct qemu_options run_options(void)
{
    struct qemu_options o;

    qemu_options_init(&o);
    o.accel = "tcg";
    o.memory_mib = 1024;
    o.cpus = 2;
    o.command_line = "quiet";
    o.kernel_fd = 20;
    o.initrd_fd = 21;
    o.disk_fd[0] = 22;
    o.disk_fd[1] = 23;
    o.disk_fd[2] = 24;
    o.disks = 3;
    o.ram_fd = 25;
    o.state_fd = 26;
    o.qmp_fd = 27;
    o.agent_fd = 28;
    o.net_fd = 29;
    return o;
}

static void a_run(void **state)
{
    struct qemu_options o = run_options();
    (void)state;

    o.ram_private = o.incoming = true;
    const char *l = line_of(&o);
    has(l, " -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
    has(l, " -nodefaults");
    has(l, " -no-user-config");
    has(l, "mem-path=/proc/self/fd/25,share=off,readonly=on");
    has(l, " -incoming defer");
    has(l, "fd=22,set=1");
    has(l, "node-name=file0,filename=/dev/fdset/1,locking=off,auto-read-only=off,read-only=on");
    has(l, "node-name=layer1,file=file1,read-only=on,backing=layer0");
    has(l, "node-name=disk,file=file2,discard=unmap,cache.no-flush=on,backing=layer1");
    has(l, "stream,id=net,server=off,addr.type=fd,addr.str=29");
    has(l, "reboot=shutdown,shutdown=pause,panic=pause");
    has(l, "socket,id=agent,fd=28");
    has_not(l, "user,"); /* no network of the host */
    has_not(l, "tap");
    has_not(l, "share=on");
    has_not(l, "hostfwd");
}

static void a_template(void **state)
{
    struct qemu_options o = run_options();
    (void)state;

    o.disks = 2;
    const char *l = line_of(&o);
    has(l, "mem-path=/proc/self/fd/25,share=on");
    has(l, "node-name=disk,file=file1,discard=unmap,cache.no-flush=on,backing=layer0");
    has_not(l, "-incoming");
}

/* A machine can be restored only with the hardware that it was saved with. */
static void hardware_is_the_same(void **state)
{
    struct qemu_options o = run_options();
    char first[16384], *from, *to;
    (void)state;

    snprintf(first, sizeof(first), "%s", line_of(&o));
    o.ram_private = o.incoming = true;
    line_of(&o);
    from = strstr(first, " -machine");
    to = strstr(line, " -machine");
    assert_non_null(from);
    assert_non_null(to);
    *strstr(from, " -kernel") = 0;
    *strstr(to, " -kernel") = 0;
    assert_string_equal(from, to);
}

static void the_hash_follows_the_hardware(void **state)
{
    char a[65], b[65];
    (void)state;

    assert_int_equal(qemu_machine_hash("tcg", 1024, 2, a), 0);
    assert_int_equal(qemu_machine_hash("tcg", 1024, 2, b), 0);
    assert_string_equal(a, b);
    assert_int_equal(qemu_machine_hash("kvm", 1024, 2, b), 0);
    assert_string_not_equal(a, b);
    assert_int_equal(qemu_machine_hash("tcg", 2048, 2, b), 0);
    assert_string_not_equal(a, b);
    assert_int_equal(qemu_machine_hash("tcg", 1024, 1, b), 0);
    assert_string_not_equal(a, b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_run), cmocka_unit_test(a_template),
                                       cmocka_unit_test(hardware_is_the_same),
                                       cmocka_unit_test(the_hash_follows_the_hardware)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
