/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the BPF programs put into the ring buffer, and tracer-decode.c takes out.
 *
 * A record: struct record_header, then values. A value: one tag byte, then
 * what the tag says, in the machine's byte order, unaligned. For a kind of
 * schema.def the values come in the order of its fields; kinds from 0xff00 up
 * are internal.
 *
 * Paths travel as names from the leaf to the root, because a walk finds them
 * in that order; the reader turns them round. That saves the kernel a copy.
 */
#ifndef BELLJAR_BPF_RECORD_H
#define BELLJAR_BPF_RECORD_H

#include <linux/types.h>

#define RECORD_MAX 65536  /* longest record */
#define RECORD_ROOM 4096  /* longest single piece (chunk of a string) */
#define RECORD_SLOTS 4    /* records under construction per CPU */
#define PATH_NAMES_MAX 64 /* names of one path; deeper ones are cut and marked */
#define SYSCALLS_64 512   /* counters of x86-64 calls; larger numbers share the last */
#define SYSCALLS_32 512

enum record_tag {
    TAG_U64 = 1,     /* u64 */
    TAG_STR = 2,     /* u16 length, bytes */
    TAG_PATH = 3,    /* u8 PATH_* flags, then {u8 length, bytes}... leaf first, then a zero byte */
    TAG_NAME = 4,    /* u8 enum name_table, u64 value: the reader turns it into text */
    TAG_ADDR4 = 5,   /* 4 bytes */
    TAG_ADDR6 = 6,   /* 16 bytes; mapped IPv4 is shown as such */
    TAG_UNIX = 7,    /* u8 length, sun_path bytes (abstract ones begin with 0) */
    TAG_ARGS = 8,    /* u16 length, NUL-separated bytes: a command line */
    TAG_ENV = 9,     /* u16 length, NUL-separated bytes: the environment, to be filtered */
    TAG_COUNTS = 10, /* u16 pairs, then {u16 number (bit 15: i386), u64 count} */
};

enum record_path {
    PATH_CUT = 1,      /* more than PATH_NAMES_MAX names or too long: the front is missing */
    PATH_FLOATING = 2, /* no place in any tree: memfd, pipe, socket */
    PATH_DELETED = 4,
};

enum record_flag {
    RECORD_SAMPLE = 1,  /* the process belongs to the sample */
    RECORD_HOLD = 2,    /* the process is being stopped for the agent */
    RECORD_PENDING = 4, /* becomes an event when KIND_RESULT of the same thread says success */
    RECORD_CUT = 8,     /* something did not fit */
    RECORD_FILTER = 16, /* keep only if the sensitive patterns match */
};

enum record_kind {
    KIND_RESULT = 0xff00, /* i64 result of the call whose record is pending */
    KIND_MEMORY = 0xff02, /* u64 address, u64 protection, u64 last, string: memory of a process that is about to end */
};

enum name_table {
    NAME_SYSCALL = 1,
    NAME_PRCTL,
    NAME_PTRACE,
    NAME_IOCTL,
    NAME_FAMILY,
    NAME_SOCKTYPE,
    NAME_PROTOCOL, /* ipproto, or PROTOCOL_UNIX */
    NAME_PROT,     /* PROT_* bits as rwx */
    NAME_KEYCTL,
    NAME_BPF,
    NAME_REBOOT,
    NAME_WORD, /* enum record_word */
};

#define PROTOCOL_UNIX 0x10000

enum record_word {
    WORD_READ = 1,
    WORD_WRITE,
    WORD_PROC_MEM,
    WORD_MOUNT,
    WORD_UMOUNT,
    WORD_PIVOT_ROOT,
    WORD_CHROOT,
    WORD_MOVE_MOUNT,
    WORD_CLONE,
    WORD_POLL,
    WORD_SELECT,
    WORD_NANOSLEEP,
    WORD_CLOCK_NANOSLEEP,
    WORD_ADJTIMEX,
    WORD_WX,
    WORD_ADD_KEY,
    WORD_REQUEST_KEY,
};

struct record_header {
    __u64 time; /* boot time, ns */
    __u32 pid, tid;
    __u32 length; /* of the whole record */
    __u16 kind;
    __u8 flags;
    __u8 count; /* values that follow */
};

/* Value of the task storage `states` (on the group leader). */
enum process_flag {
    PROCESS_HIDDEN = 1,
    PROCESS_SAMPLE = 2,
    PROCESS_EXITED = 4,
    PROCESS_ARMED = 16, /* hold it at its next visible acts: it has fresh W+X memory */
    PROCESS_WX = 8,     /* has memory that was made writable and executable, or executable after writing */
};
#define WX_REGIONS 8
struct process_state {
    __u32 flags;
    __u32 wx_count, holds_left, unused;
    __u64 wx_start[WX_REGIONS], wx_length[WX_REGIONS];
};

/* Value of the task storage `counts` (on the group leader). */
struct process_counts {
    __u32 native[SYSCALLS_64];
};
struct process_counts32 {
    __u32 compat[SYSCALLS_32];
};

enum lost_reason { LOST_RING, LOST_SLOT, LOST_REASONS };

#endif
