/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Does KVM work? /dev/kvm that opens proves nothing: there are hosts (nested,
 * para-virtual) where every call succeeds and an ordinary kernel then dies of
 * an emulation failure. So a guest is booted up to its first user program.
 */
#include "machine/image-private.h"
#include "machine/machine-private.h"

#include "machine/cpio.h"
#include "os/file.h"
#include "os/proc.h"
#include "os/spawn.h"
#include "os/time.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROBE_MS 6000
#define PROBE_LOOK_MS 50
#define PROBE_MEMORY_MIB 256
#define QEMU_OLDEST 10

int machine_qemu_version(char *ret, size_t n, struct err *e)
{
    const char *const argv[] = {"qemu-system-x86_64", "--version", NULL};
    struct buf out;
    unsigned major, minor, patch;

    buf_init(&out, 4096);
    int r = spawn_run(argv, &out, 10000, e);
    if (r < 0)
        r = err_set(e, ERR_MISSING,
                    "QEMU is not installed (package qemu-system-x86, version 10 or later; on Debian 12 from "
                    "bookworm-backports)");
    else if (sscanf(buf_z(&out), "QEMU emulator version %u.%u.%u", &major, &minor, &patch) != 3)
        r = err_set(e, ERR_FORMAT, "QEMU does not say its version");
    else if (major < QEMU_OLDEST)
        r = err_set(e, ERR_UNSUPPORTED,
                    "QEMU %u.%u.%u is too old: version 10 or later is wanted (on Debian 12 from bookworm-backports)",
                    major, minor, patch);
    else
        snprintf(ret, n, "%u.%u.%u", major, minor, patch);
    buf_free(&out);
    return r;
}

/*
 * The smallest first program (ELF64, x86-64): write(1, "guest alive\n", 12), then pause() for ever.
 * Loaded at 0x400000; its code stands right behind the two headers, at 0x78.
 */
static const uint8_t probe_init[] = {
    0x7f, 'E',  'L',  'F',  2,    1,    1,    0,    0,    0,   0,    0,    0, 0, 0, 0, /* e_ident */
    2,    0,    0x3e, 0,    1,    0,    0,    0,                                       /* ET_EXEC, x86-64 */
    0x78, 0,    0x40, 0,    0,    0,    0,    0,    0x40, 0,   0,    0,    0, 0, 0, 0,
    0,    0,    0,    0,    0,    0,    0,    0,                                       /* entry, phoff, shoff */
    0,    0,    0,    0,    0x40, 0,    0x38, 0,    1,    0,   0,    0,    0, 0, 0, 0, /* flags, sizes, counts */
    1,    0,    0,    0,    5,    0,    0,    0,    0,    0,   0,    0,    0, 0, 0, 0, /* PT_LOAD, r-x, offset 0 */
    0,    0,    0x40, 0,    0,    0,    0,    0,    0,    0,   0x40, 0,    0, 0, 0, 0, /* vaddr, paddr */
    0xa3, 0,    0,    0,    0,    0,    0,    0,    0xa3, 0,   0,    0,    0, 0, 0, 0,
    0,    0x10, 0,    0,    0,    0,    0,    0,                           /* filesz, memsz, align */
    0xb8, 1,    0,    0,    0,    0xbf, 1,    0,    0,    0,               /* mov eax, 1; mov edi, 1 */
    0xbe, 0x97, 0,    0x40, 0,    0xba, 12,   0,    0,    0,   0x0f, 0x05, /* mov esi, text; mov edx, 12; syscall */
    0xb8, 34,   0,    0,    0,    0x0f, 0x05, 0xeb, 0xf7,                  /* mov eax, 34; syscall; jmp back */
    'g',  'u',  'e',  's',  't',  ' ',  'a',  'l',  'i',  'v', 'e',  '\n'};

static int probe_initrd(int *ret_fd, struct err *e)
{
    struct buf archive;
    struct cpio c;
    int r, fd;

    buf_init(&archive, 65536);
    cpio_begin(&c, &archive);
    cpio_folder(&c, "dev", 0755);
    cpio_device(&c, "dev/console", 0600, 5, 1);
    cpio_file(&c, "init", 0755, probe_init, sizeof(probe_init));
    r = cpio_end(&c);
    fd = r < 0 ? -1 : memfd_create("initrd", MFD_CLOEXEC);
    if (fd < 0 || (r = file_write_all(fd, archive.data, archive.len)) < 0 || fchmod(fd, 0444) < 0) {
        r = err_set(e, r < 0 ? r : -errno, "cannot make the probe's initrd");
        if (fd >= 0)
            close(fd);
    } else {
        *ret_fd = fd;
    }
    buf_free(&archive);
    return r;
}

/* 1: alive, 0: not yet, negative: it never will be (why is in ret->reason). */
static int look(struct machine *m, struct accel_probe *ret)
{
    struct buf console;
    char why[200];
    int r = 0;

    if (machine_poll(m, why, sizeof(why)) != MACHINE_RUNNING) {
        snprintf(ret->reason, sizeof(ret->reason), "a guest does not boot with KVM: %s", why);
        return -1;
    }
    if (machine_console(m, &console, NULL) == 0 && str_find(buf_str(&console), STR_LIT("guest alive")) >= 0)
        r = 1;
    buf_free(&console);
    return r;
}

static void boot_with(struct qemu_options *o, const char *log, struct accel_probe *ret)
{
    struct machine *m = NULL;
    uint64_t start = time_monotonic_ns(), ms = 0;
    struct err why = {0};
    int state = 0;

    if (machine_launch(o, log, false, &m, &why) < 0) {
        snprintf(ret->reason, sizeof(ret->reason), "QEMU does not start with KVM: %.200s", why.text);
        return;
    }
    while (state == 0 && ms < PROBE_MS) {
        poll(NULL, 0, PROBE_LOOK_MS);
        state = look(m, ret);
        ms = (time_monotonic_ns() - start) / 1000000;
    }
    machine_stop(&m);
    ret->usable = state == 1;
    if (state == 1)
        snprintf(ret->reason, sizeof(ret->reason), "a guest booted in %llu.%llu s", (unsigned long long)ms / 1000,
                 (unsigned long long)ms % 1000 / 100);
    else if (state == 0)
        snprintf(ret->reason, sizeof(ret->reason), "a guest did not boot with KVM within %d s", PROBE_MS / 1000);
}

static int probe_now(const struct image *i, const char *log, struct accel_probe *ret, struct err *e)
{
    struct qemu_options o;
    int r;

    *ret = (struct accel_probe){0};
    qemu_options_init(&o);
    o.kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (o.kvm_fd < 0) {
        snprintf(ret->reason, sizeof(ret->reason),
                 errno == ENOENT ? "this system has no /dev/kvm" : "/dev/kvm cannot be opened: %s", strerror(errno));
        return 0;
    }
    o.accel = "kvm";
    o.memory_mib = PROBE_MEMORY_MIB;
    o.cpus = 2;
    o.command_line = "console=ttyS0 panic=-1 quiet";
    o.uid = qemu_uid();
    r = machine_open(i->kernel, O_RDONLY, &o.kernel_fd, e);
    if (r == 0)
        r = probe_initrd(&o.initrd_fd, e);
    if (r == 0)
        boot_with(&o, log, ret);
    const int all[] = {o.kvm_fd, o.kernel_fd, o.initrd_fd};
    for (size_t n = 0; n < sizeof(all) / sizeof(all[0]); n++)
        if (all[n] >= 0)
            close(all[n]);
    return r;
}

/* The cached answer: "BOOT-ID 0|1 reason". Another boot may be another host. */
static bool cached(const char *path, const char *boot, struct accel_probe *ret)
{
    struct buf text = {0};
    size_t n = strlen(boot);
    bool good = false;

    if (file_read(path, 1024, &text, NULL) == 0) {
        const char *z = buf_z(&text);
        if (!strncmp(z, boot, n) && z[n] == ' ' && (z[n + 1] == '0' || z[n + 1] == '1') && z[n + 2] == ' ') {
            *ret = (struct accel_probe){.usable = z[n + 1] == '1'};
            snprintf(ret->reason, sizeof(ret->reason), "%s", z + n + 3);
            good = true;
        }
    }
    buf_free(&text);
    return good;
}

int machine_probe_kvm(const struct image *i, struct accel_probe *ret, struct err *e)
{
    char boot[PROC_BOOT_ID_SIZE], *cache = path_cache_dir(), *path = cache ? path_join(cache, "kvm-probe") : NULL;
    int r = path ? proc_boot_id(boot, e) : err_set(e, -ENOMEM, "out of memory");

    if (r == 0 && !cached(path, boot, ret)) {
        char *log = path_format("%s.log", path);
        file_mkdirs(cache, 0755, NULL);
        r = probe_now(i, log, ret, e);
        free(log);
        char *line = r == 0 ? path_format("%s %d %s", boot, ret->usable, ret->reason) : NULL;
        if (line && file_mkdirs(cache, 0755, NULL) == 0)
            file_write_atomic(path, line, strlen(line), 0644, NULL); /* only a convenience */
        free(line);
    }
    free(path);
    free(cache);
    return r;
}
