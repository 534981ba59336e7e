/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Modules, bpf, mounts, namespaces, kexec, reboot, clock and host name, rare calls of administrators. Attempts count
 * too. */

static __noinline int module_file(u32 fd)
{
    u64 file = call_file(fd);
    struct record *r = record_begin(EVENT_KERNEL_MODULE);
    if (!r)
        return 0;
    if (file)
        put_path(r, &VIEW(file, file)->f_path);
    else
        put_str(r, NULL);
    put_name(r, NAME_SYSCALL, call_number());
    return record_end(r);
}
static __noinline int module_name(u64 name)
{
    struct record *r = record_begin(EVENT_KERNEL_MODULE);
    if (!r)
        return 0;
    put_user_str(r, (void *)name);
    put_name(r, NAME_SYSCALL, call_number());
    return record_end(r);
}
static __always_inline int before_finit_module(u64 *args)
{
    return module_file(args[0]);
}
static __always_inline int before_init_module(u64 *args)
{
    return module_name(0); /* an image in memory has no name yet */
}
static __always_inline int before_delete_module(u64 *args)
{
    return module_name(args[0]);
}
BEFORE_CALL(finit_module, before_finit_module)
BEFORE_CALL(init_module, before_init_module)
BEFORE_CALL(delete_module, before_delete_module)

SEC("fentry/security_bpf")
int BPF_PROG(on_bpf, int cmd, union bpf_attr *attr, u32 size)
{
    u32 type = 0;

    if (cmd != 5 && cmd != 8 && cmd != 17 && cmd != 28) /* PROG_LOAD, PROG_ATTACH, RAW_TRACEPOINT_OPEN, LINK_CREATE */
        return 0;
    if (cmd == 5)
        bpf_probe_read_kernel(&type, 4, attr); /* the kernel's copy */
    struct record *r = record_begin(EVENT_KERNEL_BPF);
    if (!r)
        return 0;
    put_name(r, NAME_BPF, cmd);
    put_u64(r, type);
    return record_end(r);
}

SEC("fentry/security_sb_mount")
int BPF_PROG(on_sb_mount, const char *source, const struct path *path, const char *type, u64 flags)
{
    struct record *r = record_begin(EVENT_KERNEL_MOUNT);
    if (!r)
        return 0;
    put_name(r, NAME_WORD, WORD_MOUNT);
    put_str(r, source);
    put_path(r, path);
    put_str(r, type);
    put_u64(r, flags);
    return record_end(r);
}

/* Operations on one or two places. */
static __noinline int mount_other(u32 word, const struct path *from, const struct path *to, u64 flags)
{
    struct record *r = record_begin(EVENT_KERNEL_MOUNT);
    if (!r)
        return 0;
    put_name(r, NAME_WORD, word);
    if (from)
        put_path(r, from);
    else
        put_str(r, NULL);
    put_path(r, to);
    put_str(r, NULL);
    put_u64(r, flags);
    return record_end(r);
}
SEC("fentry/path_umount")
int BPF_PROG(on_umount, const struct path *path, int flags)
{
    return mount_other(WORD_UMOUNT, NULL, path, flags);
}
SEC("fentry/security_sb_pivotroot")
int BPF_PROG(on_pivot, const struct path *old, const struct path *new)
{
    return mount_other(WORD_PIVOT_ROOT, old, new, 0);
}
SEC("fentry/security_path_chroot")
int BPF_PROG(on_chroot, const struct path *path)
{
    return mount_other(WORD_CHROOT, NULL, path, 0);
}
SEC("fentry/security_move_mount")
int BPF_PROG(on_move_mount, const struct path *from, const struct path *to)
{
    return mount_other(WORD_MOVE_MOUNT, from, to, 0);
}

static __noinline int namespace_call(u64 flags, long ret)
{
    if (ret < 0)
        return 0;
    struct record *r = record_begin(EVENT_KERNEL_NAMESPACE);
    if (!r)
        return 0;
    put_name(r, NAME_SYSCALL, call_number());
    put_u64(r, flags);
    return record_end(r);
}
static __always_inline int after_setns(u64 *args, long ret)
{
    return namespace_call((u32)args[1], ret);
}
AFTER_CALL(setns, after_setns)

SEC("fexit/ksys_unshare")
int BPF_PROG(on_unshare, u64 flags, int ret)
{
    return flags & CLONE_NEW_ANY ? namespace_call(flags, ret) : 0;
}

static __noinline int plain_call(u32 kind)
{
    struct record *r = record_begin(kind);
    if (!r)
        return 0;
    put_name(r, NAME_SYSCALL, call_number());
    return record_end(r);
}
static __always_inline int before_kexec(u64 *args)
{
    return plain_call(EVENT_KERNEL_KEXEC);
}
BEFORE_CALL_COMPAT(kexec_load, before_kexec)
BEFORE_CALL_64(kexec_file_load, before_kexec)

static __always_inline int before_reboot(u64 *args)
{
    struct record *r = record_begin(EVENT_KERNEL_REBOOT);
    if (!r)
        return 0;
    put_name(r, NAME_REBOOT, (u32)args[2]);
    return record_end(r);
}
BEFORE_CALL(reboot, before_reboot)

static __always_inline int after_name(u64 *args, long ret)
{
    return ret < 0 ? 0 : plain_call(EVENT_KERNEL_TIME);
}
AFTER_CALL(sethostname, after_name)
AFTER_CALL(setdomainname, after_name)

SEC("fexit/security_settime64")
int BPF_PROG(on_settime, const void *ts, const void *tz, int ret)
{
    return ret < 0 ? 0 : plain_call(EVENT_KERNEL_TIME);
}
SEC("fentry/do_adjtimex")
int BPF_PROG(on_adjtimex, struct __kernel_timex *txc)
{
    return txc->modes ? plain_call(EVENT_KERNEL_TIME) : 0; /* without modes it only asks */
}

static __always_inline int before_rare(u64 *args)
{
    return plain_call(EVENT_KERNEL_SWAP);
}
BEFORE_CALL(swapon, before_rare)
BEFORE_CALL(swapoff, before_rare)
BEFORE_CALL(quotactl, before_rare)
BEFORE_CALL(acct, before_rare)
BEFORE_CALL(iopl, before_rare)
BEFORE_CALL(ioperm, before_rare)
