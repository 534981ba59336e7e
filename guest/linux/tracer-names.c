/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts for numbers of the kernel's interfaces (x86-64; i386 system calls have 0x8000 added). */
#include "tracer-decode.h"

#include "bpf/record.h"

#include <stdio.h>
#include <string.h>

struct named {
    uint32_t v;
    const char *name;
};

static const struct named syscalls[] = {
    {59, "execve"},
    {322, "execveat"},
    {105, "setuid"},
    {106, "setgid"},
    {113, "setreuid"},
    {114, "setregid"},
    {116, "setgroups"},
    {117, "setresuid"},
    {119, "setresgid"},
    {122, "setfsuid"},
    {123, "setfsgid"},
    {126, "capset"},
    {157, "prctl"},
    {164, "settimeofday"},
    {227, "clock_settime"},
    {159, "adjtimex"},
    {305, "clock_adjtime"},
    {170, "sethostname"},
    {171, "setdomainname"},
    {167, "swapon"},
    {168, "swapoff"},
    {179, "quotactl"},
    {443, "quotactl_fd"},
    {163, "acct"},
    {172, "iopl"},
    {173, "ioperm"},
    {175, "init_module"},
    {313, "finit_module"},
    {176, "delete_module"},
    {246, "kexec_load"},
    {320, "kexec_file_load"},
    {272, "unshare"},
    {308, "setns"},
    {310, "process_vm_readv"},
    {311, "process_vm_writev"},
    {7, "poll"},
    {271, "ppoll"},
    {23, "select"},
    {270, "pselect6"},
    {35, "nanosleep"},
    {230, "clock_nanosleep"},
    {248, "add_key"},
    {249, "request_key"},
    {250, "keyctl"},
    {165, "mount"},
    {166, "umount2"},
    {155, "pivot_root"},
    {161, "chroot"},
    {429, "move_mount"},
    {56, "clone"},
    {435, "clone3"},
    {32779, "execve"},
    {33126, "execveat"},
    {32791, "setuid"},
    {32814, "setgid"},
    {32838, "setreuid"},
    {32839, "setregid"},
    {32849, "setgroups"},
    {32932, "setresuid"},
    {32938, "setresgid"},
    {32906, "setfsuid"},
    {32907, "setfsgid"},
    {32971, "setreuid"},
    {32972, "setregid"},
    {32974, "setgroups"},
    {32976, "setresuid"},
    {32978, "setresgid"},
    {32981, "setuid"},
    {32982, "setgid"},
    {32983, "setfsuid"},
    {32984, "setfsgid"},
    {32953, "capset"},
    {32940, "prctl"},
    {32793, "stime"},
    {32847, "settimeofday"},
    {33032, "clock_settime"},
    {33172, "clock_settime"},
    {32892, "adjtimex"},
    {33111, "clock_adjtime"},
    {33173, "clock_adjtime"},
    {32842, "sethostname"},
    {32889, "setdomainname"},
    {32855, "swapon"},
    {32883, "swapoff"},
    {32899, "quotactl"},
    {33211, "quotactl_fd"},
    {32819, "acct"},
    {32878, "iopl"},
    {32869, "ioperm"},
    {32896, "init_module"},
    {33118, "finit_module"},
    {32897, "delete_module"},
    {33051, "kexec_load"},
    {33078, "unshare"},
    {33114, "setns"},
    {33115, "process_vm_readv"},
    {33116, "process_vm_writev"},
    {32936, "poll"},
    {33077, "ppoll"},
    {33182, "ppoll"},
    {32850, "select"},
    {32910, "select"},
    {33076, "pselect6"},
    {33181, "pselect6"},
    {32930, "nanosleep"},
    {33035, "clock_nanosleep"},
    {33175, "clock_nanosleep"},
    {33054, "add_key"},
    {33055, "request_key"},
    {33056, "keyctl"},
    {32789, "mount"},
    {32790, "umount"},
    {32820, "umount2"},
    {32985, "pivot_root"},
    {32829, "chroot"},
    {33197, "move_mount"},
    {32888, "clone"},
    {33203, "clone3"},
};
static const struct named prctls[] = {
    {1, "PR_SET_PDEATHSIG"},     {4, "PR_SET_DUMPABLE"}, {8, "PR_SET_KEEPCAPS"},
    {15, "PR_SET_NAME"},         {22, "PR_SET_SECCOMP"}, {24, "PR_CAPBSET_DROP"},
    {28, "PR_SET_SECUREBITS"},   {35, "PR_SET_MM"},      {36, "PR_SET_CHILD_SUBREAPER"},
    {38, "PR_SET_NO_NEW_PRIVS"}, {47, "PR_CAP_AMBIENT"}, {1499557217, "PR_SET_PTRACER"},
};
static const struct named ptraces[] = {
    {0, "PTRACE_TRACEME"},
    {1, "PTRACE_PEEKTEXT"},
    {2, "PTRACE_PEEKDATA"},
    {3, "PTRACE_PEEKUSER"},
    {4, "PTRACE_POKETEXT"},
    {5, "PTRACE_POKEDATA"},
    {6, "PTRACE_POKEUSER"},
    {7, "PTRACE_CONT"},
    {8, "PTRACE_KILL"},
    {9, "PTRACE_SINGLESTEP"},
    {12, "PTRACE_GETREGS"},
    {13, "PTRACE_SETREGS"},
    {14, "PTRACE_GETFPREGS"},
    {15, "PTRACE_SETFPREGS"},
    {16, "PTRACE_ATTACH"},
    {17, "PTRACE_DETACH"},
    {18, "PTRACE_GETFPXREGS"},
    {19, "PTRACE_SETFPXREGS"},
    {21, "PTRACE_OLDSETOPTIONS"},
    {24, "PTRACE_SYSCALL"},
    {25, "PTRACE_GET_THREAD_AREA"},
    {26, "PTRACE_SET_THREAD_AREA"},
    {30, "PTRACE_ARCH_PRCTL"},
    {31, "PTRACE_SYSEMU"},
    {33, "PTRACE_SINGLEBLOCK"},
    {16896, "PTRACE_SETOPTIONS"},
    {16897, "PTRACE_GETEVENTMSG"},
    {16898, "PTRACE_GETSIGINFO"},
    {16899, "PTRACE_SETSIGINFO"},
    {16900, "PTRACE_GETREGSET"},
    {16901, "PTRACE_SETREGSET"},
    {16902, "PTRACE_SEIZE"},
    {16903, "PTRACE_INTERRUPT"},
    {16904, "PTRACE_LISTEN"},
    {16905, "PTRACE_PEEKSIGINFO"},
    {16906, "PTRACE_GETSIGMASK"},
    {16907, "PTRACE_SETSIGMASK"},
    {16908, "PTRACE_SECCOMP_GET_FILTER"},
    {16910, "PTRACE_GET_SYSCALL_INFO"},
};
static const struct named ioctls[] = {
    {21522, "TIOCSTI"},
    {1074292226, "FS_IOC_SETFLAGS"},
    {1074030082, "FS_IOC_SETFLAGS"},
    {1075599392, "FS_IOC_FSSETXATTR"},
    {21532, "TIOCLINUX"},
    {19258, "KDSETMODE"},
    {22027, "VT_LOCKSWITCH"},
    {35092, "SIOCSIFFLAGS"},
    {35094, "SIOCSIFADDR"},
    {35107, "SIOCSIFNAME"},
    {35108, "SIOCSIFHWADDR"},
    {35083, "SIOCADDRT"},
    {35084, "SIOCDELRT"},
    {1074025674, "TUNSETIFF"},
    {4727, "BLKDISCARD"},
    {4701, "BLKROSET"},
    {19456, "LOOP_SET_FD"},
    {19466, "LOOP_CONFIGURE"},
    {3221510263, "FIFREEZE"},
};
static const struct named families[] = {
    {0, "AF_UNSPEC"}, {1, "AF_UNIX"},  {2, "AF_INET"},     {3, "AF_AX25"},    {4, "AF_IPX"},        {5, "AF_APPLETALK"},
    {10, "AF_INET6"}, {15, "AF_KEY"},  {16, "AF_NETLINK"}, {17, "AF_PACKET"}, {21, "AF_RDS"},       {24, "AF_PPPOX"},
    {26, "AF_LLC"},   {27, "AF_IB"},   {29, "AF_CAN"},     {30, "AF_TIPC"},   {31, "AF_BLUETOOTH"}, {33, "AF_RXRPC"},
    {38, "AF_ALG"},   {39, "AF_NFC"},  {40, "AF_VSOCK"},   {41, "AF_KCM"},    {42, "AF_QIPCRTR"},   {43, "AF_SMC"},
    {44, "AF_XDP"},   {45, "AF_MCTP"},
};
static const struct named socktypes[] = {
    {1, "SOCK_STREAM"},    {2, "SOCK_DGRAM"}, {3, "SOCK_RAW"},     {4, "SOCK_RDM"},
    {5, "SOCK_SEQPACKET"}, {6, "SOCK_DCCP"},  {10, "SOCK_PACKET"},
};
static const struct named protocols[] = {
    {0, "ip"},     {1, "icmp"},      {2, "igmp"},  {6, "tcp"},     {17, "udp"},
    {33, "dccp"},  {47, "gre"},      {50, "esp"},  {51, "ah"},     {58, "icmpv6"},
    {132, "sctp"}, {136, "udplite"}, {255, "raw"}, {262, "mptcp"}, {PROTOCOL_UNIX, "unix"},
};
static const struct named keyctls[] = {
    {0, "KEYCTL_GET_KEYRING_ID"},
    {1, "KEYCTL_JOIN_SESSION_KEYRING"},
    {2, "KEYCTL_UPDATE"},
    {3, "KEYCTL_REVOKE"},
    {4, "KEYCTL_CHOWN"},
    {5, "KEYCTL_SETPERM"},
    {6, "KEYCTL_DESCRIBE"},
    {7, "KEYCTL_CLEAR"},
    {8, "KEYCTL_LINK"},
    {9, "KEYCTL_UNLINK"},
    {10, "KEYCTL_SEARCH"},
    {11, "KEYCTL_READ"},
    {12, "KEYCTL_INSTANTIATE"},
    {13, "KEYCTL_NEGATE"},
    {14, "KEYCTL_SET_REQKEY_KEYRING"},
    {15, "KEYCTL_SET_TIMEOUT"},
    {16, "KEYCTL_ASSUME_AUTHORITY"},
    {17, "KEYCTL_GET_SECURITY"},
    {18, "KEYCTL_SESSION_TO_PARENT"},
    {19, "KEYCTL_REJECT"},
    {20, "KEYCTL_INSTANTIATE_IOV"},
    {21, "KEYCTL_INVALIDATE"},
    {22, "KEYCTL_GET_PERSISTENT"},
    {23, "KEYCTL_DH_COMPUTE"},
    {24, "KEYCTL_PKEY_QUERY"},
    {25, "KEYCTL_PKEY_ENCRYPT"},
    {26, "KEYCTL_PKEY_DECRYPT"},
    {27, "KEYCTL_PKEY_SIGN"},
    {28, "KEYCTL_PKEY_VERIFY"},
    {29, "KEYCTL_RESTRICT_KEYRING"},
    {30, "KEYCTL_MOVE"},
    {31, "KEYCTL_CAPABILITIES"},
    {32, "KEYCTL_WATCH_KEY"},
};
static const struct named bpfs[] = {
    {5, "BPF_PROG_LOAD"},
    {8, "BPF_PROG_ATTACH"},
    {17, "BPF_RAW_TRACEPOINT_OPEN"},
    {28, "BPF_LINK_CREATE"},
};
static const struct named reboots[] = {
    {19088743, "RESTART"},     {3454992675, "HALT"},     {2309737967, "CAD_ON"},     {0, "CAD_OFF"},
    {1126301404, "POWER_OFF"}, {2712847316, "RESTART2"}, {3489725666, "SW_SUSPEND"}, {1163412803, "KEXEC"},
};
static const struct named words[] = {
    {WORD_READ, "read"},
    {WORD_WRITE, "write"},
    {WORD_PROC_MEM, "proc-mem"},
    {WORD_MOUNT, "mount"},
    {WORD_UMOUNT, "umount"},
    {WORD_PIVOT_ROOT, "pivot_root"},
    {WORD_CHROOT, "chroot"},
    {WORD_MOVE_MOUNT, "move_mount"},
    {WORD_CLONE, "clone"},
    {WORD_POLL, "poll"},
    {WORD_SELECT, "select"},
    {WORD_NANOSLEEP, "nanosleep"},
    {WORD_CLOCK_NANOSLEEP, "clock_nanosleep"},
    {WORD_ADJTIMEX, "adjtimex"},
    {WORD_WX, "wx"},
    {WORD_ADD_KEY, "add_key"},
    {WORD_REQUEST_KEY, "request_key"},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
    unsigned table;
    const struct named *rows;
    size_t n;
} tables[] = {
    {NAME_SYSCALL, syscalls, COUNT(syscalls)},
    {NAME_PRCTL, prctls, COUNT(prctls)},
    {NAME_PTRACE, ptraces, COUNT(ptraces)},
    {NAME_IOCTL, ioctls, COUNT(ioctls)},
    {NAME_FAMILY, families, COUNT(families)},
    {NAME_SOCKTYPE, socktypes, COUNT(socktypes)},
    {NAME_PROTOCOL, protocols, COUNT(protocols)},
    {NAME_KEYCTL, keyctls, COUNT(keyctls)},
    {NAME_BPF, bpfs, COUNT(bpfs)},
    {NAME_REBOOT, reboots, COUNT(reboots)},
    {NAME_WORD, words, COUNT(words)},
};

static size_t cut(int n, size_t cap)
{
    return n < 0 ? 0 : (size_t)n < cap ? (size_t)n : cap - 1;
}

size_t tracer_name(unsigned table, uint64_t v, char *to, size_t cap)
{
    if (table == NAME_PROT)
        return cut(snprintf(to, cap, "%s%s%s", v & 1 ? "r" : "-", v & 2 ? "w" : "-", v & 4 ? "x" : "-"), cap);
    for (size_t i = 0; i < COUNT(tables); i++) {
        if (tables[i].table != table)
            continue;
        for (size_t k = 0; k < tables[i].n; k++)
            if (tables[i].rows[k].v == v)
                return cut(snprintf(to, cap, "%s", tables[i].rows[k].name), cap);
    }
    /* An i386 call without a name keeps its mark, as in process.syscalls. */
    if (table == NAME_SYSCALL && (v & 0x8000))
        return cut(snprintf(to, cap, "i%llu", (unsigned long long)(v & 0x7fff)), cap);
    return cut(snprintf(to, cap, "%llu", (unsigned long long)v), cap);
}
