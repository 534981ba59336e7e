/* SPDX-License-Identifier: GPL-3.0-or-later */
/* System calls without any library, so that one compiler makes small static programs for every processor. */
#ifndef MINI_H
#define MINI_H

typedef long word;

#if defined(__x86_64__)
enum {
    NR_write = 1,
    NR_exit = 60,
    NR_openat = 257,
    NR_close = 3,
    NR_socket = 41,
    NR_connect = 42,
    NR_unlinkat = 263,
    NR_nanosleep = 35,
    NR_getpid = 39,
    NR_uname = 63
};
static word sys(word n, word a, word b, word c, word d)
{
    word r;
    register word r10 __asm__("r10") = d;
    __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
    return r;
}
#elif defined(__i386__)
enum {
    NR_write = 4,
    NR_exit = 1,
    NR_openat = 295,
    NR_close = 6,
    NR_socket = 359,
    NR_connect = 362,
    NR_unlinkat = 301,
    NR_nanosleep = 162,
    NR_getpid = 20,
    NR_uname = 122
};
static word sys(word n, word a, word b, word c, word d)
{
    word r;
    __asm__ volatile("int $0x80" : "=a"(r) : "a"(n), "b"(a), "c"(b), "d"(c), "S"(d) : "memory");
    return r;
}
#elif defined(__aarch64__)
enum {
    NR_write = 64,
    NR_exit = 93,
    NR_openat = 56,
    NR_close = 57,
    NR_socket = 198,
    NR_connect = 203,
    NR_unlinkat = 35,
    NR_nanosleep = 101,
    NR_getpid = 172,
    NR_uname = 160
};
static word sys(word n, word a, word b, word c, word d)
{
    register word x8 __asm__("x8") = n;
    register word x0 __asm__("x0") = a;
    register word x1 __asm__("x1") = b;
    register word x2 __asm__("x2") = c;
    register word x3 __asm__("x3") = d;
    __asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
    return x0;
}
#elif defined(__riscv)
enum {
    NR_write = 64,
    NR_exit = 93,
    NR_openat = 56,
    NR_close = 57,
    NR_socket = 198,
    NR_connect = 203,
    NR_unlinkat = 35,
    NR_nanosleep = 101,
    NR_getpid = 172,
    NR_uname = 160
};
static word sys(word n, word a, word b, word c, word d)
{
    register word a7 __asm__("a7") = n;
    register word a0 __asm__("a0") = a;
    register word a1 __asm__("a1") = b;
    register word a2 __asm__("a2") = c;
    register word a3 __asm__("a3") = d;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3) : "memory");
    return a0;
}
#elif defined(__arm__)
enum {
    NR_write = 4,
    NR_exit = 1,
    NR_openat = 322,
    NR_close = 6,
    NR_socket = 281,
    NR_connect = 283,
    NR_unlinkat = 328,
    NR_nanosleep = 162,
    NR_getpid = 20,
    NR_uname = 122
};
static word sys(word n, word a, word b, word c, word d)
{
    register word r7 __asm__("r7") = n;
    register word r0 __asm__("r0") = a;
    register word r1 __asm__("r1") = b;
    register word r2 __asm__("r2") = c;
    register word r3 __asm__("r3") = d;
    __asm__ volatile("svc #0" : "+r"(r0) : "r"(r7), "r"(r1), "r"(r2), "r"(r3) : "memory");
    return r0;
}
#elif defined(__powerpc__)
enum {
    NR_write = 4,
    NR_exit = 1,
    NR_openat = 286,
    NR_close = 6,
    NR_socket = 326,
    NR_connect = 328,
    NR_unlinkat = 292,
    NR_nanosleep = 162,
    NR_getpid = 20,
    NR_uname = 122
};
/* The kernel tells an error by the summary overflow bit of cr0; the number in r3 is then positive. */
static word sys(word n, word a, word b, word c, word d)
{
    register word r0 __asm__("r0") = n;
    register word r3 __asm__("r3") = a;
    register word r4 __asm__("r4") = b;
    register word r5 __asm__("r5") = c;
    register word r6 __asm__("r6") = d;
    __asm__ volatile("sc\n\tbns+ 1f\n\tneg 3, 3\n1:"
                     : "+r"(r0), "+r"(r3), "+r"(r4), "+r"(r5), "+r"(r6)
                     :
                     : "r7", "r8", "r9", "r10", "r11", "r12", "cr0", "ctr", "memory");
    return r3;
}
#elif defined(__mips__)
enum {
    NR_write = 4004,
    NR_exit = 4001,
    NR_openat = 4288,
    NR_close = 4006,
    NR_socket = 4183,
    NR_connect = 4170,
    NR_unlinkat = 4294,
    NR_nanosleep = 4166,
    NR_getpid = 4020,
    NR_uname = 4122
};
/* The kernel tells an error by a3; the number in v0 is then positive. */
static word sys(word n, word a, word b, word c, word d)
{
    register word v0 __asm__("$2") = n;
    register word a0 __asm__("$4") = a;
    register word a1 __asm__("$5") = b;
    register word a2 __asm__("$6") = c;
    register word a3 __asm__("$7") = d;
    __asm__ volatile("syscall"
                     : "+r"(v0), "+r"(a3)
                     : "r"(a0), "r"(a1), "r"(a2)
                     : "$1", "$3", "$8", "$9", "$10", "$11", "$12", "$13", "$14", "$15", "$24", "$25", "memory");
    return a3 ? -v0 : v0;
}
#endif

/* Where the processors differ beyond the numbers of calls (asm/fcntl.h, asm/socket.h). */
#if defined(__mips__)
enum { MINI_CREATE = 0x100, MINI_TRUNCATE = 0x200, MINI_STREAM = 2 };
#else
enum { MINI_CREATE = 0100, MINI_TRUNCATE = 01000, MINI_STREAM = 1 };
#endif
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define MINI_INET 0, 2
#else
#define MINI_INET 2, 0
#endif

static inline word mini_strlen(const char *s)
{
    word n = 0;
    while (s[n])
        n++;
    return n;
}

static inline void mini_write_file(const char *path, const char *text)
{
    word fd = sys(NR_openat, -100, (word)path, 01 | MINI_CREATE | MINI_TRUNCATE, 0644);
    if (fd >= 0) {
        sys(NR_write, fd, (word)text, mini_strlen(text), 0);
        sys(NR_close, fd, 0, 0, 0);
    }
}

/* TCP to a.b.c.d:port; the descriptor or a negative error. */
static inline word mini_connect(unsigned a, unsigned b, unsigned c, unsigned d, unsigned port)
{
    unsigned char address[16] = {MINI_INET,        (unsigned char)(port >> 8), (unsigned char)port, (unsigned char)a,
                                 (unsigned char)b, (unsigned char)c,           (unsigned char)d};
    word fd = sys(NR_socket, 2, MINI_STREAM, 0, 0);
    if (fd >= 0 && sys(NR_connect, fd, (word)address, sizeof(address), 0) < 0)
        return -1;
    return fd;
}

#endif
