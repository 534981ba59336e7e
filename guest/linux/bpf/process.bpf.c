/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Processes and threads: fork, exec, exit, session, prctl, personality, ptrace, ioctl. */

#define CLONE_THREAD 0x00010000
#define CLONE_NEW_ANY 0x7e020080
#define SIGNAL_GROUP_EXIT 4
#define ARGS_MAX 32768
#define ENV_MAX 8192

SEC("tp_btf/task_newtask")
int BPF_PROG(on_newtask, struct task_struct *child, u64 flags)
{
    struct task_struct *parent = bpf_get_current_task_btf();
    bool thread = flags & CLONE_THREAD;
    struct process_state *s = state_of(parent, false);

    if (!thread && s && (s->flags & PROCESS_SAMPLE)) {
        struct process_state *n = bpf_task_storage_get(&states, child, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
        if (n)
            n->flags |= PROCESS_SAMPLE | (s->flags & PROCESS_WX);
    }
    struct record *r = record_begin(thread ? EVENT_THREAD_START : EVENT_PROCESS_START);
    if (!r)
        return 0;
    r->h.pid = child->tgid;
    r->h.tid = child->pid;
    if (!thread)
        put_u64(r, child->real_parent->tgid);
    put_u64(r, flags);
    record_end(r);
    if (flags & CLONE_NEW_ANY) {
        r = record_begin(EVENT_KERNEL_NAMESPACE);
        if (r) {
            put_name(r, NAME_WORD, WORD_CLONE);
            put_u64(r, flags & CLONE_NEW_ANY);
            record_end(r);
        }
    }
    return 0;
}

struct copy {
    struct record *r;
    u64 from, to;
};

static long copy_step(u32 i, struct copy *c)
{
    u64 left = c->to - c->from;
    u32 off = c->r->h.length;

    barrier_var(off);
    if (c->from >= c->to || off > RECORD_MAX - 2 * RECORD_ROOM)
        return 1;
    u32 n = left > RECORD_ROOM ? RECORD_ROOM : left;
    barrier_var(n);
    if (n > RECORD_ROOM)
        return 1;
    if (bpf_probe_read_user(&c->r->data[off], n, (void *)c->from))
        return 1; /* a page that is not there: the length tells */
    c->r->h.length = off + n;
    c->from += n;
    return 0;
}

/* A range of the current process's memory, chunk by chunk up to page borders of the record. */
static __noinline void put_user_range(struct record *r, u32 tag, u64 from, u64 to, u32 max)
{
    RECORD_AT(r, off);
    struct copy c = {.r = r, .from = from, .to = to};
    if (to > from && to - from > max) {
        c.to = from + max;
        r->h.flags |= RECORD_CUT;
    }
    r->h.length = off + 3;
    bpf_loop(ARGS_MAX / RECORD_ROOM + 1, copy_step, &c, 0);
    u16 len = c.from - from;
    if (c.from < c.to)
        r->h.flags |= RECORD_CUT;
    r->data[off] = tag;
    __builtin_memcpy(&r->data[off + 1], &len, 2);
    r->h.count++;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
    struct record *r = record_begin(EVENT_PROCESS_EXEC);
    if (!r)
        return 0;
    struct mm_struct *mm = task->mm;
    struct file *exe = mm ? mm->exe_file : NULL;
    if (!mm || !exe) {
        record_drop(r);
        return 0;
    }
    put_path(r, &exe->f_path);
    put_user_range(r, TAG_ARGS, mm->arg_start, mm->arg_end, ARGS_MAX);
    bool cut = r->h.flags & RECORD_CUT;
    put_path(r, &task->fs->pwd);
    if (bprm->interp != bprm->filename)
        put_str(r, bprm->filename);
    else
        put_str(r, NULL);
    put_u64(r, task->real_parent->tgid);
    put_u64(r, task->cred->uid.val);
    put_u64(r, task->cred->euid.val);
    put_u64(r, task->cred->gid.val);
    put_user_range(r, TAG_ENV, mm->env_start, mm->env_end, ENV_MAX);
    struct inode *inode = exe->f_inode;
    bool anonymous = inode->i_nlink == 0;
    put_u64(r, anonymous);
    put_u64(r, cut);
    if (anonymous)
        hold_current(r);
    struct process_state *s = state_of(task, false);
    if (s)
        s->flags &= ~(PROCESS_WX | PROCESS_ARMED), s->wx_count = 0;
    return record_end(r);
}

/* Counters of system calls: sys.bpf.c. */
static __noinline void counts_end(struct task_struct *task);

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
    struct signal_struct *sig = task->signal;
    struct record *r;

    if (sig->live.counter != 0)
        return 0;
    struct process_state *s = state_of(task, true);
    /* Two last threads can both find that nobody is left. */
    if (s && (__sync_fetch_and_or(&s->flags, PROCESS_EXITED) & PROCESS_EXITED))
        return 0;
    counts_end(task);
    r = record_begin(EVENT_PROCESS_EXIT);
    if (!r)
        return 0;
    u32 code = sig->flags & SIGNAL_GROUP_EXIT ? sig->group_exit_code : task->exit_code;
    r->h.tid = r->h.pid;
    put_u64(r, (code >> 8) & 0xff);
    put_u64(r, code & 0x7f);
    return record_end(r);
}

static __noinline int exec_failed(u64 path, long ret)
{
    if (ret >= 0)
        return 0;
    struct record *r = record_begin(EVENT_PROCESS_EXEC_FAILED);
    if (!r)
        return 0;
    put_user_str(r, (void *)path);
    put_u64(r, -ret);
    return record_end(r);
}
static __always_inline int after_execve(u64 *args, long ret)
{
    return exec_failed(args[0], ret);
}
static __always_inline int after_execveat(u64 *args, long ret)
{
    return exec_failed(args[1], ret);
}
AFTER_CALL_COMPAT(execve, after_execve)
AFTER_CALL_COMPAT(execveat, after_execveat)

SEC("fexit/ksys_setsid")
int BPF_PROG(on_setsid, int ret)
{
    if (ret <= 0)
        return 0;
    struct record *r = record_begin(EVENT_PROCESS_SETSID);
    return r ? record_end(r) : 0;
}

#define PR_SET_NAME 15

static __always_inline int after_prctl(u64 *args, long ret)
{
    u32 option = args[0];
    switch (option) {
    case 1: /* PDEATHSIG */
    case 4: /* DUMPABLE */
    case 8: /* KEEPCAPS */
    case PR_SET_NAME:
    case 22:         /* SECCOMP */
    case 24:         /* CAPBSET_DROP */
    case 28:         /* SECUREBITS */
    case 35:         /* MM */
    case 36:         /* CHILD_SUBREAPER */
    case 38:         /* NO_NEW_PRIVS */
    case 47:         /* CAP_AMBIENT */
    case 0x59616d61: /* PTRACER */
        break;
    default:
        return 0;
    }
    if (ret < 0)
        return 0;
    struct record *r = record_begin(EVENT_PROCESS_PRCTL);
    if (!r)
        return 0;
    put_name(r, NAME_PRCTL, option);
    put_u64(r, args[1]);
    /* The kernel's copy, not the caller's memory. */
    put_str(r, option == PR_SET_NAME ? bpf_get_current_task_btf()->comm : NULL);
    return record_end(r);
}
AFTER_CALL(prctl, after_prctl)

static __always_inline int after_personality(u64 *args, long ret)
{
    if (ret < 0 || (u32)args[0] == 0xffffffff || (u32)args[0] == (u32)ret)
        return 0;
    struct record *r = record_begin(EVENT_PROCESS_PERSONALITY);
    if (!r)
        return 0;
    put_u64(r, (u32)args[0]);
    return record_end(r);
}
AFTER_CALL(personality, after_personality)

static __always_inline int after_ptrace(u64 *args, long ret)
{
    u32 tgid = bpf_get_current_pid_tgid() >> 32;
    u32 request = args[0];
    u64 target = request == 0 ? tgid : (u32)args[1];

    /* Debuggers poke thousands of times: each request to each target is told once. */
    if (request != 0 && !seen_first(EVENT_PROCESS_PTRACE, target, request))
        return 0;
    struct record *r = record_begin(EVENT_PROCESS_PTRACE);
    if (!r)
        return 0;
    put_name(r, NAME_PTRACE, request);
    put_u64(r, target);
    return record_end(r);
}
AFTER_CALL_COMPAT(ptrace, after_ptrace)

#define FS_IOC_SETFLAGS 0x40086602
#define FS_IOC32_SETFLAGS 0x40046602

static __noinline int ioctl_seen(struct file *file, u32 request, u64 arg)
{
    u64 value = arg;

    switch (request) {
    case FS_IOC_SETFLAGS:
    case FS_IOC32_SETFLAGS: {
        u32 flags = 0;
        bpf_probe_read_user(&flags, 4, (void *)arg);
        value = flags;
        break;
    }
    case 0x5412: { /* TIOCSTI: the character */
        u8 c = 0;
        bpf_probe_read_user(&c, 1, (void *)arg);
        value = c;
        break;
    }
    case 0x401c5820: /* FS_IOC_FSSETXATTR */
    case 0x541c:     /* TIOCLINUX */
    case 0x4b3a:     /* KDSETMODE */
    case 0x560b:     /* VT_LOCKSWITCH */
    case 0x8914:     /* SIOCSIFFLAGS */
    case 0x8916:     /* SIOCSIFADDR */
    case 0x8923:     /* SIOCSIFNAME */
    case 0x8924:     /* SIOCSIFHWADDR */
    case 0x890b:     /* SIOCADDRT */
    case 0x890c:     /* SIOCDELRT */
    case 0x400454ca: /* TUNSETIFF */
    case 0x1277:     /* BLKDISCARD */
    case 0x125d:     /* BLKROSET */
    case 0x4c00:     /* LOOP_SET_FD */
    case 0x4c0a:     /* LOOP_CONFIGURE */
    case 0xc0045877: /* FIFREEZE */
        break;
    default:
        return 0;
    }
    struct record *r = record_begin(EVENT_PROCESS_IOCTL);
    if (!r)
        return 0;
    put_name(r, NAME_IOCTL, request);
    put_u64(r, value);
    put_path(r, &file->f_path);
    return record_end(r);
}

SEC("fentry/security_file_ioctl")
int BPF_PROG(on_ioctl, struct file *file, u32 request, u64 arg)
{
    return ioctl_seen(file, request, arg);
}

SEC("fentry/security_file_ioctl_compat")
int BPF_PROG(on_ioctl_compat, struct file *file, u32 request, u64 arg)
{
    return ioctl_seen(file, request, (u32)arg);
}
