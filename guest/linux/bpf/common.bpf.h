/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Records, paths and process state: what the programs of every topic share. */
#ifndef BELLJAR_BPF_COMMON_H
#define BELLJAR_BPF_COMMON_H

#include "types.h"

#include <bpf/bpf_helpers.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

#include "record.h"

/* EVENT_PROCESS_EXEC = 11, ... from the one schema. */
enum event_kind {
#define EV_KIND(num, sym, name, sigma, doc) EVENT_##sym = num,
#define EV_FIELD(sym, field, type, doc)
#define EV_END(sym)
#include "event/schema.def"
#undef EV_KIND
#undef EV_FIELD
#undef EV_END
};

extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak; /* word for word as in libbpf 1.5 */
/* Views a plain address as a kernel structure that may be read directly (a fault reads as zero). */
#define VIEW(type, address) ((struct type *)bpf_rdonly_cast((void *)(address), bpf_core_type_id_kernel(struct type)))

#define PF_KTHREAD 0x00200000
#define PF_EXITING 0x00000004
#define TS_COMPAT 0x0002
#define S_IFMT 0170000
#define S_IFREG 0100000
#define S_IFDIR 0040000
#define S_IFCHR 0020000
#define S_IFSOCK 0140000
#define PROC_MAGIC 0x9fa0
#define SYSFS_MAGIC 0x62656572
#define SIGSTOP 19
#define EPERM 1
#define ENOENT 2
#define ESRCH 3

struct record {
    u32 busy;
    u32 reserved;
    struct record_header h;
    u8 data[RECORD_MAX];
};

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 16 << 20);
} ring SEC(".maps");

/* Space to build records in: RECORD_SLOTS per CPU, because a program can be preempted by another on the same CPU.
   User space sets max_entries to the number of CPUs times RECORD_SLOTS. */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 8 * RECORD_SLOTS);
    __type(key, u32);
    __type(value, struct record);
} slots SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, LOST_REASONS);
    __type(key, u32);
    __type(value, u64);
} lost SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct process_state);
} states SEC(".maps");

/* Thread groups that must not be seen, by number (for /proc). */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 64);
    __type(key, u32);
    __type(value, u8);
} hidden SEC(".maps");

/* "Once per process and thing" memory. */
struct seen_key {
    u64 what, extra;
    u32 tgid, kind;
};
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 32768);
    __type(key, struct seen_key);
    __type(value, u8);
} seen SEC(".maps");

static __always_inline void lost_add(u32 reason)
{
    u64 *n = bpf_map_lookup_elem(&lost, &reason);
    if (n)
        __sync_fetch_and_add(n, 1);
}

static __always_inline struct process_state *state_of(struct task_struct *task, bool create)
{
    struct task_struct *leader = task->group_leader;
    if (!leader)
        return NULL;
    return bpf_task_storage_get(&states, leader, NULL, create ? BPF_LOCAL_STORAGE_GET_F_CREATE : 0);
}

static __always_inline bool state_is_hidden(void)
{
    struct process_state *s = state_of(bpf_get_current_task_btf(), false);
    return s && (s->flags & PROCESS_HIDDEN);
}

/* True the first time; the memory is bounded, so very old things may come again. */
static __noinline bool seen_first(u32 kind, u64 what, u64 extra)
{
    struct seen_key k = {.what = what, .extra = extra, .tgid = bpf_get_current_pid_tgid() >> 32, .kind = kind};
    u8 one = 1;

    if (bpf_map_lookup_elem(&seen, &k))
        return false;
    bpf_map_update_elem(&seen, &k, &one, BPF_ANY);
    return true;
}

/* ---- records ---------------------------------------------------------------------- */

static __noinline struct record *record_slot(void)
{
    u32 base = bpf_get_smp_processor_id() * RECORD_SLOTS;

    for (u32 i = 0; i < RECORD_SLOTS; i++) {
        u32 key = base + i;
        struct record *r = bpf_map_lookup_elem(&slots, &key);
        if (!r)
            break;
        if (__sync_val_compare_and_swap(&r->busy, 0, 1) == 0)
            return r;
    }
    lost_add(LOST_SLOT);
    return NULL;
}

/*
 * Memory that was mapped writable and executable is looked at when its owner
 * does something visible for the first times: by then the code is written.
 */
static __always_inline void hold_if_armed(struct process_state *s, struct record *r)
{
    switch (r->h.kind) {
    case EVENT_PROCESS_PRCTL:
    case EVENT_FILE_CREATE:
    case EVENT_FILE_OPEN:
    case EVENT_NET_SOCKET:
    case EVENT_NET_BIND:
    case EVENT_NET_CONNECT:
    case EVENT_TIME_SLEEP:
        break;
    default:
        return;
    }
    if (bpf_get_current_task_btf()->flags & PF_EXITING)
        return;
    u32 left = s->holds_left;
    if (left > 1)
        s->holds_left = left - 1;
    else
        __sync_fetch_and_and(&s->flags, ~PROCESS_ARMED);
    if (bpf_send_signal(SIGSTOP) == 0)
        r->h.flags |= RECORD_HOLD;
}

/* Begins a record of the current process; NULL when it is not to be traced. Every begun record must be ended or
 * dropped. */
static __noinline struct record *record_begin(u32 kind)
{
    struct task_struct *task = bpf_get_current_task_btf();
    if (task->flags & PF_KTHREAD)
        return NULL;
    struct process_state *s = state_of(task, false);
    u32 flags = s ? s->flags : 0;
    if (flags & PROCESS_HIDDEN)
        return NULL;
    struct record *r = record_slot();
    if (!r)
        return NULL;
    r->h.time = bpf_ktime_get_boot_ns();
    r->h.pid = task->tgid;
    r->h.tid = task->pid;
    r->h.length = 0;
    r->h.kind = kind;
    r->h.flags = flags & PROCESS_SAMPLE ? RECORD_SAMPLE : 0;
    r->h.count = 0;
    if ((flags & PROCESS_ARMED) && s)
        hold_if_armed(s, r);
    return r;
}

static __always_inline void record_drop(struct record *r)
{
    *(volatile u32 *)&r->busy = 0;
}

static __noinline int record_end(struct record *r)
{
    u32 n = r->h.length;

    barrier_var(n);
    if (n > RECORD_MAX - sizeof(struct record_header))
        n = RECORD_MAX - sizeof(struct record_header);
    n += sizeof(struct record_header);
    r->h.length = n;
    if (bpf_ringbuf_output(&ring, &r->h, n, 0))
        lost_add(LOST_RING);
    record_drop(r);
    return 0;
}

/* Where the next piece goes, or a refusal when less than RECORD_ROOM is left. */
#define RECORD_AT(r, off)                                                                                              \
    u32 off = (r)->h.length;                                                                                           \
    barrier_var(off);                                                                                                  \
    if (off > RECORD_MAX - 2 * RECORD_ROOM) {                                                                          \
        (r)->h.flags |= RECORD_CUT;                                                                                    \
        return;                                                                                                        \
    }

static __always_inline void put_raw64(struct record *r, u8 tag, u64 v)
{
    RECORD_AT(r, off);
    r->data[off] = tag;
    __builtin_memcpy(&r->data[off + 1], &v, 8);
    r->h.length = off + 9;
    r->h.count++;
}

static __noinline void put_u64(struct record *r, u64 v)
{
    put_raw64(r, TAG_U64, v);
}

static __noinline void put_name(struct record *r, u32 table, u64 v)
{
    RECORD_AT(r, off);
    r->data[off] = TAG_NAME;
    r->data[off + 1] = table;
    __builtin_memcpy(&r->data[off + 2], &v, 8);
    r->h.length = off + 10;
    r->h.count++;
}

/* A string in kernel memory. NULL is an empty one. */
static __noinline void put_str(struct record *r, const void *s)
{
    RECORD_AT(r, off);
    long n = s ? bpf_probe_read_kernel_str(&r->data[off + 3], 2048, s) : 1;
    u16 len = n > 0 ? n - 1 : 0;
    r->data[off] = TAG_STR;
    __builtin_memcpy(&r->data[off + 1], &len, 2);
    r->h.length = off + 3 + len;
    r->h.count++;
    if (len == 2047)
        r->h.flags |= RECORD_CUT;
}

/* A string in the memory of the current process: it may change meanwhile, so only for what the kernel keeps no copy of.
 */
static __noinline void put_user_str(struct record *r, const void *s)
{
    RECORD_AT(r, off);
    long n = s ? bpf_probe_read_user_str(&r->data[off + 3], 2048, s) : 1;
    u16 len = n > 0 ? n - 1 : 0;
    r->data[off] = TAG_STR;
    __builtin_memcpy(&r->data[off + 1], &len, 2);
    r->h.length = off + 3 + len;
    r->h.count++;
    if (len == 2047)
        r->h.flags |= RECORD_CUT;
}

/* ---- paths ------------------------------------------------------------------------ */

struct walk {
    struct record *r;
    u64 dentry, mount; /* addresses of struct dentry and struct mount (0: unknown) */
    u32 names, flags;
};

static __always_inline void put_piece(struct record *r, const void *name, u32 len)
{
    RECORD_AT(r, off);
    len &= 255;
    r->data[off] = len;
    bpf_probe_read_kernel(&r->data[off + 1], len, name);
    r->h.length = off + 1 + len;
}

static long walk_step(u32 i, struct walk *w)
{
    struct dentry *d = VIEW(dentry, w->dentry);

    if (w->mount) {
        struct mount *m = VIEW(mount, w->mount);
        if ((u64)m->mnt.mnt_root == w->dentry) {
            u64 up = (u64)m->mnt_parent;
            if (up == w->mount)
                return 1; /* the root */
            w->dentry = (u64)m->mnt_mountpoint;
            w->mount = up;
            return 0;
        }
    }
    u64 parent = (u64)d->d_parent;
    u32 len = d->d_name.len;
    const void *name = d->d_name.name;
    if (parent == w->dentry || !parent) {
        /* Root of a tree that hangs nowhere, or a pseudo file, which has a name of its own. */
        char first = 0;
        bpf_probe_read_kernel(&first, 1, name);
        if (first != '/') {
            put_piece(w->r, name, len);
            w->names++;
        }
        w->flags |= PATH_FLOATING;
        return 1;
    }
    if (w->names >= PATH_NAMES_MAX) {
        w->flags |= PATH_CUT;
        return 1;
    }
    put_piece(w->r, name, len);
    w->names++;
    w->dentry = parent;
    return 0;
}

static __always_inline u64 mount_of(u64 vfsmount)
{
    return vfsmount ? vfsmount - bpf_core_field_offset(struct mount, mnt) : 0;
}

static __noinline int put_walk(struct record *r, u64 dentry, u64 mount)
{
    struct walk w = {.r = r, .dentry = dentry, .mount = mount};
    u32 start = r->h.length;

    barrier_var(start);
    if (start > RECORD_MAX - 2 * RECORD_ROOM) {
        r->h.flags |= RECORD_CUT;
        return 0;
    }
    struct dentry *d = VIEW(dentry, dentry);
    if (!d->d_hash.pprev && d->d_parent != d)
        w.flags |= PATH_DELETED;
    r->data[start] = TAG_PATH;
    r->h.length = start + 2;
    bpf_loop(PATH_NAMES_MAX + 32, walk_step, &w, 0);
    r->data[start + 1] = w.flags;
    u32 end = r->h.length;
    barrier_var(end);
    if (end > RECORD_MAX - RECORD_ROOM)
        return 0;
    r->data[end] = 0;
    r->h.length = end + 1;
    r->h.count++;
    return 0;
}

static __always_inline void put_path(struct record *r, const struct path *p)
{
    put_walk(r, (u64)p->dentry, mount_of((u64)p->mnt));
}

/* An entry of a folder: the dentry with the mount of the folder. */
static __always_inline void put_entry(struct record *r, const struct path *dir, const struct dentry *entry)
{
    put_walk(r, (u64)entry, mount_of((u64)dir->mnt));
}

/* Where the kernel passes no mount: the first one of the file system. */
static __always_inline void put_dentry(struct record *r, struct dentry *d)
{
    struct super_block *sb = d->d_sb;
    u64 first = (u64)sb->s_mounts.next;
    u64 none = (u64)sb + bpf_core_field_offset(struct super_block, s_mounts);
    u64 m = first && first != none ? first - bpf_core_field_offset(struct mount, mnt_instance) : 0;
    put_walk(r, (u64)d, m);
}

/* ---- the current call --------------------------------------------------------------- */

static __always_inline bool call_is_compat(void)
{
    return bpf_get_current_task_btf()->thread_info.status & TS_COMPAT;
}

static __always_inline u64 call_number(void)
{
    struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
    return (regs->orig_ax & 0xffff) | (call_is_compat() ? 0x8000 : 0);
}

/* The file behind a descriptor of the current process, as an address (0: none). */
static __always_inline u64 call_file(u32 fd)
{
    struct files_struct *files = bpf_get_current_task_btf()->files;
    if (!files)
        return 0;
    struct fdtable *t = files->fdt;
    u64 file = 0;
    if (fd < t->max_fds)
        bpf_probe_read_kernel(&file, 8, (void *)((u64)t->fd + 8 * (u64)fd));
    return file;
}

/* Stops the current process when it returns to user mode; the agent continues it. */
static __always_inline void hold_current(struct record *r)
{
    if ((r->h.flags & RECORD_SAMPLE) && bpf_send_signal(SIGSTOP) == 0)
        r->h.flags |= RECORD_HOLD;
}

/* A system call for both ABIs: fn(args, ret) where args[] are the registers in order. */
#define CALL_ARGS_64(regs) {(regs)->di, (regs)->si, (regs)->dx, (regs)->r10, (regs)->r8}
#define CALL_ARGS_32(regs) {(u32)(regs)->bx, (u32)(regs)->cx, (u32)(regs)->dx, (u32)(regs)->si, (u32)(regs)->di}

#define ON_CALL_64(when, call, fn)                                                                                     \
    SEC(when "/__x64_sys_" #call)                                                                                      \
    int BPF_PROG(on_##call, const struct pt_regs *regs, long ret)                                                      \
    {                                                                                                                  \
        u64 args[5] = CALL_ARGS_64(regs);                                                                              \
        return fn(args, ret);                                                                                          \
    }
#define ON_CALL_32(when, prefix, call, fn)                                                                             \
    SEC(when "/__ia32_" prefix #call)                                                                                  \
    int BPF_PROG(on_ia32_##call, const struct pt_regs *regs, long ret)                                                 \
    {                                                                                                                  \
        u64 args[5] = CALL_ARGS_32(regs);                                                                              \
        return fn(args, ret);                                                                                          \
    }
#define BEFORE_CALL_64(call, fn)                                                                                       \
    SEC("fentry/__x64_sys_" #call)                                                                                     \
    int BPF_PROG(on_##call, const struct pt_regs *regs)                                                                \
    {                                                                                                                  \
        u64 args[5] = CALL_ARGS_64(regs);                                                                              \
        return fn(args);                                                                                               \
    }
#define BEFORE_CALL_32(prefix, call, fn)                                                                               \
    SEC("fentry/__ia32_" prefix #call)                                                                                 \
    int BPF_PROG(on_ia32_##call, const struct pt_regs *regs)                                                           \
    {                                                                                                                  \
        u64 args[5] = CALL_ARGS_32(regs);                                                                              \
        return fn(args);                                                                                               \
    }
/* After the call. The COMPAT form is for calls that have their own entry for 32-bit programs. */
#define AFTER_CALL(call, fn) ON_CALL_64("fexit", call, fn) ON_CALL_32("fexit", "sys_", call, fn)
#define AFTER_CALL_COMPAT(call, fn) ON_CALL_64("fexit", call, fn) ON_CALL_32("fexit", "compat_sys_", call, fn)
/* Before the call: for attempts that matter even when they fail, and for calls that do not return. */
#define BEFORE_CALL(call, fn) BEFORE_CALL_64(call, fn) BEFORE_CALL_32("sys_", call, fn)
#define BEFORE_CALL_COMPAT(call, fn) BEFORE_CALL_64(call, fn) BEFORE_CALL_32("compat_sys_", call, fn)

#endif
