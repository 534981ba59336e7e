/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The few fields of kernel structures that the tracer reads.
 *
 * CO-RE: only names matter. libbpf looks each field up in the BTF of the
 * kernel that runs and patches the offset in, so the order and the gaps here
 * mean nothing, and no vmlinux.h of a particular kernel is needed to build.
 */
#ifndef BELLJAR_BPF_TYPES_H
#define BELLJAR_BPF_TYPES_H

#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct list_head {
    struct list_head *next;
};
struct hlist_node {
    struct hlist_node *next, **pprev;
};
struct hlist_head {
    struct hlist_node *first;
};
struct hlist_bl_node {
    struct hlist_bl_node *next, **pprev;
};
typedef struct {
    int counter;
} atomic_t;
typedef struct {
    u32 val;
} kuid_t;
typedef struct {
    u32 val;
} kgid_t;
struct timespec64 {
    s64 tv_sec;
    long tv_nsec;
};

/* files */
struct super_block;
struct inode;
struct dentry;
struct qstr {
    u32 len;
    const unsigned char *name;
};
struct dentry {
    struct hlist_bl_node d_hash;
    struct dentry *d_parent;
    struct qstr d_name;
    struct inode *d_inode;
    struct super_block *d_sb;
};
struct vfsmount {
    struct dentry *mnt_root;
    struct super_block *mnt_sb;
};
struct path {
    struct vfsmount *mnt;
    struct dentry *dentry;
};
struct mount {
    struct mount *mnt_parent;
    struct dentry *mnt_mountpoint;
    struct vfsmount mnt;
    struct list_head mnt_instance;
};
struct super_block {
    u32 s_dev;
    unsigned long s_magic;
    struct list_head s_mounts;
};
struct inode {
    u16 i_mode;
    struct super_block *i_sb;
    unsigned long i_ino;
    u32 i_nlink;
    u32 i_rdev;
    s64 i_size;
    s64 i_mtime_sec;
    u32 i_mtime_nsec;
};
struct file {
    u32 f_mode;
    struct inode *f_inode;
    u32 f_flags;
    struct path f_path;
    s64 f_pos;
};
struct fdtable {
    u32 max_fds;
    struct file **fd;
};
struct files_struct {
    struct fdtable *fdt;
};
struct fs_struct {
    struct path root, pwd;
};
struct mnt_idmap;
struct filename;
struct dir_context;

/* processes */
struct upid {
    int nr;
};
struct pid {
    struct hlist_head tasks[4];
    struct upid numbers[1];
};
struct proc_inode {
    struct pid *pid;
    struct inode vfs_inode;
};
typedef struct {
    u64 val;
} kernel_cap_t;
struct cred {
    kuid_t uid;
    kgid_t gid;
    kuid_t suid;
    kgid_t sgid;
    kuid_t euid;
    kgid_t egid;
    kuid_t fsuid;
    kgid_t fsgid;
    kernel_cap_t cap_permitted, cap_effective;
};
struct mm_struct {
    unsigned long arg_start, arg_end, env_start, env_end;
    struct file *exe_file;
};
struct signal_struct {
    atomic_t live;
    int nr_threads;
    int group_exit_code;
    u32 flags;
};
struct thread_info {
    u32 status;
};
struct task_struct {
    struct thread_info thread_info;
    u32 flags;
    struct mm_struct *mm;
    int exit_code;
    int pid, tgid;
    struct task_struct *real_parent;
    struct task_struct *group_leader;
    struct hlist_node pid_links[4];
    const struct cred *cred;
    char comm[16];
    struct fs_struct *fs;
    struct files_struct *files;
    struct signal_struct *signal;
    u64 self_exec_id;
};
struct linux_binprm {
    struct file *file;
    const char *filename, *interp;
};
struct kernel_siginfo {
    int si_code;
};
struct pt_regs {
    unsigned long bp, bx, r10, r9, r8, ax, cx, dx, si, di, orig_ax;
};

/* memory */
struct vm_area_struct {
    unsigned long vm_start, vm_end;
    const unsigned long vm_flags;
    struct file *vm_file;
    void *anon_vma;
};

/* sockets */
struct in6_addr {
    union {
        u8 u6_addr8[16];
    } in6_u;
};
struct sock_common {
    u32 skc_daddr, skc_rcv_saddr;
    u16 skc_dport, skc_num;
    unsigned short skc_family;
    volatile unsigned char skc_state;
    unsigned long skc_flags;
    struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
};
struct sock {
    struct sock_common __sk_common;
    u16 sk_protocol, sk_type;
};
struct inet_sock {
    u16 inet_sport;
};
struct socket {
    short type;
    struct sock *sk;
};
struct tcp_sock {
    u64 bytes_sent, bytes_retrans, bytes_received;
    u32 write_seq, snd_nxt;
};
struct msghdr {
    void *msg_name;
    int msg_namelen;
};
struct sockaddr {
    unsigned short sa_family;
};
struct __kernel_timex {
    u32 modes;
};

#pragma clang attribute pop

#endif
