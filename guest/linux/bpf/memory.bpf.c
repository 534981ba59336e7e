/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory that becomes code, memory files, and other processes' memory. */

#define PROT_WX 6
#define MAP_PRIVATE 2
#define MAP_ANONYMOUS 0x20
#define VM_WRITE 2ul
#define VM_EXEC 4ul
#define WX_HOLDS 3        /* stops of a process for one new W+X region */
#define WX_HOLDS_TOTAL 16 /* stops at mprotect */
#define DUMP_PIECE 4096
#define DUMP_PIECES 64 /* of one region, when the process can no longer be stopped: 256 KiB */

/* Remembers a region of a sample process for a last look. */
static __noinline bool wx_add(u64 start, u64 length)
{
    struct process_state *s = state_of(bpf_get_current_task_btf(), false);
    if (!s || !(s->flags & PROCESS_SAMPLE))
        return false;
    u32 n = s->wx_count;
    __sync_fetch_and_or(&s->flags, PROCESS_WX);
    for (u32 i = 0; i < WX_REGIONS; i++)
        if (i < n && s->wx_start[i] == start)
            return n < WX_HOLDS_TOTAL;
    s->wx_count = n + 1;
    s->wx_start[n % WX_REGIONS] = start;
    s->wx_length[n % WX_REGIONS] = length;
    return n < WX_HOLDS_TOTAL;
}

SEC("fexit/vm_mmap_pgoff")
int BPF_PROG(on_mapped, struct file *file, u64 addr, u64 len, u64 prot, u64 flags, u64 pgoff, u64 ret)
{
    if ((prot & PROT_WX) != PROT_WX || ret > (u64)-4096)
        return 0;
    if (!(flags & (MAP_PRIVATE | MAP_ANONYMOUS)))
        return 0;
    struct record *r = record_begin(EVENT_MEMORY_MAP);
    if (!r)
        return 0;
    put_u64(r, ret);
    put_u64(r, len);
    put_name(r, NAME_PROT, prot);
    record_end(r);
    if (wx_add(ret, len)) {
        struct process_state *s = state_of(bpf_get_current_task_btf(), false);
        if (s) {
            s->holds_left = WX_HOLDS;
            __sync_fetch_and_or(&s->flags, PROCESS_ARMED);
        }
    }
    return 0;
}

/* Inside mprotect, after all checks. Only what was not executable before and is, was or becomes writable. */
SEC("fentry/mprotect_fixup")
int BPF_PROG(on_protect, void *vmi, void *tlb, struct vm_area_struct *vma, void *prev, u64 start, u64 end, u64 flags)
{
    u64 old = vma->vm_flags;

    if (!(flags & VM_EXEC) || ((old & VM_EXEC) && !((flags & VM_WRITE) && !(old & VM_WRITE))))
        return 0;
    if (vma->vm_file && !((old | flags) & VM_WRITE) && !vma->anon_vma)
        return 0; /* clean file pages */
    struct record *r = record_begin(EVENT_MEMORY_PROTECT);
    if (!r)
        return 0;
    put_u64(r, start);
    put_u64(r, end - start);
    put_name(r, NAME_PROT, flags & 7);
    if (wx_add(start, end - start))
        hold_current(r);
    return record_end(r);
}

static __always_inline int after_memfd(u64 *args, long ret)
{
    if (ret < 0)
        return 0;
    u64 file = call_file(ret);
    struct record *r = record_begin(EVENT_MEMORY_MEMFD);
    if (!r)
        return 0;
    /* "memfd:NAME": the kernel's copy, not the caller's memory */
    put_str(r, file ? VIEW(file, file)->f_path.dentry->d_name.name + 6 : NULL);
    put_u64(r, (u32)args[1]);
    return record_end(r);
}
AFTER_CALL(memfd_create, after_memfd)

SEC("fentry/process_vm_rw")
int BPF_PROG(on_process_vm, int pid, void *local, u64 locals, void *remote, u64 remotes, u64 flags, int write)
{
    struct {
        u64 base, length;
    } v = {};

    if (!seen_first(EVENT_MEMORY_REMOTE, (u32)pid, write))
        return 0;
    if (call_is_compat()) {
        u32 v32[2] = {};
        bpf_probe_read_user(v32, sizeof(v32), remote);
        v.length = v32[1];
    } else {
        bpf_probe_read_user(&v, sizeof(v), remote);
    }
    struct record *r = record_begin(EVENT_MEMORY_REMOTE);
    if (!r)
        return 0;
    put_name(r, NAME_WORD, write ? WORD_WRITE : WORD_READ);
    put_name(r, NAME_SYSCALL, call_number());
    put_u64(r, (u32)pid);
    put_u64(r, v.length);
    return record_end(r);
}

/* /proc/PID/mem */
SEC("fentry/mem_rw")
int BPF_PROG(on_proc_mem, struct file *file, void *buf, u64 count, void *pos, int write)
{
    u32 target = proc_target(file->f_inode);

    if (!target || target == (u32)(bpf_get_current_pid_tgid() >> 32))
        return 0;
    if (!seen_first(EVENT_MEMORY_REMOTE, target, 2 + write))
        return 0;
    struct record *r = record_begin(EVENT_MEMORY_REMOTE);
    if (!r)
        return 0;
    put_name(r, NAME_WORD, write ? WORD_WRITE : WORD_READ);
    put_name(r, NAME_WORD, WORD_PROC_MEM);
    put_u64(r, target);
    put_u64(r, count);
    return record_end(r);
}

/* ---- the last look ---------------------------------------------------------------- */

struct dump {
    u64 start, length;
};

static long dump_step(u32 i, struct dump *d)
{
    u64 at = (u64)i * DUMP_PIECE;
    if (at >= d->length)
        return 1;
    struct record *r = record_begin(KIND_MEMORY);
    if (!r)
        return 1;
    put_u64(r, d->start + at);
    put_u64(r, 7);
    put_u64(r, at + DUMP_PIECE >= d->length || i + 1 == DUMP_PIECES);
    u32 off = r->h.length;
    barrier_var(off);
    if (off > RECORD_ROOM) {
        record_drop(r);
        return 1;
    }
    r->data[off] = TAG_STR;
    /* A page that was never touched is told as an empty piece. */
    u16 n = bpf_probe_read_user(&r->data[off + 3], DUMP_PIECE, (void *)(d->start + at)) ? 0 : DUMP_PIECE;
    __builtin_memcpy(&r->data[off + 1], &n, 2);
    r->h.length = off + 3 + n;
    r->h.count++;
    record_end(r);
    return 0;
}

/*
 * A process that ends by itself never returns to user mode, so it cannot be
 * stopped for the agent; its W+X memory is copied here instead.
 */
static __noinline int last_look(void)
{
    struct task_struct *task = bpf_get_current_task_btf();
    struct process_state *s = state_of(task, false);

    if (!s || (s->flags & (PROCESS_WX | PROCESS_SAMPLE)) != (PROCESS_WX | PROCESS_SAMPLE))
        return 0;
    __sync_fetch_and_and(&s->flags, ~PROCESS_WX);
    for (u32 i = 0; i < WX_REGIONS; i++) {
        struct dump d = {.start = s->wx_start[i], .length = s->wx_length[i]};
        if (i >= s->wx_count || !d.start)
            break;
        bpf_loop(DUMP_PIECES, dump_step, &d, 0);
    }
    return 0;
}

SEC("fentry/do_group_exit")
int BPF_PROG(on_group_exit, int code)
{
    return last_look();
}
/* exit() of the only thread */
SEC("fentry/do_exit")
int BPF_PROG(on_do_exit, long code)
{
    return bpf_get_current_task_btf()->signal->live.counter == 1 ? last_look() : 0;
}
SEC("fentry/begin_new_exec")
int BPF_PROG(on_new_exec, struct linux_binprm *bprm)
{
    return last_look();
}
