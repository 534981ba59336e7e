/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A counter for every system call of every process: the only program that runs on each call, so it does almost nothing.
 */

struct {
    __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct process_counts);
} counts SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_TASK_STORAGE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, int);
    __type(value, struct process_counts32);
} counts32 SEC(".maps");

SEC("tp_btf/sys_enter")
int BPF_PROG(on_sys_enter, struct pt_regs *regs, long id)
{
    struct task_struct *task = bpf_get_current_task_btf();
    u32 nr = id;

    if (task->thread_info.status & TS_COMPAT) {
        struct process_counts32 *c =
            bpf_task_storage_get(&counts32, task->group_leader, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
        if (!c) /* two maps made the task's first storage at once: the second try succeeds */
            c = bpf_task_storage_get(&counts32, task->group_leader, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
        if (nr >= SYSCALLS_32)
            nr = SYSCALLS_32 - 1;
        if (c)
            __sync_fetch_and_add(&c->compat[nr], 1);
        return 0;
    }
    struct process_counts *c = bpf_task_storage_get(&counts, task->group_leader, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
    if (!c)
        c = bpf_task_storage_get(&counts, task->group_leader, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
    if (nr >= SYSCALLS_64)
        nr = SYSCALLS_64 - 1;
    if (c)
        __sync_fetch_and_add(&c->native[nr], 1);
    return 0;
}

struct collect {
    struct record *r;
    u32 *n;
    u32 pairs, mark;
};

static long collect_step(u32 i, struct collect *c)
{
    if (i >= SYSCALLS_64)
        return 1;
    u64 n = c->n[i];
    if (!n)
        return 0;
    u32 off = c->r->h.length;
    barrier_var(off);
    if (off > RECORD_MAX - 2 * RECORD_ROOM)
        return 1;
    u16 nr = i | c->mark;
    __builtin_memcpy(&c->r->data[off], &nr, 2);
    __builtin_memcpy(&c->r->data[off + 2], &n, 8);
    c->r->h.length = off + 10;
    c->pairs++;
    return 0;
}

static __noinline void counts_end(struct task_struct *task)
{
    struct process_counts *c = bpf_task_storage_get(&counts, task->group_leader, NULL, 0);
    struct process_counts32 *c32 = bpf_task_storage_get(&counts32, task->group_leader, NULL, 0);

    struct record *r = record_begin(EVENT_PROCESS_SYSCALLS);
    if (!r)
        return;
    r->h.tid = r->h.pid;
    r->data[0] = TAG_COUNTS;
    r->h.length = 3;
    r->h.count = 1;
    u16 pairs = 0;
    if (c) {
        struct collect k = {.r = r, .n = c->native};
        bpf_loop(SYSCALLS_64, collect_step, &k, 0);
        pairs = k.pairs;
    }
    if (c32) {
        struct collect k = {.r = r, .n = c32->compat, .mark = 0x8000};
        bpf_loop(SYSCALLS_32, collect_step, &k, 0);
        pairs += k.pairs;
    }
    __builtin_memcpy(&r->data[1], &pairs, 2);
    if (r->h.length > 3) /* not `pairs`: the verifier would follow every number of pairs */
        record_end(r);
    else
        record_drop(r);
}
