/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/qemu.h"

#include "base/buf.h"
#include "base/hash.h"
#include "os/spawn.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define ARGUMENTS_MAX 160
#define ARENA_MAX (1u << 20)
#define QEMU_PROGRAM "qemu-system-x86_64"
#define QEMU_UIDS 200

struct args {
    struct arena *a;
    const char **v;
    unsigned n;
    bool failed;
};

static void add(struct args *x, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct args *x, const char *format, ...)
{
    char text[2048];
    va_list ap;

    va_start(ap, format);
    int n = vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof(text) || x->n + 1 >= ARGUMENTS_MAX || !(x->v[x->n] = arena_dupz(x->a, text)))
        x->failed = true;
    else
        x->n++;
}

static void add2(struct args *x, const char *option, const char *value)
{
    add(x, "%s", option);
    add(x, "%s", value);
}

void qemu_options_init(struct qemu_options *o)
{
    *o = (struct qemu_options){.kernel_fd = -1,
                               .initrd_fd = -1,
                               .ram_fd = -1,
                               .state_fd = -1,
                               .qmp_fd = -1,
                               .agent_fd = -1,
                               .net_fd = -1,
                               .log_fd = -1,
                               .kvm_fd = -1};
    for (unsigned i = 0; i < QEMU_DISKS_MAX; i++)
        o->disk_fd[i] = -1;
}

/* What the guest can see of its hardware. A snapshot holds only for exactly this. */
static void add_hardware(struct args *x, const char *accel, unsigned memory_mib, unsigned cpus)
{
    bool kvm = !strcmp(accel, "kvm");

    add(x, "-machine");
    add(x, "q35,memory-backend=ram,usb=off,vmport=off,dump-guest-core=off");
    add(x, "-accel");
    add(x, kvm ? "kvm,device=/dev/fdset/8" : "tcg,thread=multi");
    add(x, "-cpu");
    add(x, kvm ? "host,hypervisor=off,kvm=off,arch-capabilities=off"
               : "max,hypervisor=off,svm=off,vendor=GenuineIntel,family=6,model=94,stepping=3,"
                 "model-id=Intel(R) Core(TM) i5-6500 CPU @ 3.20GHz");
    add(x, "-m");
    add(x, "%uM", memory_mib);
    add(x, "-smp");
    add(x, "%u", cpus);
    add2(x, "-smbios", "type=0,vendor=LENOVO,version=M16KT59A,date=09/10/2019,release=1.89");
    add2(x, "-smbios",
         "type=1,manufacturer=LENOVO,product=10MRS0BR00,version=ThinkCentre M710q,serial=PC0R7K2L,sku=LENOVO_MT_10MR,"
         "family=ThinkCentre M710q");
    add2(x, "-smbios", "type=2,manufacturer=LENOVO,product=3111,version=SDK0J40697 WIN 3305150962148,serial=PC0R7K2L");
    add2(x, "-smbios", "type=3,manufacturer=LENOVO,version=None,serial=PC0R7K2L");
    add2(x, "-rtc", "base=utc,clock=vm");
    add2(x, "-device", "virtio-blk-pci,drive=disk,serial=S4EVNX0M417382B,werror=report,rerror=report,addr=0x3");
    add2(x, "-device", "virtio-net-pci,netdev=net,romfile=,addr=0x4,mac=3c:52:82:4e:10:07");
    add2(x, "-device", "virtio-serial-pci,max_ports=2,addr=0x5");
    add2(x, "-device", "virtserialport,nr=1,chardev=agent,name=" QEMU_PORT_NAME);
    add2(x, "-object", "rng-random,id=rng,filename=/dev/urandom");
    add2(x, "-device", "virtio-rng-pci,rng=rng,addr=0x6");
    add2(x, "-device", "pvpanic-pci,addr=0x7");
    add2(x, "-device", "isa-serial,chardev=console");
}

static void add_disks(struct args *x, const struct qemu_options *o)
{
    for (unsigned i = 0; i < o->disks; i++) {
        bool last = i + 1 == o->disks;
        char backing[32] = "";
        add(x, "-add-fd");
        add(x, "fd=%d,set=%u", o->disk_fd[i], i + 1);
        add(x, "-blockdev");
        /* The file at the bottom never changes and the one on top is thrown away: flushes would only cost time. */
        add(x,
            "driver=file,node-name=file%u,filename=/dev/fdset/"
            "%u,locking=off,auto-read-only=off,read-only=%s,cache.no-flush=on",
            i, i + 1, last ? "off" : "on");
        if (i > 0)
            snprintf(backing, sizeof(backing), ",backing=layer%u", i - 1);
        add(x, "-blockdev");
        if (last)
            add(x, "driver=qcow2,node-name=disk,file=file%u,discard=unmap,cache.no-flush=on%s", i, backing);
        else
            add(x, "driver=qcow2,node-name=layer%u,file=file%u,read-only=on%s", i, i, backing);
    }
    if (o->disks == 0)
        add2(x, "-blockdev", "driver=null-co,node-name=disk,size=1048576,read-zeroes=on");
}

static void add_memory(struct args *x, const struct qemu_options *o)
{
    add(x, "-object");
    if (o->ram_fd < 0)
        add(x, "memory-backend-ram,id=ram,size=%uM", o->memory_mib);
    else if (o->ram_private)
        add(x, "memory-backend-file,id=ram,size=%uM,mem-path=/proc/self/fd/%d,share=off,readonly=on,rom=off",
            o->memory_mib, o->ram_fd);
    else
        add(x, "memory-backend-file,id=ram,size=%uM,mem-path=/proc/self/fd/%d,share=on", o->memory_mib, o->ram_fd);
}

static void add_channels(struct args *x, const struct qemu_options *o)
{
    add(x, "-chardev");
    add(x, "socket,id=qmp,fd=%d", o->qmp_fd);
    add2(x, "-mon", "chardev=qmp,mode=control");
    add(x, "-chardev");
    if (o->agent_fd >= 0)
        add(x, "socket,id=agent,fd=%d", o->agent_fd);
    else
        add(x, "null,id=agent");
    /* The kernel's last words, for the reason of a panic; never more than this. */
    add2(x, "-chardev", "ringbuf,id=console,size=65536");
    add(x, "-netdev");
    add(x, "stream,id=net,server=off,addr.type=fd,addr.str=%d", o->net_fd);
    if (o->kvm_fd >= 0) {
        add(x, "-add-fd");
        add(x, "fd=%d,set=8", o->kvm_fd);
    }
    if (o->state_fd >= 0) {
        add(x, "-add-fd");
        add(x, "fd=%d,set=9", o->state_fd);
    }
}

const char *const *qemu_arguments(const struct qemu_options *o, struct arena *a)
{
    struct args x = {.a = a, .v = arena_array(a, ARGUMENTS_MAX, sizeof(char *))};

    if (!x.v)
        return NULL;
    /* A file that reaches its limit is to give an error in the guest, not a signal that kills QEMU. */
    add(&x, "env");
    add(&x, "--ignore-signal=XFSZ");
    add(&x, QEMU_PROGRAM);
    add2(&x, "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
    add(&x, "-no-user-config");
    add(&x, "-nodefaults");
    add2(&x, "-display", "none");
    add2(&x, "-action", "reboot=shutdown,shutdown=pause,panic=pause,watchdog=pause");
    add_memory(&x, o);
    add_disks(&x, o);
    add_channels(&x, o);
    add_hardware(&x, o->accel, o->memory_mib, o->cpus);
    add(&x, "-kernel");
    add(&x, "/proc/self/fd/%d", o->kernel_fd);
    add(&x, "-initrd");
    add(&x, "/proc/self/fd/%d", o->initrd_fd);
    add2(&x, "-append", o->command_line);
    if (o->incoming)
        add2(&x, "-incoming", "defer");
    return x.failed ? NULL : x.v;
}

uid_t qemu_uid(void)
{
    return geteuid() == 0 ? QEMU_UID_FIRST + (uid_t)getpid() % QEMU_UIDS : 0;
}

int qemu_start(const struct qemu_options *o, pid_t *ret_pid, struct err *e)
{
    static const char *const environment[] = {"PATH=/usr/bin:/bin:/usr/local/bin", "LC_ALL=C", NULL};
    int keep[QEMU_DISKS_MAX + 8];
    unsigned n = 0;
    struct arena a;
    int r;

    arena_init(&a, ARENA_MAX);
    const char *const *argv = qemu_arguments(o, &a);
    if (!argv) {
        arena_free(&a);
        return err_set(e, -ENOMEM, "out of memory");
    }
    const int all[] = {o->kernel_fd, o->initrd_fd, o->ram_fd, o->state_fd,
                       o->qmp_fd,    o->agent_fd,  o->net_fd, o->kvm_fd};
    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (all[i] >= 0)
            keep[n++] = all[i];
    for (unsigned i = 0; i < o->disks; i++)
        keep[n++] = o->disk_fd[i];
    struct spawn_options s = {.argv = argv,
                              .envp = environment,
                              .cwd = "/",
                              .in = -1,
                              .out = o->log_fd,
                              .err = o->log_fd,
                              .keep = keep,
                              .nkeep = n,
                              .uid = o->uid,
                              .own_group = true,
                              .files_max = 256,
                              .file_size_max = o->file_max};
    r = spawn(&s, ret_pid, e);
    arena_free(&a);
    return r;
}

int qemu_machine_hash(const char *accel, unsigned memory_mib, unsigned cpus, char ret[65])
{
    struct arena a;
    uint8_t sum[SHA256_SIZE];
    struct buf all;
    int r = -ENOMEM;

    arena_init(&a, ARENA_MAX);
    buf_init(&all, ARENA_MAX);
    struct args x = {.a = &a, .v = arena_array(&a, ARGUMENTS_MAX, sizeof(char *))};
    if (x.v) {
        add_hardware(&x, accel, memory_mib, cpus);
        for (unsigned i = 0; i < x.n; i++)
            buf_add(&all, x.v[i], strlen(x.v[i]) + 1);
        if (!x.failed && !all.failed)
            r = sha256_bytes(all.data, all.len, sum);
    }
    if (r == 0)
        hex_encode(sum, sizeof(sum), ret);
    buf_free(&all);
    arena_free(&a);
    return r;
}
