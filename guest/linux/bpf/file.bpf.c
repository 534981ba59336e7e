/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files. Things that change names are recorded where the kernel has looked the
 * path up (security_path_*), as pending, and become events when the call that
 * they belong to returns success (KIND_RESULT). Everything else is recorded
 * after success.
 */

#define FMODE_READ 1
#define FMODE_WRITE 2
#define FMODE_CREATED 0x100000
#define O_APPEND 02000
#define FMODE_EXEC_FLAG 0x20
#define UTIME_NOW ((1l << 30) - 1l)
#define UTIME_OMIT ((1l << 30) - 2l)
#define PROT_EXEC 4

/* What a file looked like when it was opened for writing: at close this says whether anything was written. */
struct opened {
    s64 size, mtime, pos;
    u32 mtime_ns, tgid, tid;
    u32 sample;
};
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 16384);
    __type(key, u64); /* address of the struct file */
    __type(value, struct opened);
} opens SEC(".maps");

/* Files that the sample wrote: a process that executes or maps one belongs to the sample, whoever started it. */
struct inode_key {
    u64 ino;
    u32 dev, unused;
};
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 16384);
    __type(key, struct inode_key);
    __type(value, u8);
} tainted SEC(".maps");

static __noinline bool inode_is_tainted(struct inode *inode)
{
    struct inode_key k = {.ino = inode->i_ino, .dev = inode->i_sb->s_dev};
    return bpf_map_lookup_elem(&tainted, &k);
}

static __noinline void inode_taint(struct inode *inode)
{
    struct inode_key k = {.ino = inode->i_ino, .dev = inode->i_sb->s_dev};
    u8 one = 1;
    bpf_map_update_elem(&tainted, &k, &one, BPF_ANY);
}

static __always_inline void adopt_if_tainted(struct inode *inode)
{
    if (!inode_is_tainted(inode))
        return;
    struct process_state *s = state_of(bpf_get_current_task_btf(), true);
    if (s && !(s->flags & (PROCESS_HIDDEN | PROCESS_SAMPLE)))
        __sync_fetch_and_or(&s->flags, PROCESS_SAMPLE);
}

/* Called for the script first and then for its interpreter. */
SEC("fentry/security_bprm_check")
int BPF_PROG(on_bprm_check, struct linux_binprm *bprm)
{
    adopt_if_tainted(bprm->file->f_inode);
    return 0;
}

static __always_inline bool device_is_dull(struct inode *inode)
{
    if ((inode->i_mode & S_IFMT) != S_IFCHR)
        return false;
    u32 major = inode->i_rdev >> 20, minor = inode->i_rdev & 0xfffff;
    if (major == 1) /* null, zero, full, random, urandom; not mem, port, kmsg */
        return minor == 3 || minor == 5 || minor == 7 || minor == 8 || minor == 9;
    return major == 5 || major == 4 || (major >= 136 && major <= 143); /* terminals */
}

/* The process that a file of /proc tells about, 0 for the general ones. */
static __noinline u32 proc_target(struct inode *inode)
{
    if (inode->i_sb->s_magic != PROC_MAGIC || inode->i_ino == 1)
        return 0;
    struct proc_inode *pi = VIEW(proc_inode, (u64)inode - bpf_core_field_offset(struct proc_inode, vfs_inode));
    struct pid *pid = pi->pid;
    if (!pid)
        return 0;
    u64 node = (u64)pid->tasks[0].first;
    if (!node)
        return 0;
    struct task_struct *t = VIEW(task_struct, node - bpf_core_field_offset(struct task_struct, pid_links));
    return t->tgid;
}

static __noinline int file_read(struct file *file, struct inode *inode)
{
    u64 magic = inode->i_sb->s_magic;

    if (magic == PROC_MAGIC) {
        u32 target = proc_target(inode);
        if (target == (u32)(bpf_get_current_pid_tgid() >> 32))
            return 0;
        if (target) {
            /* ps and friends read these of everybody: one event for each name */
            u64 name = 0;
            bpf_probe_read_kernel(&name, 8, file->f_path.dentry->d_name.name);
            if (!seen_first(EVENT_FILE_READ, name, 1))
                return 0;
        } else if (!seen_first(EVENT_FILE_READ, inode->i_ino, magic)) {
            return 0;
        }
    } else if (!seen_first(EVENT_FILE_READ, inode->i_ino, inode->i_sb->s_dev)) {
        return 0;
    }
    struct record *r = record_begin(EVENT_FILE_READ);
    if (!r)
        return 0;
    r->h.flags |= RECORD_FILTER;
    put_path(r, &file->f_path);
    return record_end(r);
}

/* Cheap test by the name of the file: program libraries are opened most, and never sensitive. */
static __always_inline bool name_is_dull(struct file *file)
{
    u8 b[4] = {};
    bpf_probe_read_kernel(b, 4, file->f_path.dentry->d_name.name);
    return (b[0] == 'l' && b[1] == 'i' && b[2] == 'b') || (b[0] == 'l' && b[1] == 'd' && (b[2] == '.' || b[2] == '-'));
}

SEC("fexit/do_dentry_open")
int BPF_PROG(on_open, struct file *file, void *open, int ret)
{
    if (ret)
        return 0;
    u32 mode = file->f_mode;
    struct inode *inode = file->f_inode;
    u32 type = inode->i_mode & S_IFMT;

    if (!(mode & (FMODE_WRITE | FMODE_CREATED))) {
        if (!(mode & FMODE_READ) || type == S_IFDIR || (file->f_flags & FMODE_EXEC_FLAG) || device_is_dull(inode) ||
            name_is_dull(file))
            return 0;
        return file_read(file, inode);
    }
    if (device_is_dull(inode))
        return 0;
    struct record *r = record_begin(mode & FMODE_CREATED ? EVENT_FILE_CREATE : EVENT_FILE_OPEN);
    if (!r)
        return 0;
    if ((mode & FMODE_WRITE) && type == S_IFREG) {
        u64 key = (u64)file;
        struct opened o = {.size = mode & FMODE_CREATED ? 0 : inode->i_size,
                           .mtime = inode->i_mtime_sec,
                           .mtime_ns = inode->i_mtime_nsec,
                           .pos = file->f_flags & O_APPEND ? inode->i_size : 0,
                           .tgid = r->h.pid,
                           .tid = r->h.tid,
                           .sample = r->h.flags & RECORD_SAMPLE};
        bpf_map_update_elem(&opens, &key, &o, BPF_ANY);
    }
    put_path(r, &file->f_path);
    if (mode & FMODE_CREATED)
        put_u64(r, inode->i_mode & 07777);
    else
        put_u64(r, file->f_flags);
    return record_end(r);
}

SEC("fentry/__fput")
int BPF_PROG(on_fput, struct file *file)
{
    if (!(file->f_mode & FMODE_WRITE))
        return 0;
    u64 key = (u64)file;
    struct opened *o = bpf_map_lookup_elem(&opens, &key);
    if (!o)
        return 0;
    struct inode *inode = file->f_inode;
    s64 size = inode->i_size, pos = file->f_pos;
    s64 moved = !(file->f_mode & FMODE_READ) && pos > o->pos ? pos - o->pos : 0;
    s64 grown = size > o->size ? size - o->size : 0;
    bool written = moved || size != o->size || inode->i_mtime_sec != o->mtime || inode->i_mtime_nsec != o->mtime_ns;
    if (written) {
        if (o->sample)
            inode_taint(inode);
        struct record *r = record_begin(EVENT_FILE_WRITE);
        if (r) {
            put_path(r, &file->f_path);
            put_u64(r, size);
            put_u64(r, moved > grown ? moved : grown);
            record_end(r);
        } else if (bpf_get_current_task_btf()->flags & PF_KTHREAD) {
            /* The kernel closed it later: told for the process that had opened it. */
            r = record_slot();
            if (r) {
                r->h = (struct record_header){.time = bpf_ktime_get_boot_ns(),
                                              .pid = o->tgid,
                                              .tid = o->tid,
                                              .kind = EVENT_FILE_WRITE,
                                              .flags = o->sample};
                put_path(r, &file->f_path);
                put_u64(r, size);
                put_u64(r, moved > grown ? moved : grown);
                record_end(r);
            }
        }
    }
    bpf_map_delete_elem(&opens, &key);
    return 0;
}

/* ---- names -------------------------------------------------------------------------- */

static __always_inline struct record *pending_begin(u32 kind)
{
    struct record *r = record_begin(kind);
    if (r)
        r->h.flags |= RECORD_PENDING;
    return r;
}

static __noinline int result(long ret)
{
    struct record *r = record_begin(KIND_RESULT);
    if (!r)
        return 0;
    put_u64(r, ret);
    return record_end(r);
}

SEC("fentry/security_path_unlink")
int BPF_PROG(on_unlink, const struct path *dir, struct dentry *entry)
{
    struct record *r = pending_begin(EVENT_FILE_DELETE);
    if (!r)
        return 0;
    put_entry(r, dir, entry);
    return record_end(r);
}
SEC("fexit/do_unlinkat")
int BPF_PROG(after_unlink, int dfd, struct filename *name, int ret)
{
    return result(ret);
}

SEC("fentry/security_path_mkdir")
int BPF_PROG(on_mkdir, const struct path *dir, struct dentry *entry)
{
    struct record *r = pending_begin(EVENT_FILE_MKDIR);
    if (!r)
        return 0;
    put_entry(r, dir, entry);
    return record_end(r);
}
SEC("fexit/do_mkdirat")
int BPF_PROG(after_mkdir, int dfd, struct filename *name, u16 mode, int ret)
{
    return result(ret);
}

SEC("fentry/security_path_rmdir")
int BPF_PROG(on_rmdir, const struct path *dir, struct dentry *entry)
{
    struct record *r = pending_begin(EVENT_FILE_RMDIR);
    if (!r)
        return 0;
    put_entry(r, dir, entry);
    return record_end(r);
}
SEC("fexit/do_rmdir")
int BPF_PROG(after_rmdir, int dfd, struct filename *name, int ret)
{
    return result(ret);
}

SEC("fentry/security_path_rename")
int BPF_PROG(on_rename, const struct path *from_dir, struct dentry *from, const struct path *to_dir, struct dentry *to)
{
    struct record *r = pending_begin(EVENT_FILE_RENAME);
    if (!r)
        return 0;
    put_entry(r, from_dir, from);
    put_entry(r, to_dir, to);
    return record_end(r);
}
SEC("fexit/do_renameat2")
int BPF_PROG(after_rename, int a, struct filename *from, int b, struct filename *to, u32 flags, int ret)
{
    return result(ret);
}

SEC("fentry/security_path_link")
int BPF_PROG(on_link, struct dentry *from, const struct path *dir, struct dentry *entry)
{
    struct record *r = pending_begin(EVENT_FILE_LINK);
    if (!r)
        return 0;
    put_entry(r, dir, from); /* a hard link stays in its mount */
    put_entry(r, dir, entry);
    put_u64(r, 0);
    return record_end(r);
}
SEC("fexit/do_linkat")
int BPF_PROG(after_link, int a, struct filename *from, int b, struct filename *to, int flags, int ret)
{
    return result(ret);
}

SEC("fentry/security_path_symlink")
int BPF_PROG(on_symlink, const struct path *dir, struct dentry *entry, const char *text)
{
    struct record *r = pending_begin(EVENT_FILE_LINK);
    if (!r)
        return 0;
    put_str(r, text);
    put_entry(r, dir, entry);
    put_u64(r, 1);
    return record_end(r);
}
SEC("fexit/do_symlinkat")
int BPF_PROG(after_symlink, struct filename *from, int fd, struct filename *to, int ret)
{
    return result(ret);
}

/* mknod and mkfifo. open(O_CREAT) passes here too (regular files), and bind() of a unix socket. */
SEC("fentry/security_path_mknod")
int BPF_PROG(on_mknod, const struct path *dir, struct dentry *entry, u16 mode)
{
    u32 type = mode & S_IFMT;
    if (!type || type == S_IFREG || type == S_IFSOCK)
        return 0;
    struct record *r = pending_begin(EVENT_FILE_CREATE);
    if (!r)
        return 0;
    put_entry(r, dir, entry);
    put_u64(r, mode & 07777);
    return record_end(r);
}
SEC("fexit/do_mknodat")
int BPF_PROG(after_mknod, int dfd, struct filename *name, u16 mode, u32 dev, int ret)
{
    return result(ret);
}

/* ---- attributes ----------------------------------------------------------------------- */

SEC("fexit/chmod_common")
int BPF_PROG(on_chmod, const struct path *path, u16 mode, int ret)
{
    if (ret)
        return 0;
    struct record *r = record_begin(EVENT_FILE_CHMOD);
    if (!r)
        return 0;
    put_path(r, path);
    put_u64(r, mode & 07777);
    return record_end(r);
}

SEC("fexit/chown_common")
int BPF_PROG(on_chown, const struct path *path, u32 user, u32 group, int ret)
{
    if (ret)
        return 0;
    struct record *r = record_begin(EVENT_FILE_CHOWN);
    if (!r)
        return 0;
    put_path(r, path);
    put_u64(r, (s64)(s32)user);
    put_u64(r, (s64)(s32)group);
    return record_end(r);
}

SEC("fexit/do_truncate")
int BPF_PROG(on_ftruncate, struct mnt_idmap *map, struct dentry *dentry, s64 size, u32 attrs, struct file *file,
             int ret)
{
    if (ret || !file)
        return 0;
    struct record *r = record_begin(EVENT_FILE_TRUNCATE);
    if (!r)
        return 0;
    put_path(r, &file->f_path);
    put_u64(r, size);
    return record_end(r);
}

SEC("fexit/vfs_truncate")
int BPF_PROG(on_truncate, const struct path *path, s64 size, long ret)
{
    if (ret)
        return 0;
    struct record *r = record_begin(EVENT_FILE_TRUNCATE);
    if (!r)
        return 0;
    put_path(r, path);
    put_u64(r, size);
    return record_end(r);
}

SEC("fexit/vfs_utimes")
int BPF_PROG(on_utimes, const struct path *path, struct timespec64 *times, int ret)
{
    struct timespec64 mtime = {};

    if (ret || !times)
        return 0;
    bpf_probe_read_kernel(&mtime, sizeof(mtime), (void *)((u64)times + sizeof(mtime)));
    if (mtime.tv_nsec == UTIME_NOW || mtime.tv_nsec == UTIME_OMIT)
        return 0;
    struct record *r = record_begin(EVENT_FILE_UTIME);
    if (!r)
        return 0;
    put_path(r, path);
    put_u64(r, mtime.tv_sec);
    return record_end(r);
}

SEC("fexit/security_inode_setxattr")
int BPF_PROG(on_setxattr, struct mnt_idmap *map, struct dentry *dentry, const char *name, const void *value, u64 size,
             int flags, int ret)
{
    if (ret)
        return 0;
    struct record *r = record_begin(EVENT_FILE_XATTR);
    if (!r)
        return 0;
    put_dentry(r, dentry);
    put_str(r, name);
    return record_end(r);
}

/* ---- mapping, listing, watching --------------------------------------------------------- */

SEC("fentry/security_mmap_file")
int BPF_PROG(on_mmap, struct file *file, u64 prot, u64 flags)
{
    if (!(prot & PROT_EXEC) || !file)
        return 0;
    struct task_struct *task = bpf_get_current_task_btf();
    struct mm_struct *mm = task->mm;
    if (!mm || mm->exe_file == file)
        return 0; /* the program itself, by the loader in the kernel */
    struct inode *inode = file->f_inode;
    adopt_if_tainted(inode);
    if (!seen_first(EVENT_FILE_MAP_EXEC, inode->i_ino, ((u64)inode->i_sb->s_dev << 32) ^ task->self_exec_id))
        return 0;
    struct record *r = record_begin(EVENT_FILE_MAP_EXEC);
    if (!r)
        return 0;
    put_path(r, &file->f_path);
    return record_end(r);
}

SEC("fentry/iterate_dir")
int BPF_PROG(on_list, struct file *file)
{
    struct inode *inode = file->f_inode;
    if (!seen_first(EVENT_FILE_LIST, inode->i_ino, inode->i_sb->s_dev))
        return 0;
    struct record *r = record_begin(EVENT_FILE_LIST);
    if (!r)
        return 0;
    put_path(r, &file->f_path);
    return record_end(r);
}

SEC("fexit/security_path_notify")
int BPF_PROG(on_notify, const struct path *path, u64 mask, u32 type, int ret)
{
    if (ret)
        return 0;
    struct record *r = record_begin(EVENT_FILE_WATCH);
    if (!r)
        return 0;
    put_path(r, path);
    return record_end(r);
}
